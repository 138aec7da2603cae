"""Models become one query: a sqlglot expression that gives each row of a relation its cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from ppp_duck.binding.quoting import folded
from ppp_duck.engine.score import Scorer
from ppp_duck.models.model import SCORE_COLUMNS, ModelSet
from ppp_duck.portable.densities import add_log_densities
from ppp_duck.portable.dialects import Dialect, filled_in
from ppp_duck.portable.guarding import DOUBT, EVERY, SURE, add_screen, every_row, guarded
from ppp_duck.portable.labels import CELL, DISTANCE, ID, SECOND, TOTAL, Labels, add_details, add_ids, reason
from ppp_duck.portable.nodes import (
    SOURCE,
    Node,
    added,
    case,
    cast,
    coalesce,
    column,
    difference,
    divided,
    equal,
    every,
    is_null,
    name,
    number,
    text,
    whole,
)
from ppp_duck.portable.points import COMPLETE, add_points
from ppp_duck.portable.stages import Chain, Stage, carried, names_in
from ppp_duck.portable.values import GROUP, Values, group_number, values_of

ROW = "ppp_row"
FIRST, LAST = "ppp_values", "ppp_scored"
NO_MODEL = "no model for this group"


@dataclass(frozen=True)
class Relation:
    """What is scored: how a column of it is written, and the table, or None where columns are parameters."""

    column: Callable[[str], Node]
    table: exp.Table | None


@dataclass(frozen=True)
class Scored:
    """What becomes of the rows of one model: stages that begin at the values, and the new columns, made of the last."""

    stages: Sequence[Stage]
    columns: Mapping[str, Node]
    where: Node | None  # which rows


def scoring(models: ModelSet, dialect: Dialect, relation: Relation, output: str) -> exp.Select:
    """A query of the relation's rows, unchanged and first, and their new columns: what ``ppp_predict`` returns."""
    fields = {key: relation.column(one) for key, one in columns_of(models).items()}
    values = values_of(models.models, dialect, fields)
    first = Stage(
        "the values that the model needs" + (", and the number of the row's group" if models.by else ""),
        {**values.columns, **group_number(models.by, models.models, dialect, fields), **every_row(dialect)},
    )
    parts = [_scored(models, at, dialect, values, output) for at in range(len(models.models))]
    if models.by or not parts:
        where = is_null(column(GROUP)) if models.by else None
        parts.append(Scored((), _nothing(output, text(NO_MODEL)), where))
    ctes = [_first_stage(dialect, relation, first)]
    scored: exp.Query | None = None
    for at, part in enumerate(parts):
        more, branch = _query_of(part, dialect, relation, first, f"_{at}" if models.by else "")
        ctes += more
        scored = branch if scored is None else exp.Union(this=scored, expression=branch, distinct=False)
    assert scored is not None
    ctes.append(_cte(LAST, "every row as it was, and its new columns", scored))
    # a stage of its own: so an ORDER BY or a WHERE may follow
    query = exp.Select(expressions=[exp.Star()])
    query.set("from_", exp.From(this=_stage_table(LAST)))
    query.set("with_", exp.With(expressions=ctes))
    return query


def columns_of(models: ModelSet) -> dict[str, str]:
    """The columns of a source that models need, by their folded names."""
    names = {folded(feature.name): feature.name for model in models.models for feature in model.features}
    return names | {folded(one): one for one in models.by}


def _scored(models: ModelSet, at: int, dialect: Dialect, values: Values, output: str) -> Scored:
    model = models.models[at]
    where = equal(column(GROUP), whole(at)) if models.by else None
    full, chain = output == "full", Chain(guard=EVERY if dialect.guard else "")
    if dialect.guard and model.clustering is not None and not full:
        add_screen(model, Scorer(model.clustering), dialect, values, chain)
    points = add_points(model, dialect, values, chain, full)
    if model.clustering is None:
        why = coalesce(reason(model, points), text(model.note)) if points.causes else text(model.note)
        return Scored(chain.stages, _nothing(output, why), where)
    scorer = Scorer(model.clustering)
    add_log_densities(scorer, points, dialect, chain)
    labels = Labels(model, scorer, points, dialect, chain)
    add_ids(labels, full)
    if full:
        add_details(labels)
    columns = _columns(labels, full)
    if chain.guard == DOUBT:
        columns["cluster_id"] = coalesce(column(SURE), columns["cluster_id"])
    return Scored(chain.stages, columns, where)


def _columns(labels: Labels, full: bool) -> dict[str, Node]:
    points = labels.points
    found = {"cluster_id": column(ID)}
    if full:
        found |= _details(labels)
    if not points.complete:
        found = {key: _where_complete(labels.dialect, key, node) for key, node in found.items()}
    if full:
        found["reason"] = reason(labels.model, points)
    return {key: cast(node, SCORE_COLUMNS[key]) for key, node in found.items()}


def _where_complete(dialect: Dialect, key: str, node: Node) -> Node:
    """NULL of a row that cannot be scored."""
    if not dialect.lazy_branches:
        return case([(column(COMPLETE), node)])
    if isinstance(node, exp.GTE):
        return exp.GTE(this=_where_complete(dialect, "probability", node.this), expression=node.expression)
    nothing = number(0.0) if SCORE_COLUMNS[key] == "DOUBLE" else whole(0)
    return added([node, case([(column(COMPLETE), nothing)])])


