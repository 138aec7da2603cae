WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "customers"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."id") AS n0,
  ppp__number(_ppp_source."income") AS n1,
  typeof("id") AS y0,
  typeof("income") AS y1
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  n0_low * 0.5e0 AS n0_first,
  5.6296260553932800e+14 / greatest(n0_high * 0.5e0 - n0_low * 0.5e0, 1.1830521861667747e-271) AS n0_per,
  n1_low * 0.5e0 AS n1_first,
  6.1336086747545600e+14 / greatest(n1_high * 0.5e0 - n1_low * 0.5e0, 1.1830521861667747e-271) AS n1_per
FROM (SELECT
  count(*) AS n,
  any_value(y0) AS type0,
  any_value(y1) AS type1,
  count(n0) AS n0_n,
  count(n0_known) AS n0_finite,
  min(n0_known) AS n0_low,
  max(n0_known) AS n0_high,
  count(n1) AS n1_n,
  count(n1_known) AS n1_finite,
  min(n1_known) AS n1_low,
  max(n1_known) AS n1_high
FROM (SELECT *,
  CASE WHEN isfinite(n0) THEN n0 END AS n0_known,
  CASE WHEN isfinite(n1) THEN n1 END AS n1_known
FROM _ppp_features))
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  n0 + 0e0 AS n0,
  n1 + 0e0 AS n1
FROM _ppp_features, _ppp_summary
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  n0,
  n1,
  (n0 * 0.5e0 - n0_first) * n0_per + (n1 * 0.5e0 - n1_first) * n1_per AS places0
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT n0,
  n1, TRY_CAST(places0 AS BIGINT) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_buckets AS MATERIALIZED (
SELECT bucket, CASE WHEN size > 1.2500000000000000e+00 * median(size) OVER () THEN 1e0 ELSE least(1e0, 6.5536000000000000e+04 * least(2.0000000000000000e+00, 1.2500000000000000e+00 * greatest(1e0, sum(size) OVER () * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16)) * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16) END AS part
FROM (SELECT h % 4096 AS bucket, count(*) AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket)
),
_ppp_merged AS NOT MATERIALIZED (
SELECT n0,
  n1, counted / part AS weight, counted / u AS priority FROM (
SELECT n0,
  n1, u, CAST(count(*) AS DOUBLE) AS counted, any_value(part) AS part
FROM (SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most) JOIN _ppp_buckets ON bucket = h % 4096 WHERE u < part
GROUP BY n0,
  n1, u)
),
_ppp_sample AS MATERIALIZED (
SELECT n0,
  n1,
  weight,
  priority FROM _ppp_merged
ORDER BY priority DESC NULLS LAST, n0 ASC NULLS LAST, n1 ASC NULLS LAST LIMIT 65537
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": false, "dropped": [], "features": [{"forms": "n", "may_be_key": false, "name": "id"}, {"forms": "n", "may_be_key": false, "name": "income"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "onehot", "columns": ["id", "income"], "covariance": "auto", "exclude": [], "k": 3, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "customers"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'n0': n0, 'n1': n1, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}], version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
),
_ppp_known AS MATERIALIZED (
SELECT n0,
  n1, ppp__assign(_ppp_fit.model, NULL, {'n id': n0, 'n income': n1}) AS known
FROM _ppp_sample, _ppp_fit
WHERE (SELECT count(*) FROM _ppp_sample) <= least(65536, (SELECT n FROM _ppp_summary) // 4)
),
_ppp_screen AS MATERIALIZED (
SELECT model AS _ppp_model, p[2][1] AS _ppp_up, p[2][2] AS _ppp_low, p[2][3] AS _ppp_least, p[2][4] AS _ppp_largest, p[2][5] AS _ppp_paired, p[1][1] AS _ppp_middle0, p[1][2] AS _ppp_middle1, p[3] AS _ppp_terms0, p[4] AS _ppp_terms1, p[5] AS _ppp_terms2
FROM (SELECT model, CASE WHEN (SELECT count(*) FROM _ppp_known) = 0 THEN ppp__screen(model, ['id', 'income'], 3, true, CAST(current_setting('threads') AS BIGINT)) END AS p FROM _ppp_fit)
)
SELECT _ppp_source.* EXCLUDE (_ppp_model, _ppp_known, _ppp_products, _ppp_near, _ppp_first, _ppp_last, _ppp_up, _ppp_low, _ppp_least, _ppp_largest, _ppp_paired, _ppp_middle0, _ppp_middle1, _ppp_z0, _ppp_z1, _ppp_s0, _ppp_s1, _ppp_s2, _ppp_terms0, _ppp_terms1, _ppp_terms2),
  CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known WHEN _ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_least AND _ppp_largest THEN _ppp_first
    ELSE ppp__assign(_ppp_model, NULL, {'n id': ppp__number(_ppp_source."id"), 'n income': ppp__number(_ppp_source."income")}) END AS "cluster_id"
FROM (SELECT *, CASE WHEN _ppp_s0 > _ppp_near THEN 0 WHEN _ppp_s1 > _ppp_near THEN 1 WHEN _ppp_s2 > _ppp_near THEN 2 END AS _ppp_first, CASE WHEN _ppp_s2 > _ppp_near THEN 2 WHEN _ppp_s1 > _ppp_near THEN 1 WHEN _ppp_s0 > _ppp_near THEN 0 END AS _ppp_last
FROM (SELECT *, greatest(_ppp_s0, _ppp_s1, _ppp_s2) * _ppp_up - _ppp_low AS _ppp_near
FROM (SELECT *, list_inner_product(_ppp_products, _ppp_terms0) AS _ppp_s0, list_inner_product(_ppp_products, _ppp_terms1) AS _ppp_s1, list_inner_product(_ppp_products, _ppp_terms2) AS _ppp_s2
FROM (SELECT *, CASE WHEN _ppp_paired = 0 THEN list_value(1e0, _ppp_z0, _ppp_z1, _ppp_z0 * _ppp_z0, _ppp_z1 * _ppp_z1) WHEN _ppp_paired = 1 THEN list_value(1e0, _ppp_z0, _ppp_z1, _ppp_z0 * _ppp_z0, _ppp_z0 * _ppp_z1, _ppp_z1 * _ppp_z1) END AS _ppp_products
FROM (SELECT _ppp_source.*, _ppp_screen.*, _ppp_known.known AS _ppp_known,
  coalesce(ppp__number(_ppp_source."id"), CAST('nan' AS DOUBLE)) - _ppp_middle0 AS _ppp_z0,
  coalesce(ppp__number(_ppp_source."income"), CAST('nan' AS DOUBLE)) - _ppp_middle1 AS _ppp_z1
FROM _ppp_source CROSS JOIN _ppp_screen
  LEFT JOIN _ppp_known ON ppp__number(_ppp_source."id") + 0e0 IS NOT DISTINCT FROM _ppp_known.n0
  AND ppp__number(_ppp_source."income") + 0e0 IS NOT DISTINCT FROM _ppp_known.n1))))) AS _ppp_source
