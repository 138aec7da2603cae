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
SELECT ppp__load('ppp_predict', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
)
SELECT
  _ppp_source.*,
  ppp__assign(_ppp_model.model, CASE WHEN system.main.starts_with(_ppp_model.model, 'models:') THEN [{'group g': ppp__group(_ppp_source."g"), 'group x': ppp__group(_ppp_source."x")}] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) AS "cluster_id"
FROM _ppp_source, _ppp_model
