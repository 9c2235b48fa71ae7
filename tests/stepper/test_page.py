"""The page of step_through() in a real headless Chromium, opened from a file, as a person would use it."""

import random
import re
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stepping import GRAPHS, HOSTILE, PHONE, Open, bits, hostile_graph, random_graph, tiny, two_layers

import autograd as ag
from autograd.stepper.page import StepThrough
from autograd.stepper.step_through import step_through

pytestmark = pytest.mark.once

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
expect = sync_api.expect


def shown(page: Any) -> list[tuple[str, str, str]]:
    """Each card's name and its numbers in full."""
    found = page.evaluate(
        "[...document.querySelectorAll('.node')].map(({ dataset: { node, data, grad } }) => [node, data, grad])"
    )
    return [tuple(card) for card in found]


# All that a person sees of a step.
EVERYTHING = """
    [...document.querySelectorAll('#phase, #formula, #caption, #count, #scrubber, .node, .edge, .chip')].map(
        (e) => [e.textContent, e.getAttribute('class') || '', JSON.stringify(e.dataset), e.value])"""


def pressed(page: Any, key: str, times: int) -> list[Any]:
    """Everything on the page after each of `times` presses of a key: events as from a keyboard, but all at once."""
    return page.evaluate(  # type: ignore[no-any-return]
        f"""([key, times]) => Array.from({{ length: times }}, () => {{
              document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true, cancelable: true }}));
              return {EVERYTHING.strip()};
            }})""",
        [key, times],
    )


def engine(steps: StepThrough, root: ag.Value) -> list[tuple[str, bytes, bytes]]:
    """What the page must show at the end, with the numbers of the engine."""
    root.backward()
    return [
        (n.name, bits(n.data), b"") if n.value is None else (n.name, bits(n.value.data), bits(n.value.grad))
        for n in steps._play.nodes
    ]


def as_bits(cards: list[tuple[str, str, str]]) -> list[tuple[str, bytes, bytes]]:
    return [(name, bits(float(data)), bits(float(grad)) if grad else b"") for name, data, grad in cards]


# Stepping


@pytest.mark.parametrize("name", GRAPHS)
def test_the_end_has_the_engine_s_numbers_however_one_gets_there(name: str, open_page: Open) -> None:
    root = GRAPHS[name]()
    steps = step_through(root)
    last = len(steps.steps) - 1
    expected = engine(steps, root)
    page = open_page(steps)
    start = shown(page)
    page.evaluate(f"for (let k = 0; k < {last}; k++) document.getElementById('forward').click()")
    assert as_bits(shown(page)) == expected
    assert page.is_disabled("#forward")
    page.evaluate("document.getElementById('first').click()")
    assert shown(page) == start
    pressed(page, "ArrowRight", last)
    assert as_bits(shown(page)) == expected
    page.locator("#scrubber").fill("0")
    assert shown(page) == start
    page.locator("#scrubber").fill(str(last))
    assert as_bits(shown(page)) == expected
    assert page.text_content("#count") == f"{last} / {last}"


def test_random_graphs_end_with_the_engine_s_numbers(open_page: Open) -> None:
    for seed in range(5):
        root = random_graph(random.Random(seed))
        steps = step_through(root)
        page = open_page(steps, address=f"#step={len(steps.steps) - 1}")
        assert as_bits(shown(page)) == engine(steps, root)


def test_real_clicks_reach_the_buttons(open_page: Open) -> None:
    page = open_page(step_through(tiny(), lr=0.1), PHONE)
    for button, count in [("forward", "1 / 14"), ("forward", "2 / 14"), ("back", "1 / 14"), ("last", "14 / 14")]:
        page.click(f"#{button}")
        assert page.text_content("#count") == count
    page.click("#first")
    assert page.text_content("#count") == "0 / 14"
    for button in ("closer", "farther", "whole"):
        page.click(f"#{button}")


def test_back_gives_the_state_before(open_page: Open) -> None:
    steps = step_through(two_layers()[0], lr=0.1)
    page = open_page(steps)
    states = [page.evaluate(EVERYTHING), *pressed(page, "ArrowRight", len(steps.steps) - 1)]
    assert all(a != b for a, b in pairwise(states))
    assert pressed(page, "ArrowLeft", len(steps.steps) - 1) == states[-2::-1]


def test_updates_show_the_new_numbers(open_page: Open) -> None:
    page = open_page(step_through(tiny(), lr=0.1))
    page.keyboard.press("End")
    data = {name: (float(data), float(grad)) for name, data, grad in shown(page) if grad}
    assert data["w"] == (2.0 - 0.1 * 12.0, 12.0)
    assert data["y"] == (5.0 - 0.1 * -4.0, -4.0)
    assert page.text_content("#phase") == "The result"


def test_the_chain_rule_is_written_out(open_page: Open) -> None:
    w, x = ag.Value(2.0, "w"), ag.Value(2.0, "x")
    z = w * x
    z.label = "z"
    page = open_page(step_through(z * 2), address="#step=5")
    rows = page.evaluate("[...document.querySelectorAll('#formula .left, #formula .right')].map((e) => e.textContent)")
    assert [row.replace(" ", "") for row in rows[:2]] == ["∂L/∂w", "+=∂L/∂z·x=2×2=4"]
    assert page.evaluate("[...document.querySelectorAll('.chip')].map((e) => e.textContent)") == ["+4", "+4"]
    assert page.get_attribute(".node:nth-child(3)", "class").split()[-1] == "active"


