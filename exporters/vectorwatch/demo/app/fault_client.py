"""The faults of a running demo service, from the command line."""

from __future__ import annotations

from typing import Any

import httpx

from vectorwatch.errors import VectorwatchError

_TIMEOUT_SECONDS = 10.0


class FaultClient:
    """Calls `/demo/faults` at `url`; every method raises VectorwatchError with one clear line."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def describe(self) -> list[str]:
        """Return one line for each fault, those that are on marked with the seconds that are left."""
        found = self._call("GET", "")
        on = found["on"]
        return [
            f"{name:<24}{'on, ' + format(on[name], '.0f') + ' s left' if name in on else '':<16}{what}"
            for name, what in sorted(found["known"].items())
        ]

    def begin(self, name: str, seconds: float) -> str:
        """Switch a fault on and say what it does."""
        done = self._call("POST", f"/{name}?seconds={seconds:g}")
        return f"{name} is on for {done['seconds']:g} s: {done['what']}"

    def end(self, name: str) -> str:
        """Switch a fault off."""
        self._call("DELETE", f"/{name}")
        return f"{name} is off"

    def _call(self, method: str, path: str) -> Any:
        address = f"{self._url}/demo/faults{path}"
        try:
            answer = httpx.request(method, address, timeout=_TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError as error:
            raise VectorwatchError(
                f"demo-app: {self._url} does not answer ({type(error).__name__}); give its address with --url"
            ) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"status {answer.status_code}"
        if detail == "Not Found":
            detail = "it takes no faults; start it with --demo-faults"
        raise VectorwatchError(f"demo-app: {detail}")
