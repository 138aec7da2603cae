WITH RECURSIVE
-- every row of the source, copied: to read it again could give other rows
_ppp_source AS MATERIALIZED (
SELECT * FROM "c"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."income") AS number_0,
  ppp__text(_ppp_source."income") AS text_0,
  ppp__vector(_ppp_source."income") AS vector_0,
  system.main.typeof("income") AS type_0
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS MATERIALIZED (
SELECT
  system.main.count(*) AS n,
  system.main.any_value(type_0) AS type_0,
  system.main.count(number_0) AS number_0_n,
  system.main.count(number_0_known) AS number_0_finite,
  system.main.min(number_0_known) AS number_0_low,
  system.main.max(number_0_known) AS number_0_high,
  system.main.count(text_0) AS text_0_n,
  system.main.count(text_0) AS text_0_finite,
  system.main.min(text_0) = system.main.max(text_0) AS text_0_constant,
  system.main.count(vector_0) AS vector_0_n,
  system.main.count(vector_0_known) AS vector_0_finite,
  system.main.min(system.main.list_min(vector_0_known)) AS vector_0_low,
  system.main.max(system.main.list_max(vector_0_known)) AS vector_0_high,
  system.main.min(system.main.len(vector_0)) AS vector_0_shortest,
  system.main.max(system.main.len(vector_0)) AS vector_0_longest
FROM (
  SELECT *,
    CASE WHEN system.main.isfinite(number_0) THEN number_0 END AS number_0_known,
    CASE WHEN (system.main.isfinite(system.main.list_min(vector_0)) AND system.main.isfinite(system.main.list_max(vector_0)) AND system.main.list_count(vector_0) = system.main.len(vector_0)) THEN vector_0 END AS vector_0_known
  FROM _ppp_features
)
),
-- the extremes, and which features help
-- first, per: where the places of a feature begin and how many there are to half a unit, 2^50 in its range
-- times a factor between 1/2 and 1 that is its own; or_null: 0, or NULL for a feature that does not help
_ppp_summary AS MATERIALIZED (
SELECT
  *,
  number_0_low * 0.5e0 AS number_0_first,
  5.6296260553932800e+14 / system.main.greatest(number_0_high * 0.5e0 - number_0_low * 0.5e0, 1.1830521861667747e-271) AS number_0_per,
  vector_0_low * 0.5e0 AS vector_0_first,
  9.0148137494118400e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_0,
  1.0648824787763200e+15 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_1,
  1.1078605723402240e+15 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_2,
  6.6973580289638400e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_3,
  8.5285557134950400e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_4,
  7.8700875664588800e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_5,
  7.1095296825753600e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_6,
  9.8151025134796800e+14 / system.main.greatest(vector_0_high * 0.5e0 - vector_0_low * 0.5e0, 1.1830521861667747e-271) AS vector_0_per_7
FROM _ppp_extremes
),
-- rows and values that the fit may see
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN system.main.isfinite(number_0) THEN number_0 + 0e0 END AS number_0,
  text_0 AS text_0,
  CASE WHEN (system.main.isfinite(system.main.list_min(vector_0)) AND system.main.isfinite(system.main.list_max(vector_0)) AND system.main.list_count(vector_0) = system.main.len(vector_0)) THEN vector_0 END AS vector_0
