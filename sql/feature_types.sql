-- How a column of each type becomes a number, a text or a vector. DuckDB chooses the overload by the column's own type,
-- so the same expression serves every source, also one whose columns cannot be seen before the statement runs.
-- The last overload, without a type, is for all types that no feature can be made of.
-- Times are seconds since 1970 (or midnight), as doubles; infinite dates are infinite numbers.

CREATE OR REPLACE TEMP MACRO ppp__number
  (x DOUBLE) AS x,
  (x BOOLEAN) AS CAST(CAST(x AS INTEGER) AS DOUBLE),
  (x DATE) AS CASE WHEN system.main.isfinite(x) THEN system.main.epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMP) AS CASE WHEN system.main.isfinite(x) THEN system.main.epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMPTZ) AS CASE WHEN system.main.isfinite(x) THEN system.main.epoch(x) WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIMESTAMP_NS) AS CASE WHEN system.main.isfinite(x) THEN CAST(system.main.epoch_ns(x) AS DOUBLE) / 1e9 WHEN x IS NOT NULL THEN CAST('inf' AS DOUBLE) END,
  (x TIME) AS system.main.epoch(x),
  (x TIMETZ) AS system.main.epoch(x),
  (x INTERVAL) AS system.main.epoch(x),
  (x UUID) AS CAST(NULL AS DOUBLE),
  (x VARCHAR) AS CAST(NULL AS DOUBLE),
  (x DOUBLE[]) AS CAST(NULL AS DOUBLE),
  (x) AS CAST(NULL AS DOUBLE);

CREATE OR REPLACE TEMP MACRO ppp__text
  (x VARCHAR) AS x,
  (x UUID) AS CAST(x AS VARCHAR),
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

-- The value of a column that names groups, as a text: equal values give equal texts, whatever their numeric type.
CREATE OR REPLACE TEMP MACRO ppp__group
  (x VARCHAR) AS x,
  (x HUGEINT) AS CAST(x AS VARCHAR),
  (x DOUBLE) AS CASE WHEN x = system.main.trunc(x) AND system.main.abs(x) < 1e15 THEN CAST(CAST(x AS HUGEINT) AS VARCHAR) ELSE CAST(x AS VARCHAR) END,
  (x BOOLEAN) AS CAST(x AS VARCHAR),
  (x DATE) AS CAST(x AS VARCHAR),
  (x TIMESTAMP) AS CAST(x AS VARCHAR),
  (x TIMESTAMP_NS) AS CAST(x AS VARCHAR),
  (x TIMESTAMPTZ) AS CASE WHEN system.main.isfinite(x) THEN CAST(system.main.make_timestamp(system.main.epoch_us(x)) AS VARCHAR) || '+00' ELSE CAST(x AS VARCHAR) END,
  (x TIME) AS CAST(x AS VARCHAR),
  (x TIMETZ) AS CAST(x AS VARCHAR),
  (x INTERVAL) AS CAST(x AS VARCHAR),
  (x) AS CAST(x AS VARCHAR);
