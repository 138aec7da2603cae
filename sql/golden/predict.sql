WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_predict', 'seg', NULL, (SELECT list(_ppp_model_rows) FROM _ppp_model_rows)) AS model
)
SELECT _ppp_source.*, ppp__assign(_ppp_model.model, CASE WHEN starts_with(_ppp_model.model, 'models:') THEN [{'g g': ppp__group(_ppp_source."g"), 'g x': ppp__group(_ppp_source."x")}] END, {'t g': ppp__text(_ppp_source."g"), 'n x': ppp__number(_ppp_source."x")}) AS "cluster_id"
FROM _ppp_source, _ppp_model
