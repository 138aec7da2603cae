-- How a column of each type becomes a number, a text or a vector. DuckDB chooses the overload by the column's own type,
-- so the same expression serves every source.
-- The last overload, without a type, is for all types that no feature can be made of.
-- Texts are compared letter by letter, whatever the collation of their column: COLLATE C.
-- A BIGNUM from 1e308 on may be beyond all doubles: it is infinite, as a hole is.
-- Times are seconds since 1970 (or midnight), as doubles; infinite dates are infinite numbers. epoch() of a TIMESTAMPTZ adds
-- up two fractions, and is off by the last digit.

CREATE OR REPLACE TEMP MACRO ppp__number
  (x DOUBLE) AS x,
  (x BOOLEAN) AS CAST(CAST(x AS INTEGER) AS DOUBLE),
  (x DATE) AS CASE WHEN system.main.isfinite(x) THEN system.main.epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMP) AS CASE WHEN system.main.isfinite(x) THEN system.main.epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMPTZ) AS CASE WHEN system.main.isfinite(x) THEN CAST(system.main.epoch_us(x) AS DOUBLE) / 1e6 WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMP_NS) AS CASE WHEN system.main.isfinite(x) THEN CAST(system.main.epoch_ns(x) AS DOUBLE) / 1e9 WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x BIGNUM) AS CASE WHEN system.main.length(system.main.ltrim(CAST(x AS VARCHAR), '-')) < 309 THEN CAST(x AS DOUBLE)
    WHEN x > 0 THEN CAST('inf' AS DOUBLE) WHEN x < 0 THEN CAST('-inf' AS DOUBLE) END,
  (x TIME) AS system.main.epoch(x),
  (x TIMETZ) AS system.main.epoch(x),
  (x INTERVAL) AS system.main.epoch(x),
  (x UUID) AS CAST(NULL AS DOUBLE),
  (x VARCHAR) AS CAST(NULL AS DOUBLE),
  (x DOUBLE[]) AS CAST(NULL AS DOUBLE),
  (x) AS CAST(NULL AS DOUBLE);

CREATE OR REPLACE TEMP MACRO ppp__text
  (x VARCHAR) AS x COLLATE C,
  (x UUID) AS CAST(x AS VARCHAR) COLLATE C,
  (x DOUBLE) AS CAST(NULL AS VARCHAR),
  (x BOOLEAN) AS CAST(NULL AS VARCHAR),
  (x DATE) AS CAST(NULL AS VARCHAR),
  (x TIMESTAMP) AS CAST(NULL AS VARCHAR),
  (x TIMESTAMPTZ) AS CAST(NULL AS VARCHAR),
  (x TIMESTAMP_NS) AS CAST(NULL AS VARCHAR),
  (x TIME) AS CAST(NULL AS VARCHAR),
  (x TIMETZ) AS CAST(NULL AS VARCHAR),
  (x INTERVAL) AS CAST(NULL AS VARCHAR),
  (x DOUBLE[]) AS CAST(NULL AS VARCHAR),
  (x) AS CAST(NULL AS VARCHAR);

CREATE OR REPLACE TEMP MACRO ppp__vector
  (x FLOAT[]) AS x,  -- half the memory of a DOUBLE[], with the same numbers
  (x DOUBLE[]) AS x,
  (x UUID) AS CAST(NULL AS DOUBLE[]),
  (x DOUBLE) AS CAST(NULL AS DOUBLE[]),
  (x BOOLEAN) AS CAST(NULL AS DOUBLE[]),
  (x VARCHAR) AS CAST(NULL AS DOUBLE[]),
  (x DATE) AS CAST(NULL AS DOUBLE[]),
  (x TIMESTAMP) AS CAST(NULL AS DOUBLE[]),
  (x TIMESTAMPTZ) AS CAST(NULL AS DOUBLE[]),
  (x TIMESTAMP_NS) AS CAST(NULL AS DOUBLE[]),
  (x TIME) AS CAST(NULL AS DOUBLE[]),
  (x TIMETZ) AS CAST(NULL AS DOUBLE[]),
  (x INTERVAL) AS CAST(NULL AS DOUBLE[]),
  (x) AS CAST(NULL AS DOUBLE[]);

-- The value of a column that names groups, as a text: equal values give equal texts, whatever their numeric type, and
-- different ones different texts. One macro for all types: an overload for DOUBLE would take decimals, too, and round them.
CREATE OR REPLACE TEMP MACRO ppp__group(x) AS (CASE
  WHEN system.main.typeof(x) IN ('DOUBLE', 'FLOAT') THEN
    CASE WHEN TRY_CAST(x AS DOUBLE) = system.main.trunc(TRY_CAST(x AS DOUBLE)) AND system.main.abs(TRY_CAST(x AS DOUBLE)) < 1e15
      THEN CAST(TRY_CAST(TRY_CAST(x AS DOUBLE) AS HUGEINT) AS VARCHAR) ELSE CAST(TRY_CAST(x AS DOUBLE) AS VARCHAR) END
  WHEN system.main.starts_with(system.main.typeof(x), 'DECIMAL') THEN
    system.main.regexp_replace(system.main.regexp_replace(CAST(x AS VARCHAR), '(\.[0-9]*[1-9])0+$', '\1'), '\.0*$', '')
  WHEN system.main.typeof(x) = 'TIMESTAMP WITH TIME ZONE' AND system.main.isfinite(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ)) THEN
    CAST(system.main.make_timestamp(system.main.epoch_us(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ))) AS VARCHAR) || '+00'
  WHEN system.main.typeof(x) = 'INTERVAL' THEN CAST(system.main.normalized_interval(TRY_CAST(CAST(x AS VARCHAR) AS INTERVAL)) AS VARCHAR)
  ELSE CAST(x AS VARCHAR)
END) COLLATE C;
