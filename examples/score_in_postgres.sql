-- Made by make_score_in_postgres.py: a model that was fitted in DuckDB gives rows in PostgreSQL clusters.
CREATE TEMP TABLE customers (id integer, spend double precision, channel text);
INSERT INTO customers VALUES (1, 0.3, 'web'), (2, 9.1, 'shop'), (3, 18.4, 'web'), (4, NULL, 'shop'), (5, 8.8, 'fax');

CREATE TEMP VIEW clusters AS
WITH
-- the values that the model needs
ppp_values AS (
SELECT
  ppp_source AS ppp_row,
  CAST(ppp_source."channel" AS TEXT) COLLATE "C" AS ppp_value_0,
  CAST(ppp_source."spend" AS DOUBLE PRECISION) AS ppp_value_1
FROM "customers" AS ppp_source
OFFSET 0
),
-- what is finite, and not far out
ppp_stage_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  CASE WHEN ppp_value_1 BETWEEN -200.98648609453898e0 AND 218.98680035220153e0 THEN ppp_value_1 END AS ppp_seen_1
FROM ppp_values
OFFSET 0
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_2 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_seen_1,
  CASE WHEN ppp_value_0 IS NULL THEN 1 ELSE 0 END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -200.98648609453898e0 AND 218.98680035220153e0 THEN 0
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 4
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('Infinity' AS DOUBLE PRECISION) OR ppp_value_1 = CAST('-Infinity' AS DOUBLE PRECISION)) THEN 2
    ELSE 3
  END AS ppp_cause_1
FROM ppp_stage_1
OFFSET 0
),
-- whether a row has no value that is not far out
ppp_stage_3 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_seen_1, ppp_cause_0, ppp_cause_1,
  ppp_value_0 IS NULL AND ppp_seen_1 IS NULL AS ppp_alone
FROM ppp_stage_2
OFFSET 0
),
-- such a row stands at the limits
ppp_stage_4 AS (
SELECT
  ppp_row, ppp_value_0, ppp_cause_0, ppp_cause_1,
  CASE
    WHEN NOT ppp_seen_1 IS NULL THEN ppp_seen_1
    WHEN ppp_alone AND ppp_value_1 BETWEEN -1.7976931348623157e308 AND -200.98648609453898e0 THEN -200.98648609453898e0
    WHEN ppp_alone AND ppp_value_1 BETWEEN 218.98680035220153e0 AND 1.7976931348623157e308 THEN 218.98680035220153e0
  END AS ppp_raw_1
FROM ppp_stage_3
OFFSET 0
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_5 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1,
  (ppp_raw_1 - 9.004784485252458e0) / 7.380967546472675e0 AS ppp_x_0,
  CASE WHEN ppp_value_0 IS NULL THEN NULL WHEN ppp_value_0 = 'shop' THEN 0 WHEN ppp_value_0 = 'web' THEN 1 ELSE -1 END AS ppp_code_0
FROM ppp_stage_4
OFFSET 0
),
-- whether a row has what it takes to be scored
ppp_stage_6 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_code_0,
  NOT ppp_x_0 IS NULL OR NOT ppp_code_0 IS NULL AS ppp_complete
FROM ppp_stage_5
OFFSET 0
),
-- whether a row has all numbers
ppp_stage_7 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_code_0, ppp_complete,
  NOT ppp_x_0 IS NULL AS ppp_whole
FROM ppp_stage_6
OFFSET 0
),
-- squared distances to the components, in standard deviations
ppp_stage_8 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_code_0, ppp_complete, ppp_whole,
  COALESCE(((ppp_x_0 + 1.2988519072532654e0) * 15.327285766601562e0) * ((ppp_x_0 + 1.2988519072532654e0) * 15.327285766601562e0), 0e0) AS ppp_square_0,
  COALESCE(((ppp_x_0 + 7.408392429351807e-2) * 14.617523193359375e0) * ((ppp_x_0 + 7.408392429351807e-2) * 14.617523193359375e0), 0e0) AS ppp_square_1,
  COALESCE(((ppp_x_0 - 1.133696585893631e0) * 16.124237060546875e0) * ((ppp_x_0 - 1.133696585893631e0) * 16.124237060546875e0), 0e0) AS ppp_square_2,
  COALESCE(((ppp_x_0 - 1.3048334121704102e0) * 16.184967041015625e0) * ((ppp_x_0 - 1.3048334121704102e0) * 16.184967041015625e0), 0e0) AS ppp_square_3,
  COALESCE(((ppp_x_0 + 1.1404123306274414e0) * 15.399444580078125e0) * ((ppp_x_0 + 1.1404123306274414e0) * 15.399444580078125e0), 0e0) AS ppp_square_4,
  COALESCE(((ppp_x_0 - 7.206428050994873e-2) * 14.646820068359375e0) * ((ppp_x_0 - 7.206428050994873e-2) * 14.646820068359375e0), 0e0) AS ppp_square_5
