"""Write metric families as Prometheus text or OpenMetrics.

prometheus_client writes its own registries. Rows are written here: for 10,000 OpenMetrics series the library
takes about ten times as long (`make bench`, row "10,000 series"), and that time is spent on every scrape.
Tests parse what is written here with the library's parsers and compare it with what the library writes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from .metric import Family, Kind, Labels

EOF_LINE = b"# EOF\n"


def wants_openmetrics(accept: str) -> bool:
    """Tell whether an `Accept` header asks for OpenMetrics 1.x (Prometheus lists it first)."""
    return any(part.split(";")[0].strip() == "application/openmetrics-text" for part in accept.split(","))


def content_type(use_openmetrics: bool) -> str:
    """Return the media type of what `render` writes."""
    return openmetrics.CONTENT_TYPE_LATEST if use_openmetrics else CONTENT_TYPE_PLAIN_0_0_4


def render(
    families: Iterable[Family], registries: Iterable[CollectorRegistry], *, use_openmetrics: bool
) -> bytes:
    """Return one exposition of `families`, then of `registries`.

    Metric names must not repeat between them: a second `# TYPE` of a name is invalid in OpenMetrics.
    """
    parts = [_render_family(family, use_openmetrics).encode() for family in families]
    write = openmetrics.generate_latest if use_openmetrics else generate_latest
    parts.extend(write(registry).removesuffix(EOF_LINE) for registry in registries)
    if use_openmetrics:
        parts.append(EOF_LINE)
    return b"".join(parts)


def _render_family(family: Family, use_openmetrics: bool) -> str:
    name = family.name
    # OpenMetrics names the counter family without its suffix.
    title = name.removesuffix("_total") if use_openmetrics and family.kind is Kind.COUNTER else name
    help_text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    if use_openmetrics:
        help_text = help_text.replace('"', '\\"')
    lines = [f"# HELP {title} {help_text}", f"# TYPE {title} {family.kind.value}"]
    prefix = [f'{label}="' for label in family.labels]
    lines.extend(
        f"{name}{_render_labels(prefix, labels)} {_render_number(number)}"
        for labels, number in family.samples
    )
    lines.append("")
    return "\n".join(lines)


def _render_labels(prefix: list[str], labels: Labels) -> str:
    if not prefix:
        return ""
    pairs = [f'{start}{_escape(label)}"' for start, label in zip(prefix, labels, strict=True)]
    return "{" + ",".join(pairs) + "}"


def _escape(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    if "\n" in text:
        text = text.replace("\n", "\\n")
    # A lone surrogate cannot be written as UTF-8 and would lose the whole scrape.
    return text if text.isascii() else text.encode(errors="replace").decode()


def _render_number(number: float) -> str:
    if isinstance(number, int):
        return str(int(number))
    if math.isfinite(number):
        return repr(number)
    if math.isnan(number):
        return "NaN"
    return "+Inf" if number > 0 else "-Inf"
