WITH
-- the values that the model needs, and the number of the row's group
ppp_values AS (
SELECT
  ppp_source AS ppp_row,
  CAST(ppp_source."x" AS DOUBLE) AS ppp_value_0,
  CAST(ppp_source."y" AS DOUBLE) AS ppp_value_1,
  CASE
    WHEN (CASE WHEN TYPEOF(ppp_source."side") IN ('DOUBLE', 'FLOAT') THEN CASE WHEN TRY_CAST(ppp_source."side" AS DOUBLE) = TRUNC(TRY_CAST(ppp_source."side" AS DOUBLE)) AND ABS(TRY_CAST(ppp_source."side" AS DOUBLE)) < 1e15 THEN CAST(TRY_CAST(TRY_CAST(ppp_source."side" AS DOUBLE) AS INT128) AS TEXT) ELSE CAST(TRY_CAST(ppp_source."side" AS DOUBLE) AS TEXT) END WHEN STARTS_WITH(TYPEOF(ppp_source."side"), 'DECIMAL') THEN REGEXP_REPLACE(REGEXP_REPLACE(CAST(ppp_source."side" AS TEXT), '(\.[0-9]*[1-9])0+$', '\1'), '\.0*$', '') WHEN TYPEOF(ppp_source."side") = 'TIMESTAMP WITH TIME ZONE' AND ISFINITE(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS TIMESTAMPTZ)) THEN CAST(MAKE_TIMESTAMP(EPOCH_US(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS TIMESTAMPTZ))) AS TEXT) || '+00' WHEN TYPEOF(ppp_source."side") = 'INTERVAL' THEN CAST(NORMALIZED_INTERVAL(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS INTERVAL)) AS TEXT) ELSE CAST(ppp_source."side" AS TEXT) END) COLLATE C = 'north' THEN 0
    WHEN ppp_source."side" IS NULL THEN 1
    WHEN (CASE WHEN TYPEOF(ppp_source."side") IN ('DOUBLE', 'FLOAT') THEN CASE WHEN TRY_CAST(ppp_source."side" AS DOUBLE) = TRUNC(TRY_CAST(ppp_source."side" AS DOUBLE)) AND ABS(TRY_CAST(ppp_source."side" AS DOUBLE)) < 1e15 THEN CAST(TRY_CAST(TRY_CAST(ppp_source."side" AS DOUBLE) AS INT128) AS TEXT) ELSE CAST(TRY_CAST(ppp_source."side" AS DOUBLE) AS TEXT) END WHEN STARTS_WITH(TYPEOF(ppp_source."side"), 'DECIMAL') THEN REGEXP_REPLACE(REGEXP_REPLACE(CAST(ppp_source."side" AS TEXT), '(\.[0-9]*[1-9])0+$', '\1'), '\.0*$', '') WHEN TYPEOF(ppp_source."side") = 'TIMESTAMP WITH TIME ZONE' AND ISFINITE(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS TIMESTAMPTZ)) THEN CAST(MAKE_TIMESTAMP(EPOCH_US(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS TIMESTAMPTZ))) AS TEXT) || '+00' WHEN TYPEOF(ppp_source."side") = 'INTERVAL' THEN CAST(NORMALIZED_INTERVAL(TRY_CAST(CAST(ppp_source."side" AS TEXT) AS INTERVAL)) AS TEXT) ELSE CAST(ppp_source."side" AS TEXT) END) COLLATE C = 'south' THEN 2
  END AS ppp_group
FROM "main"."customers" AS ppp_source
),
-- what is finite, and not far out
ppp_stage_0_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  CASE WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_0 END AS ppp_seen_0,
  CASE WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_1 END AS ppp_seen_1
FROM ppp_values
WHERE ppp_group = 0
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_0_2 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1,
  CASE
    WHEN ppp_value_0 IS NULL THEN 1
    WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_0 = CAST('inf' AS DOUBLE) OR ppp_value_0 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('inf' AS DOUBLE) OR ppp_value_1 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_1
FROM ppp_stage_0_1
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_0_3 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1, ppp_cause_0, ppp_cause_1,
  CASE WHEN ppp_seen_0 >= 5e59 THEN 1e60 WHEN ppp_seen_0 <= -5e59 THEN -1e60 ELSE (ppp_seen_0 - 2.5e0) / 5e-1 END AS ppp_x_0,
  CASE WHEN ppp_seen_1 >= 5e59 THEN 1e60 WHEN ppp_seen_1 <= -5e59 THEN -1e60 ELSE (ppp_seen_1 - 2.5e0) / 5e-1 END AS ppp_x_1
