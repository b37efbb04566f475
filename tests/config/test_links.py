"""Every relative link of the documentation leads somewhere, its anchor included."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


def find_links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each relative link of a page: as it is written, where it leads, its anchor."""
    for link in LINK.findall(read_prose(page)):
        if not re.match(r"\w+:", link):
            path, _, anchor = link.partition("#")
            yield link, (page.parent / path).resolve() if path else page, anchor


def find_broken(page: Path) -> list[str]:
    return [
        link
        for link, target, anchor in find_links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]


def find_reachable(start: Path) -> set[Path]:
    """Return the pages to which one comes by links; a link to a folder shows all pages in it."""
    reached, waiting = set[Path](), [start]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for _, target, _ in find_links(page):
            waiting.extend(
                target.glob("*.md")
                if target.is_dir()
                else [target]
                if target.suffix == ".md" and target.is_file()
                else []
            )
    return reached


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


def test_every_page_can_be_reached_from_the_readme() -> None:
    assert set(PAGES) - find_reachable(REPOSITORY / "README.md") == set()


def test_a_page_that_nobody_links_to_is_not_reached(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, text in {
        "README.md": "[next](one.md) [all](folder/)",
        "one.md": "[back](README.md)",
        "folder/two.md": "",
        "alone.md": "[to](one.md)",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reached = find_reachable(tmp_path / "README.md")
    assert {path.name for path in reached} == {"README.md", "one.md", "two.md"}
