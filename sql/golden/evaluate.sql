WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_evaluate', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
),
-- a measurement begins
_ppp_first AS MATERIALIZED (
SELECT ppp__measure(model) AS key, model AS models FROM _ppp_model
),
-- counts, sums and log densities of all rows
_ppp_passed AS MATERIALIZED (
SELECT system.main.count(ppp__first_pass(_ppp_first.key, CASE WHEN system.main.starts_with(_ppp_first.models, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")})) AS passed
FROM _ppp_source, _ppp_first
),
-- the same measurement, after the first pass
_ppp_second AS MATERIALIZED (
SELECT key || ' ' || passed AS key, models FROM _ppp_first, _ppp_passed
),
-- distances of all rows to the centroids that the first pass found
_ppp_done AS MATERIALIZED (
SELECT system.main.count(ppp__second_pass(_ppp_second.key, CASE WHEN system.main.starts_with(_ppp_second.models, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")})) AS passed
FROM _ppp_source, _ppp_second
)
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model, _ppp_key, _ppp_said, _ppp_passed_rows),
  _ppp_said.k,
  _ppp_said.rows,
  _ppp_said.skipped,
  _ppp_said.inertia,
  _ppp_said.simplified_silhouette,
  _ppp_said.davies_bouldin,
  _ppp_said.calinski_harabasz,
  _ppp_said.log_likelihood,
  _ppp_said.bic,
  _ppp_said.icl,
  _ppp_said.agreement,
  _ppp_said.separable_share
FROM (
  SELECT
    *,
    unnest(ppp__evaluated(_ppp_key, model, _ppp_passed_rows)) AS _ppp_said
  FROM (
    SELECT _ppp_model_rows.*, _ppp_second.key AS _ppp_key, _ppp_done.passed AS _ppp_passed_rows FROM _ppp_model_rows, _ppp_second, _ppp_done WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
  )
)
