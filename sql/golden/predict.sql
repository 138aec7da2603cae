WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
-- the rows of the model table
_ppp_model_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_model AS MATERIALIZED (
SELECT ppp__load('ppp_predict', 'seg', NULL, (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
),
-- what SQL needs to tell the cluster of most rows
_ppp_screen AS MATERIALIZED (
SELECT
  model AS _ppp_models,
  found[2][1] AS _ppp_factor,
  found[2][2] AS _ppp_margin,
  found[2][3] AS _ppp_least,
  found[2][4] AS _ppp_largest,
  found[2][5] AS _ppp_paired,
  found[1][1] AS _ppp_middle_0,
  CAST(found[3][1] AS INTEGER) AS _ppp_owner_0,
  CAST(found[3][2] AS INTEGER) AS _ppp_owner_1,
  CAST(found[3][3] AS INTEGER) AS _ppp_owner_2,
  CAST(found[3][4] AS INTEGER) AS _ppp_owner_3,
  CAST(found[3][5] AS INTEGER) AS _ppp_owner_4,
  CAST(found[3][6] AS INTEGER) AS _ppp_owner_5,
  CAST(found[3][7] AS INTEGER) AS _ppp_owner_6,
  CAST(found[3][8] AS INTEGER) AS _ppp_owner_7,
  CAST(found[3][9] AS INTEGER) AS _ppp_owner_8,
  CAST(found[3][10] AS INTEGER) AS _ppp_owner_9,
  CAST(found[3][11] AS INTEGER) AS _ppp_owner_10,
  CAST(found[3][12] AS INTEGER) AS _ppp_owner_11,
  CAST(found[3][13] AS INTEGER) AS _ppp_owner_12,
  CAST(found[3][14] AS INTEGER) AS _ppp_owner_13,
  CAST(found[3][15] AS INTEGER) AS _ppp_owner_14,
  CAST(found[3][16] AS INTEGER) AS _ppp_owner_15,
  found[4] AS _ppp_terms_0,
  found[5] AS _ppp_terms_1,
  found[6] AS _ppp_terms_2,
  found[7] AS _ppp_terms_3,
  found[8] AS _ppp_terms_4,
  found[9] AS _ppp_terms_5,
  found[10] AS _ppp_terms_6,
  found[11] AS _ppp_terms_7,
  found[12] AS _ppp_terms_8,
  found[13] AS _ppp_terms_9,
  found[14] AS _ppp_terms_10,
  found[15] AS _ppp_terms_11,
  found[16] AS _ppp_terms_12,
  found[17] AS _ppp_terms_13,
  found[18] AS _ppp_terms_14,
  found[19] AS _ppp_terms_15
FROM (
  SELECT
    model,
    ppp__screen(model, ['x'], 16, true, CAST(system.main.current_setting('threads') AS BIGINT)) AS found
  FROM _ppp_model
)
)
SELECT
  _ppp_source.* EXCLUDE (_ppp_models, _ppp_known, _ppp_products, _ppp_near, _ppp_first, _ppp_last, _ppp_factor, _ppp_margin, _ppp_least, _ppp_largest, _ppp_paired, _ppp_middle_0, _ppp_owner_0, _ppp_owner_1, _ppp_owner_2, _ppp_owner_3, _ppp_owner_4, _ppp_owner_5, _ppp_owner_6, _ppp_owner_7, _ppp_owner_8, _ppp_owner_9, _ppp_owner_10, _ppp_owner_11, _ppp_owner_12, _ppp_owner_13, _ppp_owner_14, _ppp_owner_15, _ppp_terms_0, _ppp_terms_1, _ppp_terms_2, _ppp_terms_3, _ppp_terms_4, _ppp_terms_5, _ppp_terms_6, _ppp_terms_7, _ppp_terms_8, _ppp_terms_9, _ppp_terms_10, _ppp_terms_11, _ppp_terms_12, _ppp_terms_13, _ppp_terms_14, _ppp_terms_15, _ppp_centered_0, _ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15),
  CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known
    WHEN _ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_least AND _ppp_largest THEN _ppp_first
    ELSE ppp__assign(_ppp_models, CASE WHEN system.main.starts_with(_ppp_models, 'models:') THEN [{'group g': ppp__group(_ppp_source."g"), 'group x': ppp__group(_ppp_source."x")}] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) END AS "cluster_id"
FROM (
  SELECT
    *,
    CASE WHEN _ppp_density_0 > _ppp_near THEN _ppp_owner_0 WHEN _ppp_density_1 > _ppp_near THEN _ppp_owner_1 WHEN _ppp_density_2 > _ppp_near THEN _ppp_owner_2 WHEN _ppp_density_3 > _ppp_near THEN _ppp_owner_3 WHEN _ppp_density_4 > _ppp_near THEN _ppp_owner_4 WHEN _ppp_density_5 > _ppp_near THEN _ppp_owner_5 WHEN _ppp_density_6 > _ppp_near THEN _ppp_owner_6 WHEN _ppp_density_7 > _ppp_near THEN _ppp_owner_7 WHEN _ppp_density_8 > _ppp_near THEN _ppp_owner_8 WHEN _ppp_density_9 > _ppp_near THEN _ppp_owner_9 WHEN _ppp_density_10 > _ppp_near THEN _ppp_owner_10 WHEN _ppp_density_11 > _ppp_near THEN _ppp_owner_11 WHEN _ppp_density_12 > _ppp_near THEN _ppp_owner_12 WHEN _ppp_density_13 > _ppp_near THEN _ppp_owner_13 WHEN _ppp_density_14 > _ppp_near THEN _ppp_owner_14 WHEN _ppp_density_15 > _ppp_near THEN _ppp_owner_15 END AS _ppp_first,
    CASE WHEN _ppp_density_15 > _ppp_near THEN _ppp_owner_15 WHEN _ppp_density_14 > _ppp_near THEN _ppp_owner_14 WHEN _ppp_density_13 > _ppp_near THEN _ppp_owner_13 WHEN _ppp_density_12 > _ppp_near THEN _ppp_owner_12 WHEN _ppp_density_11 > _ppp_near THEN _ppp_owner_11 WHEN _ppp_density_10 > _ppp_near THEN _ppp_owner_10 WHEN _ppp_density_9 > _ppp_near THEN _ppp_owner_9 WHEN _ppp_density_8 > _ppp_near THEN _ppp_owner_8 WHEN _ppp_density_7 > _ppp_near THEN _ppp_owner_7 WHEN _ppp_density_6 > _ppp_near THEN _ppp_owner_6 WHEN _ppp_density_5 > _ppp_near THEN _ppp_owner_5 WHEN _ppp_density_4 > _ppp_near THEN _ppp_owner_4 WHEN _ppp_density_3 > _ppp_near THEN _ppp_owner_3 WHEN _ppp_density_2 > _ppp_near THEN _ppp_owner_2 WHEN _ppp_density_1 > _ppp_near THEN _ppp_owner_1 WHEN _ppp_density_0 > _ppp_near THEN _ppp_owner_0 END AS _ppp_last
  FROM (
    SELECT
      *,
      system.main.greatest(_ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15) * _ppp_factor - _ppp_margin AS _ppp_near
    FROM (
      SELECT
        *,
        system.main.list_inner_product(_ppp_products, _ppp_terms_0) AS _ppp_density_0,
        system.main.list_inner_product(_ppp_products, _ppp_terms_1) AS _ppp_density_1,
        system.main.list_inner_product(_ppp_products, _ppp_terms_2) AS _ppp_density_2,
        system.main.list_inner_product(_ppp_products, _ppp_terms_3) AS _ppp_density_3,
        system.main.list_inner_product(_ppp_products, _ppp_terms_4) AS _ppp_density_4,
        system.main.list_inner_product(_ppp_products, _ppp_terms_5) AS _ppp_density_5,
        system.main.list_inner_product(_ppp_products, _ppp_terms_6) AS _ppp_density_6,
        system.main.list_inner_product(_ppp_products, _ppp_terms_7) AS _ppp_density_7,
        system.main.list_inner_product(_ppp_products, _ppp_terms_8) AS _ppp_density_8,
        system.main.list_inner_product(_ppp_products, _ppp_terms_9) AS _ppp_density_9,
        system.main.list_inner_product(_ppp_products, _ppp_terms_10) AS _ppp_density_10,
        system.main.list_inner_product(_ppp_products, _ppp_terms_11) AS _ppp_density_11,
        system.main.list_inner_product(_ppp_products, _ppp_terms_12) AS _ppp_density_12,
        system.main.list_inner_product(_ppp_products, _ppp_terms_13) AS _ppp_density_13,
        system.main.list_inner_product(_ppp_products, _ppp_terms_14) AS _ppp_density_14,
        system.main.list_inner_product(_ppp_products, _ppp_terms_15) AS _ppp_density_15
      FROM (
        SELECT
          *,
          CASE WHEN _ppp_paired = 0 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0)
            WHEN _ppp_paired = 1 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0) END AS _ppp_products
        FROM (
          SELECT
            _ppp_source.*,
            _ppp_screen.*,
            NULL AS _ppp_known,
            CASE WHEN _ppp_middle_0 IS NULL THEN 0e0 ELSE coalesce(ppp__number(_ppp_source."x"), CAST('nan' AS DOUBLE)) - _ppp_middle_0 END AS _ppp_centered_0
          FROM _ppp_source CROSS JOIN _ppp_screen
        )
      )
    )
  )
) AS _ppp_source
