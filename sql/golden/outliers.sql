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
SELECT ppp__load('ppp_outliers', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
),
-- rows with minus their log density
_ppp_scored AS MATERIALIZED (
SELECT
  _ppp_source.*,
  ppp__surprise(_ppp_model.model, CASE WHEN system.main.starts_with(_ppp_model.model, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) AS _ppp_surprise
FROM _ppp_source, _ppp_model
),
-- what no more than the contamination exceeds
_ppp_limit AS MATERIALIZED (
SELECT system.main.quantile_disc(_ppp_surprise, 0.9e0) AS most FROM _ppp_scored
)
SELECT
  _ppp_scored.* EXCLUDE (_ppp_surprise),
  _ppp_scored._ppp_surprise AS "outlier_score",
  _ppp_scored._ppp_surprise > _ppp_limit.most AS "is_outlier"
FROM _ppp_scored, _ppp_limit