FROM ppp_stage_7
OFFSET 0
),
-- what the squared distance is taken from, of a row that lacks numbers
ppp_stage_9 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_code_0, ppp_complete, ppp_whole, ppp_square_0, ppp_square_1,
  ppp_square_2, ppp_square_3, ppp_square_4, ppp_square_5,
  -1.7962876785799406e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.810696090291617e0 END AS ppp_norm_0,
  -1.8096577192955259e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.7632824945461678e0 END AS ppp_norm_1,
  -1.7885246579906584e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.8613850142832051e0 END AS ppp_norm_2,
  -1.7950048083365322e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.865144317780706e0 END AS ppp_norm_3,
  -1.7872516128231701e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.8153929093358157e0 END AS ppp_norm_4,
  -1.7741759710685372e0 + CASE WHEN ppp_x_0 IS NULL THEN CAST(0e0 AS DOUBLE PRECISION) ELSE 1.7652847185171856e0 END AS ppp_norm_5
FROM ppp_stage_8
OFFSET 0
),
-- log weight and log density of each component
ppp_stage_10 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete,
  CASE WHEN ppp_whole THEN 1.4408411711676283e-2 ELSE ppp_norm_0 END - (5e-1 * ppp_square_0)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_0,
  CASE WHEN ppp_whole THEN -4.637522474935807e-2 ELSE ppp_norm_1 END - (5e-1 * ppp_square_1)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_1,
  CASE WHEN ppp_whole THEN 7.286035629254672e-2 ELSE ppp_norm_2 END - (5e-1 * ppp_square_2)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_2,
  CASE WHEN ppp_whole THEN 7.013950944417391e-2 ELSE ppp_norm_3 END - (5e-1 * ppp_square_3)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_3,
  CASE WHEN ppp_whole THEN 2.814129651264552e-2 ELSE ppp_norm_4 END - (5e-1 * ppp_square_4)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_4,
  CASE WHEN ppp_whole THEN -8.891252551351592e-3 ELSE ppp_norm_5 END - (5e-1 * ppp_square_5)
    + CASE WHEN ppp_code_0 = 0 THEN CAST(-6.931471805599453e-1 AS DOUBLE PRECISION) WHEN ppp_code_0 = 1 THEN -6.931471805599453e-1 ELSE 0e0 END AS ppp_log_p_5
FROM ppp_stage_9
OFFSET 0
),
-- the most probable component
ppp_stage_11 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_log_p_0, ppp_log_p_1, ppp_log_p_2, ppp_log_p_3,
  ppp_log_p_4, ppp_log_p_5,
  GREATEST(ppp_log_p_0, ppp_log_p_1, ppp_log_p_2, ppp_log_p_3, ppp_log_p_4, ppp_log_p_5) AS ppp_best
FROM ppp_stage_10
OFFSET 0
),
-- densities of the components, in units of it
ppp_stage_12 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete,
  CASE WHEN ppp_log_p_0 - ppp_best > -700e0 THEN EXP(ppp_log_p_0 - ppp_best) ELSE 0e0 END AS ppp_p_0,
  CASE WHEN ppp_log_p_1 - ppp_best > -700e0 THEN EXP(ppp_log_p_1 - ppp_best) ELSE 0e0 END AS ppp_p_1,
  CASE WHEN ppp_log_p_2 - ppp_best > -700e0 THEN EXP(ppp_log_p_2 - ppp_best) ELSE 0e0 END AS ppp_p_2,
  CASE WHEN ppp_log_p_3 - ppp_best > -700e0 THEN EXP(ppp_log_p_3 - ppp_best) ELSE 0e0 END AS ppp_p_3,
  CASE WHEN ppp_log_p_4 - ppp_best > -700e0 THEN EXP(ppp_log_p_4 - ppp_best) ELSE 0e0 END AS ppp_p_4,
  CASE WHEN ppp_log_p_5 - ppp_best > -700e0 THEN EXP(ppp_log_p_5 - ppp_best) ELSE 0e0 END AS ppp_p_5