FROM ppp_stage_0_2
),
-- whether a row has what it takes to be scored
ppp_stage_0_4 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1,
  NOT ppp_seen_0 IS NULL AND NOT ppp_seen_1 IS NULL AS ppp_complete
FROM ppp_stage_0_3
),
-- squared distances to the components, in standard deviations
ppp_stage_0_5 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  ((ppp_x_0 + 1e0) * 1.5e0) * ((ppp_x_0 + 1e0) * 1.5e0) + ((ppp_x_1 + 1e0) * 1.5e0) * ((ppp_x_1 + 1e0) * 1.5e0) AS ppp_square_0,
  (ppp_x_0 * 1.5e0) * (ppp_x_0 * 1.5e0) + ((ppp_x_1 - 5e-1) * 1.5e0) * ((ppp_x_1 - 5e-1) * 1.5e0) AS ppp_square_1,
  ((ppp_x_0 - 1e0) * 1.5e0) * ((ppp_x_0 - 1e0) * 1.5e0) + ((ppp_x_1 - 1e0) * 1.5e0) * ((ppp_x_1 - 1e0) * 1.5e0) AS ppp_square_2
FROM ppp_stage_0_4
),
-- log weight and log density of each component
ppp_stage_0_6 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  (-2.413241211312907e0) - (5e-1 * ppp_square_0) AS ppp_log_p_0,
  (-2.413241211312907e0) - (5e-1 * ppp_square_1) AS ppp_log_p_1,
  (-1.720094030752962e0) - (5e-1 * ppp_square_2) AS ppp_log_p_2
FROM ppp_stage_0_5
),
-- the most probable component
ppp_stage_0_7 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_log_p_0, ppp_log_p_1, ppp_log_p_2,
  GREATEST(ppp_log_p_0, ppp_log_p_1, ppp_log_p_2) AS ppp_best
FROM ppp_stage_0_6
),
-- nats below it from which a component does not matter
ppp_stage_0_8 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_log_p_0, ppp_log_p_1, ppp_log_p_2, ppp_best,
  -LEAST(700e0, 60e0 + 1e-6 * (ABS(ppp_best) + 1.0000053125e0)) AS ppp_reach
FROM ppp_stage_0_7
),
-- densities of the components, in units of it
ppp_stage_0_9 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  CASE WHEN ppp_log_p_0 - ppp_best > ppp_reach THEN EXP(ppp_log_p_0 - ppp_best) ELSE 0e0 END AS ppp_p_0,
  CASE WHEN ppp_log_p_1 - ppp_best > ppp_reach THEN EXP(ppp_log_p_1 - ppp_best) ELSE 0e0 END AS ppp_p_1,
  CASE WHEN ppp_log_p_2 - ppp_best > ppp_reach THEN EXP(ppp_log_p_2 - ppp_best) ELSE 0e0 END AS ppp_p_2
FROM ppp_stage_0_8
),
-- densities of the clusters
ppp_stage_0_10 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  ppp_p_0 + ppp_p_1 AS ppp_cluster_0,
  ppp_p_2 AS ppp_cluster_1
FROM ppp_stage_0_9
),
-- the largest
ppp_stage_0_11 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1,
  GREATEST(ppp_cluster_0, ppp_cluster_1) AS ppp_first
FROM ppp_stage_0_10
),
-- its cluster
ppp_stage_0_12 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_first,
  CASE WHEN ppp_cluster_0 = ppp_first THEN 0 WHEN ppp_cluster_1 = ppp_first THEN 1 END AS ppp_id
FROM ppp_stage_0_11
),
-- all densities together
ppp_stage_0_13 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_first, ppp_id,
  ppp_cluster_0 + ppp_cluster_1 AS ppp_total
FROM ppp_stage_0_12
),
-- densities of the clusters but the first
ppp_stage_0_14 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total,
  CASE WHEN ppp_id = 0 THEN -1e0 ELSE ppp_cluster_0 END AS ppp_other_0,
  CASE WHEN ppp_id = 1 THEN -1e0 ELSE ppp_cluster_1 END AS ppp_other_1
