WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "c"
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
  * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "p_cluster_id",
  _ppp_score.probability AS "p_probability",
  _ppp_score.second_cluster_id AS "p_second_cluster_id",
  _ppp_score.second_probability AS "p_second_probability",
  _ppp_score.distance AS "p_distance",
  _ppp_score.kmeans_id AS "p_kmeans_id",
  _ppp_score.is_separable AS "p_is_separable",
  _ppp_score.reason AS "p_reason"
FROM (
  SELECT
    _ppp_source.*,
    ppp__score(_ppp_model.model, CASE WHEN system.main.starts_with(_ppp_model.model, 'models:') THEN ['x', 'income', ppp__group(_ppp_source."x"), ppp__group(_ppp_source."income")] END, {'number x': ppp__number(_ppp_source."x"), 'number income': ppp__number(_ppp_source."income")}) AS _ppp_score
  FROM _ppp_source, _ppp_model
)
