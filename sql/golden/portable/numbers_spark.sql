WITH
-- the values that the model needs
ppp_values AS (
SELECT
  STRUCT(ppp_source.*) AS ppp_row,
  CAST(ppp_source.`x` AS DOUBLE) AS ppp_value_0,
  CAST(ppp_source.`y` AS DOUBLE) AS ppp_value_1,
  ARRAY(TRUE) AS ppp_every_row
FROM `main`.`customers` AS ppp_source
),
-- what is finite, and not far out
ppp_stage_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_every_row,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_0 END AS ppp_seen_0,
  CASE WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_1 END AS ppp_seen_1
  ) END AS ppp_made_1
FROM ppp_values
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_2 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_1,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_value_0 IS NULL THEN 1
    WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_0 = CAST('Infinity' AS DOUBLE) OR ppp_value_0 = CAST('-Infinity' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('Infinity' AS DOUBLE) OR ppp_value_1 = CAST('-Infinity' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_1
  ) END AS ppp_made_2
FROM ppp_stage_1
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_3 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_1, ppp_made_2,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_1.ppp_seen_0 >= 5e59 THEN 1e60
    WHEN ppp_made_1.ppp_seen_0 <= -5e59 THEN -1e60
    ELSE (ppp_made_1.ppp_seen_0 - 2.5e0) / 5e-1
  END AS ppp_x_0,
  CASE
    WHEN ppp_made_1.ppp_seen_1 >= 5e59 THEN 1e60
    WHEN ppp_made_1.ppp_seen_1 <= -5e59 THEN -1e60
    ELSE (ppp_made_1.ppp_seen_1 - 2.5e0) / 5e-1
  END AS ppp_x_1
  ) END AS ppp_made_3
FROM ppp_stage_2
),
-- whether a row has what it takes to be scored
ppp_stage_4 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  NOT ppp_made_1.ppp_seen_0 IS NULL AND NOT ppp_made_1.ppp_seen_1 IS NULL AS ppp_complete
  ) END AS ppp_made_4
FROM ppp_stage_3
),
-- squared distances to the components, in standard deviations
ppp_stage_5 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ((ppp_made_3.ppp_x_0 + 1e0) * 1.5e0) * ((ppp_made_3.ppp_x_0 + 1e0) * 1.5e0)
    + ((ppp_made_3.ppp_x_1 + 1e0) * 1.5e0) * ((ppp_made_3.ppp_x_1 + 1e0) * 1.5e0) AS ppp_square_0,
  (ppp_made_3.ppp_x_0 * 1.5e0) * (ppp_made_3.ppp_x_0 * 1.5e0)
    + ((ppp_made_3.ppp_x_1 - 5e-1) * 1.5e0) * ((ppp_made_3.ppp_x_1 - 5e-1) * 1.5e0) AS ppp_square_1,
  ((ppp_made_3.ppp_x_0 - 1e0) * 1.5e0) * ((ppp_made_3.ppp_x_0 - 1e0) * 1.5e0)
    + ((ppp_made_3.ppp_x_1 - 1e0) * 1.5e0) * ((ppp_made_3.ppp_x_1 - 1e0) * 1.5e0) AS ppp_square_2
  ) END AS ppp_made_5
FROM ppp_stage_4
),
-- log weight and log density of each component
ppp_stage_6 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  (-2.413241211312907e0) - (5e-1 * ppp_made_5.ppp_square_0) AS ppp_log_p_0,
  (-2.413241211312907e0) - (5e-1 * ppp_made_5.ppp_square_1) AS ppp_log_p_1,
  (-1.720094030752962e0) - (5e-1 * ppp_made_5.ppp_square_2) AS ppp_log_p_2
  ) END AS ppp_made_6
FROM ppp_stage_5
),
-- the most probable component
ppp_stage_7 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_6,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_6.ppp_log_p_0, ppp_made_6.ppp_log_p_1, ppp_made_6.ppp_log_p_2) AS ppp_best
  ) END AS ppp_made_7
