WITH
-- the values that the model needs
ppp_values AS (
SELECT
  STRUCT(ppp_source.*) AS ppp_row,
  CAST(ppp_source.`city` AS STRING) COLLATE UTF8_BINARY AS ppp_value_0,
  CAST(UNIX_DATE(ppp_source.`day`) AS DOUBLE) * 86400e0 AS ppp_value_1,
  CAST(ppp_source.`pay` AS DOUBLE) AS ppp_value_2,
  ARRAY(TRUE) AS ppp_every_row
FROM `main`.`customers` AS ppp_source
),
-- what is finite, and not far out
ppp_stage_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_value_2, ppp_every_row,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_value_1 BETWEEN -1000e0 AND 1000e0 THEN ppp_value_1 END AS ppp_seen_1,
  CASE WHEN ppp_value_2 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_2 END AS ppp_seen_2
  ) END AS ppp_made_1
FROM ppp_values
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_2 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_every_row, ppp_made_1,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_value_0 IS NULL THEN 1 ELSE 0 END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -1000e0 AND 1000e0 THEN 0
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 4
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('Infinity' AS DOUBLE) OR ppp_value_1 = CAST('-Infinity' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_1,
  CASE
    WHEN ppp_value_2 IS NULL THEN 1
    WHEN ppp_value_2 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_2 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_2 = CAST('Infinity' AS DOUBLE) OR ppp_value_2 = CAST('-Infinity' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_2
  ) END AS ppp_made_2
FROM ppp_stage_1
),
-- whether a row has no value that is not far out
ppp_stage_3 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_every_row, ppp_made_1, ppp_made_2,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_value_0 IS NULL AND ppp_made_1.ppp_seen_1 IS NULL AND ppp_made_1.ppp_seen_2 IS NULL AS ppp_alone
  ) END AS ppp_made_3
FROM ppp_stage_2
),
-- such a row stands at the limits
ppp_stage_4 AS (
SELECT
  ppp_row, ppp_value_0, ppp_every_row, ppp_made_1, ppp_made_2,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN NOT ppp_made_1.ppp_seen_1 IS NULL THEN ppp_made_1.ppp_seen_1
    WHEN ppp_made_3.ppp_alone AND ppp_value_1 BETWEEN -1.7976931348623157e308 AND -1000e0 THEN -1000e0
    WHEN ppp_made_3.ppp_alone AND ppp_value_1 BETWEEN 1000e0 AND 1.7976931348623157e308 THEN 1000e0
  END AS ppp_raw_1
  ) END AS ppp_made_4
FROM ppp_stage_3
),
-- the sizes of which logarithms are taken
ppp_stage_5 AS (
SELECT
  ppp_row, ppp_value_0, ppp_every_row, ppp_made_1, ppp_made_2, ppp_made_4,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ABS(ppp_made_1.ppp_seen_2) / 5e-1 AS ppp_size_1
  ) END AS ppp_made_5
FROM ppp_stage_4
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_6 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  (ppp_made_4.ppp_raw_1 - 2.5e0) / 5e-1 AS ppp_x_0,
  CASE
    WHEN ppp_made_1.ppp_seen_2 >= 8.98846567431158e307 THEN 1e60
    WHEN ppp_made_1.ppp_seen_2 <= -8.98846567431158e307 THEN -1e60
    ELSE (CASE WHEN ppp_made_1.ppp_seen_2 < 0e0 THEN -(CASE WHEN 1e0 + ppp_made_5.ppp_size_1 = 1e0 THEN ppp_made_5.ppp_size_1 ELSE LN(1e0 + ppp_made_5.ppp_size_1) * (ppp_made_5.ppp_size_1 / ((1e0 + ppp_made_5.ppp_size_1) - 1e0)) END) ELSE CASE WHEN 1e0 + ppp_made_5.ppp_size_1 = 1e0 THEN ppp_made_5.ppp_size_1 ELSE LN(1e0 + ppp_made_5.ppp_size_1) * (ppp_made_5.ppp_size_1 / ((1e0 + ppp_made_5.ppp_size_1) - 1e0)) END END - 2.5e0) / 5e-1
  END AS ppp_x_1,
  CASE WHEN ppp_value_0 IS NULL THEN NULL WHEN ppp_value_0 = 'Oslo' THEN 0 WHEN ppp_value_0 = 'it\'s' THEN 1 ELSE 2 END AS ppp_code_0
  ) END AS ppp_made_6
