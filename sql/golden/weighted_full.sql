WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "customers"
),
-- each feature as a number, a text or a vector
_ppp_features AS NOT MATERIALIZED (
SELECT
  ppp__text(_ppp_source."city") AS text_0,
  ppp__vector(_ppp_source."v") AS vector_1,
  system.main.typeof("city") AS type_0,
  system.main.typeof("v") AS type_1,
  ppp__number("income") AS row_weight
FROM _ppp_source
),
-- counts and exact extremes over all rows
_ppp_extremes AS MATERIALIZED (
SELECT
  system.main.count(*) AS n,
  system.main.any_value(type_0) AS type_0,
  system.main.any_value(type_1) AS type_1,
  system.main.count(text_0) AS text_0_n,
  system.main.count(text_0) AS text_0_finite,
  system.main.min(text_0) = system.main.max(text_0) AS text_0_constant,
  system.main.count(vector_1) AS vector_1_n,
  system.main.count(vector_1_known) AS vector_1_finite,
  system.main.min(system.main.list_min(vector_1_known)) FILTER (row_weight > 0) + 0e0 AS vector_1_low,
  system.main.max(system.main.list_max(vector_1_known)) FILTER (row_weight > 0) + 0e0 AS vector_1_high,
  system.main.min(system.main.len(vector_1)) AS vector_1_shortest,
  system.main.max(system.main.len(vector_1)) AS vector_1_longest,
  system.main.count(*) FILTER (row_weight < 0) AS negative_weights,
  system.main.count(*) FILTER (NOT system.main.isfinite(row_weight)) AS infinite_weights,
  system.main.max(row_weight) FILTER (system.main.isfinite(row_weight)) AS heaviest
FROM (
  SELECT *,
    CASE WHEN (system.main.isfinite(system.main.list_min(vector_1)) AND system.main.isfinite(system.main.list_max(vector_1)) AND system.main.list_count(vector_1) = system.main.len(vector_1)) THEN vector_1 END AS vector_1_known
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
  CASE WHEN heaviest > 0 THEN system.main.pow(2e0, system.main.greatest(system.main.ceil(system.main.log2(heaviest)) - 1, -1022)) END AS half_of_heaviest,
  vector_1_low * 0.5e0 AS vector_1_half_low,
  890716131688448e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_0,
  1018695461634048e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_1,
  896170605936640e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_2,
  851018512334848e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_3,
  1056450967240704e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_4,
  1123132754624512e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_5,
  971770813218816e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_6,
  1107103773097984e0 / system.main.greatest(vector_1_high * 0.5e0 - vector_1_low * 0.5e0, 1.1830521861667747e-271) AS vector_1_factor_7
FROM _ppp_extremes
),
-- rows and values that the fit may see
_ppp_usable AS NOT MATERIALIZED (
SELECT
  text_0 AS text_0,
  CASE WHEN (system.main.isfinite(system.main.list_min(vector_1)) AND system.main.isfinite(system.main.list_max(vector_1)) AND system.main.list_count(vector_1) = system.main.len(vector_1)) THEN vector_1 END AS vector_1,
  row_weight,
  _ppp_summary.*
FROM _ppp_features, _ppp_summary
WHERE row_weight > 0 AND system.main.isfinite(row_weight)
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
  vector_1,
  coalesce(coalesce(text_0_hashes[text_0], CAST('0x' || system.main.left(system.main.md5(text_0), 7) AS BIGINT)), 0) AS text_0_hash,
  coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 0 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_0, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 1 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_1, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 2 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_2, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 3 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_3, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 4 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_4, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 5 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_5, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 6 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_6, 0e0)
      + coalesce((system.main.list_extract(vector_1, 1 + system.main.len(vector_1) * 7 // 8) * 0.5e0 - vector_1_half_low) * vector_1_factor_7, 0e0) AS places_0,
  system.main.greatest(CAST(row_weight / half_of_heaviest * 562949953421312e0 AS BIGINT), 1) AS weight_units,
  half_of_heaviest
FROM _ppp_usable, _ppp_hashes
),
-- a number for each row that only its content decides: a sum modulo 2147483647 = 2^31 - 1, mixed twice
_ppp_keyed AS NOT MATERIALIZED (
SELECT *, (content_key + 0.5e0) / 2147483647e0 AS uniform_key FROM (
  SELECT * REPLACE ((content_key * (content_key + 479001599)) % 2147483647 AS content_key) FROM (
    SELECT * REPLACE ((content_key * (content_key + 715225739)) % 2147483647 AS content_key) FROM (
      SELECT
        text_0,
        vector_1,
        weight_units,
        half_of_heaviest,
        ((text_0_hash * 22825725) % 2147483647 + TRY_CAST(places_0 AS BIGINT) % 2147483647) % 2147483647 AS content_key
      FROM _ppp_key_parts
    )
  )
) WHERE content_key IS NOT NULL
),
-- 4096 buckets of keys: how many rows each has, and the lowest key
_ppp_counted AS NOT MATERIALIZED (
SELECT
  content_key % 4096 AS bucket,
  system.main.sum(weight_units) AS size,
  system.main.min(content_key) AS lowest_key
FROM _ppp_keyed
GROUP BY bucket
),
-- which share of the distinct rows is grouped: all, or enough for the sample
-- the lowest keys tell how many distinct rows there are; a bucket with a heavy row is grouped whole
_ppp_buckets AS MATERIALIZED (
SELECT
  bucket,
  CASE WHEN is_heavy THEN 1e0 ELSE system.main.least(1e0, 65536e0 * 2e0 * share_of_one_row) END AS share
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
  vector_1,
  counted / share AS weight,
  counted / uniform_key AS priority
FROM (
  SELECT
    text_0,
    vector_1,
    uniform_key,
    CAST(system.main.sum(weight_units) / 562949953421312e0 * system.main.any_value(half_of_heaviest) AS DOUBLE) AS counted,
    system.main.any_value(share) AS share
  FROM (
    SELECT * FROM _ppp_keyed, (SELECT system.main.max(share) AS largest_share FROM _ppp_buckets) WHERE uniform_key < largest_share
  ) JOIN _ppp_buckets ON bucket = content_key % 4096
  WHERE uniform_key < share
  GROUP BY text_0, vector_1, uniform_key
)
),
-- the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold
_ppp_sample AS NOT MATERIALIZED (
SELECT
  text_0,
  vector_1,
  weight,
  priority
FROM _ppp_distinct_rows
WHERE priority >= (SELECT system.main.min(priority) FROM (SELECT priority FROM _ppp_distinct_rows ORDER BY priority DESC LIMIT 65537))
),
-- the fit begins
_ppp_begun AS MATERIALIZED (
SELECT ppp__fit(
  '{"automatic": false, "dropped": [], "features": [{"forms": ["text"], "name": "city", "type": "VARCHAR"}, {"forms": ["vector"], "name": "v", "type": "FLOAT[4]"}], "function": "ppp_cluster", "options": {"by": [], "categorical": "auto", "columns": ["v", "city"], "covariance": "auto", "exclude": [], "k": null, "k_max": null, "max_categories": 20, "missing": "impute", "output": "full", "prefix": "p_", "refine": 0, "sample_size": 65536, "scale": "auto", "separable_at": 0.95, "weight": "income"}, "source": "customers"}',
  [{'row_group': '[]',
    'summary': (SELECT _ppp_summary FROM _ppp_summary),
    'rows': (SELECT system.main.list({'text_0': text_0, 'vector_1': vector_1, 'weight': weight, 'priority': priority}) FROM _ppp_sample)}],
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
  * EXCLUDE (_ppp_score),
  _ppp_score.cluster_id AS "p_cluster_id",
  _ppp_score.probability AS "p_probability",
  _ppp_score.second_cluster_id AS "p_second_cluster_id",
  _ppp_score.second_probability AS "p_second_probability",
  _ppp_score.distance AS "p_distance",
  _ppp_score.kmeans_id AS "p_kmeans_id",
  _ppp_score.is_separable AS "p_is_separable",
  _ppp_score.reason AS "p_reason"
FROM (
  SELECT
    _ppp_source.*,
    ppp__score(_ppp_model.model, NULL, {'text city': ppp__text(_ppp_source."city"), 'vector v': ppp__vector(_ppp_source."v")}) AS _ppp_score
  FROM _ppp_source, _ppp_model
)
