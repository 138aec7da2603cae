WITH RECURSIVE
-- every row of the source
_ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
-- the rows of the model table
_ppp_old_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_old AS MATERIALIZED (
SELECT ppp__load('ppp_match', 'seg', NULL, (SELECT system.main.list(_ppp_old_rows) FROM _ppp_old_rows), ppp__statement()) AS model
),
-- the rows of the model table
_ppp_new_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
-- the state of the loaded models
_ppp_new AS MATERIALIZED (
SELECT ppp__load('ppp_match', 'seg', (SELECT ppp__by(model) FROM _ppp_old), (SELECT system.main.list(_ppp_new_rows) FROM _ppp_new_rows), ppp__statement()) AS model
),
-- how many rows each old and each new cluster have in common
_ppp_shared AS MATERIALIZED (
SELECT
  old.g AS g,
  old.cluster_id AS old_id,
  new_id,
  system.main.count(*) AS shared_rows
FROM (
  SELECT
    ppp__locate(_ppp_old.model, CASE WHEN system.main.starts_with(_ppp_old.model, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) AS old,
    ppp__assign(_ppp_new.model, CASE WHEN system.main.starts_with(_ppp_new.model, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) AS new_id
  FROM _ppp_source, _ppp_old, _ppp_new
)
WHERE old.cluster_id IS NOT NULL AND new_id IS NOT NULL
GROUP BY ALL
),
-- whether these are most of the old, or of the new one's
_ppp_pairs AS MATERIALIZED (
SELECT
  *,
  2 * shared_rows > system.main.sum(shared_rows) OVER (PARTITION BY g, old_id) AS most_of_old,
  2 * shared_rows > system.main.sum(shared_rows) OVER (PARTITION BY g, new_id) AS most_of_new
FROM _ppp_shared
),
-- what became of each cluster
_ppp_events AS MATERIALIZED (
SELECT g, old_id, new_id, shared_rows,
  CASE WHEN most_of_old AND most_of_new THEN 'kept' WHEN most_of_new THEN 'split' ELSE 'merged' END AS event
FROM _ppp_pairs WHERE most_of_old OR most_of_new
UNION ALL BY NAME SELECT g, old_id, coalesce(system.main.sum(shared_rows), 0)::BIGINT AS shared_rows, 'gone' AS event
FROM (SELECT TRY_CAST(CASE WHEN system.main.json_valid(CAST(model AS VARCHAR)) THEN system.main.json_extract(CAST(model AS VARCHAR), '$.group') END AS VARCHAR[]) AS g, TRY_CAST(cluster_id AS INTEGER) AS old_id FROM _ppp_old_rows) LEFT JOIN _ppp_pairs USING (g, old_id)
WHERE old_id IS NOT NULL GROUP BY g, old_id HAVING system.main.count(*) FILTER (most_of_old OR most_of_new) = 0
UNION ALL BY NAME SELECT g, new_id, coalesce(system.main.sum(shared_rows), 0)::BIGINT AS shared_rows, 'born' AS event
FROM (SELECT TRY_CAST(CASE WHEN system.main.json_valid(CAST(model AS VARCHAR)) THEN system.main.json_extract(CAST(model AS VARCHAR), '$.group') END AS VARCHAR[]) AS g, TRY_CAST(cluster_id AS INTEGER) AS new_id FROM _ppp_new_rows) LEFT JOIN _ppp_pairs USING (g, new_id)
WHERE new_id IS NOT NULL GROUP BY g, new_id HAVING system.main.count(*) FILTER (most_of_old OR most_of_new) = 0
),
-- the groups of the model
_ppp_old_groups AS MATERIALIZED (
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model),
  TRY_CAST(CASE WHEN system.main.json_valid(CAST(model AS VARCHAR)) THEN system.main.json_extract(CAST(model AS VARCHAR), '$.group') END AS VARCHAR[]) AS ppp__of
FROM _ppp_old_rows
WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
),
-- the groups of the model
_ppp_new_groups AS MATERIALIZED (
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model),
  TRY_CAST(CASE WHEN system.main.json_valid(CAST(model AS VARCHAR)) THEN system.main.json_extract(CAST(model AS VARCHAR), '$.group') END AS VARCHAR[]) AS ppp__of
FROM _ppp_new_rows
WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
),
-- the groups of both models
_ppp_groups AS MATERIALIZED (
FROM _ppp_old_groups UNION ALL BY NAME (FROM _ppp_new_groups ANTI JOIN _ppp_old_groups USING (ppp__of))
)
SELECT
  _ppp_groups.* EXCLUDE (ppp__of),
  _ppp_events.* EXCLUDE (g)
FROM _ppp_events JOIN _ppp_groups ON _ppp_events.g = _ppp_groups.ppp__of
ORDER BY ALL NULLS LAST