FROM ppp_stage_6
),
-- nats below it from which a component does not matter
ppp_stage_8 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_6, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  -LEAST(700e0, 60e0 + 1e-6 * (ABS(ppp_made_7.ppp_best) + 1.0000053125e0)) AS ppp_reach
  ) END AS ppp_made_8
FROM ppp_stage_7
),
-- densities of the components, in units of it
ppp_stage_9 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_6.ppp_log_p_0 - ppp_made_7.ppp_best > ppp_made_8.ppp_reach THEN EXP(ppp_made_6.ppp_log_p_0 - ppp_made_7.ppp_best)
    ELSE 0e0
  END AS ppp_p_0,
  CASE
    WHEN ppp_made_6.ppp_log_p_1 - ppp_made_7.ppp_best > ppp_made_8.ppp_reach THEN EXP(ppp_made_6.ppp_log_p_1 - ppp_made_7.ppp_best)
    ELSE 0e0
  END AS ppp_p_1,
  CASE
    WHEN ppp_made_6.ppp_log_p_2 - ppp_made_7.ppp_best > ppp_made_8.ppp_reach THEN EXP(ppp_made_6.ppp_log_p_2 - ppp_made_7.ppp_best)
    ELSE 0e0
  END AS ppp_p_2
  ) END AS ppp_made_9
FROM ppp_stage_8
),
-- densities of the clusters
ppp_stage_10 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_9.ppp_p_0 + ppp_made_9.ppp_p_1 AS ppp_cluster_0,
  ppp_made_9.ppp_p_2 AS ppp_cluster_1
  ) END AS ppp_made_10
FROM ppp_stage_9
),
-- the largest
ppp_stage_11 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_10,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_10.ppp_cluster_0, ppp_made_10.ppp_cluster_1) AS ppp_first
  ) END AS ppp_made_11
FROM ppp_stage_10
),
-- its cluster
ppp_stage_12 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_10, ppp_made_11,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_10.ppp_cluster_0 = ppp_made_11.ppp_first THEN 0
    WHEN ppp_made_10.ppp_cluster_1 = ppp_made_11.ppp_first THEN 1
  END AS ppp_id
  ) END AS ppp_made_12
FROM ppp_stage_11
),
-- all densities together
ppp_stage_13 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_10, ppp_made_11, ppp_made_12,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_10.ppp_cluster_0 + ppp_made_10.ppp_cluster_1 AS ppp_total
  ) END AS ppp_made_13
FROM ppp_stage_12
),
-- densities of the clusters but the first
ppp_stage_14 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_made_12.ppp_id = 0 THEN -1e0 ELSE ppp_made_10.ppp_cluster_0 END AS ppp_other_0,
  CASE WHEN ppp_made_12.ppp_id = 1 THEN -1e0 ELSE ppp_made_10.ppp_cluster_1 END AS ppp_other_1
  ) END AS ppp_made_14
FROM ppp_stage_13
),
-- the second
ppp_stage_15 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_14,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_14.ppp_other_0, ppp_made_14.ppp_other_1) AS ppp_next
  ) END AS ppp_made_15
FROM ppp_stage_14
),
-- its cluster
ppp_stage_16 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_14.ppp_other_0 = ppp_made_15.ppp_next THEN 0
    WHEN ppp_made_14.ppp_other_1 = ppp_made_15.ppp_next THEN 1
  END AS ppp_second
  ) END AS ppp_made_16
FROM ppp_stage_15
),
-- squared distances to the centres of k-means
ppp_stage_17 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15,
  ppp_made_16,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  (ppp_made_3.ppp_x_0 + 1e0) * (ppp_made_3.ppp_x_0 + 1e0) + (ppp_made_3.ppp_x_1 + 1e0) * (ppp_made_3.ppp_x_1 + 1e0) AS ppp_cell_square_0,
  ppp_made_3.ppp_x_0 * ppp_made_3.ppp_x_0 + (ppp_made_3.ppp_x_1 - 5e-1) * (ppp_made_3.ppp_x_1 - 5e-1) AS ppp_cell_square_1,
  (ppp_made_3.ppp_x_0 - 1e0) * (ppp_made_3.ppp_x_0 - 1e0) + (ppp_made_3.ppp_x_1 - 1e0) * (ppp_made_3.ppp_x_1 - 1e0) AS ppp_cell_square_2
  ) END AS ppp_made_17