# Playing


def test_play_ends_by_itself_and_starts_again(open_page: Open) -> None:
    page = open_page(step_through(ag.Value(2.0, "w") * 3))
    page.select_option("#speed", "8")
    page.click("#play")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    expect(page.locator("#count")).to_have_text("3 / 3")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
    page.wait_for_timeout(400)
    assert page.text_content("#count") == "3 / 3"
    page.select_option("#speed", "2")
    page.keyboard.press("Home")
    page.click("#last")
    page.keyboard.press("Space")
    assert page.text_content("#count") == "0 / 3"
    expect(page.locator("#count")).to_have_text("1 / 3")
    page.keyboard.press("Space")
    paused = page.text_content("#count")
    page.wait_for_timeout(1400)
    assert page.text_content("#count") == paused == "1 / 3"


def test_keys(open_page: Open) -> None:
    page = open_page(step_through(tiny()))
    count = lambda: page.text_content("#count")  # noqa: E731
    for key, expected in [
        ("ArrowLeft", "0 / 9"),
        ("ArrowRight", "1 / 9"),
        ("End", "9 / 9"),
        ("ArrowRight", "9 / 9"),
        ("Home", "0 / 9"),
        ("Control+ArrowRight", "0 / 9"),
    ]:
        page.keyboard.press(key)
        assert count() == expected, key
    page.focus("#scrubber")
    page.keyboard.press("ArrowRight")
    assert count() == "1 / 9"  # once, not once for the page and once for the scrubber
    page.focus("#forward")
    page.keyboard.press("Space")
    assert count() == "2 / 9"  # a button in focus is what space presses
    page.focus("#speed")
    page.keyboard.press("ArrowRight")
    assert count() == "2 / 9"


def test_a_step_has_an_address(open_page: Open) -> None:
    page = open_page(step_through(tiny()), address="#step=7")
    assert page.text_content("#count") == "7 / 9"
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("#step=8$"))
    for address, count in [("#step=3", "3 / 9"), ("#step=99", "9 / 9"), ("#step=-1", "0 / 9"), ("#else", "0 / 9")]:
        page.evaluate(f"location.hash = '{address}'")
        expect(page.locator("#count")).to_have_text(count)


def test_words_for_those_who_do_not_see_the_graph(open_page: Open) -> None:
    steps = step_through(tiny(), lr=0.1)
    page = open_page(steps)
    assert page.get_attribute("#words", "aria-live") == "polite"
    items = page.evaluate("[...document.querySelectorAll('#transcript li')].map((e) => e.textContent)")
    assert items == [step.words for step in steps.steps]
    page.click("text=Every step in words")
    page.click("#transcript li:nth-child(8) a")
    assert page.text_content("#count") == "7 / 14"
    assert page.text_content("#words") == steps.steps[7].words
    assert page.text_content("[aria-current=step]") == steps.steps[7].words
    assert page.get_attribute("#scrubber", "aria-valuetext").startswith("Step 7 of 14: Backward 2 of 4")
    unnamed = "[...document.querySelectorAll('button, input, select')].filter((e) => !e.ariaLabel && !e.labels?.length)"
    assert page.evaluate(f"{unnamed}.length") == 0


# Safety


def test_hostile_labels_run_nothing_and_show_as_written(open_page: Open) -> None:
    page = open_page(step_through(hostile_graph(), lr=0.1))
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("window.hit") is None
    assert page.evaluate("document.querySelectorAll('img, main script, footer script').length") == 0
    tooltips = page.evaluate("[...document.querySelectorAll('.node > title')].map((e) => e.textContent)")
    for label in HOSTILE:
        assert any(tooltip.startswith(label) for tooltip in tooltips), label
    assert page.text_content("#root").startswith(HOSTILE[0])
    assert HOSTILE[0] in page.title()


def test_the_policy_stops_what_would_get_in(browser: Any, tmp_path: Path) -> None:
    step_through(tiny()).save(tmp_path / "steps.html")
    page = browser.new_page()
    page.goto((tmp_path / "steps.html").as_uri())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        page.evaluate(
            """(address) => {
                 document.body.insertAdjacentHTML('beforeend', `<img src="${address}" onerror="window.hit = 1">
                   <div onclick="window.hit = 1" id=trap>x</div>`);
                 document.getElementById('trap').click();
                 fetch(address).catch(() => {});
               }""",
            address,
        )
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.accept()
    assert page.evaluate("window.hit") is None
    page.close()


def test_it_plays_in_the_frame_of_a_notebook(browser: Any, tmp_path: Path) -> None:
    steps = step_through(hostile_graph())
    (tmp_path / "notebook.html").write_text(f"<h1>In [1]</h1>{steps._repr_html_()}", encoding="utf-8")
    page = browser.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frames[1]
    frame.click("#forward")
    frame.click("text=Every step in words")
    frame.click("#transcript li:nth-child(6) a")
    frame.wait_for_timeout(300)
    assert frame.text_content("#count").startswith("5 /")
    assert troubles == []
    page.close()
