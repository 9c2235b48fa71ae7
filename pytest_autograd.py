"""The pytest plugin of scalar-autograd: a fixture that imports autograd only when a test asks for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., Any]:
    """autograd.testing.check_gradients: fails the test unless a gradient agrees with finite differences.

    It is strict: a derivative that cannot be told fails too, unless the test passes strict=False.

    def test_gradient(gradcheck):
        gradcheck(loss, np.ones(3), gradient=gradient_of_loss)
    """
    from autograd.testing import check_gradients

    return functools.partial(check_gradients, strict=True)
