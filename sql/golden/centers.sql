WITH RECURSIVE
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_centers', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
)
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model, _ppp_key, _ppp_said),
  _ppp_said.cluster_id,
  _ppp_said.feature,
  ppp__value(_ppp_said.value, _ppp_said.kind) AS center,
  _ppp_said.stddev,
  _ppp_said.category,
  _ppp_said.share,
  ppp__plain(_ppp_said.value, _ppp_said.kind) AS center_number,
  ppp__shown(_ppp_said.value, _ppp_said.kind) AS center_text
FROM (
  SELECT
    *,
    unnest(ppp__centers(_ppp_key, model)) AS _ppp_said
  FROM (
    SELECT _ppp_model_rows.*, _ppp_model.model AS _ppp_key FROM _ppp_model_rows, _ppp_model WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
  )
)