def _details(labels: Labels) -> dict[str, Node]:
    alone = len(labels.scorer.clustering.centers) == 1
    probability = divided(column("ppp_first"), column(TOTAL))
    at = number(labels.model.separable_at)
    sure: Node = every([equal(column(ID), column(CELL)), exp.GTE(this=probability.copy(), expression=at)])
    if labels.dialect.lazy_branches:  # less than 0 where the ids differ
        apart = exp.Abs(this=difference(column(ID), column(CELL)))
        sure = exp.GTE(this=difference(probability.copy(), apart), expression=at)
    return {
        "probability": probability,
        "second_cluster_id": exp.Null() if alone else column(SECOND),
        "second_probability": exp.Null() if alone else divided(column("ppp_next"), column(TOTAL)),
        "distance": column(DISTANCE),
        "kmeans_id": column(CELL),
        "is_separable": sure,
    }


def _nothing(output: str, why: Node) -> dict[str, Node]:
    """The columns of rows that have no cluster."""
    if output == "id":
        return {"cluster_id": cast(exp.Null(), "INTEGER")}
    nothing = {key: cast(exp.Null(), kind) for key, kind in SCORE_COLUMNS.items()}
    return {**nothing, "reason": cast(why, "VARCHAR")}


def _named(columns: Mapping[str, Node]) -> list[Node]:
    return [exp.Alias(this=node, alias=exp.Identifier(this=key, quoted=False)) for key, node in columns.items()]


def _first_stage(dialect: Dialect, relation: Relation, first: Stage) -> exp.CTE:
    row: list[Node] = []
    if relation.table is not None and dialect.struct is None:
        row = [exp.Column(this=exp.Star(), table=exp.Identifier(this=SOURCE, quoted=False))]
    elif relation.table is not None and dialect.struct is not None:
        row = _named({ROW: filled_in(dialect, dialect.struct, exp.Null())})
    columns = [*row, *_named(first.columns)]
    return _cte(
        FIRST, first.why, _select(dialect, columns or _named({"ppp_nothing": exp.Null()}), relation.table, None)
    )


def _select(dialect: Dialect, columns: Sequence[Node], table: exp.Table | None, where: Node | None) -> exp.Select:
    found = exp.Select(expressions=list(columns))
    if table is not None:
        found.set("from_", exp.From(this=table))
    if where is not None:
        found.set("where", exp.Where(this=where))
    if dialect.fence:
        found.set("offset", exp.Offset(expression=whole(0)))
    return found


def _cte(stage: str, why: str, query: exp.Query) -> exp.CTE:
    found = exp.CTE(this=query, alias=exp.TableAlias(this=exp.Identifier(this=stage, quoted=False)))
    found.comments = [why]
    return found


def _stage_table(stage: str) -> exp.Table:
    return exp.Table(this=exp.Identifier(this=stage, quoted=False))


def _query_of(
    part: Scored, dialect: Dialect, relation: Relation, first: Stage, suffix: str
) -> tuple[list[exp.CTE], exp.Select]:
    """The stages of a model as CTEs, and the query of its rows."""
    stages, columns = guarded(dialect, part.stages, part.columns)
    part = replace(part, stages=stages, columns=columns)
    wanted = {name for node in part.columns.values() for name in names_in(node)}
    handed_on = carried([first, *part.stages], wanted)[1:]
    keeps_row = relation.table is not None and dialect.struct is not None
    ctes, before, where = [], FIRST, part.where
    for at, (stage, names) in enumerate(zip(part.stages, handed_on, strict=True), 1):
        kept: list[Node] = [column(one) for one in ([ROW] if keeps_row else []) + names]
        if relation.table is not None and dialect.struct is None:
            kept = [exp.Star()]
        stage_name = f"ppp_stage{suffix}_{at}"
        query = _select(dialect, [*kept, *_named(stage.columns)], _stage_table(before), where)
        ctes.append(_cte(stage_name, stage.why, query))
        before, where = stage_name, None
    row = _row_again(dialect, relation, [first, *part.stages])
    last = exp.Select(expressions=[*row, *_named_out(part.columns)])
    last.set("from_", exp.From(this=_stage_table(before)))
    if where is not None:
        last.set("where", exp.Where(this=where))
    return ctes, last


def _named_out(columns: Mapping[str, Node]) -> list[Node]:
    return [exp.Alias(this=node, alias=name(key)) for key, node in columns.items()]


def _row_again(dialect: Dialect, relation: Relation, stages: Sequence[Stage]) -> list[Node]:
    """The columns of the source, as they were."""
    if relation.table is None:
        return []
    if dialect.struct is None:
        made = [exp.Identifier(this=one, quoted=False) for stage in stages for one in stage.columns]
        return [exp.Star(except_=made)]
    if dialect.fence:  # a composite value
        return [exp.Dot(this=exp.Paren(this=column(ROW)), expression=exp.Star())]
    return [exp.Column(this=exp.Star(), table=exp.Identifier(this=ROW, quoted=False))]
