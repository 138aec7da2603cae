WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "customers"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__text(_ppp_source."city") AS text_0,
  ppp__number(_ppp_source."id") AS number_1,
  ppp__number(_ppp_source."income") AS number_2,
  ppp__vector(_ppp_source."v") AS vector_3,
  system.main.typeof("city") AS type_0,
  system.main.typeof("id") AS type_1,
  system.main.typeof("income") AS type_2,
  system.main.typeof("v") AS type_3
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS MATERIALIZED (
SELECT
  system.main.count(*) AS n,
  system.main.any_value(type_0) AS type_0,
  system.main.any_value(type_1) AS type_1,
  system.main.any_value(type_2) AS type_2,
  system.main.any_value(type_3) AS type_3,
  system.main.count(text_0) AS text_0_n,
  system.main.count(text_0) AS text_0_finite,
  system.main.min(text_0) = system.main.max(text_0) AS text_0_constant,
  system.main.count(number_1) AS number_1_n,
  system.main.count(number_1_known) AS number_1_finite,
  system.main.min(number_1_known) + 0e0 AS number_1_low,
  system.main.max(number_1_known) + 0e0 AS number_1_high,
  system.main.count(number_2) AS number_2_n,
  system.main.count(number_2_known) AS number_2_finite,
  system.main.min(number_2_known) + 0e0 AS number_2_low,
  system.main.max(number_2_known) + 0e0 AS number_2_high,
  system.main.count(vector_3) AS vector_3_n,
  system.main.count(vector_3_known) AS vector_3_finite,
  system.main.min(system.main.list_min(vector_3_known)) + 0e0 AS vector_3_low,
  system.main.max(system.main.list_max(vector_3_known)) + 0e0 AS vector_3_high,
  system.main.min(system.main.len(vector_3)) AS vector_3_shortest,
  system.main.max(system.main.len(vector_3)) AS vector_3_longest
FROM (
  SELECT *,
    CASE WHEN system.main.isfinite(number_1) THEN number_1 END AS number_1_known,
    CASE WHEN system.main.isfinite(number_2) THEN number_2 END AS number_2_known,
    CASE WHEN (system.main.isfinite(system.main.list_min(vector_3)) AND system.main.isfinite(system.main.list_max(vector_3)) AND system.main.list_count(vector_3) = system.main.len(vector_3)) THEN vector_3 END AS vector_3_known
  FROM _ppp_features
)
),
-- every value of these columns and how often it occurs; place: of which column, counted from 0
_ppp_frequencies AS NOT MATERIALIZED (
SELECT
  CASE WHEN grouping(value_0) = 0 THEN 0 WHEN grouping(value_1) = 0 THEN 1 END AS place,
  coalesce(ppp__number(value_1), CAST(NULL AS DOUBLE)) AS number,
  system.main.count(*) AS times
FROM (
  SELECT
    ppp__text(_ppp_source."city") AS value_0,
    _ppp_source."id" AS value_1
  FROM _ppp_source
)
GROUP BY GROUPING SETS ((value_0), (value_1))
HAVING value_0 IS NOT NULL OR value_1 IS NOT NULL
),
-- the same by feature, and by which of the bins between its extremes a value is in
_ppp_binned AS NOT MATERIALIZED (
SELECT
  system.main.list_extract([0, 1], place + 1) AS feature,
  CAST(coalesce(system.main.least(63, system.main.floor((number - system.main.list_extract([CAST(NULL AS DOUBLE), number_1_low], place + 1)) * 64 / (system.main.list_extract([CAST(NULL AS DOUBLE), number_1_high], place + 1) - system.main.list_extract([CAST(NULL AS DOUBLE), number_1_low], place + 1) + 1))), 0) AS INTEGER) AS bin,
  times,
  CASE WHEN times > 1 THEN coalesce(number / 5 <> system.main.floor(number / 5), true) ELSE true END AS is_uneven
FROM _ppp_frequencies , _ppp_extremes
),
-- by feature and bin: how many values differ, how often they occur
_ppp_values AS MATERIALIZED (
SELECT
  feature,
  bin,
  system.main.count(*) AS values_differ,
  CAST(system.main.sum(times) AS BIGINT) AS all_rows,
  CAST(system.main.sum(times * times) AS HUGEINT) AS squares,
  system.main.max({'times': times, 'is_uneven': is_uneven}, 20) AS top
FROM _ppp_binned
GROUP BY feature, bin
),
-- which columns are features, from their extremes and the frequencies of their values
_ppp_choice AS MATERIALIZED (
SELECT
  ppp__choose('{"automatic": true, "dropped": [], "features": [{"forms": ["text"], "name": "city", "type": "VARCHAR"}, {"forms": ["number"], "name": "id", "type": "BIGINT"}, {"forms": ["number"], "name": "income", "type": "DOUBLE"}, {"forms": ["vector"], "name": "v", "type": "FLOAT[4]"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "auto", "columns": null, "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "customers"}', _ppp_extremes, counts) AS choice
FROM _ppp_extremes, (
  SELECT
    system.main.list({'feature': feature, 'bin': bin, 'distinct': values_differ, 'rows': all_rows, 'squares': squares, 'top': top}) AS counts
  FROM _ppp_values
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
  number_1_low * 0.5e0 AS number_1_half_low,
  613360867475456e0 / system.main.greatest(number_1_high * 0.5e0 - number_1_low * 0.5e0, 1.1830521861667747e-271) AS number_1_factor,
  number_2_low * 0.5e0 AS number_2_half_low,
  730203691155456e0 / system.main.greatest(number_2_high * 0.5e0 - number_2_low * 0.5e0, 1.1830521861667747e-271) AS number_2_factor,
  vector_3_low * 0.5e0 AS vector_3_half_low,
  736595655262208e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_0,
  852808888745984e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_1,
  785557116420096e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_2,
  1007559118946304e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_3,
  950902070444032e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_4,
  869348300292096e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_5,
  896445626449920e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_6,
  615658909859840e0 / system.main.greatest(vector_3_high * 0.5e0 - vector_3_low * 0.5e0, 1.1830521861667747e-271) AS vector_3_factor_7,
  (helps_1 AND number_1_high * 0.5e0 - number_1_low * 0.5e0 > 1099511627776e0 OR helps_2 AND number_2_high * 0.5e0 - number_2_low * 0.5e0 > 1099511627776e0) AS has_wide_range,
  CASE WHEN helps_1 THEN 0e0 END AS zero_or_null_1,
  CASE WHEN helps_2 THEN 0e0 END AS zero_or_null_2,
  (helps_0 AND helps_1 AND helps_2 AND helps_3) AS all_help
FROM (
  SELECT
    *,
    choice[1].treatment IS NOT NULL AS helps_0,
    choice[2].treatment IS NOT NULL AS helps_1,
    choice[3].treatment IS NOT NULL AS helps_2,
    choice[4].treatment IS NOT NULL AS helps_3
  FROM _ppp_extremes CROSS JOIN _ppp_choice
)
),
-- rows and values that the fit may see
_ppp_usable AS NOT MATERIALIZED (
SELECT
  CASE WHEN _ppp_summary.helps_0 THEN text_0 END AS text_0,
  CASE WHEN system.main.isfinite(number_1) THEN number_1 + _ppp_summary.zero_or_null_1 END AS number_1,
  CASE WHEN system.main.isfinite(number_2) THEN number_2 + _ppp_summary.zero_or_null_2 END AS number_2,
  CASE WHEN _ppp_summary.helps_3 AND (system.main.isfinite(system.main.list_min(vector_3)) AND system.main.isfinite(system.main.list_max(vector_3)) AND system.main.list_count(vector_3) = system.main.len(vector_3)) THEN vector_3 END AS vector_3,
  _ppp_summary.*
FROM _ppp_features, _ppp_summary
),
-- frequent texts and their hashes, to be looked up
_ppp_hashes AS MATERIALIZED (
SELECT
  system.main.map_from_entries(system.main.list_transform(system.main.approx_top_k(text_0, 32), lambda one: {'text': one, 'hash': CAST('0x' || system.main.left(system.main.md5(one), 7) AS BIGINT)})) AS text_0_hashes
FROM _ppp_features
),
-- what the features of a row add to its key
_ppp_key_parts AS NOT MATERIALIZED (
SELECT
  text_0,
  number_1,
  number_2,
  vector_3,
  coalesce(coalesce(text_0_hashes[text_0], CAST('0x' || system.main.left(system.main.md5(text_0), 7) AS BIGINT)), 0) AS text_0_hash,
  coalesce((number_1 * 0.5e0 - number_1_half_low) * number_1_factor, 0e0)
      + coalesce((number_2 * 0.5e0 - number_2_half_low) * number_2_factor, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 0 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_0, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 1 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_1, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 2 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_2, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 3 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_3, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 4 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_4, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 5 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_5, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 6 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_6, 0e0)
      + coalesce((system.main.list_extract(vector_3, 1 + system.main.len(vector_3) * 7 // 8) * 0.5e0 - vector_3_half_low) * vector_3_factor_7, 0e0) AS places_0,
  CASE WHEN has_wide_range THEN coalesce(TRY_CAST(number_1 * 584946506e0 AS BIGINT) % 2147483647 + 2147483647, 0)
      + coalesce(TRY_CAST(number_1 * 0.0005320057480275864e0 AS BIGINT) % 2147483647 + 2147483647, 0)
      + coalesce(TRY_CAST(number_2 * 696376506e0 AS BIGINT) % 2147483647 + 2147483647, 0)
      + coalesce(TRY_CAST(number_2 * 0.0006333507426461438e0 AS BIGINT) % 2147483647 + 2147483647, 0)
    ELSE 0 END AS grid_places
FROM _ppp_usable, _ppp_hashes
),
-- a number for each row that only its content decides: a sum modulo 2147483647 = 2^31 - 1, mixed twice
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (content_key + 0.5e0) / 2147483647e0 AS uniform_key FROM (
  SELECT * REPLACE ((content_key * (content_key + 479001599)) % 2147483647 AS content_key) FROM (
    SELECT * REPLACE ((content_key * (content_key + 715225739)) % 2147483647 AS content_key) FROM (
      SELECT
        text_0,
        number_1,
        number_2,
        vector_3,
        ((text_0_hash * 22825725) % 2147483647 + TRY_CAST(places_0 AS BIGINT) % 2147483647 + grid_places) % 2147483647 AS content_key
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
_ppp_distinct_rows AS MATERIALIZED (
SELECT
  text_0,
  number_1,
  number_2,
  vector_3,
  counted / share AS weight,
  counted / uniform_key AS priority
FROM (
  SELECT
    text_0,
    number_1,
    number_2,
    vector_3,
    uniform_key,
    CAST(system.main.count(*) AS DOUBLE) AS counted,
    system.main.any_value(share) AS share
  FROM (
    SELECT * FROM _ppp_keyed, (SELECT system.main.max(share) AS largest_share FROM _ppp_buckets) WHERE uniform_key < largest_share
  ) JOIN _ppp_buckets ON bucket = content_key % 4096
  WHERE uniform_key < share
  GROUP BY text_0, number_1, number_2, vector_3, uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS NOT MATERIALIZED (
SELECT
  text_0,
  number_1,
  number_2,
  vector_3,
  weight,
  priority
FROM _ppp_distinct_rows
WHERE priority >= (SELECT system.main.min(priority) FROM (SELECT priority FROM _ppp_distinct_rows ORDER BY priority DESC LIMIT 65537))
),
-- the fit begins
_ppp_begun AS MATERIALIZED (
SELECT ppp__fit(
  '{"automatic": true, "dropped": [], "features": [{"forms": ["text"], "name": "city", "type": "VARCHAR"}, {"forms": ["number"], "name": "id", "type": "BIGINT"}, {"forms": ["number"], "name": "income", "type": "DOUBLE"}, {"forms": ["vector"], "name": "v", "type": "FLOAT[4]"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "auto", "columns": null, "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "customers"}',
  [{'row_group': '[]',
    'summary': (SELECT _ppp_summary FROM _ppp_summary),
    'rows': (SELECT system.main.list({'text_0': text_0, 'number_1': number_1, 'number_2': number_2, 'vector_3': vector_3, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}],
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
)
SELECT
  _ppp_source.*,
  ppp__assign(_ppp_model.model, NULL, {'text city': ppp__text(_ppp_source."city"), 'number id': ppp__number(_ppp_source."id"), 'number income': ppp__number(_ppp_source."income"), 'vector v': ppp__vector(_ppp_source."v")}) AS "cluster_id"
FROM _ppp_source, _ppp_model
