WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  CAST(system.main.to_json([ppp__group("g")]) AS VARCHAR) COLLATE C AS row_group,
  ppp__number(_ppp_source."x") AS number_0,
  system.main.typeof("x") AS type_0
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS MATERIALIZED (
SELECT
  row_group,
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
GROUP BY row_group
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
FROM _ppp_features JOIN _ppp_summary USING (row_group)
),
-- what the features of a row add to its key
_ppp_key_parts AS NOT MATERIALIZED (
SELECT
  row_group,
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
        row_group,
        number_0,
        (TRY_CAST(places_0 AS BIGINT) % 2147483647 + grid_places) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
) WHERE content_key IS NOT NULL
),
-- how many rows there are, and which: for the fingerprint
_ppp_content AS MATERIALIZED (
SELECT
  row_group,
  system.main.count(*) FILTER (number_0 IS NOT NULL) AS used_rows,
  system.main.sum(content_key) AS key_sum,
  system.main.bit_xor(content_key) AS key_xor
FROM _ppp_keyed
GROUP BY row_group
),
-- equal rows as one row with a weight
_ppp_distinct_rows AS NOT MATERIALIZED (
SELECT *, weight / uniform_key AS priority FROM (
  SELECT
    row_group,
    number_0,
    uniform_key,
    CAST(system.main.count(*) AS DOUBLE) AS weight
  FROM _ppp_keyed
  GROUP BY row_group, number_0, uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS NOT MATERIALIZED (
SELECT
  row_group,
  number_0,
  weight,
  priority
FROM _ppp_distinct_rows
QUALIFY system.main.row_number() OVER (PARTITION BY row_group ORDER BY priority DESC NULLS LAST, number_0 ASC NULLS LAST) <= 65537
),
-- the fit begins
_ppp_begun AS MATERIALIZED (
SELECT ppp__fit(
  '{"automatic": false, "dropped": [], "features": [{"forms": ["number"], "name": "x", "type": "DOUBLE"}], "function": "ppp_fit", "options": {"by": ["g"], "categorical": "auto", "columns": ["x"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "rows"}',
  (
  SELECT system.main.list({'row_group': row_group, 'summary': _ppp_summary, 'rows': rows, 'content': _ppp_content} ORDER BY row_group)
  FROM _ppp_summary LEFT JOIN (
    SELECT
      row_group,
      system.main.list({'number_0': number_0, 'weight': weight, 'priority': priority}) AS rows
    FROM _ppp_sample
    GROUP BY row_group
  ) USING (row_group) LEFT JOIN _ppp_content USING (row_group)
),
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
-- the groups in the columns' own types
_ppp_groups AS MATERIALIZED (
SELECT
  [ppp__group("g")] AS _ppp_group,
  system.main.min("g") AS "g"
FROM _ppp_source
GROUP BY [ppp__group("g")]
)
SELECT
  _ppp_groups."g",
  _ppp_told.said."cluster_id",
  _ppp_told.said."size",
  _ppp_told.said."share",
  _ppp_told.said."agreement",
  _ppp_told.said."center",
  _ppp_told.said."model"
FROM (SELECT unnest(ppp__rows(model)) AS said FROM _ppp_model) AS _ppp_told JOIN _ppp_groups ON _ppp_told.said.g = _ppp_groups._ppp_group
ORDER BY _ppp_groups."g" NULLS LAST, _ppp_told.said.g, _ppp_told.said.cluster_id
