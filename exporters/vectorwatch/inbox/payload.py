"""JSON bodies of requests."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from .notification import RefusalReason, RefusedError

# The same content is written and read again in places that need some of Python's recursion limit themselves.
_SPARE_LEVELS = 100


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`; raise RefusedError with one sentence for anything else."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        _try_to_write(value)
    except UnicodeDecodeError:
        raise RefusedError(RefusalReason.NOT_JSON, "The body is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(RefusalReason.NOT_JSON, f"The body is not JSON: {error.msg} at {where}.") from None
    except ValueError:
        raise RefusedError(RefusalReason.NOT_JSON, "The body holds a number that JSON cannot hold.") from None
    except RecursionError:
        raise RefusedError(RefusalReason.NOT_JSON, "The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise wrong_shape("The body must be a JSON object")
    return value


def wrong_shape(sentence: str) -> RefusedError:
    """Return the refusal of JSON that is not what this address takes."""
    return RefusedError(RefusalReason.WRONG_SHAPE, f"{sentence}.")


def _try_to_write(value: Any) -> None:
    """Raise ValueError for 1e999, which becomes infinite, and RecursionError for what nests too deeply."""
    for _ in range(_SPARE_LEVELS):
        value = [value]
    json.dumps(value, allow_nan=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
