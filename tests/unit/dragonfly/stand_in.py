"""A stand-in that plays recorded answers over a real socket, and a TLS front for a server without TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from vectorwatch.dragonfly.resp import parse_reply

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = sorted(path.parent.name for path in FIXTURES.glob("*/info-all.txt"))
# `[id, unix seconds, microseconds, command, client, name]`
SLOWLOG_ENTRY = (
    b"*1\r\n*6\r\n:14\r\n:1754520900\r\n:23811\r\n*2\r\n$4\r\nKEYS\r\n$9\r\nsession:*\r\n"
    b"$16\r\n172.19.0.5:40112\r\n$0\r\n\r\n"
)


def info_of(folder: str) -> str:
    return (FIXTURES / folder / "info-all.txt").read_text().replace("\n", "\r\n")


def bulk(text: str) -> bytes:
    encoded = text.encode()
    return b"$%d\r\n%b\r\n" % (len(encoded), encoded)


def answers(info: bytes, **others: bytes) -> dict[str, bytes]:
    """Return the answers of a healthy server, with some replaced."""
    healthy = {
        "PING": b"+PONG\r\n",
        "INFO ALL": info,
        "SLOWLOG LEN": b":3\r\n",
        "SLOWLOG GET 1": SLOWLOG_ENTRY,
        "AUTH": b"-ERR AUTH <password> called without any password configured\r\n",
    }
    return healthy | {name.replace("_", " "): answer for name, answer in others.items()}


class Player:
    """Answers commands from a table; `received` keeps them and `connections` counts who came."""

    def __init__(self, table: Mapping[str, bytes], exchanges: int, path: Path | None, drip: bool) -> None:
        self.table = dict(table)
        self.received: list[str] = []
        self.connections = 0
        self._exchanges = exchanges
        self._drip = drip
        self._sockets: list[socket.socket] = []
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = int(self._listener.getsockname()[1])
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        for opened in (self._listener, *self._sockets):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            for _ in range(self._exchanges):
                data = bytearray(connection.recv(65536))
                if not data:
                    return
                replies = b"".join(self._replies(data))
                size = 1 if self._drip else len(replies)
                for start in range(0, len(replies), size or 1):
                    connection.sendall(replies[start : start + size])

    def _replies(self, data: bytearray) -> Iterator[bytes]:
        position = 0
        while (parsed := parse_reply(data, position)) is not None:
            words, position = parsed
            assert isinstance(words, list)
            command = b" ".join(word for word in words if isinstance(word, bytes)).decode()
            self.received.append(command)
            yield self.table.get(command, self.table.get(command.split()[0], b"-ERR unknown command\r\n"))


@contextmanager
def playing(
    table: Mapping[str, bytes], exchanges: int = 1_000_000, path: Path | None = None, drip: bool = False
) -> Iterator[Player]:
    """Play until the end; hang up after `exchanges`, listen at `path`, send single bytes with `drip`."""
    player = Player(table, exchanges, path, drip)
    threading.Thread(target=player.serve, daemon=True).start()
    try:
        yield player
    finally:
        player.close()


@contextmanager
def tls_front(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Serve TLS on a free port and pass the plain bytes on to `port`: the wheel's Valkey has no TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def handle(plain: socket.socket) -> None:
        with (
            suppress(OSError),
            plain,
            socket.create_connection(("127.0.0.1", port)) as back,
            context.wrap_socket(plain, server_side=True) as front,
        ):
            threading.Thread(target=pump, args=(back, front), daemon=True).start()
            pump(front, back)

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