FROM ppp_stage_0_13
),
-- the second
ppp_stage_0_15 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_other_0,
  ppp_other_1,
  GREATEST(ppp_other_0, ppp_other_1) AS ppp_next
FROM ppp_stage_0_14
),
-- its cluster
ppp_stage_0_16 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next,
  CASE WHEN ppp_other_0 = ppp_next THEN 0 WHEN ppp_other_1 = ppp_next THEN 1 END AS ppp_second
FROM ppp_stage_0_15
),
-- squared distances to the centres of k-means
ppp_stage_0_17 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  (ppp_x_0 + 1e0) * (ppp_x_0 + 1e0) + (ppp_x_1 + 1e0) * (ppp_x_1 + 1e0) AS ppp_cell_square_0,
  ppp_x_0 * ppp_x_0 + (ppp_x_1 - 5e-1) * (ppp_x_1 - 5e-1) AS ppp_cell_square_1,
  (ppp_x_0 - 1e0) * (ppp_x_0 - 1e0) + (ppp_x_1 - 1e0) * (ppp_x_1 - 1e0) AS ppp_cell_square_2
FROM ppp_stage_0_16
),
-- the smallest
ppp_stage_0_18 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_cell_square_0, ppp_cell_square_1, ppp_cell_square_2,
  LEAST(ppp_cell_square_0, ppp_cell_square_1, ppp_cell_square_2) AS ppp_nearest
FROM ppp_stage_0_17
),
-- the cluster of that centre
ppp_stage_0_19 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  CASE
    WHEN ppp_cell_square_0 = ppp_nearest THEN 0
    WHEN ppp_cell_square_1 = ppp_nearest THEN 0
    WHEN ppp_cell_square_2 = ppp_nearest THEN 1
  END AS ppp_cell
FROM ppp_stage_0_18
),
-- differences from the centre of the cluster
ppp_stage_0_20 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  ppp_x_0 - CASE WHEN ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_0,
  ppp_x_1 - CASE WHEN ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_1
FROM ppp_stage_0_19
),
-- squared distance to it
ppp_stage_0_21 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  ppp_from_center_0 * ppp_from_center_0 + ppp_from_center_1 * ppp_from_center_1 AS ppp_center_square
FROM ppp_stage_0_20
),
-- distance to it
ppp_stage_0_22 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  SQRT(ppp_center_square) AS ppp_distance
FROM ppp_stage_0_21
),
-- what is finite, and not far out
ppp_stage_1_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  CASE WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_0 END AS ppp_seen_0,
  CASE WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_1 END AS ppp_seen_1
FROM ppp_values
WHERE ppp_group = 1
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_1_2 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1,
  CASE
    WHEN ppp_value_0 IS NULL THEN 1
    WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_0 = CAST('inf' AS DOUBLE) OR ppp_value_0 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('inf' AS DOUBLE) OR ppp_value_1 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_1
FROM ppp_stage_1_1
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_1_3 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1, ppp_cause_0, ppp_cause_1,
  CASE WHEN ppp_seen_0 >= 5e59 THEN 1e60 WHEN ppp_seen_0 <= -5e59 THEN -1e60 ELSE (ppp_seen_0 - 2.5e0) / 5e-1 END AS ppp_x_0,
  CASE WHEN ppp_seen_1 >= 5e59 THEN 1e60 WHEN ppp_seen_1 <= -5e59 THEN -1e60 ELSE (ppp_seen_1 - 2.5e0) / 5e-1 END AS ppp_x_1
FROM ppp_stage_1_2
),
-- whether a row has what it takes to be scored
ppp_stage_1_4 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1,
  NOT ppp_seen_0 IS NULL AND NOT ppp_seen_1 IS NULL AS ppp_complete
FROM ppp_stage_1_3
),
-- squared distances to the components, in standard deviations
ppp_stage_1_5 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  ((ppp_x_0 + 1e0) * 1.5e0) * ((ppp_x_0 + 1e0) * 1.5e0) + ((ppp_x_1 + 1e0) * 1.5e0) * ((ppp_x_1 + 1e0) * 1.5e0) AS ppp_square_0,
  (ppp_x_0 * 1.5e0) * (ppp_x_0 * 1.5e0) + ((ppp_x_1 - 5e-1) * 1.5e0) * ((ppp_x_1 - 5e-1) * 1.5e0) AS ppp_square_1,
  ((ppp_x_0 - 1e0) * 1.5e0) * ((ppp_x_0 - 1e0) * 1.5e0) + ((ppp_x_1 - 1e0) * 1.5e0) * ((ppp_x_1 - 1e0) * 1.5e0) AS ppp_square_2
