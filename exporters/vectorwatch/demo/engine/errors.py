"""Refusals with Qdrant's status codes and wording.

Refusal               one HTTP status and the sentence that stands in `status.error`
├── NotFound          404
├── AlreadyExists     409
├── WrongInput        400, a value that does not fit the collection
├── BadRequest        400, strict mode or something that this stand-in does not offer
├── BadBody           400, not JSON or of the wrong type
├── BadValue          422, right type, impossible value
├── RateLimited       429, with `Retry-After`
└── EngineFault       500, the engine failed

Wording after `lib/storage/src/content_manager/errors.rs` and `src/actix/mod.rs` of Qdrant 1.19.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from vectorwatch.errors import VectorwatchError


class Refusal(VectorwatchError):  # noqa: N818 - the name says what it is
    """A request that is answered with an error."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    prefix = ""

    def __init__(self, description: str) -> None:
        super().__init__(self.prefix + description)

    @property
    def headers(self) -> dict[str, str]:
        return {}


class NotFound(Refusal):
    status = HTTPStatus.NOT_FOUND
    prefix = "Not found: "


class AlreadyExists(Refusal):
    status = HTTPStatus.CONFLICT
    prefix = "Wrong input: "


class WrongInput(Refusal):
    status = HTTPStatus.BAD_REQUEST
    prefix = "Wrong input: "


class BadRequest(Refusal):
    status = HTTPStatus.BAD_REQUEST
    prefix = "Bad request: "


class BadBody(Refusal):
    status = HTTPStatus.BAD_REQUEST
    prefix = "Format error in JSON body: "


class BadValue(Refusal):
    """`where` is `JSON body` or `path parameters`; `field` the name of the value in it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, field: str, problem: str, where: str = "JSON body") -> None:
        super().__init__(f"Validation error in {where}: [{field}: {problem}]")


class RateLimited(Refusal):
    status = HTTPStatus.TOO_MANY_REQUESTS
    prefix = "Rate limiting exceeded: "

    def __init__(self, description: str, retry_after_seconds: float | None) -> None:
        super().__init__(description)
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        if self.retry_after_seconds is None:
            return {}
        return {"Retry-After": str(math.ceil(self.retry_after_seconds))}


class EngineFault(Refusal):
    prefix = "Service internal error: "


_FAULTS = ("Service runtime error", "Inconsistent storage", "Storage file", "Out of memory", "Timeout")


def translate_engine_error(error: BaseException) -> Refusal:
    """Return the refusal for what the engine raised; it raises plain exceptions told apart by text only."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if text.startswith("No point with id"):
        return NotFound(f"{text} found")
    if isinstance(error, Exception) and not text.startswith(_FAULTS):
        return WrongInput(text)
    return EngineFault(text)


Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def from_engine(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Let `function`, which calls the engine, raise nothing but refusals."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return function(*args, **kwargs)
        except Refusal:
            raise
        except Exception as error:
            raise translate_engine_error(error) from error
        except BaseException as error:
            # A Rust panic is no Exception, yet it must not end the server.
            if type(error).__name__ == "PanicException":
                raise translate_engine_error(error) from error
            raise

    return call
