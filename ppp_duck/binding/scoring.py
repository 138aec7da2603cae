"""How the rows of a source get their new columns; the statements of ppp_predict and ppp_outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppp_duck.binding import screen
from ppp_duck.binding.describing import model_stages
from ppp_duck.binding.options import Reading
from ppp_duck.binding.quoting import literal, quote
from ppp_duck.binding.repeats import looked_up, looking_up, lookup_stages
from ppp_duck.binding.rows import Rows, any_row
from ppp_duck.binding.screen import Provision
from ppp_duck.binding.source import Source, refuse_clash
from ppp_duck.binding.stages import Stage, indented, select, unowned, with_stages
from ppp_duck.models.model import score_columns

OUTLIERS = ("outlier_score", "is_outlier")


def score_query(
    function: str, source: Source, rows: Rows, prefix: str, columns: Sequence[str], only: str = "",
    provision: Provision | None = None,
) -> str:  # fmt: skip
    """The statement that gives the source's rows, each with its new columns by the models of ``_ppp_model``.

    One function call a row: the engine's word is asked only once. Where the rows are fitted and most of them repeat
    others, each distinct one is scored, and its equals look it up. ``only``: rows of which this column is true. With a
    ``provision`` SQL finds the cluster of most rows, and the only new column is the cluster.
    """
    names = [prefix + name for name in columns]
    refuse_clash(function, names, [column.name for column in source.columns], source.name)
    udf = "ppp__assign" if list(columns) == ["cluster_id"] else "ppp__score"
    models = "_ppp_model.model" if provision is None else "_ppp_models"
    score = f"{udf}({models}, {rows.group}, {rows.row})"
    stages, lookup, call = list(rows.stages), "", rows.repeating
    if call is not None:
        stages += lookup_stages(call, udf)
        lookup = looking_up(call)
    if provision is not None:
        stages.append(screen.stage(provision, lookup=call is not None))
        known = "NULL" if call is None else looked_up(call, "NULL")
        relation = f"{rows.relation} CROSS JOIN {screen.STAGE}{lookup}"
        return with_stages(stages, screen.scored(provision, known, relation, score, names[0]))
    relation = f"{rows.relation}, _ppp_model"
    if call is not None:
        relation = f"{rows.relation} CROSS JOIN _ppp_model{lookup}"
        score = looked_up(call, score, reasons=udf == "ppp__score")
    if udf == "ppp__assign":
        return with_stages(stages, select([rows.kept, f"{score} AS {quote(names[0])}"], relation))
    found = unowned("_ppp_score", source)
    scored = select([rows.kept, f"{score} AS {found}"], relation)
    fields = [f"{found}.{column} AS {quote(name)}" for column, name in zip(columns, names, strict=True)]
    where = f"WHERE {found}.{only}" if only else ""
    return with_stages(stages, select([f"* EXCLUDE ({found})", *fields], indented(scored), where))


def predict(function: str, source: Source, model: Source, reading: Reading) -> str:
    """Every row of the source with the cluster of a stored model."""
    columns = score_columns(reading.output)
    provision = screen.of_any_model(source) if columns == ["cluster_id"] and not reading.by else None
    rows = any_row(source, "_ppp_model.model" if provision is None else "_ppp_models", once=True)
    rows = replace(rows, stages=(*rows.stages, *model_stages(function, model, reading.by)))
    return score_query(function, source, rows, reading.prefix, columns, provision=provision)


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