FROM ppp_stage_5
),
-- whether a row has what it takes to be scored
ppp_stage_7 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  NOT ppp_made_6.ppp_x_0 IS NULL OR NOT ppp_made_6.ppp_x_1 IS NULL OR NOT ppp_made_6.ppp_code_0 IS NULL AS ppp_complete
  ) END AS ppp_made_7
FROM ppp_stage_6
),
-- whether a row has all numbers
ppp_stage_8 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  NOT ppp_made_6.ppp_x_0 IS NULL AND NOT ppp_made_6.ppp_x_1 IS NULL AS ppp_whole
  ) END AS ppp_made_8
FROM ppp_stage_7
),
-- differences from the means
ppp_stage_9 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  COALESCE(ppp_made_6.ppp_x_0 + 1e0, 0e0) AS ppp_gap_0_0,
  COALESCE(ppp_made_6.ppp_x_1 + 1e0, 0e0) AS ppp_gap_0_1,
  COALESCE(ppp_made_6.ppp_x_0, 0e0) AS ppp_gap_1_0,
  COALESCE(ppp_made_6.ppp_x_1 - 5e-1, 0e0) AS ppp_gap_1_1,
  COALESCE(ppp_made_6.ppp_x_0 - 1e0, 0e0) AS ppp_gap_2_0,
  COALESCE(ppp_made_6.ppp_x_1 - 1e0, 0e0) AS ppp_gap_2_1
  ) END AS ppp_made_9
FROM ppp_stage_8
),
-- the same in the coordinates of the covariance
ppp_stage_10 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_9.ppp_gap_0_0 * 1.5e0 AS ppp_turned_0_0,
  ppp_made_9.ppp_gap_0_0 * 2.5e-1 + ppp_made_9.ppp_gap_0_1 * 2e0 AS ppp_turned_0_1,
  ppp_made_9.ppp_gap_1_0 * 3e0 AS ppp_turned_1_0,
  ppp_made_9.ppp_gap_1_0 * 5e-1 + ppp_made_9.ppp_gap_1_1 * 4e0 AS ppp_turned_1_1,
  ppp_made_9.ppp_gap_2_0 * 1.5e0 AS ppp_turned_2_0,
  ppp_made_9.ppp_gap_2_0 * 2.5e-1 + ppp_made_9.ppp_gap_2_1 * 2e0 AS ppp_turned_2_1
  ) END AS ppp_made_10
FROM ppp_stage_9
),
-- squared distances to the components
ppp_stage_11 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8, ppp_made_10,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_10.ppp_turned_0_0 * ppp_made_10.ppp_turned_0_0 + ppp_made_10.ppp_turned_0_1 * ppp_made_10.ppp_turned_0_1 AS ppp_square_0,
  ppp_made_10.ppp_turned_1_0 * ppp_made_10.ppp_turned_1_0 + ppp_made_10.ppp_turned_1_1 * ppp_made_10.ppp_turned_1_1 AS ppp_square_1,
  ppp_made_10.ppp_turned_2_0 * ppp_made_10.ppp_turned_2_0 + ppp_made_10.ppp_turned_2_1 * ppp_made_10.ppp_turned_2_1 AS ppp_square_2
  ) END AS ppp_made_11
