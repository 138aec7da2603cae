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
-- the same as differences from the middle; NaN for what is missing
ppp_stage_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_every_row,
  COALESCE(ppp_value_0, CAST('NaN' AS DOUBLE)) - 2.5e0 AS ppp_centered_0,
  COALESCE(ppp_value_1, CAST('NaN' AS DOUBLE)) - 2.5833333333333335e0 AS ppp_centered_1
FROM ppp_values
),
-- log densities of the components, nearly
ppp_stage_2 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  -5.069491211312907e0 + ppp_centered_0 * -4.5e0 + ppp_centered_1 * -5.25e0 + (ppp_centered_0 * ppp_centered_0) * -4.5e0
    + (ppp_centered_1 * ppp_centered_1) * -4.5e0 AS ppp_nearly_0,
  -2.538241211312907e0 + ppp_centered_1 * 1.5000000000000002e0 + (ppp_centered_0 * ppp_centered_0) * -4.5e0
    + (ppp_centered_1 * ppp_centered_1) * -4.5e0 AS ppp_nearly_1,
  -3.626344030752962e0 + ppp_centered_0 * 4.5e0 + ppp_centered_1 * 3.75e0 + (ppp_centered_0 * ppp_centered_0) * -4.5e0
    + (ppp_centered_1 * ppp_centered_1) * -4.5e0 AS ppp_nearly_2,
  ARRAY_SORT(ppp_every_row)[0] AS ppp_asked
FROM ppp_stage_1
),
-- what those are above that matter
ppp_stage_3 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_nearly_0, ppp_nearly_1, ppp_nearly_2, ppp_asked,
  (GREATEST(ppp_nearly_0, ppp_nearly_1, ppp_nearly_2) * 1.000004e0) - 2.098645247583896e0 AS ppp_near
FROM ppp_stage_2
),
-- the first and the last cluster that has one
ppp_stage_4 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_asked, ppp_near,
  CASE WHEN ppp_nearly_0 > ppp_near THEN 0 WHEN ppp_nearly_1 > ppp_near THEN 0 WHEN ppp_nearly_2 > ppp_near THEN 1 END AS ppp_near_first,
  CASE WHEN ppp_nearly_2 > ppp_near THEN 1 WHEN ppp_nearly_1 > ppp_near THEN 0 WHEN ppp_nearly_0 > ppp_near THEN 0 END AS ppp_near_last
FROM ppp_stage_3
),
-- the cluster of a row that is in no doubt
ppp_stage_5 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  CASE
    WHEN ppp_asked AND ppp_near_first = ppp_near_last AND ppp_near BETWEEN -10006.55190411186e0 AND 5.826482422625814e0 THEN ppp_near_first
  END AS ppp_sure
FROM ppp_stage_4
),
-- whether a row is: what follows is for these only
ppp_stage_6 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1, ppp_sure,
  CASE WHEN ppp_sure IS NULL THEN ARRAY(TRUE) END AS ppp_doubt
FROM ppp_stage_5
),
-- what is finite, and not far out
ppp_stage_7 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  CASE WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_0 END AS ppp_seen_0,
  CASE WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_1 END AS ppp_seen_1
  ) END AS ppp_made_7
FROM ppp_stage_6
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_8 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_7,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_7.ppp_seen_0 >= 5e59 THEN 1e60
    WHEN ppp_made_7.ppp_seen_0 <= -5e59 THEN -1e60
    ELSE (ppp_made_7.ppp_seen_0 - 2.5e0) / 5e-1
  END AS ppp_x_0,
  CASE
    WHEN ppp_made_7.ppp_seen_1 >= 5e59 THEN 1e60
    WHEN ppp_made_7.ppp_seen_1 <= -5e59 THEN -1e60
    ELSE (ppp_made_7.ppp_seen_1 - 2.5e0) / 5e-1
  END AS ppp_x_1
  ) END AS ppp_made_8
FROM ppp_stage_7
),
-- whether a row has what it takes to be scored
ppp_stage_9 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_8,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  NOT ppp_made_7.ppp_seen_0 IS NULL AND NOT ppp_made_7.ppp_seen_1 IS NULL AS ppp_complete
  ) END AS ppp_made_9
