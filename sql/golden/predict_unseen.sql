WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "c"
),
-- every column in all its forms, whatever columns there are
_ppp_rows AS NOT MATERIALIZED (
SELECT
  COLUMNS(lambda c: NOT system.main.starts_with(c, 'ppp__row ')),
  system.main.struct_pack(*COLUMNS(lambda c: system.main.starts_with(c, 'ppp__row '))) AS "_ppp_row "
FROM (
  SELECT
    _ppp_source.*,
    ppp__number(COLUMNS(_ppp_source.*)) AS "ppp__row number \0",
    ppp__text(COLUMNS(_ppp_source.*)) AS "ppp__row text \0",
    ppp__vector(COLUMNS(_ppp_source.*)) AS "ppp__row vector \0",
    ppp__group(COLUMNS(_ppp_source.*)) AS "ppp__row group \0"
  FROM _ppp_source
)
),
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_predict', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
)
SELECT
  * EXCLUDE ("_ppp_score "),
  "_ppp_score ".cluster_id AS "p_cluster_id",
  "_ppp_score ".probability AS "p_probability",
  "_ppp_score ".second_cluster_id AS "p_second_cluster_id",
  "_ppp_score ".second_probability AS "p_second_probability",
  "_ppp_score ".distance AS "p_distance",
  "_ppp_score ".kmeans_id AS "p_kmeans_id",
  "_ppp_score ".is_separable AS "p_is_separable",
  "_ppp_score ".reason AS "p_reason"
FROM (
  SELECT
    _ppp_rows.* EXCLUDE ("_ppp_row "),
    ppp__score(_ppp_model.model, NULL, _ppp_rows."_ppp_row ") AS "_ppp_score "
  FROM _ppp_rows, _ppp_model, (SELECT NULL AS "p_cluster_id", NULL AS "p_probability", NULL AS "p_second_cluster_id", NULL AS "p_second_probability", NULL AS "p_distance", NULL AS "p_kmeans_id", NULL AS "p_is_separable", NULL AS "p_reason") AS "ppp_predict: set prefix, the source already has this column"
  WHERE true OR ("p_cluster_id" IS NULL AND "p_probability" IS NULL AND "p_second_cluster_id" IS NULL AND "p_second_probability" IS NULL AND "p_distance" IS NULL AND "p_kmeans_id" IS NULL AND "p_is_separable" IS NULL AND "p_reason" IS NULL)
)
