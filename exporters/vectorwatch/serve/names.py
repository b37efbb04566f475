"""Resolve host names without threads.

The event loop resolves names in a few threads that cannot be cancelled: a dozen names behind a dead DNS
server would fill them, and every other target, and the end of the program, would wait for those.
"""

from __future__ import annotations

import ipaddress
import socket

import aiodns


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
