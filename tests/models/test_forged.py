"""Model texts whose hash fits and whose parts do not: whatever a part is replaced by, the error is ours, or it loads."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import BLOBS, GOLDEN, refused
from hypothesis import given, settings
from hypothesis import strategies as st

import ppp_duck
from ppp_duck.engine.score import Scorer
from ppp_duck.errors import ModelError
from ppp_duck.models import description
from ppp_duck.models.model import Feature, Model
from ppp_duck.models.parts import FEW, Part, Unfit, packed
from ppp_duck.models.table import LONGEST, _check, _json, from_rows
from ppp_duck.running.chunks import Part as Chunk
from ppp_duck.running.memory import Ready
from ppp_duck.running.scoring import _scored

Texts = list[dict[str, Any]]
Path = tuple[str | int, ...]

FITS = {
    "spherical": "FROM ppp_fit('blobs', columns := ['x', 'y'], k := 2, covariance := 'spherical')",
    "tied": "FROM ppp_fit('blobs', columns := ['x', 'y'], k := 3, covariance := 'tied')",
    "full": "FROM ppp_fit('blobs', columns := ['x', 'y'], k := 3, covariance := 'full')",
    "mixed": "FROM ppp_fit('SELECT x, if(id % 9 = 0, NULL, y) AS y, tree, [x, y] AS v, (id % 3)::INTEGER AS few FROM blobs', "
    "k := 3, columns := ['x', 'y', 'tree', 'v', 'few'])",
    "onehot": "FROM ppp_fit('blobs', columns := ['x', 'tree'], k := 2, categorical := 'onehot', covariance := 'diag')",
    "grouped": "FROM ppp_fit('blobs', columns := ['x', 'y'], k := 1, by := ['tree'])",
    "nothing": "FROM ppp_fit('SELECT NULL::DOUBLE AS x FROM range(5)', columns := ['x'])",
    "old": f"FROM '{GOLDEN / 'model_1.4.5.csv'}'",
}
INSTEAD = [None, True, -1, 0, 0.5, 2, 10**9, 10**400, float("nan"), float("inf"), -1e308, "", "x", "AAAA", "\ud800", [], [0], {}, [[1.0]], {"index": 0}]  # fmt: skip


@pytest.fixture(scope="module")
def texts() -> dict[str, Texts]:
    with ppp_duck.connect() as con:
        con.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
        return {
            name: [few_trials(json.loads(row[-1])) for row in con.execute(call).fetchall()]
            for name, call in FITS.items()
        }


def few_trials(text: dict[str, Any]) -> dict[str, Any]:
    """All are read in one way, and there are many."""
    if "trials" in text.get("model", {}):
        text["model"]["trials"] = text["model"]["trials"][:2]
    return text


def rows_of(texts: Texts) -> list[dict[str, Any]]:
    """A table of these texts, whose hashes and readable columns fit."""
    readable = ("cluster_id", "size", "share", "agreement", "center")
    return [{**{name: text.get(name) for name in readable}, "model": with_check(text)} for text in texts]


def with_check(text: dict[str, Any]) -> str:
    """What a forger writes: of half a letter there is no hash."""
    try:
        return _json({**text, "check": _check(text)})
    except UnicodeEncodeError:
        return json.dumps(text)


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """The way to every part of each text; of a list to its first and its last."""
    if len(path) > 1:
        yield path
    if isinstance(value, dict):
        for name, one in value.items():
            yield from paths(one, (*path, name))
    if isinstance(value, list):
        for i in sorted({0, len(value) - 1} if value else ()):
            yield from paths(value[i], (*path, i))


def parent(texts: Texts, path: Path) -> Any:
    at: Any = texts
    for step in path[:-1]:
        at = at[step]
    return at


def loads_or_is_refused(texts: Texts, used: bool = False) -> bool:
    """Whether it loads; then all that scoring derives from it is finite. ``used``: then all that reads it answers."""
    try:
        models = from_rows("forged", rows_of(texts))
    except ModelError:
        return False
    for model in models.models:
        if model.clustering is not None:
            assert np.isfinite(Scorer(model.clustering).log_norms).all()
        if used:
            answers(model)
    return True


HOSTILE = [0.0, -0.0, 1.0, 12.5, -1e308, 1e308, 5e-324, float("nan"), float("inf"), None, 1e15]


def hostile(feature: Feature) -> pa.Array:
    """Values of a column that the model reads."""
    if feature.kind == "text":
        return pa.array([*feature.categories[:2], *"qyz", None, "", "oak", "elm", "ash", "elm"][: len(HOSTILE)])
    if feature.kind == "number":
        return pa.array(HOSTILE, pa.float64())
    lists = [None if value is None else [value] * len(feature.center) for value in HOSTILE]
    return pa.array(lists, pa.list_(pa.float64()))


def answers(model: Model) -> None:
    """Scores of any rows are probabilities, ids are those of SQL's quick way, and descriptions are made of numbers."""
    ready = Ready.of(model)
    columns = dict(zip(ready.columns, map(hostile, model.features), strict=True)) or {"nothing": pa.nulls(len(HOSTILE))}
    part = Chunk("ppp_predict", slice(None), ready, pa.StructArray.from_arrays([*columns.values()], names=[*columns]))
    scores = _scored(part)
    assert part.ids().tolist() == [-1 if one is None else one for one in scores.field("cluster_id").to_pylist()]
    assert all(one is None or 0 <= one < 1 + 1e-9 for one in scores.field("probability").to_pylist())
    description.centers(model)
    description.info(model)
    assert dict(model.report)["fingerprint"]
    if ready.scorer is not None:
        ready.scorer.log_density(part.points(far=False).values)
        assert not any(np.isnan(row["score"]) for row in description.compare(model, 0, None))


