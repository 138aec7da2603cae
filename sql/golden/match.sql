WITH RECURSIVE _ppp_source AS NOT MATERIALIZED (
SELECT * FROM "rows"
),
_ppp_old_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
_ppp_old AS MATERIALIZED (
SELECT ppp__load('ppp_match', 'seg', NULL, (SELECT list(_ppp_old_rows) FROM _ppp_old_rows)) AS model
),
_ppp_new_rows AS MATERIALIZED (
SELECT * FROM "seg"
),
_ppp_new AS MATERIALIZED (
SELECT ppp__load('ppp_match', 'seg', NULL, (SELECT list(_ppp_new_rows) FROM _ppp_new_rows)) AS model
),
_ppp_shared AS MATERIALIZED (
SELECT o, n, count(*) AS shared FROM (SELECT ppp__assign(_ppp_old.model, CASE WHEN starts_with(_ppp_old.model, 'models:') THEN {'g g': ppp__group(_ppp_source."g"), 'g x': ppp__group(_ppp_source."x")} END, {'t g': ppp__text(_ppp_source."g"), 'n x': ppp__number(_ppp_source."x")}) AS o,
  ppp__assign(_ppp_new.model, CASE WHEN starts_with(_ppp_new.model, 'models:') THEN {'g g': ppp__group(_ppp_source."g"), 'g x': ppp__group(_ppp_source."x")} END, {'t g': ppp__text(_ppp_source."g"), 'n x': ppp__number(_ppp_source."x")}) AS n
FROM _ppp_source, _ppp_old, _ppp_new) WHERE o IS NOT NULL AND n IS NOT NULL GROUP BY o, n
),
_ppp_pairs AS MATERIALIZED (
SELECT o, n, shared, 2 * shared > sum(shared) OVER (PARTITION BY o) AS most_of_old,
  2 * shared > sum(shared) OVER (PARTITION BY n) AS most_of_new FROM _ppp_shared
),
_ppp_events AS MATERIALIZED (
SELECT o AS old_id, n AS new_id, shared AS shared_rows,
  CASE WHEN most_of_old AND most_of_new THEN 'kept' WHEN most_of_new THEN 'split' ELSE 'merged' END AS event
FROM _ppp_pairs WHERE most_of_old OR most_of_new
)
SELECT * FROM (
FROM _ppp_events
UNION ALL SELECT cluster_id, NULL, (SELECT coalesce(sum(shared), 0)::BIGINT FROM _ppp_shared WHERE o = cluster_id), 'gone' FROM (SELECT cluster_id FROM _ppp_old_rows WHERE cluster_id IS NOT NULL AND cluster_id NOT IN (SELECT old_id FROM _ppp_events))
UNION ALL SELECT NULL, cluster_id, (SELECT coalesce(sum(shared), 0)::BIGINT FROM _ppp_shared WHERE n = cluster_id), 'born' FROM (SELECT cluster_id FROM _ppp_new_rows WHERE cluster_id IS NOT NULL AND cluster_id NOT IN (SELECT new_id FROM _ppp_events)))
ORDER BY old_id NULLS LAST, new_id NULLS LAST
