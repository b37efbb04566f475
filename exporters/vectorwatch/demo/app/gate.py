"""Who may ask: the key in the header X-API-Key, and so many requests a minute with it."""

from __future__ import annotations

from fastapi import HTTPException, Request

from vectorwatch.instrument import track

from .keys import Caller, Keys
from .limit import RequestLimit

_HEADER = "X-API-Key"


class Gate:
    """The dependency of each route for tenants; what it refuses is a security event."""

    def __init__(self, keys: Keys, limit: RequestLimit) -> None:
        self._keys = keys
        self._limit = limit

    async def __call__(self, request: Request) -> Caller:
        """Return who asks. Raises HTTPException: 401 without a key, 429 with too many requests."""
        # Not in FastAPI's threads: the limit counts without a lock.
        key = request.headers.get(_HEADER, "")
        caller = self._keys.find(key)
        if caller is None:
            details = {
                "source_ip": request.client.host if request.client else "",
                "reason": "invalid_credentials" if key else "missing_credentials",
            }
            track.security_event("authentication_failure", outcome="failure", details=details)
            raise HTTPException(401, f"the header {_HEADER} holds no key of the file keys.json")
        if not self._limit.admit(caller.user):
            track.security_event("rate_limit_exceeded", outcome="failure", details={"user_id": caller.user})
            raise HTTPException(429, "too many requests with this key; wait", {"Retry-After": "5"})
        return caller