FROM ppp_stage_10
),
-- precision times difference, of numbers that may be missing
ppp_stage_12 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8, ppp_made_11,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_10.ppp_turned_0_0 * 1.5e0 + ppp_made_10.ppp_turned_0_1 * 2.5e-1 AS ppp_pull_0_0,
  ppp_made_10.ppp_turned_0_1 * 2e0 AS ppp_pull_0_1,
  ppp_made_10.ppp_turned_1_0 * 3e0 + ppp_made_10.ppp_turned_1_1 * 5e-1 AS ppp_pull_1_0,
  ppp_made_10.ppp_turned_1_1 * 4e0 AS ppp_pull_1_1,
  ppp_made_10.ppp_turned_2_0 * 1.5e0 + ppp_made_10.ppp_turned_2_1 * 2.5e-1 AS ppp_pull_2_0,
  ppp_made_10.ppp_turned_2_1 * 2e0 AS ppp_pull_2_1
  ) END AS ppp_made_12
FROM ppp_stage_11
),
-- number 0 is taken out where it is missing
ppp_stage_13 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_12.ppp_pull_0_1 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 5e-1 * (ppp_made_12.ppp_pull_0_0 / 2.3125e0) ELSE 0e0 END AS ppp_pull_0_1_without_0,
  ppp_made_11.ppp_square_0 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN ppp_made_12.ppp_pull_0_0 * (ppp_made_12.ppp_pull_0_0 / 2.3125e0) ELSE 0e0 END AS ppp_square_0_without_0,
  (-2.125559138861126e0) - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN -4.9977393800245107e-1 ELSE 0e0 END AS ppp_norm_0_without_0,
  ppp_made_12.ppp_pull_1_1 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 2e0 * (ppp_made_12.ppp_pull_1_0 / 9.25e0) ELSE 0e0 END AS ppp_pull_1_1_without_0,
  ppp_made_11.ppp_square_1 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN ppp_made_12.ppp_pull_1_0 * (ppp_made_12.ppp_pull_1_0 / 9.25e0) ELSE 0e0 END AS ppp_square_1_without_0,
  (-7.392647777412356e-1) - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 1.9337324255749433e-1 ELSE 0e0 END AS ppp_norm_1_without_0,
  ppp_made_12.ppp_pull_2_1 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 5e-1 * (ppp_made_12.ppp_pull_2_0 / 2.3125e0) ELSE 0e0 END AS ppp_pull_2_1_without_0,
  ppp_made_11.ppp_square_2 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN ppp_made_12.ppp_pull_2_0 * (ppp_made_12.ppp_pull_2_0 / 2.3125e0) ELSE 0e0 END AS ppp_square_2_without_0,
  (-1.4324119583011812e0) - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN -4.9977393800245107e-1 ELSE 0e0 END AS ppp_norm_2_without_0,
  4e0 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 1.0810810810810811e-1 ELSE 0e0 END AS ppp_precision_0_1_1_without_0,
  16e0 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 4.3243243243243246e-1 ELSE 0e0 END AS ppp_precision_1_1_1_without_0,
  4e0 - CASE WHEN ppp_made_6.ppp_x_0 IS NULL THEN 1.0810810810810811e-1 ELSE 0e0 END AS ppp_precision_2_1_1_without_0
  ) END AS ppp_made_13
FROM ppp_stage_12
),
-- number 1 is taken out where it is missing
ppp_stage_14 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_13.ppp_square_0_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN ppp_made_13.ppp_pull_0_1_without_0 * (ppp_made_13.ppp_pull_0_1_without_0 / ppp_made_13.ppp_precision_0_1_1_without_0) ELSE 0e0 END AS ppp_square_0_without_1,
  ppp_made_13.ppp_norm_0_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN 5e-1 * (LN(ppp_made_13.ppp_precision_0_1_1_without_0) - 1.8378770664093453e0) ELSE 0e0 END AS ppp_norm_0_without_1,
  ppp_made_13.ppp_square_1_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN ppp_made_13.ppp_pull_1_1_without_0 * (ppp_made_13.ppp_pull_1_1_without_0 / ppp_made_13.ppp_precision_1_1_1_without_0) ELSE 0e0 END AS ppp_square_1_without_1,
  ppp_made_13.ppp_norm_1_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN 5e-1 * (LN(ppp_made_13.ppp_precision_1_1_1_without_0) - 1.8378770664093453e0) ELSE 0e0 END AS ppp_norm_1_without_1,
  ppp_made_13.ppp_square_2_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN ppp_made_13.ppp_pull_2_1_without_0 * (ppp_made_13.ppp_pull_2_1_without_0 / ppp_made_13.ppp_precision_2_1_1_without_0) ELSE 0e0 END AS ppp_square_2_without_1,
  ppp_made_13.ppp_norm_2_without_0 - CASE WHEN ppp_made_6.ppp_x_1 IS NULL THEN 5e-1 * (LN(ppp_made_13.ppp_precision_2_1_1_without_0) - 1.8378770664093453e0) ELSE 0e0 END AS ppp_norm_2_without_1
  ) END AS ppp_made_14
