WITH RECURSIVE
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_trials', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
)
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model, _ppp_key, _ppp_said),
  _ppp_said.covariance,
  _ppp_said.k,
  _ppp_said.log_likelihood,
  _ppp_said.bic,
  _ppp_said.icl,
  _ppp_said.agreement,
  _ppp_said.inertia,
  _ppp_said.chosen,
  _ppp_said.why
FROM (
  SELECT
    *,
    unnest(ppp__trials(_ppp_key, model)) AS _ppp_said
  FROM (
    SELECT _ppp_model_rows.*, _ppp_model.model AS _ppp_key FROM _ppp_model_rows, _ppp_model WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
  )
)
