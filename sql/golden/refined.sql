WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  CAST(to_json([ppp__group("g")]) AS VARCHAR) AS g,
  ppp__number(_ppp_source."x") AS n0,
  typeof("x") AS y0
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  n0_low * 0.5e0 AS n0_first,
  5.6296260553932800e+14 / greatest(n0_high * 0.5e0 - n0_low * 0.5e0, 1.1830521861667747e-271) AS n0_per
FROM (SELECT
  g,
  count(*) AS n,
  any_value(y0) AS type0,
  count(n0) AS n0_n,
  count(n0_known) AS n0_finite,
  min(n0_known) AS n0_low,
  max(n0_known) AS n0_high
FROM (SELECT *,
  CASE WHEN isfinite(n0) THEN n0 END AS n0_known
FROM _ppp_features) GROUP BY g)
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  g,
  n0 + 0e0 AS n0
FROM _ppp_features JOIN _ppp_summary USING (g)
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  g,
  n0,
  (n0 * 0.5e0 - n0_first) * n0_per AS places0
FROM _ppp_usable JOIN _ppp_summary USING (g)
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT g,
  n0, TRY_CAST(places0 AS BIGINT) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_merged AS NOT MATERIALIZED (
SELECT *, weight / u AS priority FROM (
SELECT g,
  n0, u, CAST(count(*) AS DOUBLE) AS weight
FROM _ppp_keyed
GROUP BY g,
  n0, u)
),
_ppp_sample AS NOT MATERIALIZED (
SELECT g,
  n0,
  weight,
  priority FROM _ppp_merged
QUALIFY row_number() OVER (PARTITION BY g ORDER BY priority DESC NULLS LAST, n0 ASC NULLS LAST) <= 6
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": false, "dropped": [], "features": [{"forms": "n", "may_be_key": false, "name": "x"}], "function": "ppp_separable", "options": {"by": ["g"], "categorical": "onehot", "columns": ["x"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "refine": 1, "sample_size": 5, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "rows"}', (SELECT list({'g': g, 'summary': _ppp_summary, 'rows': rows} ORDER BY g)
FROM _ppp_summary LEFT JOIN (SELECT g, list({'n0': n0, 'weight': weight, 'priority': priority}) AS rows FROM _ppp_sample GROUP BY g) USING (g)), version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
),
_ppp_refine_0 AS MATERIALIZED (
SELECT ppp__refine(model, 1) AS model FROM _ppp_fit
),
_ppp_refine_1 AS MATERIALIZED (
SELECT ppp__refined(_ppp_refine_0.model, _ppp_n) AS model FROM _ppp_refine_0, (SELECT count(ppp__refine_pass(_ppp_refine_0.model, [{'g g': ppp__group(_ppp_source."g")}], {'n x': ppp__number(_ppp_source."x")}, NULL)) AS _ppp_n
FROM _ppp_source, _ppp_refine_0 WHERE starts_with(_ppp_refine_0.model, 'measurement:'))
),
_ppp_refine_2 AS MATERIALIZED (
SELECT ppp__refined(_ppp_refine_1.model, _ppp_n) AS model FROM _ppp_refine_1, (SELECT count(ppp__refine_pass(_ppp_refine_1.model, [{'g g': ppp__group(_ppp_source."g")}], {'n x': ppp__number(_ppp_source."x")}, NULL)) AS _ppp_n
FROM _ppp_source, _ppp_refine_1 WHERE starts_with(_ppp_refine_1.model, 'measurement:'))
)
SELECT * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "cluster_id",
  _ppp_score.probability AS "probability"
FROM (SELECT _ppp_source.*, ppp__score(_ppp_refine_2.model, [{'g g': ppp__group(_ppp_source."g")}], {'n x': ppp__number(_ppp_source."x")}) AS _ppp_score
FROM _ppp_source, _ppp_refine_2)
WHERE _ppp_score.is_separable
