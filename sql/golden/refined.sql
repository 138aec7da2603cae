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
QUALIFY system.main.row_number() OVER (PARTITION BY row_group ORDER BY priority DESC NULLS LAST, number_0 ASC NULLS LAST) <= 6
),
-- the fit begins
_ppp_begun AS MATERIALIZED (
SELECT ppp__fit(
  '{"automatic": false, "dropped": [], "features": [{"forms": ["number"], "name": "x", "type": "DOUBLE"}], "function": "ppp_separable", "options": {"by": ["g"], "categorical": "auto", "columns": ["x"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "auto", "output": "id", "prefix": "", "refine": 1, "sample_size": 5, "scale": "auto", "separable_at": 0.95, "weight": null}, "source": "rows"}',
  (
  SELECT system.main.list({'row_group': row_group, 'summary': _ppp_summary, 'rows': rows} ORDER BY row_group)
  FROM _ppp_summary LEFT JOIN (
    SELECT
      row_group,
      system.main.list({'number_0': number_0, 'weight': weight, 'priority': priority}) AS rows
    FROM _ppp_sample
    GROUP BY row_group
  ) USING (row_group)
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
_ppp_fit AS MATERIALIZED (
SELECT system.main.max(state) AS model FROM _ppp_fitting WHERE NOT system.main.starts_with(state, 'fit:')
),
-- a refinement begins, if the sample does not hold all rows
_ppp_pass_0 AS MATERIALIZED (
SELECT ppp__refine(model, 1) AS model FROM _ppp_fit
),
-- a Lloyd step and an EM step over all rows
_ppp_pass_1 AS MATERIALIZED (
SELECT ppp__refined(_ppp_pass_0.model, passed) AS model
FROM _ppp_pass_0, (
  SELECT system.main.count(ppp__refine_pass(_ppp_pass_0.model, ['g', ppp__group(_ppp_source."g")], {'number x': ppp__number(_ppp_source."x")}, NULL)) AS passed
  FROM _ppp_source, _ppp_pass_0 WHERE system.main.starts_with(_ppp_pass_0.model, 'measurement:')
)
),
-- the figures of the refined models
_ppp_model AS MATERIALIZED (
SELECT ppp__refined(_ppp_pass_1.model, passed) AS model
FROM _ppp_pass_1, (
  SELECT system.main.count(ppp__refine_pass(_ppp_pass_1.model, ['g', ppp__group(_ppp_source."g")], {'number x': ppp__number(_ppp_source."x")}, NULL)) AS passed
  FROM _ppp_source, _ppp_pass_1 WHERE system.main.starts_with(_ppp_pass_1.model, 'measurement:')
)
)
SELECT
  * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "cluster_id",
  _ppp_score.probability AS "probability"
FROM (
  SELECT
    _ppp_source.*,
    ppp__score(_ppp_model.model, ['g', ppp__group(_ppp_source."g")], {'number x': ppp__number(_ppp_source."x")}) AS _ppp_score
  FROM _ppp_source, _ppp_model
)
WHERE _ppp_score.is_separable
