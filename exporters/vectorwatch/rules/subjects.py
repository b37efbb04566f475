"""Whom an override is about, as PromQL, and which one counts where several are about the same series."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .markers import Number
from .tuning import Override, Subject


def partition(overrides: Sequence[Override]) -> list[tuple[Subject, Mapping[str, Number]]]:
    """Return each subject with the numbers that count for it, the more general subjects first.

    More labels win over fewer, and of two with as many the later one. What two overrides are both about is
    a subject of its own, so that numbers of different thresholds meet there.
    """
    subjects: list[dict[str, str]] = []
    for override in overrides:
        own = dict(override.subject)
        for subject in [own, *({**one, **own} for one in subjects if _meet(one, own))]:
            if subject not in subjects:
                subjects.append(subject)
    ranked = sorted(
        overrides, key=lambda override: len(override.subject)
    )  # stable: the later one stays later
    return [
        (
            subject,
            {one.threshold: one.value for one in ranked if one.subject.items() <= subject.items()},
        )
        for subject in sorted(subjects, key=len)
    ]


def match(subject: Subject) -> str:
    """Return the right side of `and` or `unless` that picks the series of `subject`."""
    vector = "vector(0)"
    for label, value in subject.items():
        # `$` would name a part of a match.
        text = json.dumps(value.replace("$", "$$"), ensure_ascii=False)
        vector = f'label_replace({vector}, "{label}", {text}, "", "")'
    return f"on ({', '.join(subject)}) {vector}"


def _meet(one: Subject, other: Subject) -> bool:
    return all(other.get(label, value) == value for label, value in one.items())
