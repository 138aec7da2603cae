WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."x") AS n0,
  typeof("x") AS y0
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  n0_low * 0.5e0 AS n0_first,
  5.6296260553932800e+14 / greatest(n0_high * 0.5e0 - n0_low * 0.5e0, 1.1830521861667747e-271) AS n0_per
FROM (SELECT
  count(*) AS n,
  any_value(y0) AS type0,
  count(n0) AS n0_n,
  count(n0_known) AS n0_finite,
  min(n0_known) AS n0_low,
  max(n0_known) AS n0_high
FROM (SELECT *,
  CASE WHEN isfinite(n0) THEN n0 END AS n0_known
FROM _ppp_features))
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  n0 + 0e0 AS n0
FROM _ppp_features, _ppp_summary
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  n0,
  (n0 * 0.5e0 - n0_first) * n0_per AS places0
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT n0, TRY_CAST(places0 AS BIGINT) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_buckets AS MATERIALIZED (
SELECT bucket, CASE WHEN size > 1.2500000000000000e+00 * median(size) OVER () THEN 1e0 ELSE least(1e0, 6.5536000000000000e+04 * least(2.0000000000000000e+00, 1.2500000000000000e+00 * greatest(1e0, sum(size) OVER () * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16)) * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16) END AS part
FROM (SELECT h % 4096 AS bucket, count(*) AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket)
),
_ppp_merged AS NOT MATERIALIZED (
SELECT n0, counted / part AS weight, counted / u AS priority FROM (
SELECT n0, u, CAST(count(*) AS DOUBLE) AS counted, any_value(part) AS part
FROM (SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most) JOIN _ppp_buckets ON bucket = h % 4096 WHERE u < part
GROUP BY n0, u)
),
_ppp_sample AS MATERIALIZED (
SELECT n0,
  weight,
  priority FROM _ppp_merged
ORDER BY priority DESC NULLS LAST, n0 ASC NULLS LAST LIMIT 65537
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": false, "dropped": [], "features": [{"forms": "n", "may_be_key": false, "name": "x"}], "function": "ppp_separable", "options": {"by": [], "categorical": "onehot", "columns": ["x"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "rows"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'n0': n0, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}], version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
),
_ppp_known AS MATERIALIZED (
SELECT n0, ppp__score(_ppp_fit.model, NULL, {'n x': n0}) AS known
FROM _ppp_sample, _ppp_fit
WHERE (SELECT count(*) FROM _ppp_sample) <= least(65536, (SELECT n FROM _ppp_summary) // 4)
)
SELECT * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "cluster_id",
  _ppp_score.probability AS "probability"
FROM (SELECT _ppp_source.*, CASE WHEN _ppp_known.known IS NOT NULL THEN _ppp_known.known ELSE ppp__score(_ppp_fit.model, NULL, {'n x': ppp__number(_ppp_source."x")}) END AS _ppp_score
FROM _ppp_source CROSS JOIN _ppp_fit
  LEFT JOIN _ppp_known ON ppp__number(_ppp_source."x") + 0e0 IS NOT DISTINCT FROM _ppp_known.n0)
WHERE _ppp_score.is_separable
