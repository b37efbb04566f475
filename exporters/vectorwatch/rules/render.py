"""One file of rules with a user's numbers in it.

Where only numbers and links change, the text stays as it is. Where an alert gets another form, its file is
written anew from its data: comments around the rules are lost there, those within expressions stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from .dashboard_links import point_links
from .markers import find_markers, put_numbers
from .subjects import match, partition
from .tuning import Change, Override, Tuning

_HEADER = "# Written by `vectorwatch rules render` from the file of this name in prometheus/rules/.\n"


def render(text: str, tuning: Tuning, grafana: str = "") -> str:
    """Return a file of rules as `tuning` wants it, with links to the dashboards at the address `grafana`.

    All else is unchanged.
    """
    rendered = point_links(put_numbers(text, tuning.values), grafana)
    document = yaml.safe_load(rendered)
    before = yaml.safe_load(rendered)
    for group in document["groups"]:
        group["rules"] = [
            _override(_change(rule, tuning.changes), tuning.overrides)
            for rule in group["rules"] or ()
            if not _is_off(rule, tuning.changes)
        ]
    return rendered if document == before else _HEADER + dump(document)


def compose(expression: str, overrides: Sequence[Override]) -> str:
    """Return an expression in which other numbers count for the subjects of `overrides`.

    Each series is judged by exactly one of the parts, whatever the expression does.
    """
    parts = partition(overrides)
    subjects = [subject for subject, _ in parts]
    widest = [one for one in subjects if not any(other.items() < one.items() for other in subjects)]
    whole = [_except(_enclose(expression), widest)]
    whole += [
        _except(
            f"{_enclose(put_numbers(expression, numbers))}\nand {match(subject)}",
            [one for one in subjects if subject.items() < one.items()],
        )
        for subject, numbers in parts
    ]
    return "\nor\n".join(map(_enclose, whole)) + "\n"


def _enclose(expression: str) -> str:
    # On lines of its own: it may end in a comment.
    return f"(\n{expression.strip()}\n)"


def _except(expression: str, subjects: Sequence[Mapping[str, str]]) -> str:
    return "\n".join([expression, *(f"unless {match(subject)}" for subject in subjects)])


def _is_off(rule: Mapping[str, Any], changes: Mapping[str, Change]) -> bool:
    return rule.get("alert") in changes and bool(changes[rule["alert"]].because)


def _change(rule: Mapping[str, Any], changes: Mapping[str, Change]) -> dict[str, Any]:
    change = changes.get(rule.get("alert", ""), Change())
    changed = {**rule, **change.fields}
    if change.severity:
        changed["labels"] = {**rule.get("labels", {}), "severity": change.severity}
    return changed


def _override(rule: dict[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    marked = {name for name, _ in find_markers(str(rule["expr"]))}
    own = [override for override in overrides if override.threshold in marked]
    return {**rule, "expr": compose(rule["expr"], own)} if own else rule


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such, and repeats what an alias stood for."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def dump(document: Any) -> str:
    """Return rules as YAML that a person can read."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
