WITH RECURSIVE
-- every row of the source, copied: to read it again could give other rows
_ppp_source AS MATERIALIZED (
SELECT * FROM "c"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__number(_ppp_source."income") AS number_0,
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
  '{"automatic": false, "dropped": [], "features": [{"forms": ["number"], "name": "income", "type": "DOUBLE"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "auto", "columns": ["income"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "c"}',
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
  ppp__assign(_ppp_model.model, NULL, {'number income': number_0}) AS known
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
),
-- what SQL needs to tell the cluster of most rows
_ppp_screen AS MATERIALIZED (
SELECT
  model AS _ppp_models,
  CASE WHEN (SELECT system.main.count(*) FROM _ppp_known) = 0 THEN ppp__screen(model, ['income'], 16, true, CAST(system.main.current_setting('threads') AS BIGINT)) END AS _ppp_told
FROM _ppp_model
)
SELECT
  _ppp_source.* EXCLUDE (_ppp_models, _ppp_told, _ppp_known, _ppp_products, _ppp_near, _ppp_first, _ppp_last, _ppp_centered_0, _ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15),
  CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known
    WHEN _ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_told[2][3] AND _ppp_told[2][4] THEN CAST(_ppp_first AS INTEGER)
    ELSE ppp__assign(_ppp_models, NULL, {'number income': ppp__number(_ppp_source."income")}) END AS "cluster_id"
FROM (
  SELECT
    *,
    CASE WHEN _ppp_density_0 > _ppp_near THEN _ppp_told[3][1] WHEN _ppp_density_1 > _ppp_near THEN _ppp_told[3][2] WHEN _ppp_density_2 > _ppp_near THEN _ppp_told[3][3] WHEN _ppp_density_3 > _ppp_near THEN _ppp_told[3][4] WHEN _ppp_density_4 > _ppp_near THEN _ppp_told[3][5] WHEN _ppp_density_5 > _ppp_near THEN _ppp_told[3][6] WHEN _ppp_density_6 > _ppp_near THEN _ppp_told[3][7] WHEN _ppp_density_7 > _ppp_near THEN _ppp_told[3][8] WHEN _ppp_density_8 > _ppp_near THEN _ppp_told[3][9] WHEN _ppp_density_9 > _ppp_near THEN _ppp_told[3][10] WHEN _ppp_density_10 > _ppp_near THEN _ppp_told[3][11] WHEN _ppp_density_11 > _ppp_near THEN _ppp_told[3][12] WHEN _ppp_density_12 > _ppp_near THEN _ppp_told[3][13] WHEN _ppp_density_13 > _ppp_near THEN _ppp_told[3][14] WHEN _ppp_density_14 > _ppp_near THEN _ppp_told[3][15] WHEN _ppp_density_15 > _ppp_near THEN _ppp_told[3][16] END AS _ppp_first,
    CASE WHEN _ppp_density_15 > _ppp_near THEN _ppp_told[3][16] WHEN _ppp_density_14 > _ppp_near THEN _ppp_told[3][15] WHEN _ppp_density_13 > _ppp_near THEN _ppp_told[3][14] WHEN _ppp_density_12 > _ppp_near THEN _ppp_told[3][13] WHEN _ppp_density_11 > _ppp_near THEN _ppp_told[3][12] WHEN _ppp_density_10 > _ppp_near THEN _ppp_told[3][11] WHEN _ppp_density_9 > _ppp_near THEN _ppp_told[3][10] WHEN _ppp_density_8 > _ppp_near THEN _ppp_told[3][9] WHEN _ppp_density_7 > _ppp_near THEN _ppp_told[3][8] WHEN _ppp_density_6 > _ppp_near THEN _ppp_told[3][7] WHEN _ppp_density_5 > _ppp_near THEN _ppp_told[3][6] WHEN _ppp_density_4 > _ppp_near THEN _ppp_told[3][5] WHEN _ppp_density_3 > _ppp_near THEN _ppp_told[3][4] WHEN _ppp_density_2 > _ppp_near THEN _ppp_told[3][3] WHEN _ppp_density_1 > _ppp_near THEN _ppp_told[3][2] WHEN _ppp_density_0 > _ppp_near THEN _ppp_told[3][1] END AS _ppp_last
  FROM (
    SELECT
      *,
      system.main.greatest(_ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15) * _ppp_told[2][1] - _ppp_told[2][2] AS _ppp_near
    FROM (
      SELECT
        *,
        system.main.list_inner_product(_ppp_products, _ppp_told[4]) AS _ppp_density_0,
        system.main.list_inner_product(_ppp_products, _ppp_told[5]) AS _ppp_density_1,
        system.main.list_inner_product(_ppp_products, _ppp_told[6]) AS _ppp_density_2,
        system.main.list_inner_product(_ppp_products, _ppp_told[7]) AS _ppp_density_3,
        system.main.list_inner_product(_ppp_products, _ppp_told[8]) AS _ppp_density_4,
        system.main.list_inner_product(_ppp_products, _ppp_told[9]) AS _ppp_density_5,
        system.main.list_inner_product(_ppp_products, _ppp_told[10]) AS _ppp_density_6,
        system.main.list_inner_product(_ppp_products, _ppp_told[11]) AS _ppp_density_7,
        system.main.list_inner_product(_ppp_products, _ppp_told[12]) AS _ppp_density_8,
        system.main.list_inner_product(_ppp_products, _ppp_told[13]) AS _ppp_density_9,
        system.main.list_inner_product(_ppp_products, _ppp_told[14]) AS _ppp_density_10,
        system.main.list_inner_product(_ppp_products, _ppp_told[15]) AS _ppp_density_11,
        system.main.list_inner_product(_ppp_products, _ppp_told[16]) AS _ppp_density_12,
        system.main.list_inner_product(_ppp_products, _ppp_told[17]) AS _ppp_density_13,
        system.main.list_inner_product(_ppp_products, _ppp_told[18]) AS _ppp_density_14,
        system.main.list_inner_product(_ppp_products, _ppp_told[19]) AS _ppp_density_15
      FROM (
        SELECT
          *,
          CASE WHEN _ppp_told[2][5] = 0 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0)
            WHEN _ppp_told[2][5] = 1 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0) END AS _ppp_products
        FROM (
          SELECT
            _ppp_source.*,
            _ppp_screen.*,
            CASE WHEN ppp__is_known(CASE WHEN _ppp_lookup.slots IS NOT NULL THEN system.main.hash(CASE WHEN system.main.isfinite(ppp__number(_ppp_source."income")) THEN ppp__number(_ppp_source."income") + 0e0 END) END, _ppp_lookup.slots, _ppp_lookup.hashes)
              THEN ppp__known(CASE WHEN _ppp_lookup.slots IS NOT NULL THEN system.main.hash(CASE WHEN system.main.isfinite(ppp__number(_ppp_source."income")) THEN ppp__number(_ppp_source."income") + 0e0 END) END, _ppp_lookup.slots, _ppp_lookup.hashes, _ppp_lookup.scores)
              ELSE NULL END AS _ppp_known,
            CASE WHEN _ppp_told[1][1] = CAST('nan' AS DOUBLE) THEN 0e0 ELSE coalesce(ppp__number(_ppp_source."income"), CAST('nan' AS DOUBLE)) - _ppp_told[1][1] END AS _ppp_centered_0
          FROM _ppp_source CROSS JOIN _ppp_screen CROSS JOIN _ppp_lookup
        )
      )
    )
  )
) AS _ppp_source
