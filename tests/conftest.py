"""Fixtures that several test files share, and a look at which engine is tested: plain Python or the C build."""

import os

import pytest
from browsing import browser, open_page
from recipes import copy

import autograd

__all__ = ["browser", "copy", "open_page"]


def pytest_report_header() -> str:
    return f"engine: the {autograd.__build__} build, in {autograd.__path__[0]}"


def pytest_configure() -> None:
    expected = os.environ.get("AUTOGRAD_EXPECT_BUILD", "")
    if expected and expected != autograd.__build__:
        raise pytest.UsageError(f"AUTOGRAD_EXPECT_BUILD={expected}, but these tests got {pytest_report_header()}")
