"""How the rows of a source get their new columns; the statements of ppp_predict and ppp_outliers."""

from __future__ import annotations

from collections.abc import Sequence

from ppp_duck.binding import screen
from ppp_duck.binding.describing import model_stages
from ppp_duck.binding.interface import field, numbered
from ppp_duck.binding.options import Reading
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.repeats import looked_up, looking_up, lookup_stages
from ppp_duck.binding.rows import Rows, any_row
from ppp_duck.binding.source import Source, refuse_clash
from ppp_duck.binding.stages import Stage, indented, select, unowned, with_stages
from ppp_duck.models.model import score_columns

OUTLIERS = ("outlier_score", "is_outlier")


def score_query(
    function: str, source: Source, rows: Rows, prefix: str, columns: Sequence[str], only: str = ""
) -> tuple[list[Stage], str]:
    """The stages and the query that give the source's rows, each with its new columns by the models of ``_ppp_model``.

    One function call a row: the engine's word is asked only once. Where the rows are fitted and most of them repeat
    others, each distinct one is scored, and its equals look it up. ``only``: rows of which this column is true.
    """
    names = [prefix + name for name in columns]
    refuse_clash(function, names, [column.name for column in source.columns], source.name)
    udf = "ppp__assign" if list(columns) == ["cluster_id"] else "ppp__score"
    score = f"{udf}(_ppp_model.model, {rows.group}, {rows.row})"
    stages, relation, call = list(rows.stages), f"{rows.relation}, _ppp_model", rows.fit
    if call is not None and call.rows_may_repeat:
        forms = [(feature.forms[0], index, feature.name) for index, feature in enumerate(call.features)]
        row = ", ".join(f"{literal(field(form, name))}: {numbered(form, index)}" for form, index, name in forms)
        stages += lookup_stages(call, f"{udf}(_ppp_model.model, NULL, {{{row}}})")
        provision = screen.of_fit(call, source) if udf == "ppp__assign" else None
        if provision:
            stages.append(screen.stage(provision, lookup=True))
            relation = f"{rows.relation} CROSS JOIN {screen.STAGE}{looking_up(call)}"
            score, known = f"{udf}(_ppp_models, {rows.group}, {rows.row})", looked_up(call, "NULL")
            return stages, screen.scored(provision, known, relation, score, names[0])
        relation = f"{rows.relation} CROSS JOIN _ppp_model{looking_up(call)}"
        score = looked_up(call, score, reasons=udf == "ppp__score")
    if udf == "ppp__assign":
        return stages, select([rows.kept, f"{score} AS {quote(names[0])}"], f"{relation}")
    found = unowned("_ppp_score", source)
    scored = select([rows.kept, f"{score} AS {found}"], f"{relation}")
    fields = [f"{found}.{column} AS {quote(name)}" for column, name in zip(columns, names, strict=True)]
    where = f"WHERE {found}.{only}" if only else ""
    return stages, select([f"* EXCLUDE ({found})", *fields], indented(scored), where)


def predict(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Every row of the source with the cluster of a stored model."""
    columns = score_columns(reading.output)
    loaded = model_stages(function, model, reading.by)
    provision = screen.of_any_model(source) if columns == ["cluster_id"] and not reading.by else None
    if provision is None:
        stages, query = score_query(function, source, any_row(source, once=True), reading.prefix, columns)
        return with_stages([*stages, *loaded], query)
    name, rows = f"{reading.prefix}cluster_id", any_row(source, "_ppp_models", once=True)
    refuse_clash(function, [name], [column.name for column in source.columns], source.name)
    score = f"ppp__assign(_ppp_models, {rows.group}, {rows.row})"
    query = screen.scored(provision, "NULL", f"{rows.relation} CROSS JOIN {screen.STAGE}", score, name)
    return with_stages([*rows.stages, *loaded, screen.stage(provision, lookup=False)], query)


def outliers(function: str, source: Source, model: Source, reading: Reading) -> str:
    """The least probable rows: at most ``contamination`` of the scored ones, fewer where scores tie."""
    score, is_outlier = (reading.prefix + name for name in OUTLIERS)
    rows = any_row(source, once=True)
    refuse_clash(function, [score, is_outlier], [column.name for column in source.columns], source.name)
    own = unowned("_ppp_surprise", source)
    surprise = f"ppp__surprise(_ppp_model.model, {rows.group}, {rows.row}) AS {own}"
    scored = select([rows.kept, surprise], f"{rows.relation}, _ppp_model")
    limit = f"SELECT quantile_disc({own}, {literal(1 - reading.contamination)}) AS most FROM _ppp_scored"
    stages = [*rows.stages, *model_stages(function, model, reading.by)]
    stages.append(Stage("_ppp_scored", scored, "rows with minus their log density"))
    stages.append(Stage("_ppp_limit", limit, "what no more than the contamination exceeds"))
    columns = [f"_ppp_scored.* EXCLUDE ({own})", f"_ppp_scored.{own} AS {quote(score)}"]
    columns.append(f"_ppp_scored.{own} > _ppp_limit.most AS {quote(is_outlier)}")
    return with_stages(stages, select(columns, "_ppp_scored, _ppp_limit"))
