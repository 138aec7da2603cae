"""The statements of ppp_evaluate and ppp_profile, which sum over all rows."""

from __future__ import annotations

from ppp_duck.binding.describing import model_groups, model_heads, model_stages, plain
from ppp_duck.binding.interface import NUMBER, TEXT
from ppp_duck.binding.options import Reading
from ppp_duck.binding.quoting import quote
from ppp_duck.binding.rows import any_row
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, as_form, indented, select, unowned, with_stages
from ppp_duck.engine.evaluate import METRICS
from ppp_duck.models import table

BEGIN = "SELECT ppp__measure(model) AS key, model AS models FROM _ppp_model"


def evaluate(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Two passes over the rows, one after the other: the key of the second depends on the count of the first."""
    rows, again = any_row(source, "_ppp_first.models"), any_row(source, "_ppp_second.models")
    first = f"SELECT count(ppp__first_pass(_ppp_first.key, {rows.group}, {rows.row})) AS passed\n" \
            f"FROM {rows.relation}, _ppp_first"  # fmt: skip
    second = f"SELECT count(ppp__second_pass(_ppp_second.key, {again.group}, {again.row})) AS passed\n" \
             f"FROM {again.relation}, _ppp_second"  # fmt: skip
    after = "SELECT key || ' ' || passed AS key, models FROM _ppp_first, _ppp_passed"
    stages = [*rows.stages, *model_stages(function, model, reading.by)]
    stages += [
        Stage("_ppp_first", BEGIN, "a measurement begins"),
        Stage("_ppp_passed", first, "counts, sums and log densities of all rows"),
        Stage("_ppp_second", after, "the same measurement, after the first pass"),
        Stage("_ppp_done", second, "distances of all rows to the centroids that the first pass found"),
    ]
    key, said, count = (unowned(name, model) for name in ("_ppp_key", "_ppp_said", "_ppp_passed_rows"))
    beside = f"_ppp_second.key AS {key}, _ppp_done.passed AS {count}"
    heads = model_heads(f"ppp__evaluated({key}, model, {count})", said, beside, "_ppp_second, _ppp_done")
    own = ", ".join([*table.COLUMNS, key, said, count])
    fields = [f"* EXCLUDE ({own})", *(f"{said}.{name}" for name in METRICS)]
    return with_stages(stages, select(fields, indented(heads)))


def profile(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Counts, extremes and medians in SQL; means and standard deviations as exact sums, beside them.

    Rows are grouped by one number for each group and cluster: DuckDB groups by lists slower, and a second grouping set
    would collect the values of all medians twice.
    """
    rows = any_row(source, "_ppp_measure.models")
    place, passed = (unowned(f"ppp__{name}", source) for name in ("place", "rows"))
    key, said, count, of = (unowned(name, model) for name in ("_ppp_key", "_ppp_said", "_ppp_n", "ppp__of"))
    located = f"ppp__tally(_ppp_measure.key, {rows.group}, {rows.row}) AS {place}"
    tallied = select([rows.kept + _variants_as_texts(source), located], f"{rows.relation}, _ppp_measure")
    unpivoted = (
        f"SELECT {place} AS place, c, s FROM (\n"
        f"  UNPIVOT _ppp_counted ON COLUMNS(* EXCLUDE ({place}, {passed})) INTO NAME c VALUE s\n)"
    )
    where = f"SELECT {place} AS place, ppp__place(models, {place}) AS of FROM _ppp_counted, _ppp_measure"
    stats = "SELECT of.g AS g, of.cluster_id AS cluster, c, s, ppp__top(s.counts) AS top\n" \
            f"FROM {indented(unpivoted)} JOIN {indented(where)} USING (place)"  # fmt: skip
    everyone = (
        "SELECT own.g, own.cluster, own.c, sum(other.s.n) AS n, sum(other.s.counts[own.top]) AS tops\n"
        "FROM _ppp_stats own JOIN _ppp_stats other ON other.g = own.g AND other.c = own.c GROUP BY ALL"
    )
    beside = f"_ppp_measure.key AS {key}, _ppp_count.n AS {count}"
    heads = model_heads(f"ppp__tallied({key}, model, {count})", said, beside, "_ppp_measure, _ppp_count")
    all_rows = f"SELECT CAST(coalesce(sum({passed}), 0) AS BIGINT) AS n FROM _ppp_counted"
    stages = [
        *rows.stages,
        *model_stages(function, model, reading.by),
        Stage("_ppp_measure", BEGIN, "a measurement begins"),
        Stage("_ppp_tallied", tallied, "rows with their cluster; their numbers are added to exact sums"),
        Stage("_ppp_counted", _counted(place, passed), "counts and extremes of each column, by group and cluster"),
        Stage("_ppp_stats", stats, "the same, a row for each column"),
        Stage("_ppp_everyone", everyone, "counts over all clusters of the group"),
        Stage("_ppp_count", all_rows, "all rows are tallied"),
        Stage("_ppp_means", f"SELECT {said}.* FROM {indented(heads)}", "means and standard deviations, exact sums"),
        model_groups("_ppp_model", of),
    ]
    return with_stages(stages, _profile_query(of))


def _variants_as_texts(source: Source) -> str:
    """DuckDB takes a VARIANT for any type: which macro it then chooses can fail on its values."""
    names = [quote(column.name) for column in source.columns or () if column.type.upper() == "VARIANT"]
    texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in names)
    return f" REPLACE ({texts})" if names else ""


