WITH RECURSIVE
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_compare', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
)
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model, _ppp_key, _ppp_said),
  _ppp_said.feature,
  ppp__value(_ppp_said.a, _ppp_said.kind) AS value_a,
  ppp__value(_ppp_said.b, _ppp_said.kind) AS value_b,
  _ppp_said.score,
  ppp__plain(_ppp_said.a, _ppp_said.kind) AS value_a_number,
  ppp__shown(_ppp_said.a, _ppp_said.kind) AS value_a_text,
  ppp__plain(_ppp_said.b, _ppp_said.kind) AS value_b_number,
  ppp__shown(_ppp_said.b, _ppp_said.kind) AS value_b_text
FROM (
  SELECT
    *,
    unnest(ppp__compare(_ppp_key, model, 0, CAST(NULL AS INTEGER))) AS _ppp_said
  FROM (
    SELECT _ppp_model_rows.*, _ppp_model.model AS _ppp_key FROM _ppp_model_rows, _ppp_model WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
  )
)
