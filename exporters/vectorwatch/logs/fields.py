"""Read fields of a decoded JSON answer: absent is None, another type is an error."""

from __future__ import annotations

from typing import Any

from vectorwatch.errors import Reason, TargetError


def object_at(answer: Any, *path: str) -> dict[str, Any]:
    """Return the object at `path`; empty when it, or what it is in, is absent. Raises TargetError(decode)."""
    found = _value_at(answer, *path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TargetError(Reason.DECODE, f"`{'.'.join(path) or 'answer'}` is not an object")
    return found


def list_at(answer: Any, *path: str) -> list[Any]:
    """Return the list at `path`; empty when absent. Raises TargetError(decode)."""
    found = _value_at(answer, *path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise TargetError(Reason.DECODE, f"`{'.'.join(path)}` is not a list")
    return found


def number_at(answer: Any, *path: str) -> float | None:
    """Return the number at `path`, or None when absent. Raises TargetError(decode)."""
    found = _value_at(answer, *path)
    if found is not None and (not isinstance(found, int | float) or isinstance(found, bool)):
        raise TargetError(Reason.DECODE, f"`{'.'.join(path)}` is not a number")
    return found


def text_at(answer: Any, *path: str) -> str | None:
    """Return the text at `path`, or None when absent. Raises TargetError(decode)."""
    found = _value_at(answer, *path)
    if found is not None and not isinstance(found, str):
        raise TargetError(Reason.DECODE, f"`{'.'.join(path)}` is not a text")
    return found


def seconds_at(answer: Any, *path: str) -> float | None:
    """Return the milliseconds at `path` in seconds, or None when absent. Raises TargetError(decode)."""
    milliseconds = number_at(answer, *path)
    return None if milliseconds is None else milliseconds / 1000


def numbers_at(
    answer: Any, *path: str, names: dict[str, str], absent: float | None = None
) -> dict[tuple[str, ...], float]:
    """Return the numbers of the object at `path` by label; `names` gives the label of each key.

    One that is absent is left out, or is `absent`. Raises TargetError(decode).
    """
    found = object_at(answer, *path)
    numbers = {label: number_at(found, key) for key, label in names.items()}
    numbers = {label: absent if number is None else number for label, number in numbers.items()}
    return {(label,): number for label, number in numbers.items() if number is not None}


def _value_at(answer: Any, *path: str) -> Any:
    found = answer
    for depth, key in enumerate(path):
        if found is None:
            return None
        if not isinstance(found, dict):
            raise TargetError(Reason.DECODE, f"`{'.'.join(path[:depth]) or 'answer'}` is not an object")
        found = found.get(key)
    return found
