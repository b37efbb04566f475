from __future__ import annotations

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.page.mrkdwn import render_inline, render_mrkdwn, render_plain

ALLOWED = {
    "a": {"href", "target", "rel"},
    "b": set(),
    "i": set(),
    "s": set(),
    "p": set(),
    "ul": set(),
    "li": set(),
    "pre": set(),
    "code": set(),
    "blockquote": set(),
    "span": {"class"},
}


class Checker(HTMLParser):
    """Fails at anything that is not on the list, and at tags that do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        assert {name for name, _ in attrs} <= ALLOWED[tag], attrs
        for name, value in attrs:
            if name == "href":
                assert re.match(r"(https?|mailto):", (value or "").strip(), re.IGNORECASE), value
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def check(markup: str) -> str:
    """Return the text of `markup`, which must be whole and harmless."""
    checker = Checker()
    checker.feed(markup)
    checker.close()
    assert checker.open == []
    return checker.text


LINK = 'target="_blank" rel="noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold* _italic_ ~gone~ `code`", "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>"),
        ("*bold _both_*", "<b>bold <i>both</i></b>"),
        ("2*3*4 snake_case_name a~b~c", "2*3*4 snake_case_name a~b~c"),
        ("* not bold * and *not\nbold*", "* not bold * and *not\nbold*"),
        ("`*not* <http://x|y>`", "<code>*not* &lt;http://x|y&gt;</code>"),
        (
            "<https://a.example/?x=1&amp;y=2|label>",
            f'<a href="https://a.example/?x=1&amp;y=2" {LINK}>label</a>',
        ),
        ("<https://a.example>", f'<a href="https://a.example" {LINK}>https://a.example</a>'),
        ("<mailto:a@b|Ann>", f'<a href="mailto:a@b" {LINK}>Ann</a>'),
        ("see https://a.example/x.", f'see <a href="https://a.example/x" {LINK}>https://a.example/x</a>.'),
        ("*<https://a.example|x>*", f'<b><a href="https://a.example" {LINK}>x</a></b>'),
        ("<javascript:alert(1)|click>", "click"),
        ("<@U1|ann> <#C1|alerts> <!here> <!date^1^x|today>", None),
        ("&lt;script&gt; &amp;amp; <b> & \"'", "&lt;script&gt; &amp;amp; &lt;b&gt; &amp; &quot;&#x27;"),
        (":fire: :unknown_thing: 12:30:45", "🔥 :unknown_thing: 12:30:45"),
    ],
)
def test_one_line(text: str, expected: str | None) -> None:
    rendered = render_inline(text)
    check(rendered)
    if expected is None:
        assert re.findall(r'class="mention">([^<]*)<', rendered) == ["@ann", "#alerts", "@here", "today"]
    else:
        assert rendered == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "<p>a\nb</p>"),
        ("a\n• b\n- c\n1. d\ne", "<p>a</p><ul><li>b</li><li>c</li><li>d</li></ul><p>e</p>"),
        ("&gt; quoted\n> *too*\nnot", "<blockquote>quoted\n<b>too</b></blockquote><p>not</p>"),
        ("a ```\nx < *y*\n``` b", "<p>a </p><pre><code>x &lt; *y*</code></pre><p> b</p>"),
        ("```never closed <b>", "<pre><code>never closed &lt;b&gt;</code></pre>"),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_blocks(text: str, expected: str) -> None:
    rendered = render_mrkdwn(text)
    check(rendered)
    assert rendered == expected


MARKS = [
    "*",
    "_",
    "~",
    "`",
    "```",
    "<",
    ">",
    "|",
    "&lt;",
    "&gt;",
    "&amp;",
    '"',
    "'",
    "\n",
    " ",
    "- ",
    ":x:",
    "@U",
]
TRAPS = [
    "<script>alert(1)</script>",
    "<javascript:alert(1)|x>",
    "http://e.example/",
    "<http://e.example|",
    "<!--",
]
TRAPS += ['<http://e.example" onclick="alert(1)|x>', "<img src=x onerror=alert(1)>", "]]>", "mailto:", "!"]
PIECES = st.sampled_from(MARKS + TRAPS)


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_nothing_in_a_text_becomes_html_of_its_own(text: str) -> None:
    check(render_mrkdwn(text))
    check(render_inline(text))
    check(render_plain(text))


@given(
    st.text(
        alphabet=st.characters(exclude_characters="&<>*_~`:-•◦.1234567890\r\0", exclude_categories=["Cs"])
    )
)
def test_text_without_marks_is_shown_as_it_is(text: str) -> None:
    assert html.unescape(check(render_inline(text))) == text


def test_plain_text_is_not_unescaped() -> None:
    assert render_plain("&lt; <b> http://a.example/?x=1&amp;y.") == (
        "&amp;lt; &lt;b&gt; "
        f'<a href="http://a.example/?x=1&amp;amp;y" {LINK}>http://a.example/?x=1&amp;amp;y</a>.'
    )


@pytest.mark.parametrize(
    "piece", ["*a", "_a ", "~ a", "`a", "<a", "``", "- ", "> ", "<http://a|", ":a", "http://", "*a b "]
)
def test_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    started = time.process_time()
    render_mrkdwn(piece * 20_000)
    # Quadratic work would take minutes.
    assert time.process_time() - started < 20
