"""The statement of ppp_match: how the clusters of two models share the rows of a source."""

from __future__ import annotations

from ppp_duck.binding.describing import GROUP_OF_MODEL, model_groups, model_stages
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.rows import any_row
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, indented, select, unowned, with_stages


def match(function: str, old: Source, new: Source, source: Source) -> str:
    """Each pair of clusters of which one has most of the other, and the clusters that are in no such pair.

    ``g`` is the group, an empty list without ``by``: models without groups are models of one group.
    """
    before, after = any_row(source, "_ppp_old.model"), any_row(source, "_ppp_new.model")
    stages = [*before.stages, *model_stages(function, old, (), "_ppp_old")]
    stages += model_stages(function, new, (), "_ppp_new", like="_ppp_old")
    located = f"ppp__locate(_ppp_old.model, {before.group}, {before.row}) AS old"
    assigned = f"ppp__assign(_ppp_new.model, {after.group}, {after.row}) AS new_id"
    rows = indented(select([located, assigned], f"{before.relation}, _ppp_old, _ppp_new"))
    shared = select(
        ["old.g AS g", "old.cluster_id AS old_id", "new_id", "count(*) AS shared_rows"], rows,
        "WHERE old.cluster_id IS NOT NULL AND new_id IS NOT NULL", "GROUP BY ALL",
    )  # fmt: skip
    pairs = """SELECT
  *,
  2 * shared_rows > sum(shared_rows) OVER (PARTITION BY g, old_id) AS most_of_old,
  2 * shared_rows > sum(shared_rows) OVER (PARTITION BY g, new_id) AS most_of_new
FROM _ppp_shared"""
    events = f"""SELECT g, old_id, new_id, shared_rows,
  CASE WHEN most_of_old AND most_of_new THEN 'kept' WHEN most_of_new THEN 'split' ELSE 'merged' END AS event
FROM _ppp_pairs WHERE most_of_old OR most_of_new
UNION ALL BY NAME {_left_over("_ppp_old", "old_id", "gone")}
UNION ALL BY NAME {_left_over("_ppp_new", "new_id", "born")}"""
    of = unowned("ppp__of", old, new)
    groups = "FROM _ppp_old_groups UNION ALL BY NAME "
    groups += f"(FROM _ppp_new_groups ANTI JOIN _ppp_old_groups USING ({of}))"
    stages += [
        Stage("_ppp_shared", shared, "how many rows each old and each new cluster have in common"),
        Stage("_ppp_pairs", pairs, "whether these are most of the old, or of the new one's"),
        Stage("_ppp_events", events, "what became of each cluster"),
        *(model_groups(models, of) for models in ("_ppp_old", "_ppp_new")),
        Stage("_ppp_groups", groups, "the groups of both models"),
    ]
    columns = [f"_ppp_groups.* EXCLUDE ({of})", "_ppp_events.* EXCLUDE (g)"]
    joined = f"_ppp_events JOIN _ppp_groups ON _ppp_events.g = _ppp_groups.{of}"
    return with_stages(stages, select(columns, joined, "ORDER BY ALL NULLS LAST"))


def _left_over(models: str, column: str, event: str) -> str:
    """The clusters of one model that have most of none in the other, and of which none there has most."""
    clusters = f"SELECT {GROUP_OF_MODEL} AS g, TRY_CAST(cluster_id AS INTEGER) AS {column} FROM {models}_rows"
    return f"""SELECT g, {column}, coalesce(sum(shared_rows), 0)::BIGINT AS shared_rows, {literal(event)} AS event
FROM ({clusters}) LEFT JOIN _ppp_pairs USING (g, {column})
WHERE {column} IS NOT NULL GROUP BY g, {column} HAVING count(*) FILTER (most_of_old OR most_of_new) = 0"""
