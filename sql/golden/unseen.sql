WITH RECURSIVE _ppp_source AS MATERIALIZED (
SELECT * FROM "c"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."income") AS n0,
  ppp__text(_ppp_source."income") AS t0,
  ppp__vector(_ppp_source."income") AS v0,
  typeof("income") AS y0
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  n0_low * 0.5e0 AS n0_first,
  5.6296260553932800e+14 / greatest(n0_high * 0.5e0 - n0_low * 0.5e0, 1.1830521861667747e-271) AS n0_per,
  v0_low * 0.5e0 AS v0_first,
  9.0148137494118400e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_0,
  1.0648824787763200e+15 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_1,
  1.1078605723402240e+15 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_2,
  6.6973580289638400e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_3,
  8.5285557134950400e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_4,
  7.8700875664588800e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_5,
  7.1095296825753600e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_6,
  9.8151025134796800e+14 / greatest(v0_high * 0.5e0 - v0_low * 0.5e0, 1.1830521861667747e-271) AS v0_per_7
FROM (SELECT
  count(*) AS n,
  any_value(y0) AS type0,
  count(n0) AS n0_n,
  count(n0_known) AS n0_finite,
  min(n0_known) AS n0_low,
  max(n0_known) AS n0_high,
  count(t0) AS t0_n,
  count(t0) AS t0_finite,
  min(t0) = max(t0) AS t0_constant,
  count(v0) AS v0_n,
  count(v0_known) AS v0_finite,
  min(list_min(v0_known)) AS v0_low,
  max(list_max(v0_known)) AS v0_high,
  min(len(v0)) AS v0_shortest,
  max(len(v0)) AS v0_longest
FROM (SELECT *,
  CASE WHEN isfinite(n0) THEN n0 END AS n0_known,
  CASE WHEN (isfinite(list_sum(v0)) AND list_count(v0) = len(v0)) THEN v0 END AS v0_known
FROM _ppp_features))
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN isfinite(n0) THEN n0 + 0e0 END AS n0,
  CASE WHEN t0 IS NOT NULL THEN t0 END AS t0,
  CASE WHEN (isfinite(list_sum(v0)) AND list_count(v0) = len(v0)) THEN v0 END AS v0
FROM _ppp_features, _ppp_summary
WHERE (isfinite(n0) OR t0 IS NOT NULL OR (isfinite(list_sum(v0)) AND list_count(v0) = len(v0)))
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  n0,
  t0,
  v0,
  coalesce(CAST('0x' || left(md5(t0), 7) AS BIGINT), 0) AS p_t0,
  coalesce((n0 * 0.5e0 - n0_first) * n0_per, 0e0) + coalesce((v0[1 + len(v0) * 0 // 8] * 0.5e0 - v0_first) * v0_per_0, 0e0) + coalesce((v0[1 + len(v0) * 1 // 8] * 0.5e0 - v0_first) * v0_per_1, 0e0) + coalesce((v0[1 + len(v0) * 2 // 8] * 0.5e0 - v0_first) * v0_per_2, 0e0) + coalesce((v0[1 + len(v0) * 3 // 8] * 0.5e0 - v0_first) * v0_per_3, 0e0) + coalesce((v0[1 + len(v0) * 4 // 8] * 0.5e0 - v0_first) * v0_per_4, 0e0) + coalesce((v0[1 + len(v0) * 5 // 8] * 0.5e0 - v0_first) * v0_per_5, 0e0) + coalesce((v0[1 + len(v0) * 6 // 8] * 0.5e0 - v0_first) * v0_per_6, 0e0) + coalesce((v0[1 + len(v0) * 7 // 8] * 0.5e0 - v0_first) * v0_per_7, 0e0) AS places0
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT n0,
  t0,
  v0, ((p_t0 * 22825725) % 2147483647 + TRY_CAST(places0 AS BIGINT) % 2147483647) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_buckets AS MATERIALIZED (
SELECT bucket, CASE WHEN size > 1.2500000000000000e+00 * median(size) OVER () THEN 1e0 ELSE least(1e0, 6.5536000000000000e+04 * least(2.0000000000000000e+00, 1.2500000000000000e+00 * greatest(1e0, sum(size) OVER () * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16)) * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16) END AS part
FROM (SELECT h % 4096 AS bucket, count(*) AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket)
),
_ppp_merged AS NOT MATERIALIZED (
SELECT n0,
  t0,
  v0, counted / part AS weight, counted / u AS priority FROM (
SELECT n0,
  t0,
  v0, u, CAST(count(*) AS DOUBLE) AS counted, any_value(part) AS part
FROM (SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most) JOIN _ppp_buckets ON bucket = h % 4096 WHERE u < part
GROUP BY n0,
  t0,
  v0, u)
),
_ppp_sample AS NOT MATERIALIZED (
SELECT n0,
  t0,
  v0,
  weight,
  priority FROM _ppp_merged
ORDER BY priority DESC NULLS LAST, n0 ASC NULLS LAST, t0 ASC NULLS LAST, v0 ASC NULLS LAST LIMIT 65537
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": false, "dropped": [], "features": [{"forms": "ntv", "may_be_key": false, "name": "income"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "onehot", "columns": ["income"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "c"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'n0': n0, 't0': t0, 'v0': v0, 'weight': weight, 'priority': priority} ORDER BY priority DESC NULLS LAST, n0 ASC NULLS LAST, t0 ASC NULLS LAST, v0 ASC NULLS LAST) FROM _ppp_sample)}], version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
)
SELECT _ppp_source.*, ppp__assign(_ppp_fit.model, NULL, {'n income': ppp__number(_ppp_source."income"), 't income': ppp__text(_ppp_source."income"), 'v income': ppp__vector(_ppp_source."income")}) AS "cluster_id"
FROM _ppp_source, _ppp_fit, (SELECT NULL AS "cluster_id") AS "ppp_cluster: set prefix, the source already has this column"
WHERE true OR ("cluster_id" IS NULL)
