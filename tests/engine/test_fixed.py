"""What is the same on every processor: sums in any order, choices among equals, kept parameters; and whole fits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import processors
from ppp_duck.engine import fixed, grain, view
from ppp_duck.engine.kmeans import lloyd
from ppp_duck.models.model import Mixture

ROWS = np.random.default_rng(3).normal(size=(700, 5))


def test_a_product_is_the_same_in_every_order():
    weights = np.random.default_rng(4).normal(size=(3, 700))
    expected = fixed.product(weights, ROWS)
    order = np.random.default_rng(5).permutation(700)
    np.testing.assert_array_equal(fixed.product(weights[:, order], ROWS[order]), expected)
    parts = [fixed.product(weights[:, [i]], ROWS[[i]]) for i in range(700)]
    np.testing.assert_allclose(np.sum(parts, axis=0), expected, atol=1e-2)
    np.testing.assert_allclose(expected, weights @ ROWS, atol=1e-3)


def test_vectors_of_equal_eigenvalues_are_the_same_ones():
    turn = np.linalg.qr(np.random.default_rng(6).normal(size=(4, 4)))[0]
    vectors = [np.abs(fixed.eigen(one)[1]) for one in (np.eye(4), turn @ turn.T)]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_of_equal_values_the_first_is_taken():
    assert fixed.first_largest(np.array([[1.0, 0.0], [1.0 + 1e-12, 2.0]]), 1e-9).tolist() == [0, 1]
    values = np.array([[3.0, 1.0, 2.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0, 1.0]])
    assert view.first_smallest(values, 3).tolist() == [[1, 2, 3], [0, 1, 4]]


def test_a_row_between_two_centers_goes_to_the_first_whatever_the_sums():
    centers = np.array([[0.1, 0.7, 0.3], [0.7, 0.1, 0.3], [0.3, 0.3, 0.1]])
    rows = np.repeat([[0.4, 0.4, 0.9]], 50, axis=0)
    assert set(lloyd.nearest(rows, centers).tolist()) <= {0, 1}
    assert len(set(lloyd.nearest(rows, centers).tolist())) == 1
    assert set(lloyd.first_nearest(rows, centers).tolist()) == {0}


@pytest.mark.parametrize("form", ["spherical", "diag", "tied", "full"])
def test_kept_parameters_do_not_see_the_last_bits(form):
    full = np.triu(np.full((2, 3, 3), 0.1) + 2 * np.eye(3))
    factors = {"spherical": np.array([1.5, 3.0]), "diag": np.array([[1.0, 2.0, 3.0], [1e3, 0.1, 7.0]]), "tied": full[0]}
    one = Mixture(form, np.array([0.3, 0.7]), np.array([[0.1, 2.0, 3.0], [5.0, 1e4 / 3, 0.0]]), factors.get(form, full))
    kept = grain.rounded(one)
    shaken = Mixture(form, one.weights * (1 + 1e-14), one.means * (1 - 1e-14), one.factors * (1 + 1e-14))
    for name in ("weights", "means", "factors"):
        np.testing.assert_array_equal(getattr(grain.rounded(shaken), name), getattr(kept, name))
        np.testing.assert_array_equal(getattr(grain.rounded(kept), name), getattr(kept, name))
        np.testing.assert_allclose(getattr(kept, name), getattr(one, name), rtol=1e-6, atol=1e-6)


FIT = """
import hashlib
import numpy as np
from benchmarks.processors import numbers_of
from ppp_duck.engine.pipeline import fit
i = np.arange(600)
rows = np.stack([i * 7 % 11 % 5, i * i % 7, i % 3 * 4 + i % 2, i * 5 % 13 % 4], axis=1).astype(float)
print(hashlib.md5(np.array(numbers_of(fit(rows))).tobytes()).hexdigest())
"""


def test_a_table_of_ties_has_one_model_on_every_processor():
    found = {}
    for kernel in filter(processors.runnable, ("Nehalem", "Haswell")):
        environment = processors.Processor(kernel, 1).environment()
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        run = subprocess.run([sys.executable, "-c", FIT], check=True, capture_output=True, text=True, env=environment)
        found[kernel] = run.stdout
    assert len(set(found.values())) == 1


def test_what_differs_is_listed():
    one = processors.Found([0, 1, 1], 2, b"", [1.0, 2.0])
    two = processors.Found([0, 1, 2], 3, b"", [1.0, 2.5])
    assert processors.differences({"a": one}, {"a": one}) == {"ids": [], "k": [], "model": []}
    assert processors.differences({"a": one}, {"a": two}) == {
        "ids": ["a (1 of 3 rows)"],
        "k": ["a (2, 3)"],
        "model": ["a (1 of 2 numbers, by up to 0.2)"],
    }
