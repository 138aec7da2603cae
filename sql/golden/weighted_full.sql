WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "customers"
),
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__text(_ppp_source."city") AS t0,
  ppp__vector(_ppp_source."v") AS v1,
  typeof("city") AS y0,
  typeof("v") AS y1,
  ppp__number("income") AS w
FROM _ppp_source
),
_ppp_summary AS MATERIALIZED (
SELECT *,
  v1_low * 0.5e0 AS v1_first,
  8.9071613168844800e+14 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_0,
  1.0186954616340480e+15 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_1,
  8.9617060593664000e+14 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_2,
  8.5101851233484800e+14 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_3,
  1.0564509672407040e+15 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_4,
  1.1231327546245120e+15 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_5,
  9.7177081321881600e+14 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_6,
  1.1071037730979840e+15 / greatest(v1_high * 0.5e0 - v1_low * 0.5e0, 1.1830521861667747e-271) AS v1_per_7
FROM (SELECT
  count(*) AS n,
  any_value(y0) AS type0,
  any_value(y1) AS type1,
  count(t0) AS t0_n,
  count(t0) AS t0_finite,
  min(t0) = max(t0) AS t0_constant,
  count(v1) AS v1_n,
  count(v1_known) AS v1_finite,
  min(list_min(v1_known)) FILTER (w > 0) AS v1_low,
  max(list_max(v1_known)) FILTER (w > 0) AS v1_high,
  min(len(v1)) AS v1_shortest,
  max(len(v1)) AS v1_longest,
  count(*) FILTER (w < 0) AS w_negative,
  count(*) FILTER (NOT isfinite(w)) AS w_infinite,
  max(w) FILTER (isfinite(w)) AS w_high
FROM (SELECT *,
  CASE WHEN (isfinite(list_sum(v1)) AND list_count(v1) = len(v1)) THEN v1 END AS v1_known
FROM _ppp_features))
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN t0 IS NOT NULL THEN t0 END AS t0,
  CASE WHEN (isfinite(list_sum(v1)) AND list_count(v1) = len(v1)) THEN v1 END AS v1,
  w
FROM _ppp_features, _ppp_summary
WHERE w > 0 AND isfinite(w)
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  t0,
  v1,
  coalesce(CAST('0x' || left(md5(t0), 7) AS BIGINT), 0) AS p_t0,
  coalesce((v1[1 + len(v1) * 0 // 8] * 0.5e0 - v1_first) * v1_per_0, 0e0) + coalesce((v1[1 + len(v1) * 1 // 8] * 0.5e0 - v1_first) * v1_per_1, 0e0) + coalesce((v1[1 + len(v1) * 2 // 8] * 0.5e0 - v1_first) * v1_per_2, 0e0) + coalesce((v1[1 + len(v1) * 3 // 8] * 0.5e0 - v1_first) * v1_per_3, 0e0) + coalesce((v1[1 + len(v1) * 4 // 8] * 0.5e0 - v1_first) * v1_per_4, 0e0) + coalesce((v1[1 + len(v1) * 5 // 8] * 0.5e0 - v1_first) * v1_per_5, 0e0) + coalesce((v1[1 + len(v1) * 6 // 8] * 0.5e0 - v1_first) * v1_per_6, 0e0) + coalesce((v1[1 + len(v1) * 7 // 8] * 0.5e0 - v1_first) * v1_per_7, 0e0) AS places0,
  CAST(w * pow(2e0, 50 - ceil(log2(w_high))) AS HUGEINT) AS units,
  pow(2e0, 50 - ceil(log2(w_high))) AS unit
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT t0,
  v1,
  units,
  unit, ((p_t0 * 22825725) % 2147483647 + TRY_CAST(places0 AS BIGINT) % 2147483647) % 2147483647 AS h FROM _ppp_parts))) WHERE h IS NOT NULL
),
_ppp_buckets AS MATERIALIZED (
SELECT bucket, CASE WHEN size > 1.2500000000000000e+00 * median(size) OVER () THEN 1e0 ELSE least(1e0, 6.5536000000000000e+04 * 2.0000000000000000e+00 * (sum(lowest) OVER () + (4096 - count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16) END AS part
FROM (SELECT h % 4096 AS bucket, sum(units) AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket)
),
_ppp_merged AS NOT MATERIALIZED (
SELECT t0,
  v1, counted / part AS weight, counted / u AS priority FROM (
SELECT t0,
  v1, u, CAST(sum(units) / any_value(unit) AS DOUBLE) AS counted, any_value(part) AS part
FROM (SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most) JOIN _ppp_buckets ON bucket = h % 4096 WHERE u < part
GROUP BY t0,
  v1, u)
),
_ppp_sample AS NOT MATERIALIZED (
SELECT t0,
  v1,
  weight,
  priority FROM _ppp_merged
ORDER BY priority DESC NULLS LAST, t0 ASC NULLS LAST, v1 ASC NULLS LAST LIMIT 65537
),
_ppp_steps(state) AS (
SELECT ppp__fit('{"automatic": false, "dropped": [], "features": [{"forms": "t", "may_be_key": false, "name": "city"}, {"forms": "v", "may_be_key": false, "name": "v"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "onehot", "columns": ["v", "city"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "impute", "output": "full", "prefix": "p_", "refine": 0, "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": "income"}, "source": "customers"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'t0': t0, 'v1': v1, 'weight': weight, 'priority': priority} ORDER BY priority DESC NULLS LAST, t0 ASC NULLS LAST, v1 ASC NULLS LAST) FROM _ppp_sample)}], version(), ppp__connection())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
)
SELECT * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "p_cluster_id",
  _ppp_score.probability AS "p_probability",
  _ppp_score.second_cluster_id AS "p_second_cluster_id",
  _ppp_score.second_probability AS "p_second_probability",
  _ppp_score.distance AS "p_distance",
  _ppp_score.kmeans_id AS "p_kmeans_id",
  _ppp_score.is_separable AS "p_is_separable",
  _ppp_score.reason AS "p_reason"
FROM (SELECT _ppp_source.*, ppp__score(_ppp_fit.model, NULL, {'t city': ppp__text(_ppp_source."city"), 'v v': ppp__vector(_ppp_source."v")}) AS _ppp_score
FROM _ppp_source, _ppp_fit)