@contextmanager
def replaced(texts: Texts, path: Path, value: object) -> Iterator[None]:
    """With another part there: a copy of all for each part would take most of the time."""
    at = parent(texts, path)
    kept, at[path[-1]] = at[path[-1]], value
    yield
    at[path[-1]] = kept


@pytest.mark.parametrize("name", FITS)
def test_every_part_replaced_by_anything(texts: dict[str, Texts], name: str) -> None:
    original = texts[name]
    assert loads_or_is_refused(original)
    ways = list(paths(original[:2]))
    refused_ones = 0
    for i, path in enumerate(ways):
        for value in INSTEAD[i % 7 :: 7]:
            with replaced(original, path, value):
                refused_ones += not loads_or_is_refused(original)
    assert refused_ones > 1.5 * len(ways)
    assert loads_or_is_refused(original)


# The ends of what is a number, and names of other kinds: what a fit never writes, and scoring would not bear.
EXTREME = [
    1e308,
    -1e308,
    5e-324,
    1e-300,
    1e60,
    -1e61,
    1e-80,
    1e-20,
    0,
    1,
    "0",
    "DATE",
    "INTERVAL",
    "vector",
    "auto",
    "tied",
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FITS)
def test_what_loads_can_be_used(texts: dict[str, Texts], name: str) -> None:
    original = texts[name]
    for i, path in enumerate(list(paths(original[:2]))):
        for value in EXTREME[i % 3 :: 3]:
            with replaced(original, path, value):
                loads_or_is_refused(original, used=True)


@pytest.mark.parametrize("name", FITS)
def test_every_part_deleted_or_doubled(texts: dict[str, Texts], name: str) -> None:
    original = texts[name]
    for path in list(paths(original[:2])):
        at = parent(original, path)
        kept = copy.copy(at)
        if isinstance(at, list):
            with replaced(original, path[:-1], [*kept, kept[path[-1]]]):
                loads_or_is_refused(original)
            with replaced(original, path[:-1], [one for i, one in enumerate(kept) if i != path[-1]]):
                loads_or_is_refused(original)
        else:
            with replaced(original, path[:-1], {name: one for name, one in kept.items() if name != path[-1]}):
                loads_or_is_refused(original, used=True)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(data=st.data())
def test_parts_of_several_models_mixed_up(texts: dict[str, Texts], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(FITS)), min_size=2, max_size=2))
    forged, other = copy.deepcopy(texts[names[0]]), texts[names[1]]
    for _ in range(data.draw(st.integers(1, 3))):
        to = data.draw(st.sampled_from(list(paths(forged))))
        parent(forged, to)[to[-1]] = copy.deepcopy(
            parent(other, at := data.draw(st.sampled_from(list(paths(other)))))[at[-1]]
        )
        if not all(isinstance(text, dict) for text in forged):
            return
    loads_or_is_refused(forged)


