from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.page.markup import Html, element, escape, is_safe_link, join, link


@given(st.text())
def test_text_is_escaped_once_and_html_not_again(text: str) -> None:
    escaped = escape(text)
    assert html.unescape(escaped) == html.unescape(html.escape(text))
    assert not set("<>\"'") & set(escaped)
    assert escape(escaped) == escaped


def test_children_and_attributes_are_escaped() -> None:
    made = element("p", '<i>"', Html("<b>x</b>"), title='"><script>', data_x="1", class_="c", id=None)
    assert made == '<p title="&quot;&gt;&lt;script&gt;" data-x="1" class="c">&lt;i&gt;&quot;<b>x</b></p>'


def test_parts_and_separator_are_escaped() -> None:
    assert join(["<", Html("<br>")], " & ") == "&lt; &amp; <br>"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/relative",
        "http://[",
        "",
    ],
)
def test_only_the_web_and_mailboxes_are_linked(url: str) -> None:
    assert not is_safe_link(url)
    assert link(url, "<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("url", ["http://a", "https://a/?x=1&y='\"<", "mailto:a@b", "HTTPS://a"])
def test_a_link_opens_a_tab_that_knows_nothing_of_the_page(url: str) -> None:
    made = link(url, "x")
    assert made.startswith(f'<a href="{html.escape(url)}"')
    assert 'target="_blank" rel="noopener noreferrer"' in made
