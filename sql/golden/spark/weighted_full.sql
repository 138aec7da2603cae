-- each feature as a number, a text or a vector
_ppp_features AS (
SELECT
  CAST(_ppp_source.`city` AS STRING) COLLATE UTF8_BINARY AS text_0,
  CAST(_ppp_source.`v` AS ARRAY<DOUBLE>) AS vector_1,
  'VARCHAR' AS type_0,
  'FLOAT[4]' AS type_1,
  CAST(`income` AS DOUBLE) AS row_weight
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS (
SELECT
  COUNT(*) AS n,
  ANY_VALUE(type_0) IGNORE NULLS AS type_0,
  ANY_VALUE(type_1) IGNORE NULLS AS type_1,
  COUNT(text_0) AS text_0_n,
  COUNT(text_0) AS text_0_finite,
  MIN(text_0) = MAX(text_0) AS text_0_constant,
  COUNT(vector_1) AS vector_1_n,
  COUNT(vector_1_known) AS vector_1_finite,
  MIN(ARRAY_MIN(vector_1_known)) FILTER(WHERE
    row_weight > 0) + 0e0 AS vector_1_low,
  MAX(ARRAY_MAX(vector_1_known)) FILTER(WHERE
    row_weight > 0) + 0e0 AS vector_1_high,
  MIN(ARRAY_SIZE(vector_1)) AS vector_1_shortest,
  MAX(ARRAY_SIZE(vector_1)) AS vector_1_longest,
  COUNT(*) FILTER(WHERE
    row_weight < 0) AS negative_weights,
  COUNT(*) FILTER(WHERE
    NOT (
      row_weight BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
    )) AS infinite_weights,
  MAX(row_weight) FILTER(WHERE
    (
      row_weight BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
    )) AS heaviest
FROM (
  SELECT
    *,
    CASE
      WHEN (
        (
          ARRAY_MIN(vector_1) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
        )
        AND (
          ARRAY_MAX(vector_1) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
        )
        AND ARRAY_SIZE(ARRAY_COMPACT(vector_1)) = ARRAY_SIZE(vector_1)
      )
      THEN vector_1
    END AS vector_1_known
  FROM _ppp_features
)
),
-- rows and values that the fit may see
_ppp_usable AS (
SELECT
  text_0 AS text_0,
  CASE
    WHEN (
      (
        ARRAY_MIN(vector_1) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      AND (
        ARRAY_MAX(vector_1) BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      AND ARRAY_SIZE(ARRAY_COMPACT(vector_1)) = ARRAY_SIZE(vector_1)
    )
    THEN vector_1
  END AS vector_1,
  row_weight,
  _ppp_summary.*
FROM _ppp_features, _ppp_summary
WHERE
  row_weight > 0
  AND (
    row_weight BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
  )
),
-- what the features of a row add to its key
_ppp_key_parts AS (
SELECT * FROM (SELECT *, monotonically_increasing_id() AS _ppp_place FROM (
SELECT
  text_0,
  vector_1,
  COALESCE(CAST(CONV(LEFT(MD5(text_0), 7), 16, 10) AS BIGINT), 0) AS text_0_hash,
  COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 0 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_0,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 1 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_1,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 2 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_2,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 3 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_3,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 4 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_4,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 5 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_5,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 6 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_6,
    0e0
  ) + COALESCE(
    (
      GET(vector_1, CAST((
        1 + ARRAY_SIZE(vector_1) * 7 DIV 8
      ) - 1 AS INT)) * 0.5e0 - vector_1_half_low
    ) * vector_1_factor_7,
    0e0
  ) AS places_0,
  GREATEST(CAST(RINT(row_weight / half_of_heaviest * 562949953421312e0) AS BIGINT), 1) AS weight_units,
  half_of_heaviest
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
        vector_1,
        weight_units,
        half_of_heaviest,
        (
          (
            text_0_hash * 22825725
          ) % 2147483647 + TRY_CAST(RINT(places_0) AS BIGINT) % 2147483647
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
  SUM(CAST(weight_units AS DECIMAL(20, 0))) AS size,
  MIN(content_key) AS lowest_key
FROM _ppp_keyed
GROUP BY
  bucket
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS (
SELECT
  text_0,
  vector_1,
  counted / share AS weight,
  counted / uniform_key AS priority
FROM (
  SELECT
    text_0,
    vector_1,
    uniform_key,
    CAST((
      CAST(SUM(CAST(weight_units AS DECIMAL(20, 0))) % 18446744073709551616 AS DOUBLE) + CAST(SUM(CAST(weight_units AS DECIMAL(20, 0))) DIV 18446744073709551616 AS DOUBLE) * 1.8446744073709552e19
    ) / 562949953421312e0 * ANY_VALUE(half_of_heaviest) IGNORE NULLS AS DOUBLE) AS counted,
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
    vector_1,
    uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS (
SELECT
  text_0,
  vector_1,
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
