-- each feature as a number, a text or a vector
_ppp_features AS (
SELECT
  CAST(TO_JSON(ARRAY(CAST(`g` AS STRING) COLLATE UTF8_BINARY)) AS STRING) AS row_group,
  CAST(_ppp_source.`x` AS DOUBLE) AS number_0,
  'DOUBLE' AS type_0
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS (
SELECT
  row_group,
  COUNT(*) AS n,
  ANY_VALUE(type_0) IGNORE NULLS AS type_0,
  COUNT(number_0) AS number_0_n,
  COUNT(number_0_known) AS number_0_finite,
  MIN(number_0_known) + 0e0 AS number_0_low,
  MAX(number_0_known) + 0e0 AS number_0_high
FROM (
  SELECT
    *,
    CASE
      WHEN (
        number_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      )
      THEN number_0
    END AS number_0_known
  FROM _ppp_features
)
GROUP BY
  row_group
),
-- rows and values that the fit may see
_ppp_usable AS (
SELECT
  CASE
    WHEN (
      number_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
    )
    THEN number_0 + 0e0
  END AS number_0,
  _ppp_summary.*
FROM _ppp_features
JOIN _ppp_summary
  USING (row_group)
),
-- what the features of a row add to its key
_ppp_key_parts AS (
SELECT * FROM (SELECT *, monotonically_increasing_id() AS _ppp_place FROM (
SELECT
  row_group,
  number_0,
  COALESCE((
    number_0 * 0.5e0 - number_0_half_low
  ) * number_0_factor, 0e0) AS places_0,
  CASE
    WHEN has_wide_range
    THEN COALESCE(TRY_CAST(RINT(number_0 * 536882978e0) AS BIGINT) % 2147483647 + 2147483647, 0) + COALESCE(
      TRY_CAST(RINT(number_0 * 0.0004882922239630716e0) AS BIGINT) % 2147483647 + 2147483647,
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
        row_group,
        number_0,
        (
          TRY_CAST(RINT(places_0) AS BIGINT) % 2147483647 + grid_places
        ) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
)
WHERE
  NOT content_key IS NULL
),
-- how many rows there are, and which: for the fingerprint
_ppp_content AS (
SELECT
  row_group,
  COUNT(*) FILTER(WHERE
    NOT number_0 IS NULL) AS used_rows,
  SUM(CAST(content_key AS DECIMAL(20, 0))) AS key_sum,
  BIT_XOR(content_key) AS key_xor
FROM _ppp_keyed
GROUP BY
  row_group
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS (
SELECT
  *,
  weight / uniform_key AS priority
FROM (
  SELECT
    row_group,
    number_0,
    uniform_key,
    CAST(COUNT(*) AS DOUBLE) AS weight
  FROM _ppp_keyed
  GROUP BY
    row_group,
    number_0,
    uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS (
SELECT
  row_group,
  number_0,
  weight,
  priority
FROM (
  SELECT
    row_group,
    number_0,
    weight,
    priority,
    ROW_NUMBER() OVER (PARTITION BY row_group ORDER BY priority DESC, number_0 ASC NULLS LAST) AS _w
  FROM _ppp_distinct_rows
) AS _t
WHERE
  _w <= 65537
)