def _counted(place: str, passed: str) -> str:
    # No FILTER: DuckDB 2.0.0 does not expand COLUMNS inside one.
    column = f"COLUMNS(* EXCLUDE ({place}))"
    number, text = as_form(NUMBER, column), as_form(TEXT, column)
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    struct = ",\n    ".join([
        f"'n': count({column})", f"'nulls': count() - count({column})", f"'type': min(typeof({column}))",
        f"'low': min({finite})", f"'median': median({finite})", f"'high': max({finite})",
        f"'first': min({text})", f"'last': max({text})", f"'counts': histogram({text})",
    ])  # fmt: skip
    columns = [place, f"count() AS {passed}", f"{{{struct}}}"]
    return select(columns, "_ppp_tallied", f"GROUP BY {place}")


def _profile_query(of: str) -> str:
    """A row for each cluster and column: its own figures, those of everyone in the group, and the means of both."""
    kind = "ppp__member(own.s.type)"

    def shown(number: str, text: str) -> str:
        return f"coalesce(ppp__value({number}, {kind}), CASE WHEN {text} IS NOT NULL THEN ppp__words({text}) END)"

    share = "own.s.counts[own.top] * 1e0 / own.s.n / (everyone.tops * 1e0 / everyone.n)"
    ratio = f"CASE WHEN {kind} = 'number' AND over.mean <> 0 THEN m.mean / over.mean END"
    fields = [
        f"_ppp_groups.* EXCLUDE ({of})",
        "own.cluster AS cluster_id", 'own.c AS "column"', "own.s.n AS n", "own.s.nulls AS nulls",
        f"ppp__value(m.mean, {kind}) AS mean",
        f"CASE WHEN {kind} = 'date' THEN m.stddev / 86400 ELSE m.stddev END AS stddev",
        f'{shown("own.s.low", "own.s.first")} AS "min"', f"ppp__value(own.s.median, {kind}) AS median",
        f'{shown("own.s.high", "own.s.last")} AS "max"', "own.top AS top_value",
        f"ppp__value(over.mean, {kind}) AS overall_mean",
        f"CASE WHEN own.top IS NOT NULL THEN {share} ELSE {ratio} END AS lift",
        *plain("mean", "m.mean", kind), *plain("min", "own.s.low", kind, "own.s.first"),
        *plain("median", "own.s.median", kind), *plain("max", "own.s.high", kind, "own.s.last"),
        *plain("overall_mean", "over.mean", kind),
    ]  # fmt: skip
    return select(fields, f"""_ppp_stats own
JOIN _ppp_groups ON own.g = _ppp_groups.{of}
JOIN _ppp_everyone everyone
  ON everyone.g = own.g AND everyone.cluster IS NOT DISTINCT FROM own.cluster AND everyone.c = own.c
LEFT JOIN _ppp_means m ON m.g = own.g AND m.cluster_id IS NOT DISTINCT FROM own.cluster AND m."column" = own.c
LEFT JOIN _ppp_means over ON over.g = own.g AND over.cluster_id = -2 AND over."column" = own.c""",
        "ORDER BY own.g, own.cluster NULLS LAST, own.c",
    )  # fmt: skip