FROM ppp_stage_1_4
),
-- log weight and log density of each component
ppp_stage_1_6 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  (-2.413241211312907e0) - (5e-1 * ppp_square_0) AS ppp_log_p_0,
  (-2.413241211312907e0) - (5e-1 * ppp_square_1) AS ppp_log_p_1,
  (-1.720094030752962e0) - (5e-1 * ppp_square_2) AS ppp_log_p_2
FROM ppp_stage_1_5
),
-- the most probable component
ppp_stage_1_7 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_log_p_0, ppp_log_p_1, ppp_log_p_2,
  GREATEST(ppp_log_p_0, ppp_log_p_1, ppp_log_p_2) AS ppp_best
FROM ppp_stage_1_6
),
-- nats below it from which a component does not matter
ppp_stage_1_8 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_log_p_0, ppp_log_p_1, ppp_log_p_2, ppp_best,
  -LEAST(700e0, 60e0 + 1e-6 * (ABS(ppp_best) + 1.0000053125e0)) AS ppp_reach
FROM ppp_stage_1_7
),
-- densities of the components, in units of it
ppp_stage_1_9 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  CASE WHEN ppp_log_p_0 - ppp_best > ppp_reach THEN EXP(ppp_log_p_0 - ppp_best) ELSE 0e0 END AS ppp_p_0,
  CASE WHEN ppp_log_p_1 - ppp_best > ppp_reach THEN EXP(ppp_log_p_1 - ppp_best) ELSE 0e0 END AS ppp_p_1,
  CASE WHEN ppp_log_p_2 - ppp_best > ppp_reach THEN EXP(ppp_log_p_2 - ppp_best) ELSE 0e0 END AS ppp_p_2
FROM ppp_stage_1_8
),
-- densities of the clusters
ppp_stage_1_10 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete,
  ppp_p_0 + ppp_p_1 AS ppp_cluster_0,
  ppp_p_2 AS ppp_cluster_1
FROM ppp_stage_1_9
),
-- the largest
ppp_stage_1_11 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1,
  GREATEST(ppp_cluster_0, ppp_cluster_1) AS ppp_first
FROM ppp_stage_1_10
),
-- its cluster
ppp_stage_1_12 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_first,
  CASE WHEN ppp_cluster_0 = ppp_first THEN 0 WHEN ppp_cluster_1 = ppp_first THEN 1 END AS ppp_id
FROM ppp_stage_1_11
),
-- all densities together
ppp_stage_1_13 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_cluster_0, ppp_cluster_1, ppp_first, ppp_id,
  ppp_cluster_0 + ppp_cluster_1 AS ppp_total
FROM ppp_stage_1_12
),
-- densities of the clusters but the first
ppp_stage_1_14 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total,
  CASE WHEN ppp_id = 0 THEN -1e0 ELSE ppp_cluster_0 END AS ppp_other_0,
  CASE WHEN ppp_id = 1 THEN -1e0 ELSE ppp_cluster_1 END AS ppp_other_1
FROM ppp_stage_1_13
),
-- the second
ppp_stage_1_15 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_other_0,
  ppp_other_1,
  GREATEST(ppp_other_0, ppp_other_1) AS ppp_next
FROM ppp_stage_1_14
),
-- its cluster
ppp_stage_1_16 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next,
  CASE WHEN ppp_other_0 = ppp_next THEN 0 WHEN ppp_other_1 = ppp_next THEN 1 END AS ppp_second
FROM ppp_stage_1_15
),
-- squared distances to the centres of k-means
ppp_stage_1_17 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  (ppp_x_0 + 1e0) * (ppp_x_0 + 1e0) + (ppp_x_1 + 1e0) * (ppp_x_1 + 1e0) AS ppp_cell_square_0,
  ppp_x_0 * ppp_x_0 + (ppp_x_1 - 5e-1) * (ppp_x_1 - 5e-1) AS ppp_cell_square_1,
  (ppp_x_0 - 1e0) * (ppp_x_0 - 1e0) + (ppp_x_1 - 1e0) * (ppp_x_1 - 1e0) AS ppp_cell_square_2