FROM ppp_stage_13
),
-- what the squared distance is taken from
ppp_stage_15 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_8, ppp_made_14,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_14.ppp_norm_0_without_1 AS ppp_norm_0,
  ppp_made_14.ppp_norm_1_without_1 AS ppp_norm_1,
  ppp_made_14.ppp_norm_2_without_1 AS ppp_norm_2
  ) END AS ppp_made_15
FROM ppp_stage_14
),
-- log weight and log density of each component
ppp_stage_16 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_made_8.ppp_whole THEN -2.125559138861126e0 ELSE ppp_made_15.ppp_norm_0 END - (5e-1 * ppp_made_14.ppp_square_0_without_1)
    + CASE WHEN ppp_made_6.ppp_code_0 = 0 THEN -6.931471805599453e-1 WHEN ppp_made_6.ppp_code_0 = 1 THEN -1.3862943611198906e0 WHEN ppp_made_6.ppp_code_0 = 2 THEN -1.3862943611198906e0 ELSE 0e0 END AS ppp_log_p_0,
  CASE WHEN ppp_made_8.ppp_whole THEN -7.392647777412356e-1 ELSE ppp_made_15.ppp_norm_1 END - (5e-1 * ppp_made_14.ppp_square_1_without_1)
    + CASE WHEN ppp_made_6.ppp_code_0 = 0 THEN -1.3862943611198906e0 WHEN ppp_made_6.ppp_code_0 = 1 THEN -6.931471805599453e-1 WHEN ppp_made_6.ppp_code_0 = 2 THEN -1.3862943611198906e0 ELSE 0e0 END AS ppp_log_p_1,
  CASE WHEN ppp_made_8.ppp_whole THEN -1.4324119583011812e0 ELSE ppp_made_15.ppp_norm_2 END - (5e-1 * ppp_made_14.ppp_square_2_without_1)
    + CASE WHEN ppp_made_6.ppp_code_0 = 0 THEN -2.0794415416798357e0 WHEN ppp_made_6.ppp_code_0 = 1 THEN -2.0794415416798357e0 WHEN ppp_made_6.ppp_code_0 = 2 THEN -2.876820724517809e-1 ELSE 0e0 END AS ppp_log_p_2
  ) END AS ppp_made_16
FROM ppp_stage_15
),
-- the most probable component
ppp_stage_17 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_16,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_16.ppp_log_p_0, ppp_made_16.ppp_log_p_1, ppp_made_16.ppp_log_p_2) AS ppp_best
  ) END AS ppp_made_17
FROM ppp_stage_16
),
-- densities of the components, in units of it
ppp_stage_18 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_16.ppp_log_p_0 - ppp_made_17.ppp_best > -700e0 THEN EXP(ppp_made_16.ppp_log_p_0 - ppp_made_17.ppp_best)
    ELSE 0e0
  END AS ppp_p_0,
  CASE
    WHEN ppp_made_16.ppp_log_p_1 - ppp_made_17.ppp_best > -700e0 THEN EXP(ppp_made_16.ppp_log_p_1 - ppp_made_17.ppp_best)
    ELSE 0e0
  END AS ppp_p_1,
  CASE
    WHEN ppp_made_16.ppp_log_p_2 - ppp_made_17.ppp_best > -700e0 THEN EXP(ppp_made_16.ppp_log_p_2 - ppp_made_17.ppp_best)
    ELSE 0e0
  END AS ppp_p_2
  ) END AS ppp_made_18
