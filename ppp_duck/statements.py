"""Each SQL function as one statement: the stages that fit or load the models, and the query that reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppp_duck import describe, screening, stored
from ppp_duck.calls import Call, plan_call
from ppp_duck.engine.evaluate import METRICS
from ppp_duck.errors import ModelError, SourceError
from ppp_duck.model import SCORE_COLUMNS, SET_COLUMNS
from ppp_duck.options import FITTING, SCORING, Reading, check_options, check_reading
from ppp_duck.rewrite import (
    Stage,
    fit_stages,
    group_values,
    join_known,
    known_stage,
    rows_may_repeat,
    source_stage,
    value,
    with_stages,
)  # fmt: skip
from ppp_duck.sources import Column, Source, literal, quote

Find = Callable[
    ..., Source
]  # (function, name, must_be_seen=False, role="source"): what stands behind the name of a source
SEPARABLE = ("cluster_id", "probability")
OUTLIERS = ("outlier_score", "is_outlier")
FIRST = "coalesce(TRY_CAST(cluster_id AS INTEGER), 0) = 0"  # one row of each model; a CSV may give it as text
# Of a row of a model table. What is no model text is NULL: to say what is wrong with it is ``ppp__load``'s business.
GROUP = "TRY_CAST(json_extract(TRY_CAST(model AS JSON), '$.group') AS VARCHAR[])"
NAME = " \\0"  # in the alias of a COLUMNS expression: the name of the column
ROW = "ppp__row \x1f"  # starts the name of a form of a column that could not be seen at bind time


@dataclass(frozen=True)
class Rows:
    """How the rows of a source go to the scoring functions."""

    stages: tuple[Stage, ...]
    relation: str
    kept: str  # the source's own columns
    row: str
    group: str
    fit: Call | None = None  # of rows that are fitted


def statement(function: str, src: object, given: Mapping[str, Any], find: Find) -> str:
    """The SQL that a call becomes. Raises PPPError for anything that can be refused before a row is seen."""
    if function in FITTING:
        options = check_options(function, given)
        source = find(function, src, must_be_seen=options.columns is None)
        call = plan_call(function, source, options)
        return {"ppp_cluster": _cluster, "ppp_fit": _fit, "ppp_separable": _separable,
                "ppp_clusterability": _clusterability}[function](call, source)  # fmt: skip
    positional = {name: given[name] for name in ("new", "src") if name in given}
    reading = check_reading(function, {name: value for name, value in given.items() if name not in positional})
    if function in SCORING:
        source, model = find(function, src), find(function, reading.model, role="model")
    else:
        model = find(function, src, role="old model" if function == "ppp_match" else "model")
    model = _model_columns(function, model)
    if function == "ppp_match":
        new = _model_columns(function, find(function, given["new"], role="new model"))
        return _match(function, model, new, find(function, given["src"], role="source"))
    if function not in SCORING:
        return _described(function, model, reading)
    return {"ppp_predict": _predict, "ppp_outliers": _outliers, "ppp_profile": _profile,
            "ppp_evaluate": _evaluate}[function](function, source, model, reading)  # fmt: skip


# Fitting


def _cluster(call: Call, source: Source) -> str:
    names = list(SCORE_COLUMNS) if call.options.output == "full" else ["cluster_id"]
    stages, scored = _scored(call.function, source, _models(call), _fitted(call, source), call.options.prefix, names)
    return with_stages(stages, scored)


def _separable(call: Call, source: Source) -> str:
    rows, prefix = _fitted(call, source), call.options.prefix
    stages, scored = _scored(call.function, source, _models(call), rows, prefix, SEPARABLE)
    return with_stages(stages, f"{scored}\nWHERE _ppp_score.is_separable")


def _fit(call: Call, source: Source) -> str:
    return _told(call, source, "ppp__rows", stored.COLUMNS, "cluster_id")


def _clusterability(call: Call, source: Source) -> str:
    return _told(call, source, "ppp__clusterability", SET_COLUMNS, '"set"')


def _told(call: Call, source: Source, function: str, names: Collection[str], order: str) -> str:
    """What a function tells of the fitted models; with ``by`` behind the columns that name the group."""
    by = call.options.by
    columns = [f"_ppp_row.{quote(name)}" for name in names]
    unnested = f"(SELECT unnest({function}(model)) AS _ppp_row FROM {_models(call)})"
    stages = list(_fitted(call, source).stages)
    if not by:
        return with_stages(stages, f"SELECT {', '.join(columns)} FROM {unnested} ORDER BY _ppp_row.{order}")
    clash = [name for name in by if name.casefold() in names]
    if clash:
        raise SourceError(
            f"{call.function}: rename {clash[0]} in the source, for instance with a SELECT as source: a model has a "
            "column of that name"
        )
    groups = ", ".join(f"min({quote(name)}) AS {quote(name)}" for name in by)
    stages.append(
        (
            "_ppp_groups",
            "MATERIALIZED",
            f"SELECT {group_values(by)} AS _ppp_g, {groups} FROM _ppp_source GROUP BY _ppp_g",
        )
    )
    named = [f"_ppp_groups.{quote(name)}" for name in by]
    return with_stages(
        stages,
        f"SELECT {', '.join([*named, *columns])}\nFROM {unnested} JOIN _ppp_groups ON _ppp_row.g = _ppp_groups._ppp_g\n"
        f"ORDER BY {', '.join(f'{name} NULLS LAST' for name in named)}, _ppp_row.{order}",
    )


def _fitted(call: Call, source: Source) -> Rows:
    """The rows of a source that is fitted: its features, and the columns that name groups."""
    row = _forms((form, feature.name) for feature in call.features for form in feature.forms)
    group = f"[{_forms(('g', name) for name in call.options.by)}]" if call.options.by else "NULL"
    stages = (*fit_stages(call, source), *_refine_stages(call, group, row))
    return Rows(stages, "_ppp_source", "_ppp_source.*", row, group, call)


def _models(call: Call) -> str:
    """The relation whose one row holds the key of the models, refined where that is wanted."""
    return f"_ppp_refine_{call.options.refine + 1}" if call.options.refine else "_ppp_fit"


def _refine_stages(call: Call, group: str, row: str) -> list[Stage]:
    """From ``_ppp_fit`` to the models refined by all rows of ``_ppp_source``, which go to Python as ``group``, ``row``.

    Each stage is a pass: it counts the rows that went through it, and so closes it after the last. One pass more than
    wanted takes the figures of the result. Where nothing is to be refined, the stages hand the key of the models on
    and read no row.
    """
    passes = call.options.refine
    if not passes:
        return []
    weight = "NULL" if call.options.weight is None else value("n", f"_ppp_source.{quote(call.options.weight)}")
    begun = f"SELECT ppp__refine(model, {passes}) AS model FROM _ppp_fit"
    stages: list[Stage] = [("_ppp_refine_0", "MATERIALIZED", begun)]
    for i in range(passes + 1):
        before = f"_ppp_refine_{i}"
        rows = f"SELECT count(ppp__refine_pass({before}.model, {group}, {row}, {weight})) AS _ppp_n\n" \
               f"FROM _ppp_source, {before} WHERE starts_with({before}.model, 'measurement:')"  # fmt: skip
        after = f"SELECT ppp__refined({before}.model, _ppp_n) AS model FROM {before}, ({rows})"
        stages.append((f"_ppp_refine_{i + 1}", "MATERIALIZED", after))
    return stages


# Scoring


def _scored(
    function: str, source: Source, models: str, rows: Rows, prefix: str, columns: Sequence[str]
) -> tuple[list[Stage], str]:
    """The source's rows, each with its new columns. One function call a row: the engine's word is asked only once.

    Where the rows are fitted and most of them repeat others, each distinct one is scored, and its equals look it up.
    """
    names = [prefix + name for name in columns]
    guard = _clash_guard(function, source, names)
    udf = "ppp__assign" if list(columns) == ["cluster_id"] else "ppp__score"
    score = f"{udf}({models}.model, {rows.group}, {rows.row})"
    stages, relation = list(rows.stages), f"{rows.relation}, {models}"
    if rows.fit is not None and rows_may_repeat(rows.fit):
        distinct = ", ".join(f"{literal(f'{f.forms} {f.name}')}: {f.forms}{i}" for i, f in enumerate(rows.fit.features))
        stages.append(known_stage(rows.fit, models, f"{udf}({models}.model, NULL, {{{distinct}}})"))
        known = join_known(rows.fit)
        m = screening.components(rows.fit, source) if udf == "ppp__assign" else 0
        if m:
            stages.append(screening.stage(rows.fit, models, m))
            score = f"{udf}(_ppp_model, {rows.group}, {rows.row})"
            relation = f"{rows.relation} CROSS JOIN {screening.STAGE}{known}"
            return stages, screening.scored(rows.fit, m, relation, score, names[0])
        relation = f"{rows.relation} CROSS JOIN {models}{known}"
        score = f"CASE WHEN _ppp_known.known IS NOT NULL THEN _ppp_known.known ELSE {score} END"
    if udf == "ppp__assign":
        return stages, f"SELECT {rows.kept}, {score} AS {quote(names[0])}\nFROM {relation}{guard}"
    fields = ",\n  ".join(f"_ppp_score.{field} AS {quote(name)}" for field, name in zip(columns, names, strict=True))
    scored = f"SELECT {rows.kept}, {score} AS _ppp_score\nFROM {relation}{guard}"
    return stages, f"SELECT * EXCLUDE (_ppp_score),\n  {fields}\nFROM ({scored})"


def _clash_guard(function: str, source: Source, names: Sequence[str]) -> str:
    if source.columns is not None:
        taken = {column.name.casefold() for column in source.columns}
        for name in names:
            if name.casefold() in taken:
                raise SourceError.clash(function, name, source.name)
        return ""
    # The columns are unknown here: let the binder compare. Where the source has one of the names too, the reference is
    # ambiguous, and the binder's message shows the name of this relation.
    hint = quote(f"{function}: set prefix, the source already has this column")
    nothing = ", ".join(f"NULL AS {quote(name)}" for name in names)
    return f", (SELECT {nothing}) AS {hint}\nWHERE true OR ({' AND '.join(f'{quote(name)} IS NULL' for name in names)})"


def _predict(function: str, source: Source, model: Source, reading: Reading) -> str:
    names = list(SCORE_COLUMNS) if reading.output == "full" else ["cluster_id"]
    stages, scored = _scored(function, source, "_ppp_model", _any_row(source), reading.prefix, names)
    return with_stages([*stages, *_model_stages(function, model, reading.by)], scored)


def _outliers(function: str, source: Source, model: Source, reading: Reading) -> str:
    """The least probable rows: at most ``contamination`` of the scored ones, fewer where scores tie."""
    names = [reading.prefix + name for name in OUTLIERS]
    rows = _any_row(source)
    guard = _clash_guard(function, source, names)
    scored = f"SELECT {rows.kept}, ppp__surprise(_ppp_model.model, {rows.group}, {rows.row}) AS _ppp_surprise\n" \
             f"FROM {rows.relation}, _ppp_model{guard}"  # fmt: skip
    limit = f"SELECT quantile_disc(_ppp_surprise, {literal(1 - reading.contamination)}) AS most FROM _ppp_scored"
    stages = [*rows.stages, *_model_stages(function, model, reading.by)]
    stages += [("_ppp_scored", "MATERIALIZED", scored), ("_ppp_limit", "MATERIALIZED", limit)]
    query = f"SELECT _ppp_scored.* EXCLUDE (_ppp_surprise),\n  _ppp_surprise AS {quote(names[0])},\n" \
            f"  _ppp_surprise > most AS {quote(names[1])}\nFROM _ppp_scored, _ppp_limit"  # fmt: skip
    return with_stages(stages, query)


def _any_row(source: Source, models: str = "_ppp_model.model") -> Rows:
    """The group is only made where the models have groups. Columns that cannot be seen DuckDB lists as it binds."""
    if source.columns is None:
        forms = ", ".join(f"{value(form, 'COLUMNS(_ppp_source.*)')} AS {quote(ROW + form + NAME)}" for form in "ntvg")
        is_form = f"starts_with(c, {literal(ROW)})"
        own, packed = f"COLUMNS(lambda c: NOT {is_form})", f"struct_pack(*COLUMNS(lambda c: {is_form}))"
        rows = f"SELECT {own}, {packed} AS _ppp_row\nFROM (SELECT _ppp_source.*, {forms} FROM _ppp_source)"
        stage = ("_ppp_rows", "NOT MATERIALIZED", rows)
        return Rows((source_stage(source), stage), "_ppp_rows", "_ppp_rows.* EXCLUDE (_ppp_row)", "_ppp_row", "NULL")
    fields = [(form, column.name) for column in source.columns for form in _kinds(column)]
    groups = [("g", column.name) for column in source.columns if column.kind in ("number", "text")]
    # in a list, because a NULL struct goes to Python as a column of NULLs for each of its fields, a NULL list as one
    group = f"CASE WHEN starts_with({models}, 'models:') THEN [{_forms(groups)}] END" if groups else "NULL"
    return Rows((source_stage(source),), "_ppp_source", "_ppp_source.*", _forms(fields), group)


def _kinds(column: Column) -> str:
    """The forms of a column: none of a type that no feature is made of; NULL as such can be of any."""
    return "ntv" if column.type.strip('"') == "NULL" else (column.kind or "")[:1]


def _forms(columns: Iterable[tuple[str, str]]) -> str:
    """A struct of forms of columns, as {'n income': ppp__number(income), 't city': ppp__text(city)}."""
    fields = [f"{literal(f'{form} {name}')}: {value(form, f'_ppp_source.{quote(name)}')}" for form, name in columns]
    return f"{{{', '.join(fields)}}}" if fields else "NULL"


# Models


def _model_columns(function: str, model: Source) -> Source:
    """Refuse, as early as can be, a relation that is no model."""
    found = None if model.columns is None else {column.name.casefold() for column in model.columns}
    missing = [name for name in stored.COLUMNS if found is not None and name not in found]
    if missing:
        raise ModelError(f'{function}: name a model that ppp_fit made: {model.name} has no column "{missing[0]}"')
    return model


def _model_stages(
    function: str, model: Source, by: Sequence[str], stage: str = "_ppp_model", like: str = ""
) -> list[Stage]:
    """The rows of a model and its key. It must be grouped by the columns ``by``, or as that of the stage ``like``."""
    wanted = f"(SELECT ppp__by(model) FROM {like})" if like else "NULL"
    if by:
        wanted = f"[{', '.join(map(literal, by))}]"
    rows = f"{stage}_rows"
    arguments = f"{literal(function)}, {literal(model.name)}, {wanted}, (SELECT list({rows}) FROM {rows})"
    loaded = f"SELECT ppp__load({arguments}) AS model"
    return [(rows, "MATERIALIZED", f"SELECT * FROM {model.relation}"), (stage, "MATERIALIZED", loaded)]


DESCRIBED = {
    "ppp_centers": ("cluster_id", "feature", ("center", "value"), "stddev", "category", "share"),
    "ppp_trials": tuple(describe.TRIALS),
    "ppp_info": tuple(describe.INFO),
    "ppp_compare": ("feature", ("value_a", "a"), ("value_b", "b"), "score"),
}


def _described(function: str, model: Source, reading: Reading) -> str:
    """What each model says of itself, behind the columns that the table has beside those of a model (``by``)."""
    arguments = ""
    if function == "ppp_compare":
        arguments = f", {reading.a}, {'CAST(NULL AS INTEGER)' if reading.b is None else reading.b}"
    udf = function.replace("ppp_", "ppp__")
    own = ", ".join([*stored.COLUMNS, "_ppp_key", "_ppp_said"])
    rows = _heads(f"{udf}(_ppp_key, model{arguments})", "_ppp_model.model AS _ppp_key", "_ppp_model")
    fields = []
    for field in DESCRIBED[function]:
        if isinstance(field, tuple):
            name, number = field
            fields.append(f"ppp__value(_ppp_said.{number}, _ppp_said.kind) AS {name}")
        else:
            fields.append(f"_ppp_said.{field}")
    return with_stages(
        _model_stages(function, model, ()), f"SELECT * EXCLUDE ({own}),\n  {', '.join(fields)}\nFROM (\n{rows})"
    )


def _heads(said: str, beside: str, stages: str) -> str:
    """One row per model with ``_ppp_said``, what it says of itself, unnested, behind the columns of the model table.

    ``beside`` are the columns of ``stages`` that ``said`` needs.
    """
    return f"SELECT *, unnest({said}) AS _ppp_said\nFROM " \
           f"(SELECT _ppp_model_rows.*, {beside} FROM _ppp_model_rows, {stages} WHERE {FIRST})"  # fmt: skip


def _groups(models: str) -> str:
    """One row per model: the columns that the model table has beside those of a model, and the group, ``ppp__of``."""
    return f"SELECT * EXCLUDE ({', '.join(stored.COLUMNS)}), {GROUP} AS ppp__of FROM {models}_rows WHERE {FIRST}"


def _evaluate(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Two passes over the rows, one after the other: the key of the second depends on the count of the first."""
    rows, again = _any_row(source, "_ppp_first.models"), _any_row(source, "_ppp_second.models")
    first = f"SELECT count(ppp__first_pass(_ppp_first.key, {rows.group}, {rows.row})) AS _ppp_n " \
            f"FROM {rows.relation}, _ppp_first"  # fmt: skip
    second = f"SELECT count(ppp__second_pass(_ppp_second.key, {again.group}, {again.row})) AS _ppp_n " \
             f"FROM {again.relation}, _ppp_second"  # fmt: skip
    stages = [*rows.stages, *_model_stages(function, model, reading.by)]
    stages.append(("_ppp_first", "MATERIALIZED", "SELECT ppp__measure(model) AS key, model AS models FROM _ppp_model"))
    stages.append(("_ppp_passed", "MATERIALIZED", first))
    after = "SELECT key || ' ' || _ppp_n AS key, models FROM _ppp_first, _ppp_passed"
    stages += [("_ppp_second", "MATERIALIZED", after), ("_ppp_done", "MATERIALIZED", second)]
    said, beside = "ppp__evaluated(_ppp_key, model, _ppp_n)", "_ppp_second.key AS _ppp_key, _ppp_n"
    heads = _heads(said, beside, "_ppp_second, _ppp_done")
    own = ", ".join([*stored.COLUMNS, "_ppp_key", "_ppp_said", "_ppp_n"])
    fields = ", ".join(f"_ppp_said.{name}" for name in METRICS)
    return with_stages(stages, f"SELECT * EXCLUDE ({own}),\n  {fields}\nFROM (\n{heads})")


