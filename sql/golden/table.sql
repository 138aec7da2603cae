WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "customers"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__text(_ppp_source."city") AS t0,
  ppp__number(_ppp_source."id") AS n1,
  ppp__number(_ppp_source."income") AS n2,
  ppp__vector(_ppp_source."v") AS v3,
  typeof("city") AS y0,
  typeof("id") AS y1,
  typeof("income") AS y2,
  typeof("v") AS y3,
  "city" AS k0,
  "id" AS k1
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  n1_low * 0.5e0 AS n1_first,
  6.1336086747545600e+14 / greatest(n1_high * 0.5e0 - n1_low * 0.5e0, 1.1830521861667747e-271) AS n1_per,
  n2_low * 0.5e0 AS n2_first,
  7.3020369115545600e+14 / greatest(n2_high * 0.5e0 - n2_low * 0.5e0, 1.1830521861667747e-271) AS n2_per,
  v3_low * 0.5e0 AS v3_first,
  7.3659565526220800e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_0,
  8.5280888874598400e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_1,
  7.8555711642009600e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_2,
  1.0075591189463040e+15 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_3,
  9.5090207044403200e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_4,
  8.6934830029209600e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_5,
  8.9644562644992000e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_6,
  6.1565890985984000e+14 / greatest(v3_high * 0.5e0 - v3_low * 0.5e0, 1.1830521861667747e-271) AS v3_per_7,
  (t0_n > 0 AND NOT t0_constant AND 2 * k0_distinct <= t0_n) AS use0,
  (n1_finite > 0 AND n1_high > n1_low AND k1_distinct < n1_n) AS use1,
  CASE WHEN use1 THEN 0e0 END AS zero1,
  (n2_finite > 0 AND n2_high > n2_low) AS use2,
  CASE WHEN use2 THEN 0e0 END AS zero2,
  (v3_finite > 0 AND v3_high > v3_low) AS use3,
  (use0 AND use1 AND use2 AND use3) AS every
FROM (SELECT
  count(*) AS n,
  any_value(y0) AS type0,
  any_value(y1) AS type1,
  any_value(y2) AS type2,
  any_value(y3) AS type3,
  count(t0) AS t0_n,
  count(t0) AS t0_finite,
  min(t0) = max(t0) AS t0_constant,
  count(DISTINCT k0) AS k0_distinct,
  count(n1) AS n1_n,
  count(n1_known) AS n1_finite,
  min(n1_known) AS n1_low,
  max(n1_known) AS n1_high,
  count(DISTINCT k1) AS k1_distinct,
  count(n2) AS n2_n,
  count(n2_known) AS n2_finite,
  min(n2_known) AS n2_low,
  max(n2_known) AS n2_high,
  count(v3) AS v3_n,
  count(v3_known) AS v3_finite,
  min(list_min(v3_known)) AS v3_low,
  max(list_max(v3_known)) AS v3_high,
  min(len(v3)) AS v3_shortest,
  max(len(v3)) AS v3_longest
FROM (SELECT *,
  CASE WHEN isfinite(n1) THEN n1 END AS n1_known,
  CASE WHEN isfinite(n2) THEN n2 END AS n2_known,
  CASE WHEN (isfinite(list_sum(v3)) AND list_count(v3) = len(v3)) THEN v3 END AS v3_known
FROM _ppp_features))
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN use0 THEN t0 END AS t0,
  n1 + zero1 AS n1,
  n2 + zero2 AS n2,
  CASE WHEN use3 AND (isfinite(list_sum(v3)) AND list_count(v3) = len(v3)) THEN v3 END AS v3