FROM ppp_stage_17
),
-- densities of the clusters
ppp_stage_19 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_18.ppp_p_0 + ppp_made_18.ppp_p_1 AS ppp_cluster_0,
  ppp_made_18.ppp_p_2 AS ppp_cluster_1
  ) END AS ppp_made_19
FROM ppp_stage_18
),
-- the largest
ppp_stage_20 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_19,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_19.ppp_cluster_0, ppp_made_19.ppp_cluster_1) AS ppp_first
  ) END AS ppp_made_20
FROM ppp_stage_19
),
-- its cluster
ppp_stage_21 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_19, ppp_made_20,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_19.ppp_cluster_0 = ppp_made_20.ppp_first THEN 0
    WHEN ppp_made_19.ppp_cluster_1 = ppp_made_20.ppp_first THEN 1
  END AS ppp_id
  ) END AS ppp_made_21
FROM ppp_stage_20
),
-- all densities together
ppp_stage_22 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_19, ppp_made_20, ppp_made_21,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_19.ppp_cluster_0 + ppp_made_19.ppp_cluster_1 AS ppp_total
  ) END AS ppp_made_22
FROM ppp_stage_21
),
-- densities of the clusters but the first
ppp_stage_23 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN ppp_made_21.ppp_id = 0 THEN -1e0 ELSE ppp_made_19.ppp_cluster_0 END AS ppp_other_0,
  CASE WHEN ppp_made_21.ppp_id = 1 THEN -1e0 ELSE ppp_made_19.ppp_cluster_1 END AS ppp_other_1
  ) END AS ppp_made_23
FROM ppp_stage_22
),
-- the second
ppp_stage_24 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_23,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  GREATEST(ppp_made_23.ppp_other_0, ppp_made_23.ppp_other_1) AS ppp_next
  ) END AS ppp_made_24
FROM ppp_stage_23
),
-- its cluster
ppp_stage_25 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_23.ppp_other_0 = ppp_made_24.ppp_next THEN 0
    WHEN ppp_made_23.ppp_other_1 = ppp_made_24.ppp_next THEN 1
  END AS ppp_second
  ) END AS ppp_made_25
FROM ppp_stage_24
),
-- categories as places on axes (ppp_place), and how much of each axis is known
ppp_stage_26 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  (ppp_made_6.ppp_code_0 >= 0) AS ppp_known,
  CASE
    WHEN ppp_made_6.ppp_code_0 = 0 THEN -2.5e-1
    WHEN ppp_made_6.ppp_code_0 = 1 THEN 0e0
    WHEN ppp_made_6.ppp_code_0 = 2 THEN 2.5e-1
    ELSE 0e0
  END AS ppp_place_0,
  CASE WHEN ppp_made_6.ppp_code_0 >= 0 THEN 5e-1 ELSE 0e0 END AS ppp_span_0
  ) END AS ppp_made_26
FROM ppp_stage_25
),
-- places on axes, as if all were known
ppp_stage_27 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_26.ppp_known THEN ppp_made_26.ppp_place_0
    WHEN ppp_made_26.ppp_span_0 > 0e0 THEN ppp_made_26.ppp_place_0 * (5e-1 / ppp_made_26.ppp_span_0)
  END AS ppp_axis_0
  ) END AS ppp_made_27
