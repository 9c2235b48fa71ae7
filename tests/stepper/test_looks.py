"""How the page of step_through() looks in a real Chromium, on a desk and on a phone, in light and in dark."""

import io

import pytest
from stepping import DESK, GRAPHS, PHONE, Open, micrograd, two_layers

from autograd.stepper.step_through import step_through

pytestmark = pytest.mark.once


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_pictures_are_drawn_in_both_schemes(scheme: str, viewport: dict[str, int], open_page: Open) -> None:
    image = pytest.importorskip("PIL.Image")
    page = open_page(step_through(two_layers()[0], lr=0.1), viewport, "#step=13", color_scheme=scheme)
    page.wait_for_timeout(700)
    picture = image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert picture.size == (viewport["width"], viewport["height"])
    colours = sorted(picture.getcolors(1 << 24), reverse=True)
    assert len(colours) > 200  # text and lines, not a blank
    assert (sum(colours[0][1]) > 384) is (scheme == "light")


TROUBLES = """(() => {
  const out = document.documentElement.scrollWidth > innerWidth ? ['page wider than the window'] : [];
  const box = (e) => e.getBoundingClientRect();
  const apart = (low, high) => low > high - 1;
  const beside = (a, b) => apart(a.left, b.right) || apart(b.left, a.right);
  const meet = (a, b) => !beside(a, b) && !apart(a.top, b.bottom) && !apart(b.top, a.bottom);
  const boxes = (selector) => [...document.querySelectorAll(selector)].map(box);
  const among = (what, all) => all.forEach((a, i) => all.slice(0, i).some((b) => meet(a, b)) && out.push(what));
  among('cards or chips', [...boxes('.card'), ...boxes('.chip rect')]);
  among('buttons', boxes('button, select, #count'));
  among('parts', boxes('header, #stage, #panel, #controls'));
  for (const node of document.querySelectorAll('.node')) {
    const [card, what, data] = ['.card', '.what', '.data'].map((part) => node.querySelector(part));
    if (what && data.textContent && meet(box(what), box(data))) out.push('number on word');
    for (const text of node.querySelectorAll(':scope > text')) {
      const [a, b] = [box(text), box(card)];
      if (a.width && (a.left < b.left || a.right > b.right + 0.5)) out.push('text leaves card: ' + text.textContent);
    }
  }
  return out;
})()"""


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_overlaps_or_is_cut_off(name: str, open_page: Open) -> None:
    steps = step_through(GRAPHS[name](), lr=0.1)
    page = open_page(steps, DESK)
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        shown = range(0, len(steps.steps), 2)
        troubles = page.evaluate(f"{list(shown)}.map((k) => {{ go(k); return {TROUBLES}; }})")
        assert troubles == [[] for _ in shown], viewport


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_step_is_in_view_and_large_enough_to_read(viewport: dict[str, int], open_page: Open) -> None:
    steps = step_through(micrograd())
    page = open_page(steps, viewport, reduced_motion="reduce")
    shown = list(range(1, len(steps.steps), 3))
    inside = page.evaluate(
        """(shown) => shown.filter((k) => {
          go(k);
          const [stage, card] = ['stage', 'nodes'].map((id) => document.getElementById(id)).map(
            (e) => (e.querySelector('.active .card') || e).getBoundingClientRect());
          const across = card.left >= stage.left && card.right <= stage.right;
          return across && card.top >= stage.top && card.bottom <= stage.bottom && card.width > 65;
        })""",
        shown,
    )
    assert inside == shown


def test_the_graph_can_be_dragged_and_turns_with_the_window(open_page: Open) -> None:
    page = open_page(step_through(micrograd()), address="#step=5")
    where = lambda: page.evaluate("document.getElementById('world').style.transform")  # noqa: E731
    before = where()
    page.mouse.move(600, 300)
    page.mouse.down()
    page.mouse.move(500, 260, steps=3)
    page.mouse.up()
    assert where() != before
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(300)
    assert page.evaluate("layout === story.layouts.TB")
    assert page.text_content("#count").startswith("5 /")
