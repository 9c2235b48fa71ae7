"""Fixtures that several test files share, and a look at which engine is tested: plain Python or the C build."""

import os

import pytest
from browsing import browser, open_page
from hypothesis import settings
from recipes import copy

import autograd
from autograd.jit import tuning

__all__ = ["browser", "copy", "open_page"]

settings.register_profile("on a machine that has more to do", deadline=None)
settings.load_profile("on a machine that has more to do")


@pytest.fixture(params=["straight-line", "tables"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of the code that ag.jit writes."""
    if request.param == "tables":
        monkeypatch.setattr(tuning, "STRAIGHT_SHARED", 0)
        monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", 0)
    return str(request.param)


def pytest_report_header() -> str:
    return f"engine: the {autograd.__build__} build, in {autograd.__path__[0]}"


def pytest_configure() -> None:
    expected = os.environ.get("AUTOGRAD_EXPECT_BUILD", "")
    if expected and expected != autograd.__build__:
        raise pytest.UsageError(f"AUTOGRAD_EXPECT_BUILD={expected}, but these tests got {pytest_report_header()}")
