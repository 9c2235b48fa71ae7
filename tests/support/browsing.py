"""Fixtures for tests in a real headless Chromium; without it, or without playwright, tests are skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stepping import DESK, Open

from autograd.stepper.page import StepThrough

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Without the last four, Chromium contacts its own hosts and looks for updates at every start.
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for one module: its event loop must not still run in tests that start their own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a StepThrough from a file; at the end checks that no page logged an error or sent a request."""
    troubles: list[str] = []
    contexts = []

    def open_it(steps: StepThrough, viewport: dict[str, int] = DESK, address: str = "", **options: Any) -> Any:
        path = tmp_path / f"steps{len(contexts)}.html"
        steps.save(path)
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("request", lambda r: r.url.split("#")[0] == path.as_uri() or troubles.append(f"request: {r.url}"))
        page.goto(path.as_uri() + address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert troubles == []
