"""What linear algebra is for: a Gaussian process, a Kalman filter and a Gauss-Newton step, eager and compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.stats

import autograd as ag
from autograd import linalg

RANDOM = np.random.default_rng(1)
X = np.sort(RANDOM.uniform(0, 5, 6))
Y = np.sin(X) + 0.1 * RANDOM.normal(size=6)


def log_likelihood_of_a_process(p: Any) -> Any:
    """Of Y, for a squared exponential kernel with the height, width and noise p."""
    kernel = p[0] * np.exp(-0.5 * ((X[:, None] - X) / p[1]) ** 2) + p[2] * np.eye(len(X))
    factor = linalg.cholesky(kernel)
    whitened = linalg.triangular_solve(factor, Y, lower=True)
    return -0.5 * (whitened @ whitened) - np.sum(np.log(np.diag(factor))) - 0.5 * len(X) * math.log(2 * math.pi)


def test_a_gaussian_process() -> None:
    p = np.array([1.0, 1.2, 0.05])
    shape = np.exp(-0.5 * ((X[:, None] - X) / p[1]) ** 2)
    kernel = p[0] * shape + p[2] * np.eye(6)
    expected = scipy.stats.multivariate_normal(np.zeros(6), kernel).logpdf(Y)
    weights = np.linalg.solve(kernel, Y)
    slopes = [shape, p[0] * shape * (X[:, None] - X) ** 2 / p[1] ** 3, np.eye(6)]
    # C. Rasmussen, C. Williams, Gaussian Processes for Machine Learning, MIT Press 2006, equation 5.9
    exact = [0.5 * np.trace((np.outer(weights, weights) - np.linalg.inv(kernel)) @ slope) for slope in slopes]
    value, gradient = ag.value_and_grad(log_likelihood_of_a_process)(p)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(gradient, exact, rtol=1e-12)
    value, gradient = ag.jit(log_likelihood_of_a_process).value_and_grad(p)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(gradient, exact, rtol=1e-12)
    second = ag.jit(ag.hessian(log_likelihood_of_a_process))(p)
    np.testing.assert_allclose(second, ag.hessian(log_likelihood_of_a_process)(p), rtol=1e-11)


MOTION = np.array([[1.0, 0.5], [0.0, 1.0]])
SEEN = np.cumsum(RANDOM.normal(size=(6, 2)), 0)


def log_likelihood_of_a_path(p: Any) -> Any:
    """By a Kalman filter: a point that moves with noise p[0], of which place and speed are seen with noise p[1]."""
    state, covariance, total = np.zeros(2), 4.0 * np.eye(2), 0.0
    for seen in SEEN:
        state = MOTION @ state
        covariance = MOTION @ covariance @ MOTION.T + p[0] * np.eye(2)
        spread = covariance + p[1] * np.eye(2)
        surprise = seen - state
        total = total - 0.5 * (surprise @ np.linalg.solve(spread, surprise) + np.linalg.slogdet(spread)[1])
        gain = covariance @ np.linalg.inv(spread)
        state = state + gain @ surprise
        covariance = covariance - gain @ covariance
    return total - len(SEEN) * math.log(2 * math.pi)


def test_a_kalman_filter_written_with_numpy() -> None:
    p = np.array([0.7, 0.4])
    # All that is seen is one normal vector: its covariances are powers of MOTION times the covariance of the state.
    covariance, parts = 4.0 * np.eye(2), []
    for _ in SEEN:
        covariance = MOTION @ covariance @ MOTION.T + p[0] * np.eye(2)
        parts.append(covariance)
    joint = np.block(
        [
            [
                (np.linalg.matrix_power(MOTION, i - j) @ parts[j]) if i >= j else
                (parts[i] @ np.linalg.matrix_power(MOTION, j - i).T)
                for j in range(6)
            ]
            for i in range(6)
        ]
    )  # fmt: skip
    exact = scipy.stats.multivariate_normal(np.zeros(12), joint + p[1] * np.eye(12)).logpdf(SEEN.ravel())
    np.testing.assert_allclose(log_likelihood_of_a_path(p), exact, rtol=1e-12)  # by NumPy itself
    value, gradient = ag.value_and_grad(log_likelihood_of_a_path)(p)
    np.testing.assert_allclose(value, exact, rtol=1e-12)
    ag.check_gradients(log_likelihood_of_a_path, p)
    compiled = ag.jit(log_likelihood_of_a_path)
    np.testing.assert_allclose(compiled.value_and_grad(p)[0], value, rtol=1e-14)
    np.testing.assert_allclose(compiled.value_and_grad(p)[1], gradient, rtol=1e-13)
    several = p + np.linspace(0, 1, 19)[:, None]
    batch = ag.jit(log_likelihood_of_a_path, in_axes=0).value_and_grad(several)
    np.testing.assert_allclose(batch[1], [ag.grad(log_likelihood_of_a_path)(p) for p in several], rtol=1e-12)


def test_a_step_of_gauss_and_newton_in_a_batch() -> None:
    places = RANDOM.normal(size=(67, 3))

    def step(x: Any) -> Any:
        """Of the distances of a point to four others from 1."""
        corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])

        def residuals(x: Any) -> Any:
            return np.array([ag.norm(x - c) - 1.0 for c in corners])

        j = ag.jacobian(residuals)(x)
        return x - linalg.solve(j.T @ j, j.T @ residuals(x))

    expected = []
    for x in places:
        distances = x - np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        sizes = np.linalg.norm(distances, axis=1)
        expected.append(x - np.linalg.lstsq(distances / sizes[:, None], sizes - 1, rcond=None)[0])
    np.testing.assert_allclose(ag.jit(step, in_axes=0)(places), expected, rtol=1e-9, atol=1e-9)