FROM _ppp_features, _ppp_summary
),
-- what the features of a row add to its key
_ppp_key_parts AS NOT MATERIALIZED (
SELECT
  number_0,
  text_0,
  vector_0,
  coalesce(CAST('0x' || system.main.left(system.main.md5(text_0), 7) AS BIGINT), 0) AS text_0_hash,
  coalesce((number_0 * 0.5e0 - number_0_first) * number_0_per, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 0 // 8] * 0.5e0 - vector_0_first) * vector_0_per_0, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 1 // 8] * 0.5e0 - vector_0_first) * vector_0_per_1, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 2 // 8] * 0.5e0 - vector_0_first) * vector_0_per_2, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 3 // 8] * 0.5e0 - vector_0_first) * vector_0_per_3, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 4 // 8] * 0.5e0 - vector_0_first) * vector_0_per_4, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 5 // 8] * 0.5e0 - vector_0_first) * vector_0_per_5, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 6 // 8] * 0.5e0 - vector_0_first) * vector_0_per_6, 0e0)
      + coalesce((vector_0[1 + system.main.len(vector_0) * 7 // 8] * 0.5e0 - vector_0_first) * vector_0_per_7, 0e0) AS places_0
FROM _ppp_usable, _ppp_summary
),
-- a number for each row that only its content decides: a sum modulo 2147483647 = 2^31 - 1, mixed twice
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (content_key + 0.5e0) / 2.1474836470000000e+09 AS uniform FROM (
  SELECT * REPLACE ((content_key * (content_key + 479001599)) % 2147483647 AS content_key) FROM (
    SELECT * REPLACE ((content_key * (content_key + 715225739)) % 2147483647 AS content_key) FROM (
      SELECT
        number_0,
        text_0,
        vector_0,
        ((text_0_hash * 22825725) % 2147483647 + TRY_CAST(places_0 AS BIGINT) % 2147483647) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
) WHERE content_key IS NOT NULL
),
-- which share of the distinct rows is grouped: all, or enough for the sample
-- 4096 buckets of keys: the lowest tell how many distinct rows there are; one with a heavy row is grouped whole
_ppp_buckets AS MATERIALIZED (
SELECT
  bucket,
  CASE WHEN is_heavy THEN 1e0 ELSE system.main.least(1e0, 6.5536000000000000e+04 * system.main.least(2.0000000000000000e+00, 1.2500000000000000e+00 * system.main.greatest(1e0, system.main.sum(size) OVER () * share_of_one_row)) * share_of_one_row) END AS share
FROM (
  SELECT
    bucket,
    size,
    (system.main.sum(lowest_key) OVER () + (4096 - system.main.count(*) OVER ()) * 2147483647) / 3.6028797002186752e+16 AS share_of_one_row,
    size > 1.2500000000000000e+00 * system.main.median(size) OVER () AS is_heavy
  FROM (
    SELECT
      content_key % 4096 AS bucket,
      system.main.count(*) AS size,
      system.main.min(content_key) AS lowest_key
    FROM _ppp_keyed
    GROUP BY bucket
  )
)
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS MATERIALIZED (
SELECT
  number_0,
  text_0,
  vector_0,
  counted / share AS weight,
  counted / uniform AS priority
FROM (
  SELECT
    number_0,
    text_0,
    vector_0,
    uniform,
    CAST(system.main.count(*) AS DOUBLE) AS counted,
    system.main.any_value(share) AS share
  FROM (
    SELECT * FROM _ppp_keyed, (SELECT system.main.max(share) AS largest_share FROM _ppp_buckets) WHERE uniform < largest_share
  ) JOIN _ppp_buckets ON bucket = content_key % 4096
  WHERE uniform < share
  GROUP BY number_0, text_0, vector_0, uniform
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS NOT MATERIALIZED (
SELECT
  number_0,
  text_0,
  vector_0,
  weight,
  priority
FROM _ppp_distinct_rows
WHERE priority >= (SELECT system.main.min(priority) FROM (SELECT priority FROM _ppp_distinct_rows ORDER BY priority DESC LIMIT 65537))
),
-- the fit, in slices with room for an interrupt
_ppp_fitting(state) AS (
SELECT ppp__fit(
  '{"automatic": false, "dropped": [], "features": [{"forms": ["number", "text", "vector"], "name": "income", "type": ""}], "function": "ppp_cluster", "options": {"by": [], "categorical": "auto", "columns": ["income"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "c"}',
  [{'g': '[]',
    'summary': (SELECT _ppp_summary FROM _ppp_summary),
    'rows': (SELECT system.main.list({'number_0': number_0, 'text_0': text_0, 'vector_0': vector_0, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}],
  system.main.version(),
  ppp__statement())
UNION ALL SELECT ppp__step(state) FROM _ppp_fitting WHERE system.main.starts_with(state, 'fit:')
),
-- the state of the fitted models
_ppp_model AS MATERIALIZED (
SELECT system.main.max(state) AS model FROM _ppp_fitting WHERE NOT system.main.starts_with(state, 'fit:')
)
SELECT
  _ppp_source.*,
  ppp__assign(_ppp_model.model, NULL, {'number income': ppp__number(_ppp_source."income"), 'text income': ppp__text(_ppp_source."income"), 'vector income': ppp__vector(_ppp_source."income")}) AS "cluster_id"
FROM _ppp_source, _ppp_model, (SELECT NULL AS "cluster_id") AS "ppp_cluster: set prefix, the source already has this column"
WHERE true OR ("cluster_id" IS NULL)
