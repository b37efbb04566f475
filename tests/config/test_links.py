"""Every relative link of the documentation leads somewhere, its anchor included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")],
    key=str,
)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")


def read_prose(page: Path) -> str:
    """Return a page without its code, where brackets are no links and `#` starts no heading."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    return re.sub(r"(?<!`)`[^`\n]+`(?!`)", lambda found: found[0].strip("`").replace("[", ""), text)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, formed as GitHub and GitLab form them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"(?m)^#{1,6} +(.+?) *#*$", read_prose(page)):
        text = LINK.sub(lambda link: link[0][1:].partition("]")[0], heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {slug if place == 0 else f"{slug}-{place}" for slug, n in found.items() for place in range(n + 1)}


def find_broken(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(read_prose(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert find_broken(page) == []


def test_a_missing_page_and_a_missing_anchor_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One `thing`, twice\n\n## One thing twice\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-thing-twice) [c](there.md#one-thing-twice-1) [d](#here)\n# Here\n"
        "[e](gone.md) [f](there.md#gone) [g](#gone) `[h](code.md)` [i](https://example.com/x)\n",
        encoding="utf-8",
    )
    assert find_broken(page) == ["gone.md", "there.md#gone", "#gone"]