FROM _ppp_features, _ppp_summary
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  t0,
  n1,
  n2,
  v3,
  CASE WHEN use0 THEN CAST('0x' || left(md5(t0), 7) AS BIGINT) ELSE 0 END AS p_t0,
  CASE WHEN every THEN (n1 * 0.5e0 - n1_first) * n1_per + (n2 * 0.5e0 - n2_first) * n2_per + (v3[1 + len(v3) * 0 // 8] * 0.5e0 - v3_first) * v3_per_0 + (v3[1 + len(v3) * 1 // 8] * 0.5e0 - v3_first) * v3_per_1 + (v3[1 + len(v3) * 2 // 8] * 0.5e0 - v3_first) * v3_per_2 + (v3[1 + len(v3) * 3 // 8] * 0.5e0 - v3_first) * v3_per_3 + (v3[1 + len(v3) * 4 // 8] * 0.5e0 - v3_first) * v3_per_4 + (v3[1 + len(v3) * 5 // 8] * 0.5e0 - v3_first) * v3_per_5 + (v3[1 + len(v3) * 6 // 8] * 0.5e0 - v3_first) * v3_per_6 + (v3[1 + len(v3) * 7 // 8] * 0.5e0 - v3_first) * v3_per_7 ELSE CASE WHEN use1 THEN (n1 * 0.5e0 - n1_first) * n1_per ELSE 0e0 END + CASE WHEN use2 THEN (n2 * 0.5e0 - n2_first) * n2_per ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 0 // 8] * 0.5e0 - v3_first) * v3_per_0 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 1 // 8] * 0.5e0 - v3_first) * v3_per_1 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 2 // 8] * 0.5e0 - v3_first) * v3_per_2 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 3 // 8] * 0.5e0 - v3_first) * v3_per_3 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 4 // 8] * 0.5e0 - v3_first) * v3_per_4 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 5 // 8] * 0.5e0 - v3_first) * v3_per_5 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 6 // 8] * 0.5e0 - v3_first) * v3_per_6 ELSE 0e0 END + CASE WHEN use3 THEN (v3[1 + len(v3) * 7 // 8] * 0.5e0 - v3_first) * v3_per_7 ELSE 0e0 END END AS places0
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT t0,
  n1,
  n2,
  v3, ((p_t0 * 22825725) % 2147483647 + TRY_CAST(places0 AS BIGINT) % 2147483647) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_buckets AS MATERIALIZED (
SELECT bucket, CASE WHEN size > 1.2500000000000000e+00 * median(size) OVER () THEN 1e0 ELSE least(1e0, 6.5536000000000000e+04 * least(2.0000000000000000e+00, 1.2500000000000000e+00 * greatest(1e0, sum(size) OVER () * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16)) * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16) END AS part
FROM (SELECT h % 4096 AS bucket, count(*) AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket)
),
_ppp_merged AS NOT MATERIALIZED (
SELECT t0,
  n1,
  n2,
  v3, counted / part AS weight, counted / u AS priority FROM (
SELECT t0,
  n1,
  n2,
  v3, u, CAST(count(*) AS DOUBLE) AS counted, any_value(part) AS part
FROM (SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most) JOIN _ppp_buckets ON bucket = h % 4096 WHERE u < part
GROUP BY t0,
  n1,
  n2,
  v3, u)
),
_ppp_sample AS NOT MATERIALIZED (
SELECT t0,
  n1,
  n2,
  v3,
  weight,
  priority FROM _ppp_merged
ORDER BY priority DESC NULLS LAST, t0 ASC NULLS LAST, n1 ASC NULLS LAST, n2 ASC NULLS LAST, v3 ASC NULLS LAST LIMIT 65537
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": true, "dropped": [], "features": [{"forms": "t", "may_be_key": true, "name": "city"}, {"forms": "n", "may_be_key": true, "name": "id"}, {"forms": "n", "may_be_key": false, "name": "income"}, {"forms": "v", "may_be_key": false, "name": "v"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "onehot", "columns": null, "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "customers"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'t0': t0, 'n1': n1, 'n2': n2, 'v3': v3, 'weight': weight, 'priority': priority} ORDER BY priority DESC NULLS LAST, t0 ASC NULLS LAST, n1 ASC NULLS LAST, n2 ASC NULLS LAST, v3 ASC NULLS LAST) FROM _ppp_sample)}], version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
)
SELECT _ppp_source.*, ppp__assign(_ppp_fit.model, NULL, {'t city': ppp__text(_ppp_source."city"), 'n id': ppp__number(_ppp_source."id"), 'n income': ppp__number(_ppp_source."income"), 'v v': ppp__vector(_ppp_source."v")}) AS "cluster_id"
FROM _ppp_source, _ppp_fit
