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
SELECT ppp__load('ppp_profile', 'seg', ['g'], (SELECT system.main.list(_ppp_model_rows) FROM _ppp_model_rows), ppp__statement()) AS model
),
-- a measurement begins
_ppp_measure AS MATERIALIZED (
SELECT ppp__measure(model) AS key, model AS models FROM _ppp_model
),
-- rows with their cluster; their numbers are added to exact sums
_ppp_tallied AS MATERIALIZED (
SELECT
  _ppp_source.*,
  ppp__tally(_ppp_measure.key, CASE WHEN system.main.starts_with(_ppp_measure.models, 'models:') THEN ['g', 'x', ppp__group(_ppp_source."g"), ppp__group(_ppp_source."x")] END, {'text g': ppp__text(_ppp_source."g"), 'number x': ppp__number(_ppp_source."x")}) AS ppp__place
FROM _ppp_source, _ppp_measure
),
-- counts and extremes of each column, by group and cluster
_ppp_counted AS MATERIALIZED (
SELECT
  ppp__place,
  system.main.count() AS ppp__rows,
  {'n': system.main.count(COLUMNS(* EXCLUDE (ppp__place))),
    'nulls': system.main.count() - system.main.count(COLUMNS(* EXCLUDE (ppp__place))),
    'type': system.main.min(system.main.typeof(COLUMNS(* EXCLUDE (ppp__place)))),
    'low': system.main.min(CASE WHEN system.main.isfinite(ppp__number(COLUMNS(* EXCLUDE (ppp__place)))) THEN ppp__number(COLUMNS(* EXCLUDE (ppp__place))) END),
    'median': system.main.median(CASE WHEN system.main.isfinite(ppp__number(COLUMNS(* EXCLUDE (ppp__place)))) THEN ppp__number(COLUMNS(* EXCLUDE (ppp__place))) END),
    'high': system.main.max(CASE WHEN system.main.isfinite(ppp__number(COLUMNS(* EXCLUDE (ppp__place)))) THEN ppp__number(COLUMNS(* EXCLUDE (ppp__place))) END),
    'first': system.main.min(ppp__text(COLUMNS(* EXCLUDE (ppp__place)))),
    'last': system.main.max(ppp__text(COLUMNS(* EXCLUDE (ppp__place)))),
    'counts': system.main.histogram(ppp__text(COLUMNS(* EXCLUDE (ppp__place))))}
FROM _ppp_tallied
GROUP BY ppp__place
),
-- the same, a row for each column
_ppp_stats AS MATERIALIZED (
SELECT of.g AS g, of.cluster_id AS cluster, c, s, ppp__top(s.counts) AS top
FROM (
  SELECT ppp__place AS place, c, s FROM (
    UNPIVOT _ppp_counted ON COLUMNS(* EXCLUDE (ppp__place, ppp__rows)) INTO NAME c VALUE s
  )
) JOIN (
  SELECT ppp__place AS place, ppp__place(models, ppp__place) AS of FROM _ppp_counted, _ppp_measure
) USING (place)
),
-- counts over all clusters of the group
_ppp_everyone AS MATERIALIZED (
SELECT own.g, own.cluster, own.c, system.main.sum(other.s.n) AS n, system.main.sum(other.s.counts[own.top]) AS tops
FROM _ppp_stats own JOIN _ppp_stats other ON other.g = own.g AND other.c = own.c GROUP BY ALL
),
-- all rows are tallied
_ppp_count AS MATERIALIZED (
SELECT CAST(coalesce(system.main.sum(ppp__rows), 0) AS BIGINT) AS n FROM _ppp_counted
),
-- means and standard deviations, exact sums
_ppp_means AS MATERIALIZED (
SELECT _ppp_said.* FROM (
  SELECT
    *,
    unnest(ppp__tallied(_ppp_key, model, _ppp_n)) AS _ppp_said
  FROM (
    SELECT _ppp_model_rows.*, _ppp_measure.key AS _ppp_key, _ppp_count.n AS _ppp_n FROM _ppp_model_rows, _ppp_measure, _ppp_count WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
  )
)
),
-- the groups of the model
_ppp_groups AS MATERIALIZED (
SELECT
  * EXCLUDE (cluster_id, size, share, agreement, center, model),
  TRY_CAST(CASE WHEN system.main.json_valid(CAST(model AS VARCHAR)) THEN system.main.json_extract(CAST(model AS VARCHAR), '$.group') END AS VARCHAR[]) AS ppp__of
FROM _ppp_model_rows
WHERE coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0
)
SELECT
  _ppp_groups.* EXCLUDE (ppp__of),
  own.cluster AS cluster_id,
  own.c AS "column",
  own.s.n AS n,
  own.s.nulls AS nulls,
  ppp__value(m.mean, ppp__member(own.s.type)) AS mean,
  CASE WHEN ppp__member(own.s.type) = 'date' THEN m.stddev / 86400 ELSE m.stddev END AS stddev,
  coalesce(ppp__value(own.s.low, ppp__member(own.s.type)), CASE WHEN own.s.first IS NOT NULL THEN ppp__words(own.s.first) END) AS "min",
  ppp__value(own.s.median, ppp__member(own.s.type)) AS median,
  coalesce(ppp__value(own.s.high, ppp__member(own.s.type)), CASE WHEN own.s.last IS NOT NULL THEN ppp__words(own.s.last) END) AS "max",
  own.top AS top_value,
  ppp__value(over.mean, ppp__member(own.s.type)) AS overall_mean,
  CASE WHEN own.top IS NOT NULL THEN own.s.counts[own.top] * 1e0 / own.s.n / (everyone.tops * 1e0 / everyone.n) ELSE CASE WHEN ppp__member(own.s.type) = 'number' AND over.mean <> 0 THEN m.mean / over.mean END END AS lift,
  ppp__plain(m.mean, ppp__member(own.s.type)) AS mean_number,
  ppp__shown(m.mean, ppp__member(own.s.type)) AS mean_text,
  ppp__plain(own.s.low, ppp__member(own.s.type)) AS min_number,
  coalesce(ppp__shown(own.s.low, ppp__member(own.s.type)), own.s.first) AS min_text,
  ppp__plain(own.s.median, ppp__member(own.s.type)) AS median_number,
  ppp__shown(own.s.median, ppp__member(own.s.type)) AS median_text,
  ppp__plain(own.s.high, ppp__member(own.s.type)) AS max_number,
  coalesce(ppp__shown(own.s.high, ppp__member(own.s.type)), own.s.last) AS max_text,
  ppp__plain(over.mean, ppp__member(own.s.type)) AS overall_mean_number,
  ppp__shown(over.mean, ppp__member(own.s.type)) AS overall_mean_text
FROM _ppp_stats own
JOIN _ppp_groups ON own.g = _ppp_groups.ppp__of
JOIN _ppp_everyone everyone
  ON everyone.g = own.g AND everyone.cluster IS NOT DISTINCT FROM own.cluster AND everyone.c = own.c
LEFT JOIN _ppp_means m ON m.g = own.g AND m.cluster_id IS NOT DISTINCT FROM own.cluster AND m."column" = own.c
LEFT JOIN _ppp_means over ON over.g = own.g AND over.cluster_id = -2 AND over."column" = own.c
ORDER BY own.g, own.cluster NULLS LAST, own.c
