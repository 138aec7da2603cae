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
  ppp__screen(model, ['x'], 16, true, CAST(system.main.current_setting('threads') AS BIGINT)) AS _ppp_told
FROM _ppp_model
)
SELECT
  _ppp_source.* EXCLUDE (_ppp_models, _ppp_told, _ppp_known, _ppp_products, _ppp_near, _ppp_first, _ppp_last, _ppp_centered_0, _ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15),
  CASE WHEN _ppp_known IS NOT NULL THEN _ppp_known
    WHEN _ppp_first = _ppp_last AND _ppp_near BETWEEN _ppp_told[2][3] AND _ppp_told[2][4] THEN CAST(_ppp_first AS INTEGER)
    ELSE ppp__assign(_ppp_models, CASE WHEN system.main.starts_with(_ppp_models, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) END AS "cluster_id"
FROM (
  SELECT
    *,
    CASE WHEN _ppp_density_0 > _ppp_near THEN _ppp_told[3][1] WHEN _ppp_density_1 > _ppp_near THEN _ppp_told[3][2] WHEN _ppp_density_2 > _ppp_near THEN _ppp_told[3][3] WHEN _ppp_density_3 > _ppp_near THEN _ppp_told[3][4] WHEN _ppp_density_4 > _ppp_near THEN _ppp_told[3][5] WHEN _ppp_density_5 > _ppp_near THEN _ppp_told[3][6] WHEN _ppp_density_6 > _ppp_near THEN _ppp_told[3][7] WHEN _ppp_density_7 > _ppp_near THEN _ppp_told[3][8] WHEN _ppp_density_8 > _ppp_near THEN _ppp_told[3][9] WHEN _ppp_density_9 > _ppp_near THEN _ppp_told[3][10] WHEN _ppp_density_10 > _ppp_near THEN _ppp_told[3][11] WHEN _ppp_density_11 > _ppp_near THEN _ppp_told[3][12] WHEN _ppp_density_12 > _ppp_near THEN _ppp_told[3][13] WHEN _ppp_density_13 > _ppp_near THEN _ppp_told[3][14] WHEN _ppp_density_14 > _ppp_near THEN _ppp_told[3][15] WHEN _ppp_density_15 > _ppp_near THEN _ppp_told[3][16] END AS _ppp_first,
    CASE WHEN _ppp_density_15 > _ppp_near THEN _ppp_told[3][16] WHEN _ppp_density_14 > _ppp_near THEN _ppp_told[3][15] WHEN _ppp_density_13 > _ppp_near THEN _ppp_told[3][14] WHEN _ppp_density_12 > _ppp_near THEN _ppp_told[3][13] WHEN _ppp_density_11 > _ppp_near THEN _ppp_told[3][12] WHEN _ppp_density_10 > _ppp_near THEN _ppp_told[3][11] WHEN _ppp_density_9 > _ppp_near THEN _ppp_told[3][10] WHEN _ppp_density_8 > _ppp_near THEN _ppp_told[3][9] WHEN _ppp_density_7 > _ppp_near THEN _ppp_told[3][8] WHEN _ppp_density_6 > _ppp_near THEN _ppp_told[3][7] WHEN _ppp_density_5 > _ppp_near THEN _ppp_told[3][6] WHEN _ppp_density_4 > _ppp_near THEN _ppp_told[3][5] WHEN _ppp_density_3 > _ppp_near THEN _ppp_told[3][4] WHEN _ppp_density_2 > _ppp_near THEN _ppp_told[3][3] WHEN _ppp_density_1 > _ppp_near THEN _ppp_told[3][2] WHEN _ppp_density_0 > _ppp_near THEN _ppp_told[3][1] END AS _ppp_last
  FROM (
    SELECT
      *,
      system.main.greatest(_ppp_density_0, _ppp_density_1, _ppp_density_2, _ppp_density_3, _ppp_density_4, _ppp_density_5, _ppp_density_6, _ppp_density_7, _ppp_density_8, _ppp_density_9, _ppp_density_10, _ppp_density_11, _ppp_density_12, _ppp_density_13, _ppp_density_14, _ppp_density_15) * _ppp_told[2][1] - _ppp_told[2][2] AS _ppp_near
    FROM (
      SELECT
        *,
        system.main.list_inner_product(_ppp_products, _ppp_told[4]) AS _ppp_density_0,
        system.main.list_inner_product(_ppp_products, _ppp_told[5]) AS _ppp_density_1,
        system.main.list_inner_product(_ppp_products, _ppp_told[6]) AS _ppp_density_2,
        system.main.list_inner_product(_ppp_products, _ppp_told[7]) AS _ppp_density_3,
        system.main.list_inner_product(_ppp_products, _ppp_told[8]) AS _ppp_density_4,
        system.main.list_inner_product(_ppp_products, _ppp_told[9]) AS _ppp_density_5,
        system.main.list_inner_product(_ppp_products, _ppp_told[10]) AS _ppp_density_6,
        system.main.list_inner_product(_ppp_products, _ppp_told[11]) AS _ppp_density_7,
        system.main.list_inner_product(_ppp_products, _ppp_told[12]) AS _ppp_density_8,
        system.main.list_inner_product(_ppp_products, _ppp_told[13]) AS _ppp_density_9,
        system.main.list_inner_product(_ppp_products, _ppp_told[14]) AS _ppp_density_10,
        system.main.list_inner_product(_ppp_products, _ppp_told[15]) AS _ppp_density_11,
        system.main.list_inner_product(_ppp_products, _ppp_told[16]) AS _ppp_density_12,
        system.main.list_inner_product(_ppp_products, _ppp_told[17]) AS _ppp_density_13,
        system.main.list_inner_product(_ppp_products, _ppp_told[18]) AS _ppp_density_14,
        system.main.list_inner_product(_ppp_products, _ppp_told[19]) AS _ppp_density_15
      FROM (
        SELECT
          *,
          CASE WHEN _ppp_told[2][5] = 0 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0)
            WHEN _ppp_told[2][5] = 1 THEN system.main.list_value(1e0, _ppp_centered_0, _ppp_centered_0 * _ppp_centered_0) END AS _ppp_products
        FROM (
          SELECT
            _ppp_source.*,
            _ppp_screen.*,
            NULL AS _ppp_known,
            CASE WHEN _ppp_told[1][1] = CAST('nan' AS DOUBLE) THEN 0e0 ELSE coalesce(ppp__number(_ppp_source."x"), CAST('nan' AS DOUBLE)) - _ppp_told[1][1] END AS _ppp_centered_0
          FROM _ppp_source CROSS JOIN _ppp_screen
        )
      )
    )
  )
) AS _ppp_source