def _profile(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Counts, extremes and medians in SQL; means and standard deviations as exact sums, beside them."""
    rows = _any_row(source, "_ppp_measure.models")
    measure = "SELECT ppp__measure(model) AS key, model AS models FROM _ppp_model"
    tallied = f"SELECT {rows.kept}, ppp__tally(_ppp_measure.key, {rows.group}, {rows.row}) AS ppp__where\n" \
              f"FROM {rows.relation}, _ppp_measure"  # fmt: skip
    stages = [*rows.stages, *_model_stages(function, model, reading.by), ("_ppp_measure", "MATERIALIZED", measure)]
    stages.append(("_ppp_tallied", "MATERIALIZED", tallied))
    # No FILTER: DuckDB 2.0.0 does not expand COLUMNS inside one.
    column = "COLUMNS(* EXCLUDE (ppp__where))"
    number, text = f"ppp__number({column})", f"ppp__text({column})"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    struct = ", ".join([
        f"'n': count({column})", f"'nulls': count() - count({column})", f"'type': min(typeof({column}))",
        f"'low': min({finite})", f"'median': median({finite})", f"'high': max({finite})",
        f"'first': min({text})", f"'last': max({text})", f"'counts': histogram({text})",
    ])  # fmt: skip
    g, cluster = "ppp__where.g", "ppp__where.cluster_id"
    counted = f"SELECT {g} AS ppp__g, {cluster} AS ppp__cluster, grouping({cluster}) AS ppp__all, {{{struct}}}\n" \
              f"FROM _ppp_tallied GROUP BY GROUPING SETS (({g}, {cluster}), ({g}))"  # fmt: skip
    stages.append(("_ppp_counted", "MATERIALIZED", counted))
    names = "ppp__g, ppp__cluster, ppp__all"
    unpivoted = f"SELECT * FROM (UNPIVOT _ppp_counted ON COLUMNS(* EXCLUDE ({names})) INTO NAME ppp__column VALUE s)"
    stages.append(("_ppp_stats", "MATERIALIZED", unpivoted))
    said, beside = "ppp__tallied(_ppp_key, model, _ppp_n)", "_ppp_measure.key AS _ppp_key, _ppp_n"
    stages.append(("_ppp_count", "MATERIALIZED", "SELECT count(*) AS _ppp_n FROM _ppp_tallied"))
    stages.append(("_ppp_means", "MATERIALIZED", _heads(said, beside, "_ppp_measure, _ppp_count")))
    stages.append(("_ppp_groups", "MATERIALIZED", _groups("_ppp_model")))
    kind = "ppp__member(own.s.type)"

    def shown(number: str, text: str) -> str:
        return f"coalesce(ppp__value({number}, {kind}), CASE WHEN {text} IS NOT NULL THEN ppp__words({text}) END)"

    top = "ppp__top(own.s.counts)"
    share = f"own.s.counts[{top}] * 1e0 / own.s.n / (everyone.s.counts[{top}] * 1e0 / everyone.s.n)"
    ratio = f"CASE WHEN {kind} = 'number' AND over.mean <> 0 THEN m.mean / over.mean END"
    fields = [
        "own.ppp__cluster AS cluster_id", 'own.ppp__column AS "column"', "own.s.n AS n", "own.s.nulls AS nulls",
        f"ppp__value(m.mean, {kind}) AS mean",
        f"CASE WHEN {kind} = 'date' THEN m.stddev / 86400 ELSE m.stddev END AS stddev",
        f'{shown("own.s.low", "own.s.first")} AS "min"', f"ppp__value(own.s.median, {kind}) AS median",
        f'{shown("own.s.high", "own.s.last")} AS "max"', f"{top} AS top_value",
        f"ppp__value(over.mean, {kind}) AS overall_mean",
        f"CASE WHEN {top} IS NOT NULL THEN {share} ELSE {ratio} END AS lift",
    ]  # fmt: skip
    means = "(SELECT _ppp_said.* FROM _ppp_means)"
    query = (
        "SELECT _ppp_groups.* EXCLUDE (ppp__of),\n  "
        + ",\n  ".join(fields)
        + f"""
FROM _ppp_stats own
JOIN _ppp_groups ON own.ppp__g = ppp__of
JOIN _ppp_stats everyone ON everyone.ppp__all = 1 AND everyone.ppp__g = own.ppp__g
  AND everyone.ppp__column = own.ppp__column
LEFT JOIN {means} m ON m.g = own.ppp__g AND m.cluster_id IS NOT DISTINCT FROM own.ppp__cluster
  AND m."column" = own.ppp__column
LEFT JOIN {means} over ON over.g = own.ppp__g AND over.cluster_id = -2 AND over."column" = own.ppp__column
WHERE own.ppp__all = 0
ORDER BY own.ppp__g, own.ppp__cluster NULLS LAST, own.ppp__column"""
    )
    return with_stages(stages, query)


def _match(function: str, old: Source, new: Source, source: Source) -> str:
    """How the clusters of two models share the rows: each pair of which one has most of the other, and what is left.

    ``g`` is the group, an empty list without ``by``: models without groups are models of one group.
    """
    before, after = _any_row(source, "_ppp_old.model"), _any_row(source, "_ppp_new.model")
    stages = [*before.stages, *_model_stages(function, old, (), "_ppp_old")]
    stages += _model_stages(function, new, (), "_ppp_new", like="_ppp_old")
    both = f"SELECT ppp__locate(_ppp_old.model, {before.group}, {before.row}) AS o,\n" \
           f"  ppp__assign(_ppp_new.model, {after.group}, {after.row}) AS new_id\n" \
           f"FROM {before.relation}, _ppp_old, _ppp_new"  # fmt: skip
    shared = f"""SELECT o.g AS g, o.cluster_id AS old_id, new_id, count(*) AS shared_rows FROM ({both})
WHERE o.cluster_id IS NOT NULL AND new_id IS NOT NULL GROUP BY ALL"""
    pairs = """SELECT *, 2 * shared_rows > sum(shared_rows) OVER (PARTITION BY g, old_id) AS most_of_old,
  2 * shared_rows > sum(shared_rows) OVER (PARTITION BY g, new_id) AS most_of_new FROM _ppp_shared"""
    stages += [("_ppp_shared", "MATERIALIZED", shared), ("_ppp_pairs", "MATERIALIZED", pairs)]
    events = f"""SELECT g, old_id, new_id, shared_rows,
  CASE WHEN most_of_old AND most_of_new THEN 'kept' WHEN most_of_new THEN 'split' ELSE 'merged' END AS event
FROM _ppp_pairs WHERE most_of_old OR most_of_new
UNION ALL BY NAME {_left_over("_ppp_old", "old_id", "gone")}
UNION ALL BY NAME {_left_over("_ppp_new", "new_id", "born")}"""
    groups = "FROM _ppp_old_groups UNION ALL BY NAME (FROM _ppp_new_groups ANTI JOIN _ppp_old_groups USING (ppp__of))"
    stages.append(("_ppp_events", "MATERIALIZED", events))
    stages += [(f"{models}_groups", "MATERIALIZED", _groups(models)) for models in ("_ppp_old", "_ppp_new")]
    stages.append(("_ppp_groups", "MATERIALIZED", groups))
    query = """SELECT _ppp_groups.* EXCLUDE (ppp__of), _ppp_events.* EXCLUDE (g)
FROM _ppp_events JOIN _ppp_groups ON _ppp_events.g = ppp__of
ORDER BY ALL NULLS LAST"""
    return with_stages(stages, query)


def _left_over(models: str, column: str, event: str) -> str:
    """The clusters of one model that have most of none in the other, and of which none there has most."""
    clusters = f"SELECT {GROUP} AS g, TRY_CAST(cluster_id AS INTEGER) AS {column} FROM {models}_rows"
    return f"""SELECT g, {column}, coalesce(sum(shared_rows), 0)::BIGINT AS shared_rows, {literal(event)} AS event
FROM ({clusters}) LEFT JOIN _ppp_pairs USING (g, {column})
WHERE {column} IS NOT NULL GROUP BY g, {column} HAVING count(*) FILTER (most_of_old OR most_of_new) = 0"""
