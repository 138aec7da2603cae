"""The statements of the functions that fit: ppp_cluster, ppp_fit, ppp_separable, ppp_clusterability."""

from __future__ import annotations

from collections.abc import Collection

from ppp_duck.binding import screen
from ppp_duck.binding.call import Call
from ppp_duck.binding.quoting import folded, quote
from ppp_duck.binding.refining import refine_stages
from ppp_duck.binding.rows import Rows
from ppp_duck.binding.sample import fit_stages
from ppp_duck.binding.scoring import score_query
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, group_texts, named_texts, select, struct_of_forms, unowned, with_stages
from ppp_duck.errors import SourceError
from ppp_duck.models import table
from ppp_duck.models.model import SET_COLUMNS, score_columns

SEPARABLE = ("cluster_id", "probability")


def cluster(call: Call, source: Source) -> str:
    """Every row of the source with the cluster that it belongs to."""
    columns = score_columns(call.options.output)
    provision = screen.of_fit(call, source) if columns == ["cluster_id"] else None
    rows, prefix = _fitted(call, source), call.options.prefix
    return score_query(call.function, source, rows, prefix, columns, provision=provision)


def separable(call: Call, source: Source) -> str:
    """The rows that k-means and the mixture are sure of."""
    rows, prefix = _fitted(call, source), call.options.prefix
    return score_query(call.function, source, rows, prefix, SEPARABLE, only="is_separable")


def fit(call: Call, source: Source) -> str:
    """The model as rows."""
    return _told(call, source, "ppp__rows", table.COLUMNS, "cluster_id")


def clusterability(call: Call, source: Source) -> str:
    """How clusterable all rows are, and the separable ones."""
    return _told(call, source, "ppp__clusterability", SET_COLUMNS, '"set"')


def _told(call: Call, source: Source, function: str, names: Collection[str], order: str) -> str:
    """What a function tells of the fitted models; with ``by`` behind the columns that name the group."""
    by, stages = call.options.by, list(_fitted(call, source).stages)
    columns = [f"_ppp_told.said.{quote(name)}" for name in names]
    told = f"(SELECT unnest({function}(model)) AS said FROM _ppp_model) AS _ppp_told"
    if not by:
        return with_stages(stages, select(columns, told, f"ORDER BY _ppp_told.said.{order}"))
    clash = [name for name in by if folded(name) in names]
    if clash:
        raise SourceError(
            f"{call.function}: rename {clash[0]} in the source, for instance with a SELECT as source: a model has a "
            "column of that name"
        )
    values = [f"min({quote(name)}) AS {quote(name)}" for name in by]
    texts, of = group_texts(by), unowned("_ppp_group", source)
    groups = select([f"{texts} AS {of}", *values], "_ppp_source", f"GROUP BY {texts}")
    stages.append(Stage("_ppp_groups", groups, "the groups in the columns' own types"))
    named = [f"_ppp_groups.{quote(name)}" for name in by]
    joined = f"{told} JOIN _ppp_groups ON _ppp_told.said.g = _ppp_groups.{of}"
    order_by = f"ORDER BY {', '.join(f'{name} NULLS LAST' for name in named)}, _ppp_told.said.g, _ppp_told.said.{order}"
    return with_stages(stages, select([*named, *columns], joined, order_by))


def _fitted(call: Call, source: Source) -> Rows:
    """The rows of a source that is fitted: its features, and the columns that name groups."""
    row = struct_of_forms([(form, feature.name) for feature in call.features for form in feature.forms])
    group = named_texts(call.options.by) if call.options.by else "NULL"
    stages = fit_stages(call, source, "_ppp_fit" if call.options.refine else "_ppp_model")
    if call.options.refine:
        stages += refine_stages(call, group, row)
    repeating = call if call.rows_may_repeat else None
    return Rows(tuple(stages), "_ppp_source", "_ppp_source.*", row, group, repeating)
