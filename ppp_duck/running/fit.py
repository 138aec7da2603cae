"""From the groups that SQL gathers to fitted models. What cannot be clustered as asked is refused here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pyarrow as pa

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import VECTOR, numbered
from ppp_duck.binding.options import Options
from ppp_duck.engine import canonical, pipeline
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.clusterability import how_sure, row_sets
from ppp_duck.engine.copies import without_copies
from ppp_duck.engine.score import Scorer
from ppp_duck.engine.select import TooManyClustersError
from ppp_duck.errors import FeatureError, OptionError, PPPError
from ppp_duck.features.precision import is_constant
from ppp_duck.features.scale import power_above
from ppp_duck.models.model import Beyond, Bools, Clustering, Feature, Floats, Ints, Layout, Model, ModelSet
from ppp_duck.running.group import Group
from ppp_duck.running.learning import learn_feature
from ppp_duck.running.notes import note
from ppp_duck.running.points import Encoder, raw_values
from ppp_duck.running.report import report

COPIES = "copies"  # the property of ppp_info


@dataclass(frozen=True)
class Learned:
    """The sample of one group: its features, their columns as they came, and the scaled points."""

    features: tuple[Feature, ...]
    columns: tuple[pa.Array, ...]
    weights: Floats  # (n,) what rows count in a fit
    mass: Floats  # (n,) of how many rows they are; weights are less where most rows are copies
    points: Floats  # (n, d + c)
    layout: Layout

    @cached_property
    def mixed(self) -> bool:
        """Whether there are categories or holes."""
        return bool(self.layout.levels) or bool(np.isnan(self.points).any())

    @cached_property
    def tell(self) -> Bools:
        """``(n,)`` which rows tell something: not those of nothing but holes and values far out."""
        return np.asarray(~np.isnan(self.points).all(axis=1))

    @cached_property
    def has_copies(self) -> bool:
        return bool((self.weights != self.mass).any())

    def filter(self, keep: Bools) -> Learned:
        """The same of some of the rows."""
        columns = tuple(column.filter(pa.array(keep)) for column in self.columns)
        rows = {name: getattr(self, name)[keep] for name in ("weights", "mass", "points")}
        return replace(self, columns=columns, **rows)


def fit_groups(call: Call, groups: Iterable[pa.StructScalar], duckdb_version: str, progress: Progress) -> ModelSet:
    """Fit each group of one statement. A group without a row has no model.

    Raises FeatureError and OptionError. Of several groups, one that cannot be clustered has a model with a ``note``.
    """
    models = []
    for number, given in enumerate(groups, 1):
        progress("group", number)
        group = Group.of(call, given)
        if group.rows:
            model = _fit_group(group, progress)
            told = (*model.report, *report(group, model, duckdb_version))
            noted = note(group, dict(model.report).get(COPIES, ""))
            models.append(replace(model, group=group.by, report=told, note_of_fit=noted))
    return ModelSet(call.options.by, tuple(models))


def _fit_group(group: Group, progress: Progress) -> Model:
    group.check()
    call, options = group.call, group.call.options
    empty = Model((), options.missing, options.separable_at, None)

    def nothing(error: type[PPPError], message: str) -> Model:
        if not options.by:
            raise error(f"{call.function}: {message}")
        return replace(empty, note=message)

    if why := group.why_nothing():
        return nothing(FeatureError, why)
    learned = _learned(group)
    if not len(learned.weights):
        return replace(empty, features=learned.features, note="no row to fit had all its features")
    if options.k is not None and options.k > (distinct := _distinct(learned.points)):
        wanted = f"{distinct} or less, the number of distinct rows to cluster"
        return nothing(OptionError, f"set k to {wanted}, not {options.k}")
    described = group.content is not None  # for ppp_fit
    fit = partial(
        pipeline.fit, layout=_needed(learned, options), k_max=options.k_max, covariance=options.covariance,
        observations=np.inf if group.joined is None else group.joined[1], report=described, progress=progress,
    )  # fmt: skip
    clustering = _of_most(fit, learned.points, learned.weights, options.k)
    if learned.has_copies:
        clustering = pipeline.with_sizes(clustering, learned.points, learned.mass)
    if options.k is not None and len(clustering.sizes) < options.k:
        wanted = f"{len(clustering.sizes)} or less, the number of rows that differ in more than what is missing"
        return nothing(OptionError, f"set k to {wanted}, not {options.k}")
    if options.missing == "auto" and clustering.layout is None:  # rows to come may have holes
        clustering = replace(clustering, layout=Layout(learned.layout.numbers))
    model = replace(empty, features=learned.features, clustering=clustering, beyond=_beyond(group, learned, clustering))
    model = replace(model, report=(*_of_copies(learned), *_of_joined(group)))
    if call.function == "ppp_clusterability":
        fit_part = partial(_fit_part, fit, options.k)
        sets = row_sets(learned.points, learned.weights, clustering, model.separable_at, fit_part)
        return replace(model, sets=sets)
    return _with_moments(model, learned) if described else model


def _fit_part(fit: Callable[..., Clustering], k: int | None, part: Floats, weights: Floats) -> Clustering:
    """Of fewer rows, of which there may be fewer than k to tell apart."""
    return _of_most(fit, part, weights, None if k is None else min(k, _distinct(part)))


def _of_most(fit: Callable[..., Clustering], rows: Floats, weights: Floats, k: int | None) -> Clustering:
    """The clustering of k clusters, or of as many as can be told apart where those are fewer."""
    try:
        return fit(rows, weights, k=k)
    except TooManyClustersError as error:
        return _of_most(fit, rows, weights, error.most)


def _needed(learned: Learned, options: Options) -> Layout | None:
    """The layout of the points; None where nothing is known of them: then the engine looks for grids and far rows."""
    layout = learned.layout
    if options.covariance == "spherical":  # k-means has one variance, for all cells
        layout = replace(layout, floors=())
    return layout if options.scale in ("auto", "log") or learned.mixed else None


def _distinct(points: Floats) -> int:
    """How many points differ, as the engine sees it: a hole equals a hole."""
    return len(canonical.canonical_rows(points, None, holes=True)[0])


def _learned(group: Group) -> Learned:
    """The same, with copies left out of what rows count unless they were given weights, or k-means is wanted."""
    options, mass = group.call.options, group.weighted[0]
    learned = _learn(group, mass)
    if options.weight is None and options.covariance != "spherical" and len(mass):
        told = learned.tell
        counted = without_copies(learned.points[told], mass[told])
        if counted is not None:
            weights = mass.copy()
            weights[told] = counted
            learned = replace(_learn(group, weights), mass=mass)
    return learned if learned.tell.all() else learned.filter(learned.tell)


def _learn(group: Group, weights: Floats) -> Learned:
    """The features that help, learned from the sample."""
    options, sampled = group.call.options, group.weighted[1]
    features, columns = [], []
    for index, column in enumerate(group.call.features):
        form = group.form(index)
        if column.name not in group.dropped:
            columns.append(sampled[numbered(form, index)])
            positions = group.length(index) if form == VECTOR else 1
            features.append(
                learn_feature(
                    column.name, columns[-1], form, group.summary[f"type_{index}"] or "", positions, weights,
                    options, group.treatment(index), group.call.is_wide,
                )
            )  # fmt: skip
    # Rows of the sample that lack a feature are there only where the missing one is left open, or imputed.
    missing = "auto" if options.missing == "auto" else "impute"
    encoder = Encoder(tuple(features), missing)
    if not (features and len(weights)):
        return Learned(tuple(features), tuple(columns), weights, weights, np.zeros((len(weights), 1)), Layout(1))
    points = without_rounding(encoder, encoder.encode(columns, lonely=False).values)
    return Learned(tuple(features), tuple(columns), weights, weights, points, encoder.layout)


def without_rounding(encoder: Encoder, points: Floats) -> Floats:
    """Points (n, w) in which numbers that are one value but for the rounding of their column's type are equal."""
    for feature, at in zip(encoder.features, encoder.blocks, strict=False):
        for position in range(len(feature.center) if feature.kind != "text" and not feature.log_unit else 0):
            numbers = points[:, at + position]
            seen = numbers[~np.isnan(numbers)]
            if not len(seen):
                continue
            ends = np.array([seen.min(), seen.max()]) * feature.scale[position] + feature.center[position]
            low, high = ends * feature.unit
            if seen.min() != seen.max() and is_constant(low, high, feature.type):
                numbers[~np.isnan(numbers)] = seen.min()
    return points


