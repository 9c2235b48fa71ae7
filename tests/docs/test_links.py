"""Every link, heading and picture that the Markdown pages point to is there. No network is needed."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]*)(?:\s+\"[^\"]*\")?\)")


def without_code(text: str) -> str:
    """The page as it reads without its code blocks and code spans, where brackets are not links."""
    text = re.sub(r"^(```+).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "", text)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are linked as, by GitHub's rule: lower case, hyphens, no punctuation."""
    text = re.sub(r"^(```+).*?^\1\s*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6} +(.*?) *$", text, flags=re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def exists_as_spelled(path: Path) -> bool:
    """Whether the file is there under this very name, also where the file system ignores case."""
    return path.is_relative_to(ROOT) and all(
        part.name in {entry.name for entry in part.parent.iterdir()}
        for part in (path, *path.parents)
        if part != ROOT and part.is_relative_to(ROOT)
    )


def faults(page: Path, text: str) -> list[str]:
    """What is wrong with the links in a text that stands on this page."""
    found = []
    for picture, label, target in LINK.findall(without_code(text)):
        parts = urlsplit(target)
        file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target or not (label.strip() or not picture):
            found.append(f"[{label}]({target}): a link needs a target, a picture a text")
        elif parts.scheme or parts.netloc:
            if parts.scheme != "https" or not parts.netloc:
                found.append(f"{target}: a link out of the repository must be https")
        elif parts.path.startswith("/") or not exists_as_spelled(file):
            found.append(f"{target}: there is no such file")
        elif not picture and file.is_dir():
            found.append(f"{target}: a link must be to a file, got a folder")
        elif parts.fragment and parts.fragment not in anchors(file):
            found.append(f"{target}: there is no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_resolves(page: Path) -> None:
    assert faults(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_are_written_in_the_one_form_that_is_checked(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    assert not re.search(r"\]\[|^\[[^\]]+\]:|<(?:a|img)\b|<https?:", text, flags=re.MULTILINE)
    assert text.count("](") == len(LINK.findall(text))


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            targets = [urlsplit(t) for _, _, t in LINK.findall(without_code(page.read_text(encoding="utf-8")))]
            todo += [(page.parent / t.path).resolve() for t in targets if t.path and not t.scheme]
    assert sorted(reached) == PAGES


def test_broken_links_are_found() -> None:
    page = ROOT / "docs" / "index.md"
    for broken in (
        "[x](absent.md)",
        "[x](Engine.md)",
        "[x](/docs/engine.md)",
        "[x](engine.md#absent)",
        "[x](#absent)",
        "[x](../../etc.md)",
        "[x](http://example.org)",
        "[x](../demos)",
        "[x]()",
        "![](../demos/pictures/neuron.svg)",
        "![x](../demos/pictures/absent.png)",
    ):
        assert len(faults(page, broken)) == 1, broken
    for whole in ("[x](engine.md#size-and-memory)", "[x](#using-it)", "[x](https://example.org)", "`[x](absent.md)`"):
        assert faults(page, whole) == [], whole
