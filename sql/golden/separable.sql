WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."x") AS number_0,
  system.main.typeof("x") AS type_0
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS MATERIALIZED (
SELECT
  system.main.count(*) AS n,
  system.main.any_value(type_0) AS type_0,
  system.main.count(number_0) AS number_0_n,
  system.main.count(number_0_known) AS number_0_finite,
  system.main.min(number_0_known) + 0e0 AS number_0_low,
  system.main.max(number_0_known) + 0e0 AS number_0_high
FROM (
  SELECT *,
    CASE WHEN system.main.isfinite(number_0) THEN number_0 END AS number_0_known
  FROM _ppp_features
)
),
-- the extremes, and which features help
-- a number x adds (x / 2 - half_low) * factor to the key of its row
-- factor: 2^50 places in the range of the feature, times a share between 1/2 and 1 that is its own
-- zero_or_null, added to a number: NULL for a feature that does not help
-- has_wide_range: one extreme may be so far out that all others have one place; they then add places on fixed grids
_ppp_summary AS MATERIALIZED (
SELECT
  *,
  number_0_low * 0.5e0 AS number_0_half_low,
  562962605539328e0 / system.main.greatest(number_0_high * 0.5e0 - number_0_low * 0.5e0, 1.1830521861667747e-271) AS number_0_factor,
  (number_0_high * 0.5e0 - number_0_low * 0.5e0 > 1099511627776e0) AS has_wide_range
FROM _ppp_extremes
),
-- rows and values that the fit may see
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN system.main.isfinite(number_0) THEN number_0 + 0e0 END AS number_0,
  _ppp_summary.*
