"""The pytest plugin of scalar-autograd: a fixture that imports autograd only when a test asks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., None]:
    """autograd.testing.check_gradients: fails the test unless a gradient agrees with finite differences.

    def test_gradient(gradcheck):
        gradcheck(loss, np.ones(3), gradient=gradient_of_loss)
    """
    from autograd.testing import check_gradients

    return check_gradients