FROM ppp_stage_11
OFFSET 0
),
-- densities of the clusters
ppp_stage_13 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete,
  ppp_p_0 + ppp_p_4 AS ppp_cluster_0,
  ppp_p_1 + ppp_p_5 AS ppp_cluster_1,
  ppp_p_2 + ppp_p_3 AS ppp_cluster_2
FROM ppp_stage_12
OFFSET 0
),
-- the largest
ppp_stage_14 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_cluster_2,
  GREATEST(ppp_cluster_0, ppp_cluster_1, ppp_cluster_2) AS ppp_first
FROM ppp_stage_13
OFFSET 0
),
-- its cluster
ppp_stage_15 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_cluster_2, ppp_first,
  CASE
    WHEN ppp_cluster_0 = ppp_first THEN 0
    WHEN ppp_cluster_1 = ppp_first THEN 1
    WHEN ppp_cluster_2 = ppp_first THEN 2
  END AS ppp_id
FROM ppp_stage_14
OFFSET 0
),
-- all densities together
ppp_stage_16 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_cluster_2, ppp_first,
  ppp_id,
  ppp_cluster_0 + ppp_cluster_1 + ppp_cluster_2 AS ppp_total
FROM ppp_stage_15
OFFSET 0
),
-- densities of the clusters but the first
ppp_stage_17 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total,
  CASE WHEN ppp_id = 0 THEN -1e0 ELSE ppp_cluster_0 END AS ppp_other_0,
  CASE WHEN ppp_id = 1 THEN -1e0 ELSE ppp_cluster_1 END AS ppp_other_1,
  CASE WHEN ppp_id = 2 THEN -1e0 ELSE ppp_cluster_2 END AS ppp_other_2
FROM ppp_stage_16
OFFSET 0
),
-- the second
ppp_stage_18 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_other_0, ppp_other_1,
  ppp_other_2,
  GREATEST(ppp_other_0, ppp_other_1, ppp_other_2) AS ppp_next
FROM ppp_stage_17
OFFSET 0
),
-- its cluster
ppp_stage_19 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next,
  CASE WHEN ppp_other_0 = ppp_next THEN 0 WHEN ppp_other_1 = ppp_next THEN 1 WHEN ppp_other_2 = ppp_next THEN 2 END AS ppp_second
FROM ppp_stage_18
OFFSET 0
),
-- squared distances to the centres of k-means
ppp_stage_20 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  COALESCE((ppp_x_0 + 1.304938433370051e0) * (ppp_x_0 + 1.304938433370051e0), 0e0) AS ppp_cell_square_0,
  COALESCE((ppp_x_0 + 8.251580950422667e-2) * (ppp_x_0 + 8.251580950422667e-2), 0e0) AS ppp_cell_square_1,
  COALESCE((ppp_x_0 - 1.1293210487973078e0) * (ppp_x_0 - 1.1293210487973078e0), 0e0) AS ppp_cell_square_2,
  COALESCE((ppp_x_0 - 1.3086544689011894e0) * (ppp_x_0 - 1.3086544689011894e0), 0e0) AS ppp_cell_square_3,
  COALESCE((ppp_x_0 + 1.133609965678428e0) * (ppp_x_0 + 1.133609965678428e0), 0e0) AS ppp_cell_square_4,
  COALESCE((ppp_x_0 - 8.308869085477771e-2) * (ppp_x_0 - 8.308869085477771e-2), 0e0) AS ppp_cell_square_5
FROM ppp_stage_19
OFFSET 0
),
-- what a row has of what k-means sees
ppp_stage_21 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_cell_square_0, ppp_cell_square_1, ppp_cell_square_2, ppp_cell_square_3, ppp_cell_square_4, ppp_cell_square_5,
  CASE WHEN NOT ppp_x_0 IS NULL THEN 1e0 ELSE 0e0 END AS ppp_count