FROM ppp_stage_16
),
-- the smallest
ppp_stage_18 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15,
  ppp_made_16, ppp_made_17,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  LEAST(ppp_made_17.ppp_cell_square_0, ppp_made_17.ppp_cell_square_1, ppp_made_17.ppp_cell_square_2) AS ppp_nearest
  ) END AS ppp_made_18
FROM ppp_stage_17
),
-- the cluster of that centre
ppp_stage_19 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_3, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15,
  ppp_made_16,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_17.ppp_cell_square_0 = ppp_made_18.ppp_nearest THEN 0
    WHEN ppp_made_17.ppp_cell_square_1 = ppp_made_18.ppp_nearest THEN 0
    WHEN ppp_made_17.ppp_cell_square_2 = ppp_made_18.ppp_nearest THEN 1
  END AS ppp_cell
  ) END AS ppp_made_19
FROM ppp_stage_18
),
-- differences from the centre of the cluster
ppp_stage_20 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15, ppp_made_16,
  ppp_made_19,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_3.ppp_x_0 - CASE WHEN ppp_made_12.ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_0,
  ppp_made_3.ppp_x_1 - CASE WHEN ppp_made_12.ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_1
  ) END AS ppp_made_20
FROM ppp_stage_19
),
-- squared distance to it
ppp_stage_21 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15, ppp_made_16,
  ppp_made_19,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_20.ppp_from_center_0 * ppp_made_20.ppp_from_center_0
    + ppp_made_20.ppp_from_center_1 * ppp_made_20.ppp_from_center_1 AS ppp_center_square
  ) END AS ppp_made_21
FROM ppp_stage_20
),
-- distance to it
ppp_stage_22 AS (
SELECT
  ppp_row, ppp_made_2, ppp_made_4, ppp_made_11, ppp_made_12, ppp_made_13, ppp_made_15, ppp_made_16, ppp_made_19,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  SQRT(ppp_made_21.ppp_center_square) AS ppp_distance
  ) END AS ppp_made_22
FROM ppp_stage_21
),
-- every row as it was, and its new columns
ppp_scored AS (
SELECT
  ppp_row.*,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_12.ppp_id END AS INT) AS `cluster_id`,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_11.ppp_first / ppp_made_13.ppp_total END AS DOUBLE) AS `probability`,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_16.ppp_second END AS INT) AS `second_cluster_id`,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_15.ppp_next / ppp_made_13.ppp_total END AS DOUBLE) AS `second_probability`,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_22.ppp_distance END AS DOUBLE) AS `distance`,
  CAST(CASE WHEN ppp_made_4.ppp_complete THEN ppp_made_19.ppp_cell END AS INT) AS `kmeans_id`,
  CAST(CASE
    WHEN ppp_made_4.ppp_complete THEN ppp_made_12.ppp_id = ppp_made_19.ppp_cell AND ppp_made_11.ppp_first / ppp_made_13.ppp_total >= 9.5e-1
  END AS BOOLEAN) AS `is_separable`,
  CAST(CASE
    WHEN ppp_made_2.ppp_cause_0 = 1 THEN 'x is NULL'
    WHEN ppp_made_2.ppp_cause_0 = 2 THEN 'x is NaN'
    WHEN ppp_made_2.ppp_cause_0 = 3 THEN 'x is infinite'
    WHEN ppp_made_2.ppp_cause_0 <> 0 THEN NULL
    WHEN ppp_made_2.ppp_cause_1 = 1 THEN 'y is NULL'
    WHEN ppp_made_2.ppp_cause_1 = 2 THEN 'y is NaN'
    WHEN ppp_made_2.ppp_cause_1 = 3 THEN 'y is infinite'
    WHEN ppp_made_2.ppp_cause_1 <> 0 THEN NULL
  END AS STRING) AS `reason`
FROM ppp_stage_22
)
SELECT * FROM ppp_scored
