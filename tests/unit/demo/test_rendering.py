from __future__ import annotations

import pytest

from vectorwatch.demo.ports import DEFAULT_PORTS
from vectorwatch.demo.rendering import parse_yaml, replace_addresses
from vectorwatch.errors import VectorwatchError

PORTS = {service: 20_001 + place for place, service in enumerate(DEFAULT_PORTS)}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("qdrant:6333", f"127.0.0.1:{PORTS['qdrant']}"),
        ("http://inbox:9446/slack", f"http://127.0.0.1:{PORTS['inbox']}/slack"),
        ("smarthost: inbox:1025", f"smarthost: 127.0.0.1:{PORTS['inbox-smtp']}"),
        ("qdrant-exporter:9441", f"127.0.0.1:{PORTS['qdrant-exporter']}"),
        ("my-qdrant:6333", "my-qdrant:6333"),
        ("qdrant.example.net:6333", "qdrant.example.net:6333"),
        ("eu.qdrant:6333", "eu.qdrant:6333"),
        ("qdrant:63333", "qdrant:63333"),
        ("qdrant:7333", "qdrant:7333"),
    ],
)
def test_only_whole_addresses_of_the_stack_are_replaced(text: str, rendered: str) -> None:
    assert replace_addresses(text, PORTS) == rendered


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a:\n  - [b\n", "demo: x.yml, line 3 is no YAML"), (b"a: \xff", "demo: x.yml is no YAML")],
)
def test_what_is_no_yaml_is_named_with_its_line(content: bytes, words: str) -> None:
    with pytest.raises(VectorwatchError) as raised:
        parse_yaml(content, "x.yml")
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)