FROM ppp_stage_26
),
-- squared distances to the centres of k-means
ppp_stage_28 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25, ppp_made_27,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  COALESCE((ppp_made_6.ppp_x_0 + 1e0) * (ppp_made_6.ppp_x_0 + 1e0), 0e0)
    + COALESCE((ppp_made_6.ppp_x_1 + 1e0) * (ppp_made_6.ppp_x_1 + 1e0), 0e0)
    + COALESCE((ppp_made_27.ppp_axis_0 + 2.5e-1) * (ppp_made_27.ppp_axis_0 + 2.5e-1), 0e0) AS ppp_cell_square_0,
  COALESCE(ppp_made_6.ppp_x_0 * ppp_made_6.ppp_x_0, 0e0)
    + COALESCE((ppp_made_6.ppp_x_1 - 5e-1) * (ppp_made_6.ppp_x_1 - 5e-1), 0e0)
    + COALESCE(ppp_made_27.ppp_axis_0 * ppp_made_27.ppp_axis_0, 0e0) AS ppp_cell_square_1,
  COALESCE((ppp_made_6.ppp_x_0 - 1e0) * (ppp_made_6.ppp_x_0 - 1e0), 0e0)
    + COALESCE((ppp_made_6.ppp_x_1 - 1e0) * (ppp_made_6.ppp_x_1 - 1e0), 0e0)
    + COALESCE((ppp_made_27.ppp_axis_0 - 2.5e-1) * (ppp_made_27.ppp_axis_0 - 2.5e-1), 0e0) AS ppp_cell_square_2
  ) END AS ppp_made_28
FROM ppp_stage_27
),
-- what a row has of what k-means sees
ppp_stage_29 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25, ppp_made_27, ppp_made_28,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE WHEN NOT ppp_made_6.ppp_x_0 IS NULL THEN 1e0 ELSE 0e0 END
    + CASE WHEN NOT ppp_made_6.ppp_x_1 IS NULL THEN 1e0 ELSE 0e0 END
    + CASE WHEN NOT ppp_made_27.ppp_axis_0 IS NULL THEN 1e0 ELSE 0e0 END AS ppp_count
  ) END AS ppp_made_29
FROM ppp_stage_28
),
-- distances, as if a row had all of it
ppp_stage_30 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25, ppp_made_27, ppp_made_29,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_29.ppp_count = 3e0 THEN ppp_made_28.ppp_cell_square_0
    ELSE SQRT(ppp_made_28.ppp_cell_square_0 * (3e0 / CASE WHEN ppp_made_29.ppp_count > 0e0 THEN ppp_made_29.ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_0,
  CASE
    WHEN ppp_made_29.ppp_count = 3e0 THEN ppp_made_28.ppp_cell_square_1
    ELSE SQRT(ppp_made_28.ppp_cell_square_1 * (3e0 / CASE WHEN ppp_made_29.ppp_count > 0e0 THEN ppp_made_29.ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_1,
  CASE
    WHEN ppp_made_29.ppp_count = 3e0 THEN ppp_made_28.ppp_cell_square_2
    ELSE SQRT(ppp_made_28.ppp_cell_square_2 * (3e0 / CASE WHEN ppp_made_29.ppp_count > 0e0 THEN ppp_made_29.ppp_count ELSE 1e0 END))
  END AS ppp_cell_distance_2
  ) END AS ppp_made_30
FROM ppp_stage_29
),
-- the smallest
ppp_stage_31 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25, ppp_made_27, ppp_made_29, ppp_made_30,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  LEAST(ppp_made_30.ppp_cell_distance_0, ppp_made_30.ppp_cell_distance_1, ppp_made_30.ppp_cell_distance_2) AS ppp_nearest
  ) END AS ppp_made_31
FROM ppp_stage_30
),
-- the cluster of that centre
ppp_stage_32 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_6, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24,
  ppp_made_25, ppp_made_27, ppp_made_29,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_30.ppp_cell_distance_0 = ppp_made_31.ppp_nearest THEN 0
    WHEN ppp_made_30.ppp_cell_distance_1 = ppp_made_31.ppp_nearest THEN 0
    WHEN ppp_made_30.ppp_cell_distance_2 = ppp_made_31.ppp_nearest THEN 1
  END AS ppp_cell
  ) END AS ppp_made_32
FROM ppp_stage_31
),
-- differences from the centre of the cluster
ppp_stage_33 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24, ppp_made_25,
  ppp_made_29, ppp_made_32,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  ppp_made_6.ppp_x_0 - CASE WHEN ppp_made_21.ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_0,
  ppp_made_6.ppp_x_1 - CASE WHEN ppp_made_21.ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_1,
  ppp_made_27.ppp_axis_0 - CASE WHEN ppp_made_21.ppp_id = 0 THEN -2.5e-1 ELSE 2.5e-1 END AS ppp_from_center_2
  ) END AS ppp_made_33