def _beyond(group: Group, learned: Learned, clustering: Clustering) -> Beyond | None:
    """What a refinement has to know; None where none is wanted, or the sample holds all rows."""
    options, rows = group.call.options, len(learned.weights)
    if not options.refine or group.sample is None or rows == len(group.sample):
        return None
    heaviest = None if options.weight is None else float(group.summary["heaviest"])
    prior = None
    if options.covariance != "spherical" or learned.mixed:  # else it is k-means
        prior = pipeline.covariance_prior(learned.points, learned.weights, clustering.mixture, clustering.layout)
    return Beyond(rows, heaviest, prior)


def _with_moments(model: Model, learned: Learned) -> Model:
    """The model with the means and standard deviations of its clusters, in the units of the columns."""
    assert model.clustering is not None
    scores = Scorer(model.clustering).score(learned.points)
    values = raw_values(learned.features, learned.columns) if learned.features else learned.points
    means, spreads = cluster_moments(scores.cluster_id, learned.mass, values, len(model.clustering.sizes))
    sure = how_sure(learned.points, learned.weights, model.clustering, scores, model.separable_at)
    return replace(model, means=means, spreads=spreads, report=(("confidence", sure), *model.report))


def _of_copies(learned: Learned) -> tuple[tuple[str, str], ...]:
    """What ``ppp_info`` says of copies that did not count."""
    if not learned.has_copies:
        return ()
    share = 100.0 * (1.0 - float(learned.weights.sum()) / float(learned.mass.sum()))
    what = f"{share:.0f} % of the rows are copies, equal in all columns used more often than by chance"
    return ((COPIES, f"{what}: they do not count in the choice of clusters; give weight to count them"),)


def _of_joined(group: Group) -> tuple[tuple[str, str], ...]:
    """What ``ppp_info`` says of rows that share what was joined to them."""
    if group.joined is None:
        return ()
    key, count = group.joined
    return (
        ("joined", f"rows count as {count:,} observations, the values of {key}: other columns come back with them"),
    )


def cluster_moments(labels: Ints, weights: Floats, rows: Floats, k: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation ``(k, d)`` of the rows ``(n, d)`` of each cluster, of those that are not NaN.

    0 where a cluster has none.
    """
    means, spreads = np.zeros((k, rows.shape[1])), np.zeros((k, rows.shape[1]))
    for cluster in range(k):
        inside = labels == cluster
        # column by column: sums in one order, whatever the number of clusters
        for feature, values in enumerate(np.ascontiguousarray(rows[inside].T)):
            there = ~np.isnan(values)
            own, column = weights[inside][there], values[there]
            if len(column):
                unit = power_above(float(np.abs(column).max()))  # squares stay in range
                column, total = column / unit, own.sum()
                mean = (own * column).sum() / total
                means[cluster, feature] = mean * unit
                spreads[cluster, feature] = np.sqrt((own * (column - mean) ** 2).sum() / total) * unit
    return means, spreads
