-- each feature as a number, a text or a vector
_ppp_features AS (
SELECT
  CAST(_ppp_source.`city` AS STRING) COLLATE UTF8_BINARY AS text_0,
  CAST(_ppp_source.`id` AS DOUBLE) AS number_1,
  CAST(_ppp_source.`income` AS DOUBLE) AS number_2,
  CAST(_ppp_source.`v` AS ARRAY<DOUBLE>) AS vector_3,
  'VARCHAR' AS type_0,
  'BIGINT' AS type_1,
  'DOUBLE' AS type_2,
  'FLOAT[4]' AS type_3
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS (
SELECT
  COUNT(*) AS n,
  ANY_VALUE(type_0) IGNORE NULLS AS type_0,
  ANY_VALUE(type_1) IGNORE NULLS AS type_1,
  ANY_VALUE(type_2) IGNORE NULLS AS type_2,
  ANY_VALUE(type_3) IGNORE NULLS AS type_3,
  COUNT(text_0) AS text_0_n,
  COUNT(text_0) AS text_0_finite,
  MIN(text_0) = MAX(text_0) AS text_0_constant,
  COUNT(number_1) AS number_1_n,
  COUNT(number_1_known) AS number_1_finite,
  MIN(number_1_known) + 0e0 AS number_1_low,
  MAX(number_1_known) + 0e0 AS number_1_high,
  COUNT(number_2) AS number_2_n,
  COUNT(number_2_known) AS number_2_finite,
  MIN(number_2_known) + 0e0 AS number_2_low,
  MAX(number_2_known) + 0e0 AS number_2_high,
  COUNT(vector_3) AS vector_3_n,
  COUNT(vector_3_known) AS vector_3_finite,
  MIN(ARRAY_MIN(vector_3_known)) + 0e0 AS vector_3_low,
  MAX(ARRAY_MAX(vector_3_known)) + 0e0 AS vector_3_high,
  MIN(ARRAY_SIZE(vector_3)) AS vector_3_shortest,
  MAX(ARRAY_SIZE(vector_3)) AS vector_3_longest
FROM (
  SELECT
    *,
    CASE
      WHEN (
        number_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      THEN number_1
    END AS number_1_known,
    CASE
      WHEN (
        number_2 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      THEN number_2
    END AS number_2_known,
    CASE
      WHEN (
        (
          ARRAY_MIN(vector_3) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
        )
        AND (
          ARRAY_MAX(vector_3) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
        )
        AND ARRAY_SIZE(ARRAY_COMPACT(vector_3)) = ARRAY_SIZE(vector_3)
      )
      THEN vector_3
    END AS vector_3_known
  FROM _ppp_features
)
),
-- every value of these columns and how often it occurs; place: of which column, counted from 0
_ppp_frequencies AS (
SELECT
  CASE WHEN GROUPING(value_0) = 0 THEN 0 WHEN GROUPING(value_1) = 0 THEN 1 END AS place,
  COALESCE(CAST(value_1 AS DOUBLE), CAST(NULL AS DOUBLE)) AS number,
  COUNT(*) AS times
FROM (
  SELECT
    CAST(_ppp_source.`city` AS STRING) COLLATE UTF8_BINARY AS value_0,
    _ppp_source.`id` AS value_1
  FROM _ppp_source
)
GROUP BY
  GROUPING SETS (
    (
      value_0
    ),
    (
      value_1
    )
  )
HAVING
  NOT value_0 IS NULL OR NOT value_1 IS NULL
),
-- the same by feature, and by which of the bins between its extremes a value is in
_ppp_binned AS (
SELECT
  GET(ARRAY(0, 1), CAST((
    place + 1
  ) - 1 AS INT)) AS feature,
  CAST(COALESCE(
    LEAST(
      63,
      FLOOR(
        (
          number - GET(ARRAY(CAST(NULL AS DOUBLE), number_1_low), CAST((
            place + 1
          ) - 1 AS INT))
        ) * 64 / (
          GET(ARRAY(CAST(NULL AS DOUBLE), number_1_high), CAST((
            place + 1
          ) - 1 AS INT)) - GET(ARRAY(CAST(NULL AS DOUBLE), number_1_low), CAST((
            place + 1
          ) - 1 AS INT)) + 1
        )
      )
    ),
    0
  ) AS INT) AS bin,
  times,
  CASE
    WHEN times > 1
    THEN COALESCE(number / 5 <> FLOOR(number / 5), TRUE)
    ELSE TRUE
  END AS is_uneven
FROM _ppp_frequencies, _ppp_extremes
),
-- how many values are as frequent
_ppp_tallied AS (
SELECT
  feature,
  bin,
  times,
  is_uneven,
  COUNT(*) AS values_differ
FROM _ppp_binned
GROUP BY
  feature,
  bin,
  times,
  is_uneven
),
-- rows and values that the fit may see
_ppp_usable AS (
SELECT
  CASE WHEN _ppp_summary.helps_0 THEN text_0 END AS text_0,
  CASE
    WHEN (
      number_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
    )
    THEN number_1 + _ppp_summary.zero_or_null_1
  END AS number_1,
  CASE
    WHEN (
      number_2 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
    )
    THEN number_2 + _ppp_summary.zero_or_null_2
  END AS number_2,
  CASE
    WHEN _ppp_summary.helps_3
    AND (
      (
        ARRAY_MIN(vector_3) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      AND (
        ARRAY_MAX(vector_3) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      AND ARRAY_SIZE(ARRAY_COMPACT(vector_3)) = ARRAY_SIZE(vector_3)
    )
    THEN vector_3
  END AS vector_3,
  _ppp_summary.*
FROM _ppp_features, _ppp_summary
),
-- what the features of a row add to its key
_ppp_key_parts AS (
SELECT * FROM (SELECT *, monotonically_increasing_id() AS _ppp_place FROM (
SELECT
  text_0,
  number_1,
  number_2,
  vector_3,
  COALESCE(CAST(CONV(LEFT(MD5(text_0), 7), 16, 10) AS BIGINT), 0) AS text_0_hash,
  COALESCE((
    number_1 * 0.5e0 - number_1_half_low
  ) * number_1_factor, 0e0) + COALESCE((
    number_2 * 0.5e0 - number_2_half_low
  ) * number_2_factor, 0e0) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 0 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_0,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 1 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_1,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 2 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_2,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 3 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_3,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 4 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_4,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 5 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_5,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 6 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_6,
    0e0
  ) + COALESCE(
    (
      GET(vector_3, CAST((
        1 + ARRAY_SIZE(vector_3) * 7 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_3_half_low
    ) * vector_3_factor_7,
    0e0
  ) AS places_0,
  CASE
    WHEN has_wide_range
    THEN COALESCE(TRY_CAST(RINT(number_1 * 584946506e0) AS BIGINT) % 2147483647 + 2147483647, 0) + COALESCE(
      TRY_CAST(RINT(number_1 * 0.0005320057480275864e0) AS BIGINT) % 2147483647 + 2147483647,
      0
    ) + COALESCE(TRY_CAST(RINT(number_2 * 696376506e0) AS BIGINT) % 2147483647 + 2147483647, 0) + COALESCE(
      TRY_CAST(RINT(number_2 * 0.0006333507426461438e0) AS BIGINT) % 2147483647 + 2147483647,
      0
    )
    ELSE 0
  END AS grid_places
FROM _ppp_usable
)) WHERE _ppp_place >= 0
),
-- a number for each row that only its content decides: a sum modulo 2147483647 = 2^31 - 1, mixed twice
_ppp_keyed AS (
SELECT
  *,
  (
    content_key + 0.5e0
  ) / 2147483647e0 AS uniform_key
FROM (
  SELECT
    *
    EXCEPT (content_key),
    (
      content_key * (
        content_key + 479001599
      )
    ) % 2147483647 AS content_key
  FROM (
    SELECT
      *
      EXCEPT (content_key),
      (
        content_key * (
          content_key + 715225739
        )
      ) % 2147483647 AS content_key
    FROM (
      SELECT
        text_0,
        number_1,
        number_2,
        vector_3,
        (
          (
            text_0_hash * 22825725
          ) % 2147483647 + TRY_CAST(RINT(places_0) AS BIGINT) % 2147483647 + grid_places
        ) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
)
WHERE
  NOT content_key IS NULL
),
-- 4096 buckets of keys: how many rows each has, and the lowest key
_ppp_counted AS (
SELECT
  content_key % 4096 AS bucket,
  COUNT(*) AS size,
  MIN(content_key) AS lowest_key
FROM _ppp_keyed
GROUP BY
  bucket
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS (
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
    CAST(COUNT(*) AS DOUBLE) AS counted,
    ANY_VALUE(share) IGNORE NULLS AS share
  FROM (
    SELECT
      *
    FROM _ppp_keyed, (
      SELECT
        MAX(share) AS largest_share
      FROM _ppp_buckets
    )
    WHERE
      uniform_key < largest_share
  )
  JOIN _ppp_buckets
    ON bucket = content_key % 4096
  WHERE
    uniform_key < share
  GROUP BY
    text_0,
    number_1,
    number_2,
    vector_3,
    uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS (
SELECT
  text_0,
  number_1,
  number_2,
  vector_3,
  weight,
  priority
FROM _ppp_distinct_rows
WHERE
  priority >= (
    SELECT
      MIN(priority)
    FROM (
      SELECT
        priority
      FROM _ppp_distinct_rows
      ORDER BY
        priority DESC
      LIMIT 65537
    )
  )
)
