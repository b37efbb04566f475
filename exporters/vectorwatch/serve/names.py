"""Resolve host names without threads.

The event loop resolves names in a few threads that cannot be cancelled: a dozen names behind a dead DNS
server would fill them, and every other target, and the end of the program, would wait for those.
"""

from __future__ import annotations

import ipaddress
import socket

import aiodns
from aiohttp.abc import AbstractResolver, ResolveResult


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of `host`, best first. Raises OSError; ends at once when cancelled."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    resolver = aiodns.DNSResolver()
    try:
        found = await resolver.getaddrinfo(host, port=port, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
    except aiodns.error.DNSError as error:
        raise OSError(f"{host}: {error.args[-1]}") from error
    finally:
        await resolver.close()
    return [node.addr[0].decode() for node in found.nodes]


class FreshNames(AbstractResolver):
    """Resolves for a session of aiohttp, whose own resolver keeps answers as long as the DNS server allows.

    Docker's allows ten minutes, and a container that starts again may have another address at once. (c-ares,
    below aiodns, has this cache since 1.31, and pycares has no way to switch it off.)
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return where `host` is now. Raises OSError."""
        found = [(address, _find_family(address)) for address in await resolve(host, port)]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
            )
            for address, kind in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """Do nothing: nothing is kept."""


def _find_family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
