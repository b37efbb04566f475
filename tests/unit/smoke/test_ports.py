from __future__ import annotations

import sys

import pytest

from tests.smoke.checks.ports import read_listeners

# Recorded on an x86-64 machine.
_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0000
   2: 0100007F:2382 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0000
"""
_TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000
"""

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="recorded on a little-endian machine")


def test_listening_sockets_are_found_with_their_addresses() -> None:
    assert list(read_listeners(_TCP)) == [("127.0.0.1", 9090), ("0.0.0.0", 22)]
    assert list(read_listeners(_TCP6)) == [("::", 3000), ("::1", 3001)]
