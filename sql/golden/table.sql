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
  (t0_n > 0 AND NOT t0_constant AND 2 * k0_distinct <= t0_n) AS use0,
  (n1_finite > 0 AND n1_high > n1_low AND k1_distinct < n1_n) AS use1,
  (n2_finite > 0 AND n2_high > n2_low) AS use2,
  (v3_finite > 0 AND v3_high > v3_low) AS use3
FROM (SELECT
  count(*) AS n,
  min(y0) AS type0,
  min(y1) AS type1,
  min(y2) AS type2,
  min(y3) AS type3,
  count(t0) AS t0_n,
  count(*) FILTER (t0 IS NOT NULL) AS t0_finite,
  min(t0) = max(t0) AS t0_constant,
  count(DISTINCT k0) AS k0_distinct,
  count(n1) AS n1_n,
  count(*) FILTER (isfinite(n1)) AS n1_finite,
  min(n1) FILTER (isfinite(n1)) AS n1_low,
  max(n1) FILTER (isfinite(n1)) AS n1_high,
  count(DISTINCT k1) AS k1_distinct,
  count(n2) AS n2_n,
  count(*) FILTER (isfinite(n2)) AS n2_finite,
  min(n2) FILTER (isfinite(n2)) AS n2_low,
  max(n2) FILTER (isfinite(n2)) AS n2_high,
  count(v3) AS v3_n,
  count(*) FILTER ((isfinite(list_sum(v3)) AND list_count(v3) = len(v3))) AS v3_finite,
  min(list_min(v3)) FILTER ((isfinite(list_sum(v3)) AND list_count(v3) = len(v3))) AS v3_low,
  max(list_max(v3)) FILTER ((isfinite(list_sum(v3)) AND list_count(v3) = len(v3))) AS v3_high,
  min(len(v3)) AS v3_shortest,
  max(len(v3)) AS v3_longest
FROM _ppp_features)
),
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN use0 AND t0 IS NOT NULL THEN t0 END AS t0,
  CASE WHEN use1 AND isfinite(n1) THEN n1 + 0e0 END AS n1,
  CASE WHEN use2 AND isfinite(n2) THEN n2 + 0e0 END AS n2,
  CASE WHEN use3 AND (isfinite(list_sum(v3)) AND list_count(v3) = len(v3)) THEN v3 END AS v3
FROM _ppp_features, _ppp_summary
WHERE (NOT use0 OR coalesce(t0 IS NOT NULL, false)) AND (NOT use1 OR coalesce(isfinite(n1), false)) AND (NOT use2 OR coalesce(isfinite(n2), false)) AND (NOT use3 OR coalesce((isfinite(list_sum(v3)) AND list_count(v3) = len(v3)), false))
),
_ppp_parts AS NOT MATERIALIZED (
SELECT
  t0,
  n1,
  n2,
  v3,
  CAST('0x' || left(md5(t0), 7) AS BIGINT) AS p_t0,
  CAST((n1 * 0.5e0 - n1_low * 0.5e0) / nullif(n1_high * 0.5e0 - n1_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_n1,
  CAST((n2 * 0.5e0 - n2_low * 0.5e0) / nullif(n2_high * 0.5e0 - n2_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_n2,
  CAST((v3[1 + len(v3) * 0 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_0,
  CAST((v3[1 + len(v3) * 1 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_1,
  CAST((v3[1 + len(v3) * 2 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_2,
  CAST((v3[1 + len(v3) * 3 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_3,
  CAST((v3[1 + len(v3) * 4 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_4,
  CAST((v3[1 + len(v3) * 5 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_5,
  CAST((v3[1 + len(v3) * 6 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_6,
  CAST((v3[1 + len(v3) * 7 // 8] * 0.5e0 - v3_low * 0.5e0) / nullif(v3_high * 0.5e0 - v3_low * 0.5e0, 0e0) * 4.5035996273704960e+15 AS BIGINT) AS p_v3_7
FROM _ppp_usable, _ppp_summary
),
_ppp_keyed AS NOT MATERIALIZED (
SELECT * EXCLUDE (h), (h + 0.5e0) / 2.1474836470000000e+09 AS u FROM (SELECT * REPLACE ((h * (h + 479001599)) % 2147483647 AS h) FROM (SELECT * REPLACE ((h * (h + 715225739)) % 2147483647 AS h) FROM (SELECT t0,
  n1,
  n2,
  v3, ((coalesce(p_t0, 0) * 645697443 + coalesce((p_n1 >> 24), 0) * 1037891047 + coalesce((p_n1 & 16777215), 0) * 319011187 + coalesce((p_n2 >> 24), 0) * 636092513 + coalesce((p_n2 & 16777215), 0) * 100534353 + coalesce((p_v3_0 >> 24), 0) * 619611247 + coalesce((p_v3_0 & 16777215), 0) * 176010345 + coalesce((p_v3_1 >> 24), 0) * 750031827 + coalesce((p_v3_1 & 16777215), 0) * 359540479 + coalesce((p_v3_2 >> 24), 0) * 489392715 + coalesce((p_v3_2 & 16777215), 0) * 81838671 + coalesce((p_v3_3 >> 24), 0) * 138295049 + coalesce((p_v3_3 & 16777215), 0) * 187393579 + coalesce((p_v3_4 >> 24), 0) * 474354881 + coalesce((p_v3_4 & 16777215), 0) * 40050479) % 2147483647 + (coalesce((p_v3_5 >> 24), 0) * 541341239 + coalesce((p_v3_5 & 16777215), 0) * 501882803 + coalesce((p_v3_6 >> 24), 0) * 621713535 + coalesce((p_v3_6 & 16777215), 0) * 723822983 + coalesce((p_v3_7 >> 24), 0) * 100299839 + coalesce((p_v3_7 & 16777215), 0) * 71622073) % 2147483647) % 2147483647 AS h FROM _ppp_parts)))
),
_ppp_merged AS NOT MATERIALIZED (
SELECT *, weight / u AS priority FROM (
SELECT t0,
  n1,
  n2,
  v3,
  u, CAST(count(*) AS DOUBLE) AS weight
FROM _ppp_keyed GROUP BY t0,
  n1,
  n2,
  v3,
  u)
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
SELECT ppp__fit('{"automatic": true, "dropped": [], "features": [{"forms": "t", "may_be_key": true, "name": "city"}, {"forms": "n", "may_be_key": true, "name": "id"}, {"forms": "n", "may_be_key": false, "name": "income"}, {"forms": "v", "may_be_key": false, "name": "v"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "onehot", "columns": null, "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "skip", "output": "id", "prefix": "", "sample_size": 65536, "scale": "standard", "separable_at": 0.95, "weight": null}, "source": "customers"}', [{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),
  'rows': (SELECT list({'t0': t0, 'n1': n1, 'n2': n2, 'v3': v3, 'weight': weight, 'priority': priority} ORDER BY priority DESC NULLS LAST, t0 ASC NULLS LAST, n1 ASC NULLS LAST, n2 ASC NULLS LAST, v3 ASC NULLS LAST) FROM _ppp_sample)}], version())
UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')
),
_ppp_fit AS MATERIALIZED (
SELECT state AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')
)
SELECT _ppp_source.*, ppp__assign(_ppp_fit.model, NULL, {'t city': ppp__text(_ppp_source."city"), 'n id': ppp__number(_ppp_source."id"), 'n income': ppp__number(_ppp_source."income"), 'v v': ppp__vector(_ppp_source."v")}) AS "cluster_id"
FROM _ppp_source, _ppp_fit