FROM ppp_stage_32
),
-- squared distance to it
ppp_stage_34 AS (
SELECT
  ppp_row, ppp_every_row, ppp_made_2, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24, ppp_made_25,
  ppp_made_29, ppp_made_32,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  COALESCE(ppp_made_33.ppp_from_center_0 * ppp_made_33.ppp_from_center_0, 0e0)
    + COALESCE(ppp_made_33.ppp_from_center_1 * ppp_made_33.ppp_from_center_1, 0e0)
    + COALESCE(ppp_made_33.ppp_from_center_2 * ppp_made_33.ppp_from_center_2, 0e0) AS ppp_center_square
  ) END AS ppp_made_34
FROM ppp_stage_33
),
-- distance to it
ppp_stage_35 AS (
SELECT
  ppp_row, ppp_made_2, ppp_made_7, ppp_made_20, ppp_made_21, ppp_made_22, ppp_made_24, ppp_made_25, ppp_made_32,
  CASE WHEN ARRAY_SORT(ppp_every_row)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_29.ppp_count = 3e0 THEN SQRT(ppp_made_34.ppp_center_square)
    ELSE SQRT(ppp_made_34.ppp_center_square * (3e0 / CASE WHEN ppp_made_29.ppp_count > 0e0 THEN ppp_made_29.ppp_count ELSE 1e0 END))
  END AS ppp_distance
  ) END AS ppp_made_35
FROM ppp_stage_34
),
-- every row as it was, and its new columns
ppp_scored AS (
SELECT
  ppp_row.*,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_21.ppp_id END AS INT) AS `cluster_id`,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_20.ppp_first / ppp_made_22.ppp_total END AS DOUBLE) AS `probability`,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_25.ppp_second END AS INT) AS `second_cluster_id`,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_24.ppp_next / ppp_made_22.ppp_total END AS DOUBLE) AS `second_probability`,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_35.ppp_distance END AS DOUBLE) AS `distance`,
  CAST(CASE WHEN ppp_made_7.ppp_complete THEN ppp_made_32.ppp_cell END AS INT) AS `kmeans_id`,
  CAST(CASE
    WHEN ppp_made_7.ppp_complete THEN ppp_made_21.ppp_id = ppp_made_32.ppp_cell AND ppp_made_20.ppp_first / ppp_made_22.ppp_total >= 9.5e-1
  END AS BOOLEAN) AS `is_separable`,
  CAST(CASE
    WHEN ppp_made_2.ppp_cause_0 = 1 AND NOT ppp_made_7.ppp_complete THEN 'city is NULL'
    WHEN ppp_made_2.ppp_cause_0 <> 0 THEN NULL
    WHEN ppp_made_2.ppp_cause_1 = 1 AND NOT ppp_made_7.ppp_complete THEN 'day is NULL'
    WHEN ppp_made_2.ppp_cause_1 = 2 AND NOT ppp_made_7.ppp_complete THEN 'day is NaN'
    WHEN ppp_made_2.ppp_cause_1 = 3 AND NOT ppp_made_7.ppp_complete THEN 'day is infinite'
    WHEN ppp_made_2.ppp_cause_1 = 4 THEN 'day is far out'
    WHEN ppp_made_2.ppp_cause_1 <> 0 THEN NULL
    WHEN ppp_made_2.ppp_cause_2 = 1 AND NOT ppp_made_7.ppp_complete THEN 'pay is NULL'
    WHEN ppp_made_2.ppp_cause_2 = 2 AND NOT ppp_made_7.ppp_complete THEN 'pay is NaN'
    WHEN ppp_made_2.ppp_cause_2 = 3 AND NOT ppp_made_7.ppp_complete THEN 'pay is infinite'
    WHEN ppp_made_2.ppp_cause_2 <> 0 THEN NULL
  END AS STRING) AS `reason`
FROM ppp_stage_35
)
SELECT * FROM ppp_scored