FROM ppp_stage_1_16
),
-- the smallest
ppp_stage_1_18 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  ppp_cell_square_0, ppp_cell_square_1, ppp_cell_square_2,
  LEAST(ppp_cell_square_0, ppp_cell_square_1, ppp_cell_square_2) AS ppp_nearest
FROM ppp_stage_1_17
),
-- the cluster of that centre
ppp_stage_1_19 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_x_0, ppp_x_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second,
  CASE
    WHEN ppp_cell_square_0 = ppp_nearest THEN 0
    WHEN ppp_cell_square_1 = ppp_nearest THEN 0
    WHEN ppp_cell_square_2 = ppp_nearest THEN 1
  END AS ppp_cell
FROM ppp_stage_1_18
),
-- differences from the centre of the cluster
ppp_stage_1_20 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  ppp_x_0 - CASE WHEN ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_0,
  ppp_x_1 - CASE WHEN ppp_id = 0 THEN -1e0 ELSE 1e0 END AS ppp_from_center_1
FROM ppp_stage_1_19
),
-- squared distance to it
ppp_stage_1_21 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  ppp_from_center_0 * ppp_from_center_0 + ppp_from_center_1 * ppp_from_center_1 AS ppp_center_square
FROM ppp_stage_1_20
),
-- distance to it
ppp_stage_1_22 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1, ppp_complete, ppp_first, ppp_id, ppp_total, ppp_next, ppp_second, ppp_cell,
  SQRT(ppp_center_square) AS ppp_distance
FROM ppp_stage_1_21
),
-- what is finite, and not far out
ppp_stage_2_1 AS (
SELECT
  ppp_row, ppp_value_0, ppp_value_1,
  CASE WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_0 END AS ppp_seen_0,
  CASE WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN ppp_value_1 END AS ppp_seen_1
FROM ppp_values
WHERE ppp_group = 2
),
-- why a feature is missing: 1 it is NULL, 2 NaN, 3 infinite, 4 far out; 0 it is there
ppp_stage_2_2 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1,
  CASE
    WHEN ppp_value_0 IS NULL THEN 1
    WHEN ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_0 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_0 = CAST('inf' AS DOUBLE) OR ppp_value_0 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_0,
  CASE
    WHEN ppp_value_1 IS NULL THEN 1
    WHEN ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 THEN 0
    WHEN NOT (ppp_value_1 BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308 OR ppp_value_1 = CAST('inf' AS DOUBLE) OR ppp_value_1 = CAST('-inf' AS DOUBLE)) THEN 2
    ELSE 3
  END AS ppp_cause_1
