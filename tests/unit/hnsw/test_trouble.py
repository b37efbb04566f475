from __future__ import annotations

import json

import pytest

from vectorwatch.errors import Reason, TargetError
from vectorwatch.hnsw.trouble import NoVectorsError, Trouble, classify, reason_of
from vectorwatch.serve.http_client import StatusError


def refusal(status: int, text: str) -> StatusError:
    content = json.dumps({"status": {"error": text}, "time": 0.0001}).encode()
    reason = Reason.AUTH if status in (401, 403) else Reason.HTTP_STATUS
    return StatusError(reason, "points/query", status, content)


EXACT = "Exact search disabled!. Help: Set exact=false."
EF = 'Limit exceeded 512 > 128 for "hnsw_ef". Help: Reduce the "hnsw_ef" parameter to or below 128.'


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(refusal(400, f"Bad request: {EXACT}"), Trouble.STRICT_MODE, id="strict mode of 1.15"),
        pytest.param(refusal(403, f"Forbidden: {EXACT}"), Trouble.STRICT_MODE, id="strict mode of 1.14"),
        pytest.param(refusal(400, f"Bad request: {EF}"), Trouble.STRICT_MODE, id="ef above the limit"),
        pytest.param(
            refusal(400, "Wrong input: Vector dimension error"), Trouble.HTTP_STATUS, id="bad request"
        ),
        pytest.param(
            refusal(403, "Forbidden: Access to collection docs"), Trouble.AUTH, id="a token's scope"
        ),
        pytest.param(
            StatusError(Reason.AUTH, "p", 401, b"Invalid API key or JWT"), Trouble.AUTH, id="wrong API key"
        ),
        pytest.param(refusal(404, "Not found: Collection"), Trouble.NOT_FOUND, id="deleted"),
        pytest.param(refusal(408, "Timeout"), Trouble.TIMEOUT, id="the server gave up"),
        pytest.param(refusal(429, "Rate limiting exceeded"), Trouble.RATE_LIMITED, id="rate limit"),
        pytest.param(refusal(503, "Service Unavailable"), Trouble.HTTP_STATUS, id="overload"),
        pytest.param(TargetError(Reason.TIMEOUT, "p"), Trouble.TIMEOUT, id="timeout"),
        pytest.param(TargetError(Reason.CONNECT, "p"), Trouble.CONNECT, id="refused connection"),
        pytest.param(TargetError(Reason.TLS, "p"), Trouble.TLS, id="untrusted certificate"),
        pytest.param(TargetError(Reason.DECODE, "p"), Trouble.DECODE, id="HTML"),
        pytest.param(NoVectorsError("p"), Trouble.NO_VECTORS, id="no vectors"),
    ],
)
def test_each_failure_has_its_reason(error: TargetError, expected: Trouble) -> None:
    assert classify(error) is expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_the_kernel_is_classified(reason: Reason) -> None:
    assert classify(TargetError(reason, "p")) in Trouble


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_reason_of_the_kernel(trouble: Trouble) -> None:
    assert reason_of(trouble) in Reason


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"status":"ok"}', b"<html>. Help: </html>", b"\xff"]
)
def test_a_refusal_without_an_envelope_is_no_strict_mode(content: bytes) -> None:
    assert classify(StatusError(Reason.HTTP_STATUS, "p", 400, content)) is Trouble.HTTP_STATUS