FROM ppp_stage_8
),
-- squared distances to the components, in standard deviations
ppp_stage_10 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  ((ppp_made_8.ppp_x_0 + 1e0) * 1.5e0) * ((ppp_made_8.ppp_x_0 + 1e0) * 1.5e0)
    + ((ppp_made_8.ppp_x_1 + 1e0) * 1.5e0) * ((ppp_made_8.ppp_x_1 + 1e0) * 1.5e0) AS ppp_square_0,
  (ppp_made_8.ppp_x_0 * 1.5e0) * (ppp_made_8.ppp_x_0 * 1.5e0)
    + ((ppp_made_8.ppp_x_1 - 5e-1) * 1.5e0) * ((ppp_made_8.ppp_x_1 - 5e-1) * 1.5e0) AS ppp_square_1,
  ((ppp_made_8.ppp_x_0 - 1e0) * 1.5e0) * ((ppp_made_8.ppp_x_0 - 1e0) * 1.5e0)
    + ((ppp_made_8.ppp_x_1 - 1e0) * 1.5e0) * ((ppp_made_8.ppp_x_1 - 1e0) * 1.5e0) AS ppp_square_2
  ) END AS ppp_made_10
FROM ppp_stage_9
),
-- log weight and log density of each component
ppp_stage_11 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  (-2.413241211312907e0) - (5e-1 * ppp_made_10.ppp_square_0) AS ppp_log_p_0,
  (-2.413241211312907e0) - (5e-1 * ppp_made_10.ppp_square_1) AS ppp_log_p_1,
  (-1.720094030752962e0) - (5e-1 * ppp_made_10.ppp_square_2) AS ppp_log_p_2
  ) END AS ppp_made_11
FROM ppp_stage_10
),
-- the most probable component
ppp_stage_12 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9, ppp_made_11,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  GREATEST(ppp_made_11.ppp_log_p_0, ppp_made_11.ppp_log_p_1, ppp_made_11.ppp_log_p_2) AS ppp_best
  ) END AS ppp_made_12
FROM ppp_stage_11
),
-- densities of the components, in units of it
ppp_stage_13 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_11.ppp_log_p_0 - ppp_made_12.ppp_best > -700e0 THEN EXP(ppp_made_11.ppp_log_p_0 - ppp_made_12.ppp_best)
    ELSE 0e0
  END AS ppp_p_0,
  CASE
    WHEN ppp_made_11.ppp_log_p_1 - ppp_made_12.ppp_best > -700e0 THEN EXP(ppp_made_11.ppp_log_p_1 - ppp_made_12.ppp_best)
    ELSE 0e0
  END AS ppp_p_1,
  CASE
    WHEN ppp_made_11.ppp_log_p_2 - ppp_made_12.ppp_best > -700e0 THEN EXP(ppp_made_11.ppp_log_p_2 - ppp_made_12.ppp_best)
    ELSE 0e0
  END AS ppp_p_2
  ) END AS ppp_made_13
FROM ppp_stage_12
),
-- densities of the clusters
ppp_stage_14 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  ppp_made_13.ppp_p_0 + ppp_made_13.ppp_p_1 AS ppp_cluster_0,
  ppp_made_13.ppp_p_2 AS ppp_cluster_1
  ) END AS ppp_made_14
FROM ppp_stage_13
),
-- the largest
ppp_stage_15 AS (
SELECT
  ppp_row, ppp_sure, ppp_doubt, ppp_made_9, ppp_made_14,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  GREATEST(ppp_made_14.ppp_cluster_0, ppp_made_14.ppp_cluster_1) AS ppp_first
  ) END AS ppp_made_15
FROM ppp_stage_14
),
-- its cluster
ppp_stage_16 AS (
SELECT
  ppp_row, ppp_sure, ppp_made_9,
  CASE WHEN ARRAY_SORT(ppp_doubt)[0] THEN STRUCT(
  CASE
    WHEN ppp_made_14.ppp_cluster_0 = ppp_made_15.ppp_first THEN 0
    WHEN ppp_made_14.ppp_cluster_1 = ppp_made_15.ppp_first THEN 1
  END AS ppp_id
  ) END AS ppp_made_16
FROM ppp_stage_15
),
-- every row as it was, and its new columns
ppp_scored AS (
SELECT
  ppp_row.*,
  COALESCE(ppp_sure, CAST(CASE WHEN ppp_made_9.ppp_complete THEN ppp_made_16.ppp_id END AS INT)) AS `cluster_id`
FROM ppp_stage_16
)
SELECT * FROM ppp_scored