FROM _ppp_features, _ppp_summary
),
-- what the features of a row add to its key
_ppp_key_parts AS NOT MATERIALIZED (
SELECT
  number_0,
  coalesce((number_0 * 0.5e0 - number_0_half_low) * number_0_factor, 0e0) AS places_0,
  CASE WHEN has_wide_range THEN coalesce(TRY_CAST(number_0 * 536882978e0 AS BIGINT) % 2147483647 + 2147483647, 0)
      + coalesce(TRY_CAST(number_0 * 0.0004882922239630716e0 AS BIGINT) % 2147483647 + 2147483647, 0)
    ELSE 0 END AS grid_places
FROM _ppp_usable
),
-- a number for each row that only its content decides: a sum modulo 2147483647 = 2^31 - 1, mixed twice
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (content_key + 0.5e0) / 2147483647e0 AS uniform_key FROM (
  SELECT * REPLACE ((content_key * (content_key + 479001599)) % 2147483647 AS content_key) FROM (
    SELECT * REPLACE ((content_key * (content_key + 715225739)) % 2147483647 AS content_key) FROM (
      SELECT
        number_0,
        (TRY_CAST(places_0 AS BIGINT) % 2147483647 + grid_places) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
) WHERE content_key IS NOT NULL
),
-- 4096 buckets of keys: how many rows each has, and the lowest key
_ppp_counted AS NOT MATERIALIZED (
SELECT
  content_key % 4096 AS bucket,
  system.main.count(*) AS size,
  system.main.min(content_key) AS lowest_key
FROM _ppp_keyed
GROUP BY bucket
),
-- which share of the distinct rows is grouped: all, or enough for the sample
-- the lowest keys tell how many distinct rows there are; a bucket with a heavy row is grouped whole
_ppp_buckets AS MATERIALIZED (
SELECT
  bucket,
  CASE WHEN is_heavy THEN 1e0 ELSE system.main.least(1e0, 65536e0 * system.main.least(2e0, 1.25e0 * system.main.greatest(1e0, system.main.sum(size) OVER () * share_of_one_row)) * share_of_one_row) END AS share
FROM (
  SELECT
    bucket,
    size,
    (system.main.sum(lowest_key) OVER () + (4096 - system.main.count(*) OVER ()) * 2147483647) / 3.602879700218675e+16 AS share_of_one_row,
    size > 1.25e0 * system.main.median(size) OVER () AS is_heavy
  FROM _ppp_counted
)
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS NOT MATERIALIZED (
SELECT
  number_0,
  counted / share AS weight,
  counted / uniform_key AS priority
FROM (
  SELECT
    number_0,
    uniform_key,
    CAST(system.main.count(*) AS DOUBLE) AS counted,
    system.main.any_value(share) AS share
  FROM (
    SELECT * FROM _ppp_keyed, (SELECT system.main.max(share) AS largest_share FROM _ppp_buckets) WHERE uniform_key < largest_share
  ) JOIN _ppp_buckets ON bucket = content_key % 4096
  WHERE uniform_key < share
  GROUP BY number_0, uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS MATERIALIZED (
SELECT
  number_0,
  weight,
  priority
FROM _ppp_distinct_rows
ORDER BY priority DESC NULLS LAST, number_0 ASC NULLS LAST
LIMIT 65537
),
-- the fit begins
_ppp_begun AS MATERIALIZED (
SELECT ppp__fit(
  '{"automatic": false, "dropped": [], "features": [{"forms": ["number"], "name": "x", "type": "DOUBLE"}], "function": "ppp_separable", "options": {"by": [], "categorical": "auto", "columns": ["x"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "rows"}',
  [{'row_group': '[]',
    'summary': (SELECT _ppp_summary FROM _ppp_summary),
    'rows': (SELECT system.main.list({'number_0': number_0, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}],
  system.main.version(),
  ppp__statement()) AS state
),
-- the fit, in slices with room for an interrupt
_ppp_fitting(state) AS (
FROM _ppp_begun
UNION ALL SELECT ppp__step(state) FROM _ppp_fitting WHERE system.main.starts_with(state, 'fit:')
),
-- the state of the fitted models
_ppp_model AS MATERIALIZED (
SELECT system.main.max(state) AS model FROM _ppp_fitting WHERE NOT system.main.starts_with(state, 'fit:')
),
-- the scores of the distinct rows, where most rows repeat one of them
_ppp_known AS MATERIALIZED (
SELECT
  system.main.hash(number_0) AS row_hash,
  ppp__score(_ppp_model.model, NULL, {'number x': number_0}) AS known
FROM _ppp_sample, _ppp_model
WHERE (SELECT system.main.count(*) FROM _ppp_sample) <= system.main.least(65536, (SELECT n FROM _ppp_summary) // 4)
),
-- the same in one row, by slots that a row's hash leads to; NULL where nothing is known
_ppp_lookup AS MATERIALIZED (
SELECT
  system.main.any_value(slots) AS slots,
  system.main.list(row_hash ORDER BY slot) AS hashes,
  system.main.list(known ORDER BY slot) AS scores
FROM (
  SELECT
    slots,
    unnest(system.main.range(CAST(slots AS BIGINT))) AS slot
  FROM (
    SELECT CAST(2 * system.main.count(*) AS UBIGINT) AS slots FROM _ppp_known HAVING system.main.count(*) > 0
  )
) LEFT JOIN (
  SELECT
    CAST(row_hash % slots AS BIGINT) AS slot,
    system.main.list(row_hash ORDER BY row_hash) AS row_hash,
    system.main.list(known ORDER BY row_hash) AS known
  FROM (
    SELECT row_hash, system.main.any_value(known) AS known FROM _ppp_known
    GROUP BY row_hash HAVING system.main.count(*) = 1
  ), (
    SELECT CAST(2 * system.main.count(*) AS UBIGINT) AS slots FROM _ppp_known HAVING system.main.count(*) > 0
  )
  GROUP BY slot
) USING (slot)
)
SELECT
  * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "cluster_id",
  _ppp_score.probability AS "probability"
FROM (
  SELECT
    _ppp_source.*,
    CASE WHEN ppp__is_known(CASE WHEN _ppp_lookup.slots IS NOT NULL AND (CASE WHEN system.main.isfinite(ppp__number(_ppp_source."x")) THEN ppp__number(_ppp_source."x") + 0e0 END IS NOT NULL) THEN system.main.hash(CASE WHEN system.main.isfinite(ppp__number(_ppp_source."x")) THEN ppp__number(_ppp_source."x") + 0e0 END) END, _ppp_lookup.slots, _ppp_lookup.hashes)
      THEN ppp__known(CASE WHEN _ppp_lookup.slots IS NOT NULL AND (CASE WHEN system.main.isfinite(ppp__number(_ppp_source."x")) THEN ppp__number(_ppp_source."x") + 0e0 END IS NOT NULL) THEN system.main.hash(CASE WHEN system.main.isfinite(ppp__number(_ppp_source."x")) THEN ppp__number(_ppp_source."x") + 0e0 END) END, _ppp_lookup.slots, _ppp_lookup.hashes, _ppp_lookup.scores)
      ELSE ppp__score(_ppp_model.model, NULL, {'number x': ppp__number(_ppp_source."x")}) END AS _ppp_score
  FROM _ppp_source CROSS JOIN _ppp_model CROSS JOIN _ppp_lookup
)
WHERE _ppp_score.is_separable
