"""The steps that step_through() plays, as data: the engine's numbers, true formulas, and an untouched graph."""

import base64
import hashlib
import html
import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from stepping import HOSTILE, bits, hostile_graph, lines, random_graph, two_layers

import autograd as ag
import nn
from autograd.stepper.graph import LIMIT
from autograd.stepper.page import StepThrough
from autograd.stepper.step_through import step_through
from autograd.stepper.steps import Play, play


def final(story: Play) -> dict[tuple[int, str], float]:
    return {(k, which): x for step in story.steps for k, which, x in step.changes}


# The engine's numbers


@pytest.mark.parametrize("batch", range(5))
def test_the_last_state_is_that_of_backward_to_the_bit(batch: int) -> None:
    for seed in range(100 * batch, 100 * batch + 100):
        root = random_graph(random.Random(seed))
        story = play(root)
        end = final(story)
        root.backward()
        for k, node in enumerate(story.nodes):
            if node.value is not None:
                assert bits(end[k, "data"]) == bits(node.value.data), (seed, node.name)
                assert bits(end[k, "grad"]) == bits(node.value.grad), (seed, node.name)


def test_a_step_adds_its_amounts_in_the_engine_s_order() -> None:
    # dot() reaches b three times in one node; in another order the last digit would differ.
    a, b, c = ag.Value(0.1, "a"), ag.Value(0.7, "b"), ag.Value(1e-17, "c")
    root = ag.dot((a, b, b), (b, c, a), b)
    story = play(root)
    (step,) = [step for step in story.steps if step.phase == "backward"]
    root.backward()
    end = final(story)
    assert [bits(end[k, "grad"]) for k in (0, 1, 2)] == [bits(x.grad) for x in (a, b, c)]
    assert len(step.amounts) == len(step.edges) == 7


def test_the_graph_is_left_as_it_is() -> None:
    for seed in range(100):
        root = random_graph(random.Random(seed))
        root.backward()
        nodes = [node.value for node in play(root).nodes if node.value is not None]
        before = [(bits(v.data), bits(v.grad), v.label, v.op, v.parents) for v in nodes]
        step_through(root, lr=0.1).html()
        after = [(bits(v.data), bits(v.grad), v.label, v.op, v.parents) for v in nodes]
        assert all(x[:4] == y[:4] and len(x[4]) == len(y[4]) for x, y in zip(before, after))
        assert all(p is q or type(p) is float for x, y in zip(before, after) for p, q in zip(x[4], y[4]))


def test_updates_are_those_of_sgd_to_the_bit() -> None:
    loss, parameters = two_layers()
    story = play(loss, 0.1)
    end = final(story)
    loss.backward()
    nn.SGD(parameters, lr=0.1).step()
    place = {node.value: k for k, node in enumerate(story.nodes)}
    assert [end[place[p], "data"] for p in parameters] == [p.data for p in parameters]
    assert [step.phase for step in story.steps].count("update") == 9


def test_the_end_says_what_the_loss_would_be() -> None:
    w = ag.Value(2.0, "w")
    page = step_through((w - 1) ** 2, lr=0.25)
    assert lines(page, "end") == ["L: 1 → 0.25"]
    assert "less than the 1 it was" in page.steps[-1].words
    assert "too long" in step_through((w - 1) ** 2, lr=2.0).steps[-1].words


def test_a_leaf_alone() -> None:
    page = step_through(ag.Value(3.0, "w"), lr=0.1)
    assert [step.phase for step in page.steps] == ["start", "seed", "update", "end"]
    assert lines(page, "update") == ["w ← w − 0.1 × 1 = 3 − 0.1 = 2.9"]


def test_a_page_is_of_the_moment_it_was_made() -> None:
    w = ag.Value(2.0, "w")
    page = step_through(w * w)
    before = page.html()
    w.data, w.label = 5.0, "other"
    assert page.html() == before


# The page as a file


def story_of(page: StepThrough) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', page.html(), re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_labels_come_through_json_alone_and_as_they_are() -> None:
    page = step_through(hostile_graph())
    text = page.html()
    story = story_of(page)
    assert {node["label"] for node in story["nodes"]} >= set(HOSTILE)
    assert text.count("</script>") == 2
    data = text[text.index('id="story">') + len('id="story">') : text.index("</script>")]
    assert not set("<>&") & set(data)
    assert data.isascii()
    assert "onerror" not in text.replace(data, "")