FROM ppp_stage_2_1
),
-- points: scaled numbers (ppp_x), and the codes of categories (ppp_code)
ppp_stage_2_3 AS (
SELECT
  ppp_row, ppp_seen_0, ppp_seen_1, ppp_cause_0, ppp_cause_1,
  CASE WHEN ppp_seen_0 >= 5e59 THEN 1e60 WHEN ppp_seen_0 <= -5e59 THEN -1e60 ELSE (ppp_seen_0 - 2.5e0) / 5e-1 END AS ppp_x_0,
  CASE WHEN ppp_seen_1 >= 5e59 THEN 1e60 WHEN ppp_seen_1 <= -5e59 THEN -1e60 ELSE (ppp_seen_1 - 2.5e0) / 5e-1 END AS ppp_x_1
FROM ppp_stage_2_2
),
-- whether a row has what it takes to be scored
ppp_stage_2_4 AS (
SELECT
  ppp_row, ppp_cause_0, ppp_cause_1,
  NOT ppp_seen_0 IS NULL AND NOT ppp_seen_1 IS NULL AS ppp_complete
FROM ppp_stage_2_3
),
-- every row as it was, and its new columns
ppp_scored AS (
SELECT
  ppp_row.*,
  CAST(CASE WHEN ppp_complete THEN ppp_id END AS INT) AS "cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_first / ppp_total END AS DOUBLE) AS "probability",
  CAST(CASE WHEN ppp_complete THEN ppp_second END AS INT) AS "second_cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_next / ppp_total END AS DOUBLE) AS "second_probability",
  CAST(CASE WHEN ppp_complete THEN ppp_distance END AS DOUBLE) AS "distance",
  CAST(CASE WHEN ppp_complete THEN ppp_cell END AS INT) AS "kmeans_id",
  CAST(CASE WHEN ppp_complete THEN ppp_id = ppp_cell AND ppp_first / ppp_total >= 9.5e-1 END AS BOOLEAN) AS "is_separable",
  CAST(CASE
    WHEN ppp_cause_0 = 1 THEN 'x is NULL'
    WHEN ppp_cause_0 = 2 THEN 'x is NaN'
    WHEN ppp_cause_0 = 3 THEN 'x is infinite'
    WHEN ppp_cause_0 <> 0 THEN NULL
    WHEN ppp_cause_1 = 1 THEN 'y is NULL'
    WHEN ppp_cause_1 = 2 THEN 'y is NaN'
    WHEN ppp_cause_1 = 3 THEN 'y is infinite'
    WHEN ppp_cause_1 <> 0 THEN NULL
  END AS TEXT) AS "reason"
FROM ppp_stage_0_22
UNION ALL
SELECT
  ppp_row.*,
  CAST(CASE WHEN ppp_complete THEN ppp_id END AS INT) AS "cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_first / ppp_total END AS DOUBLE) AS "probability",
  CAST(CASE WHEN ppp_complete THEN ppp_second END AS INT) AS "second_cluster_id",
  CAST(CASE WHEN ppp_complete THEN ppp_next / ppp_total END AS DOUBLE) AS "second_probability",
  CAST(CASE WHEN ppp_complete THEN ppp_distance END AS DOUBLE) AS "distance",
  CAST(CASE WHEN ppp_complete THEN ppp_cell END AS INT) AS "kmeans_id",
  CAST(CASE WHEN ppp_complete THEN ppp_id = ppp_cell AND ppp_first / ppp_total >= 9.5e-1 END AS BOOLEAN) AS "is_separable",
  CAST(CASE
    WHEN ppp_cause_0 = 1 THEN 'x is NULL'
    WHEN ppp_cause_0 = 2 THEN 'x is NaN'
    WHEN ppp_cause_0 = 3 THEN 'x is infinite'
    WHEN ppp_cause_0 <> 0 THEN NULL
    WHEN ppp_cause_1 = 1 THEN 'y is NULL'
    WHEN ppp_cause_1 = 2 THEN 'y is NaN'
    WHEN ppp_cause_1 = 3 THEN 'y is infinite'
    WHEN ppp_cause_1 <> 0 THEN NULL
  END AS TEXT) AS "reason"
FROM ppp_stage_1_22
UNION ALL
SELECT
  ppp_row.*,
  CAST(NULL AS INT) AS "cluster_id",
  CAST(NULL AS DOUBLE) AS "probability",
  CAST(NULL AS INT) AS "second_cluster_id",
  CAST(NULL AS DOUBLE) AS "second_probability",
  CAST(NULL AS DOUBLE) AS "distance",
  CAST(NULL AS INT) AS "kmeans_id",
  CAST(NULL AS BOOLEAN) AS "is_separable",
  CAST(COALESCE(CASE WHEN ppp_cause_0 = 1 THEN 'x is NULL' WHEN ppp_cause_0 = 2 THEN 'x is NaN' WHEN ppp_cause_0 = 3 THEN 'x is infinite' WHEN ppp_cause_0 <> 0 THEN NULL WHEN ppp_cause_1 = 1 THEN 'y is NULL' WHEN ppp_cause_1 = 2 THEN 'y is NaN' WHEN ppp_cause_1 = 3 THEN 'y is infinite' WHEN ppp_cause_1 <> 0 THEN NULL END, 'no row to fit had all its features') AS TEXT) AS "reason"
FROM ppp_stage_2_4
UNION ALL
SELECT
  ppp_row.*,
  CAST(NULL AS INT) AS "cluster_id",
  CAST(NULL AS DOUBLE) AS "probability",
  CAST(NULL AS INT) AS "second_cluster_id",
  CAST(NULL AS DOUBLE) AS "second_probability",
  CAST(NULL AS DOUBLE) AS "distance",
  CAST(NULL AS INT) AS "kmeans_id",
  CAST(NULL AS BOOLEAN) AS "is_separable",
  CAST('no model for this group' AS TEXT) AS "reason"
FROM ppp_values
WHERE ppp_group IS NULL
)
SELECT * FROM ppp_scored