FROM ppp_stage_20
OFFSET 0
),
-- distances, as if a row had all of it
ppp_stage_22 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_count,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_0
    ELSE SQRT(ppp_cell_square_0 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_0,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_1
    ELSE SQRT(ppp_cell_square_1 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_1,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_2
    ELSE SQRT(ppp_cell_square_2 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_2,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_3
    ELSE SQRT(ppp_cell_square_3 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_3,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_4
    ELSE SQRT(ppp_cell_square_4 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_4,
  CASE
    WHEN ppp_count = 1e0 THEN ppp_cell_square_5
    ELSE SQRT(ppp_cell_square_5 * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_5
FROM ppp_stage_21
OFFSET 0
),
-- the smallest
ppp_stage_23 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_count, ppp_cell_distance_0, ppp_cell_distance_1, ppp_cell_distance_2, ppp_cell_distance_3, ppp_cell_distance_4,
  ppp_cell_distance_5,
  LEAST(ppp_cell_distance_0, ppp_cell_distance_1, ppp_cell_distance_2, ppp_cell_distance_3, ppp_cell_distance_4, ppp_cell_distance_5) AS ppp_nearest
FROM ppp_stage_22
OFFSET 0
),
-- the cluster of that centre
ppp_stage_24 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_count,
  CASE
    WHEN ppp_cell_distance_0 = ppp_nearest THEN 0
    WHEN ppp_cell_distance_1 = ppp_nearest THEN 1
    WHEN ppp_cell_distance_2 = ppp_nearest THEN 2
    WHEN ppp_cell_distance_3 = ppp_nearest THEN 2
    WHEN ppp_cell_distance_4 = ppp_nearest THEN 0
    WHEN ppp_cell_distance_5 = ppp_nearest THEN 1
  END AS ppp_cell
FROM ppp_stage_23
OFFSET 0
),
-- differences from the centre of the cluster
ppp_stage_25 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_count,
  ppp_cell,
  ppp_x_0 - CASE WHEN ppp_id = 0 THEN CAST(-1.2192741995242398e0 AS DOUBLE PRECISION) WHEN ppp_id = 1 THEN 2.864406752755155e-4 ELSE 1.2189877588492488e0 END AS ppp_from_center_0
FROM ppp_stage_24
OFFSET 0
),
-- squared distance to it
ppp_stage_26 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_count,
  ppp_cell,
  COALESCE(ppp_from_center_0 * ppp_from_center_0, 0e0) AS ppp_center_square
FROM ppp_stage_25
OFFSET 0
),
-- distance to it
ppp_stage_27 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  CASE
    WHEN ppp_count = 1e0 THEN SQRT(ppp_center_square)
    ELSE SQRT(ppp_center_square * (1e0 / CASE WHEN ppp_count > 0e0 THEN ppp_count ELSE 1e0 END))
  END AS ppp_distance
FROM ppp_stage_26
OFFSET 0
),
-- every row as it was, and its new columns
ppp_scored AS (
SELECT
  (ppp_row).*,
  CAST(CASE WHEN ppp_complete THEN ppp_id END AS INT) AS "cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_first / ppp_total END AS DOUBLE PRECISION) AS "probability",
  CAST(CASE WHEN ppp_complete THEN ppp_second END AS INT) AS "second_cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_next / ppp_total END AS DOUBLE PRECISION) AS "second_probability",
  CAST(CASE WHEN ppp_complete THEN ppp_distance END AS DOUBLE PRECISION) AS "distance",
  CAST(CASE WHEN ppp_complete THEN ppp_cell END AS INT) AS "kmeans_id",
  CAST(CASE WHEN ppp_complete THEN ppp_id = ppp_cell AND ppp_first / ppp_total >= 9.5e-1 END AS BOOLEAN) AS "is_separable",
  CAST(CASE
    WHEN ppp_cause_0 = 1 AND NOT ppp_complete THEN 'channel is NULL'
    WHEN ppp_cause_0 <> 0 THEN NULL
    WHEN ppp_cause_1 = 1 AND NOT ppp_complete THEN 'spend is NULL'
    WHEN ppp_cause_1 = 2 AND NOT ppp_complete THEN 'spend is NaN'
    WHEN ppp_cause_1 = 3 AND NOT ppp_complete THEN 'spend is infinite'
    WHEN ppp_cause_1 = 4 THEN 'spend is far out'
    WHEN ppp_cause_1 <> 0 THEN NULL
  END AS VARCHAR) AS "reason"
FROM ppp_stage_27
)
SELECT * FROM ppp_scored;

SELECT id, cluster_id, round(probability::numeric, 3) AS probability FROM clusters ORDER BY id;