def test_numbers_in_the_page_read_back_to_the_bit() -> None:
    for seed in range(50):
        page = step_through(random_graph(random.Random(seed)))
        for step, data in zip(page.steps, story_of(page)["steps"]):
            numbers = [float(x) for _, _, x, _ in data["changes"]]
            assert [*map(bits, numbers)] == [bits(x) for _, _, x in step.changes]


def test_the_policy_allows_the_page_s_own_script_and_style_and_nothing_else() -> None:
    text = step_through(ag.Value(1.0) * 2).html()
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'")
    for (part,), name in ((script, "script-src"), (style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy[1]
    assert set(re.findall(r"https?://[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_layouts_hold_every_node_and_edge_without_overlap() -> None:
    for seed in range(30):
        story = story_of(step_through(random_graph(random.Random(seed))))
        for layout in story["layouts"].values():
            assert len(layout["centres"]) == len(story["nodes"])
            assert len(layout["paths"]) == len(story["edges"])
            boxes = [
                (x - n["width"] / 2, y - n["height"] / 2, x + n["width"] / 2, y + n["height"] / 2)
                for (x, y), n in zip(layout["centres"], story["nodes"])
            ]
            for i, a in enumerate(boxes):
                assert a[0] > -1
                assert a[1] > -1
                assert a[2] < layout["width"] + 1
                assert a[3] < layout["height"] + 1
                assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[:i])


def test_a_notebook_shows_the_page_in_a_frame_of_its_own() -> None:
    page = step_through(hostile_graph())
    frame = page._repr_html_()
    source = re.fullmatch(r'<iframe [^>]*sandbox="allow-scripts"[^>]*srcdoc="([^"]*)"></iframe>', frame)
    assert source
    assert html.unescape(source[1]) == page.html()


def test_save_writes_the_whole_page_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = step_through(ag.Value(1.0) * 2)
    target = tmp_path / "steps.html"
    page.save(target)
    page.save(str(target))
    assert target.read_text(encoding="utf-8") == page.html()
    (tmp_path / "taken.html").mkdir()
    for path, error, words in [
        (tmp_path / "steps.png", ValueError, "must end in .html"),
        (
            tmp_path / "none" / "steps.html",
            FileNotFoundError,
            "cannot write 'steps.html', because the directory .* does not exist",
        ),
        (tmp_path / "taken.html", OSError, "taken"),
        (3, TypeError, "path must be the path of a file"),
    ]:
        with pytest.raises(error, match=words):
            page.save(path)  # type: ignore[arg-type]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["steps.html", "taken.html"]
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        page.save(target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["steps.html", "taken.html"]


# What it refuses


@pytest.mark.parametrize("given", [3, 2.5, "L", None, [ag.Value(1.0)]])
def test_only_a_value_has_a_graph(given: Any) -> None:
    with pytest.raises(TypeError, match="loss must be a Value, got"):
        step_through(given)


@pytest.mark.parametrize(
    ("lr", "error"),
    [
        (-0.1, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("0.1", TypeError),
        (True, TypeError),
        (ag.Value(0.1), TypeError),
        ([0.1], TypeError),
    ],
)
def test_a_learning_rate_is_a_number_of_0_or_more(lr: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"lr must be a number of 0 or more, such as 0\.1, got"):
        step_through(ag.Value(1.0) * 2, lr=lr)


def test_large_graphs_are_refused_with_advice() -> None:
    x = ag.Value(1.0)
    largest = ag.sum([ag.Value(1.0) for _ in range(LIMIT - 1)])
    assert len(step_through(largest).steps) == 4
    for root, size in [(largest + 0, "302 and 301"), (ag.sum([x] * 601), "2 and 601")]:
        with pytest.raises(ValueError, match=f"{size}. Take a smaller piece of it.*ag.draw"):
            step_through(root)
    for _ in range(100_000):
        x = x + 1.0
    with pytest.raises(ValueError, match="200,001"):
        step_through(x)


def test_a_graph_whose_leaves_have_changed_is_refused() -> None:
    x = ag.Value(2.0, "x")
    y = x * 3
    x.data = 5.0
    with pytest.raises(ValueError, match=r"L holds 6.0, but mul of its arguments is now 15.0.*[Cc]ompute it again"):
        step_through(y)