WRONG = [
    ((0, "clusters"), 10**9, "restore forged, or fit again: cluster 3 is missing, of 1000000000"),
    ((0, "groups"), 10**9, "restore forged, or fit again: 999999999 of its 1000000000 groups are missing"),
    ((0, "components", 0, "weight"), -0.5, "row 1.components[0].weight must be a number above 0 to 1, not -0.5"),
    ((1, "components", 0, "weight"), float("nan"), "row 2.components[0].weight must be a number above 0 to 1, not nan"),
    ((0, "components", 0, "weight"), 1.0, "row 1.components[0].weight must be 1 together with all other weights, not 1.0"),
    ((0, "components", 0, "mean"), [0.0], "row 1.components[0].mean must be numbers of the shape [2], not [0.0]"),
    ((0, "components", 0, "index"), 1, "row 1.components[0].index must be 0, as each from 0 to 4 is there once, not 1"),
    ((0, "components"), {}, "row 1.components must be a list, not {}"),
    ((0, "size"), -1.0, "row 1.size must be a number from 0, not -1.0"),
    ((0, "model", "covariance"), "round", "row 1.model.covariance must be one of spherical, diag, tied, full, not 'round'"),
    ((0, "model", "separable_at"), 0, "row 1.model.separable_at must be a number above 0 to 1, not 0"),
    ((0, "model", "features", 0, "scale"), [0.0], "row 1.model.features[0].scale must be of a number above 0 each, not [0.0]"),
    ((0, "model", "features", 0, "kind"), [], "row 1.model.features[0].kind must be one of number, text, vector, not []"),
    ((0, "model", "report"), [["k"]], "row 1.model.report[0] must be a list of 2, not ['k']"),
    ((0, "model", "report"), [["k", "3"]], "row 1.model.report must be pairs, of which one is the fingerprint, not [['k', '3']]"),
    ((0, "model", "report", 3), ["rows", "many"], "row 1.model.report[3][1] must be a whole number, not 'many'"),
    ((0, "components", 0, "factor"), [1e308, 0, 1], "row 1.components[0].factor must be of a number from -1e+80 to 1e+80 each, not [1e+308, 0, 1]"),
    ((0, "components", 0, "factor"), [1e-90, 0, 1], "row 1.components[0].factor must be a triangle with a diagonal above 0, not [1e-90, 0, 1]"),
    ((0, "model", "features", 0, "fill"), [1e308], "row 1.model.features[0].fill must be of a number from -1e+61 to 1e+61 each, not [1e+308]"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=[".".join(map(str, path)) for path, _, _ in WRONG])
def test_what_is_wrong_is_named(texts: dict[str, Texts], path: Path, value: object, message: str) -> None:
    forged = copy.deepcopy(texts["full"])
    parent(forged, path)[path[-1]] = value
    if path[-1] in ("clusters", "groups"):
        for text in forged:
            text[path[-1]] = value
    with pytest.raises(ModelError) as caught:
        from_rows("forged", rows_of(forged))
    assert str(caught.value).endswith(message)


def test_a_forged_row_in_sql(fitted: duckdb.DuckDBPyConnection) -> None:
    rows = fitted.execute("FROM seg ORDER BY cluster_id").df()
    text = json.loads(rows.loc[0, "model"])
    text["components"] = 7
    rows.loc[0, "model"] = with_check(text)
    fitted.register("rows", rows)
    expected = "restore rows, or fit again: no fit writes such a model text, row 1.components must be a list, not 7"
    assert refused(fitted, "FROM ppp_predict('blobs', model := 'rows')") == f"ppp_predict: {expected}"
    rows.loc[0, "model"] = "[" * 100_000
    fitted.register("rows", rows)
    assert refused(fitted, "FROM ppp_centers('rows')").endswith("the model text in row 1 is cut off or is not JSON")


def test_a_message_is_short_whatever_was_written(fitted: duckdb.DuckDBPyConnection) -> None:
    fitted.execute("CREATE TABLE long AS SELECT * REPLACE (repeat('z', 1000000) AS center) FROM seg").fetchall()
    said = refused(fitted, "FROM ppp_centers('long')")
    assert 'center of cluster 0 was changed after the fit, from {"' in said
    assert said.endswith(f"to {'z' * LONGEST}…")


@pytest.mark.parametrize("shape", [(3,), (FEW + 1,), (9, 30), (0,), (2, 0)])
def test_numbers_come_back_bit_by_bit(shape: tuple[int, ...]) -> None:
    numbers = np.random.default_rng(1).normal(size=shape) * 10.0 ** np.arange(-3, -3 + shape[-1])
    written = packed(numbers)
    assert isinstance(written, str) == (numbers.size > FEW)
    assert (Part(json.loads(json.dumps(written)), "").numbers(shape) == numbers).all()
    if isinstance(written, str):
        with pytest.raises(Unfit, match=r"must be numbers of the shape \[1\]"):
            Part(written, "it").numbers((1,))
        with pytest.raises(Unfit, match="must be doubles in base 64"):
            Part(written[:-2], "it").numbers(shape)


@pytest.mark.parametrize("size", [1e-300, 1e-90, 1e-60, 1e60, 1e90, 1e300])
@pytest.mark.parametrize("covariance", ["full", "spherical"])
def test_models_of_extreme_values_as_they_are_load(size: float, covariance: str) -> None:
    """No bound refuses what a fit writes."""
    plain = ppp_duck.connect()
    plain.execute(
        f"CREATE TABLE far AS SELECT (i % 3 * 10 + sin(i)) * {size!r}::DOUBLE AS x FROM range(90) r(i)"
    ).fetchall()
    plain.execute(f"CREATE TABLE seg AS FROM ppp_fit('far', scale := 'none', covariance := '{covariance}')").fetchall()
    rows = plain.execute("FROM ppp_predict('far', model := 'seg')").fetchall()
    assert len(rows) == 90
    assert all(row[-1] is not None for row in rows)
