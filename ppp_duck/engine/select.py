"""Candidates (a mixture for every form and number of components), what is a cluster in each, and which one is best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ppp_duck.engine import categories, fixed, modality, telling
from ppp_duck.engine import mixture as gaussian
from ppp_duck.engine.canonical import Progress
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.engine.rows import Rows
from ppp_duck.engine.starts import Starts
from ppp_duck.engine.view import places_of
from ppp_duck.models.model import Floats, Ints, Mixture

# What a row counts, in units of -2 log likelihood, on which k-means and mixture disagree. 0.4 to 0.7 give the same on
# the 47 labelled sets; 0, 0.25, 0.5, 1 give ARI 0.752, 0.761, 0.760, 0.765, k exact in 53, 57, 57, 57 %.
DISAGREEMENT = 0.5
# Rows that leave out candidates far behind, where there are four times as many: a fifth of the time of a fit.
PILOT = 2048
# Units of the score by which a candidate may be behind in the pilot's rows: differences between candidates changed by
# 100 at most where both were computed in all rows.
MARGIN = 400.0
EQUAL = 1e-6  # posteriors that differ by less are equal: the first component has the row
DECIMALS = 3  # of a score: candidates that are one model in two forms differ by rounding alone, and the first is taken
STEP = 5  # beyond twice as many components the search over m goes in steps of a fifth: statlog alone changes by it
SCREEN_ITERATIONS = 12  # steps of EM of a candidate: the choice needs scores, not convergence
FINAL_ITERATIONS = 200  # steps of EM of the winner, at most
TOLERANCE = 1e-6  # nats per row that a step of EM has to gain
TIES = 3  # times, at most, that EM runs with another set of categories which components differ in: two, as a rule
# Clusters asked for, from which mixtures of more components are not tried: that some of 500 merge to exactly k is
# chance, and each costs as much as k-means. Of so many, each form has k components, and less EM for more of them.
MANY_ASKED = 32
# Forms that start from the peaks of numbers, too: those of one shape along the numbers. Full Gaussians would cut the
# ring of fcps/target.
BY_PEAKS = ("diag", "tied")
SHORTLIST = 32  # candidates looked at for valleys before one with k components, or k_max at most, is taken as it is


@dataclass(frozen=True)
class Candidate:
    """One fitted mixture, and which of its components are one cluster."""

    form: str
    mixture: Mixture
    tempered_bic: float
    score: float  # tempered BIC + cost of the rows on which k-means and mixture disagree; lower is better
    component_cluster: Ints | None = None  # (m,); None: not looked at, a better candidate was found before
    tied: tuple[bool, ...] = ()  # of each number, then category: whether it is the same in all components

    @property
    def m(self) -> int:
        return len(self.mixture.means)

    @property
    def k(self) -> int:
        return self.m if self.component_cluster is None else int(self.component_cluster.max()) + 1


def kmeans_mixture(rows: Rows, centers: Floats, labels: Ints) -> Mixture:
    """K-means as a mixture: equal weights, one variance shared by all features and cells (inertia / (n d))."""
    k, d = centers.shape
    variance = lloyd.inertia(rows.x, rows.weights, centers, labels) / (float(rows.weights.sum()) * d)
    return Mixture("spherical", np.full(k, 1.0 / k), centers, np.full(k, 1.0 / np.sqrt(max(variance, 1e-12))))


def price(rows: Rows, form: str, m: int, kmeans: bool, size: float, tied: tuple[bool, ...] = ()) -> float:
    """What the parameters cost in a tempered BIC."""
    d, levels = rows.x.shape[1], rows.layout.levels
    return gaussian.parameter_count(form, m, d, kmeans, levels, tied) * float(np.log(max(size, 2.0)))


def weigh(
    rows: Rows,
    form: str,
    mixture: Mixture,
    log_likelihood: float,
    posterior: Floats | None,
    tied: tuple[bool, ...] = (),
    picked: float = 0.0,
) -> Candidate:
    """A candidate with its tempered BIC and its score; without posteriors (n, m) it is k-means.

    ``picked``: what a choice that its parameters do not show costs.

    The mixture validates the k-means partition of its means: a row whose most probable component is not the nearest
    mean speaks against the candidate. Components that sprawl over others, and overlap, lose by it.
    """
    total = float(rows.weights.sum())
    size = gaussian.tempered(rows.observations)
    found = Candidate(form, mixture, 0.0, 0.0, tied=tied)
    bic = -2 * log_likelihood * size / total + price(rows, form, found.m, posterior is None, size, tied) + picked
    if posterior is None:
        return replace(found, tempered_bic=bic, score=round(bic, DECIMALS))
    differ = nearest_components(rows, mixture) != fixed.first_largest(posterior.T, EQUAL)
    score = bic + DISAGREEMENT * size * float(rows.evidence @ differ) / total
    return replace(found, tempered_bic=bic, score=round(score, DECIMALS))


def nearest_components(rows: Rows, mixture: Mixture) -> Ints:
    """The component whose place in the view is nearest to each row."""
    if rows.mixed is None:
        return lloyd.first_nearest(rows.x, mixture.means)
    return rows.view.nearest(places_of(mixture.means, mixture.shares, rows.mixed.axes))


def fit_candidate(
    rows: Rows, begin: Starts, form: str, m: int, kmeans: bool, to_beat: float, progress: Progress
) -> Candidate:
    """Lloyd (k-means) or a short EM, from the partition into m; for forms with many shapes, from both families.

    EM is not run to its end where its tempered BIC would stay above the score ``to_beat``.
    """
    if kmeans:
        centers = lloyd.group_means(rows.x, rows.weights, begin.round.labels(m), m)
        centers, labels = lloyd.lloyd(rows.x, rows.weights, centers, progress)
        mixture = kmeans_mixture(rows, centers, labels)
        per_row = gaussian.responsibilities(gaussian.log_densities(mixture, rows))[1]
        return weigh(rows, form, mixture, float(rows.evidence @ per_row), None)
    size, levels = gaussian.tempered(rows.observations), rows.layout.levels
    by_number = form == "diag" and m == 2 and rows.x.shape[1] > 1
    # the log likelihood whose tempered BIC is to_beat
    cheapest = (by_number,) * rows.x.shape[1] + (True,) * len(levels)
    wanted = (price(rows, form, m, False, size, cheapest) - to_beat) * float(rows.weights.sum()) / (2 * size)
    found = []
    many_shapes = form in ("diag", "full") and 1 < m <= begin.full.most
    for family in (begin.full, begin.round) if many_shapes else (begin.round,):
        more, hopeless = _climb(rows, form, gaussian.one_hot(family.labels(m), m), None, wanted, progress)
        found += more
        if hopeless:
            break  # the other family would be, too
    if begin.peaked is not None and form in BY_PEAKS and 1 < m <= begin.peaked.most:
        found += _climb(rows, form, gaussian.one_hot(begin.peaked.labels(m), m), None, wanted, progress)[0]
    for number, right in telling.cuts(rows) if by_number else []:
        found += _climb(rows, form, gaussian.one_hot(right.astype(np.int64), m), number, wanted, progress)[0]
    return min(found, key=lambda one: one.score)


def _climb(
    rows: Rows, form: str, start: Floats, number: int | None, wanted: float, progress: Progress
) -> tuple[list[Candidate], bool]:
    """EM from posteriors, again while other features turn out to tell components apart; and whether it is hopeless.

    ``number``: the one that was cut, where the others are to be tied unless they tell components apart, too.
    """
    m, found, d = start.shape[1], [], rows.x.shape[1]
    prior = gaussian.covariance_prior(rows, form, m)
    picked = 0.0 if number is None else 2 * float(np.log(d))
    tied = worthless(rows, start, number)
    for _ in range(TIES):
        mixture, log_likelihood, posterior = gaussian.em(
            rows, start, form, prior, SCREEN_ITERATIONS, TOLERANCE, progress, wanted, tied
        )
        found.append(weigh(rows, form, mixture, log_likelihood, posterior, tied, picked))
        before, tied, start = tied, worthless(rows, posterior, number), posterior
        if gaussian.hopeless(rows, log_likelihood, wanted):
            return found, True
        if tied == before:
            break
    return found, False


def worthless(rows: Rows, posterior: Floats, number: int | None) -> tuple[bool, ...]:
    """Which features cost more than they tell of components with these posteriors ``(n, m)``: numbers, then categories.

    Numbers are asked where ``number`` is given, which itself is worth its price.
    """
    d, levels = rows.x.shape[1], rows.layout.levels
    if number is None and not levels:
        return ()
    size = gaussian.tempered(rows.observations)
    worth, per = size / float(rows.weights.sum()), float(np.log(max(size, 2.0)))
    of_numbers = np.zeros(d, dtype=bool)
    if number is not None:
        of_numbers = telling.worthless(rows, posterior, worth, per) & (np.arange(d) != number)
    found = tuple(of_numbers.tolist())
    if levels:
        counts = (posterior * rows.evidence[:, None]).T @ rows.indicators
        found += categories.worthless(counts, rows.common_shares, levels, rows.unit, worth, per)
    return found


def ladder(fit: Callable[[int, float], Candidate], least: int, most: int, also: Sequence[int]) -> list[Candidate]:
    """Candidates over m: one by one at first, then in steps of a fifth; then about ``also``; then the best's gaps.

    ``fit`` is given m and the score to beat.
    """
    found: dict[int, Candidate] = {}

    def best() -> int:
        return min(found, key=lambda m: (found[m].score, m))

    def lowest() -> float:
        return found[best()].score if found else np.inf

    m = least
    while m <= most and (not found or m <= best() + 5 + best() // 4):
        found[m] = fit(m, lowest())
        m += max(1, m // STEP)
    for m in sorted(m for one in also for m in (one - one // 10, one, one + one // 10)):
        if max(found) < m <= most:
            found[m] = fit(m, lowest())
    known, at = sorted(found), best()
    below = max((m for m in known if m < at), default=at)
    above = min((m for m in known if m > at), default=at)
    for m in range(max(below + 1, at - at // STEP), min(above, at + at // STEP + 1)):
        if m not in found:
            found[m] = fit(m, lowest())
    return [found[m] for m in sorted(found)]


def look(rows: Rows, found: Candidate, merge: bool = True) -> Candidate:
    """The candidate with its clusters."""
    group: Ints = np.arange(found.m, dtype=np.int64)
    if merge:
        posterior, _ = gaussian.responsibilities(gaussian.log_densities(found.mixture, rows))
        group = modality.clusters(found.mixture, rows, posterior)
    return replace(found, component_cluster=group)


def is_kmeans(rows: Rows, covariance: str) -> bool:
    """Whether the mixture asked for is k-means: round, of complete numbers."""
    return covariance == "spherical" and rows.mixed is None


def forms_to_try(covariance: str, d: int) -> tuple[str, ...]:
    """'auto': every form; but covariances of many features have too many parameters to be found by their BIC.

    Without numbers all forms are the same.
    """
    if covariance != "auto":
        return (covariance,)
    if not d:
        return ("diag",)
    widest = {"full": gaussian.NARROW, "tied": gaussian.WIDE}
    return tuple(form for form in gaussian.FORMS if d <= widest.get(form, d))


class TooManyClustersError(ValueError):
    """Rows that differ only in that one has a hole where the other has a value are not told apart: k is too large."""

    def __init__(self, most: int) -> None:
        super().__init__(f"k must be {most} or less, the number of rows that differ in what they have")
        self.most = most


def search(
    rows: Rows, begin: Starts, covariance: str, k: int | None, k_max: int | None, progress: Progress
) -> list[Candidate]:
    """Every candidate weighed. With k given: k components, and more components that may merge to k clusters.

    Where one candidate alone is wanted, the best, and rows are many, a quarter of them leaves out those far behind.
    """
    most = begin.round.most
    if k is not None and k > most:
        raise TooManyClustersError(most)
    # a component of one row has no spread, so an open k needs two observations a component
    most = most if k is not None else max(1, min(most, int(rows.observations // 2)))
    if is_kmeans(rows, covariance) and k is None and k_max is not None:
        most = min(most, k_max)
    if k is not None or k_max is not None or len(rows.x) < 4 * PILOT:
        return climb(rows, begin, covariance, k, most, progress)
    few, keep = rows.sample(PILOT)
    found = climb(few, begin.of(keep), covariance, k, most, progress)
    order = sorted(range(len(found)), key=lambda i: (found[i].score, i))
    first = found[order[0]]
    lowest = shift = np.inf
    for i in order:
        one = found[i]
        if one.score <= first.score + MARGIN:
            found[i] = fit_candidate(rows, begin, one.form, one.m, is_kmeans(rows, covariance), lowest, progress)
            lowest = min(lowest, found[i].score)
            shift = found[i].score - one.score if one is first else shift
        else:  # as far behind as it was
            found[i] = replace(one, score=one.score + shift)
    return found


def climb(rows: Rows, begin: Starts, covariance: str, k: int | None, most: int, progress: Progress) -> list[Candidate]:
    """Candidates of every form, each a ladder over the number of components."""
    kmeans = is_kmeans(rows, covariance)

    found: list[Candidate] = []
    for form in forms_to_try(covariance, rows.x.shape[1]):
        lowest = min((one.score for one in found), default=np.inf)  # of the forms before

        def fit(m: int, to_beat: float, form: str = form, lowest: float = lowest) -> Candidate:
            to_beat = np.inf if k is not None and k <= MANY_ASKED else min(to_beat, lowest)
            return fit_candidate(rows, begin, form, m, kmeans, to_beat, progress)

        if k is None:
            found += ladder(fit, 1, most, begin.dips if form in BY_PEAKS else begin.dips[:1])
        elif kmeans or k > MANY_ASKED:
            found.append(fit(k, np.inf))
        else:
            found += ladder(fit, k, min(most, k + 8 + k // 2), [])
    return found


def choose(
    found: list[Candidate], rows_for: Callable[[str, int], Rows], k: int | None, k_max: int | None, progress: Progress
) -> int:
    """Index of the candidate of lowest score whose clusters keep to the bounds; what is looked at is replaced.

    ``rows_for`` gives the rows in which valleys of a form with m components are looked for.
    """
    for place, i in enumerate(sorted(range(len(found)), key=lambda i: (found[i].score, i))):
        one = found[i]
        if place >= SHORTLIST and (one.m != k if k is not None else k_max is not None and one.m > k_max):
            continue
        progress("valleys", one.m)
        found[i] = one = look(rows_for(one.form, one.m), one, merge=k is None or one.m != k)
        if (k is None or one.k == k) and (k_max is None or one.k <= k_max):
            return i
    raise AssertionError("a candidate of k components, or of one, is always there")


def steps(most: int, k: int | None) -> int:
    """Of ``most`` steps of EM or Lloyd over all rows those that are taken where k is given: together, as with 32."""
    return most if k is None or k <= MANY_ASKED else max(SCREEN_ITERATIONS, most * MANY_ASKED // k)


def why(found: Candidate, chosen: bool, k: int | None, k_max: int | None) -> str:
    """A few words on what became of a candidate."""
    merged = "" if found.m == found.k else f"{found.m} components, some of them one cluster; "
    if chosen:
        return merged + "lowest tempered BIC + disagreement"
    if found.component_cluster is None:
        return "higher tempered BIC + disagreement"
    if k is not None and found.k != k:
        return merged + f"not {k} clusters"
    return merged + f"more than {k_max} clusters"
