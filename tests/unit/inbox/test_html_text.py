from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.html_text import strip_html


def test_blocks_become_lines_and_entities_become_characters() -> None:
    source = "<html><head><title>x</title></head><p>a &amp; <b>b</b></p><div>c<br/>d</div><ul><li>e</li></ul>"
    assert strip_html(source) == "a & b\nc\nd\ne"


def test_scripts_and_styles_are_no_text() -> None:
    source = "a<style>p { color: red }</style><SCRIPT>if (1 < 2) alert(1)</SCRIPT>b<script>never closed"
    assert strip_html(source) == "ab"


@given(st.text(alphabet="<>/ abp&;!-='\"\n", max_size=300))
def test_any_text_is_read_without_tags_left(source: str) -> None:
    assert "\n\n" not in strip_html(source)


def test_hostile_input_takes_time_in_proportion_to_its_length() -> None:
    # The standard library's parser needs minutes for these.
    for piece in ("<!--", "<a ", "<style>", "</", "<!DOCTYPE ["):
        assert isinstance(strip_html(piece * 200_000), str)
