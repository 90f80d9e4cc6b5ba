"""A TCP proxy for tests: hears what is said in both directions, and cuts connections where it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16


@dataclass(slots=True)
class Proxy:
    """A proxy at work. ``asked`` and ``answered`` hold every octet of all connections so far."""

    target: int
    limit: Callable[[], int | None]
    port: int = 0
    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)
    cuts: int = 0

    def serve(self, listener: socket.socket) -> None:
        """Serve one connection after the other until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with socket.create_connection((LOOPBACK, self.target), timeout=30) as server:
            server.settimeout(None)
            asking = threading.Thread(target=self._ask, args=(client, server), daemon=True)
            asking.start()
            try:
                self._answer(client, server)
            finally:
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                asking.join()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while heard := client.recv(_CHUNK):
                self.asked += heard
                server.sendall(heard)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        left = self.limit()
        while left is None or left > 0:
            heard = server.recv(_CHUNK if left is None else min(_CHUNK, left))
            if not heard:
                return
            self.answered += heard
            client.sendall(heard)
            left = None if left is None else left - len(heard)
        self.cuts += 1


@contextlib.contextmanager
def proxied(target: int, limit: Callable[[], int | None] = lambda: None) -> Iterator[Proxy]:
    """Yield a proxy of a port on loopback.

    ``limit`` is asked at every new connection how many octets of answers it lets through before it cuts; None
    cuts never.
    """
    with socket.create_server((LOOPBACK, 0)) as listener:
        proxy = Proxy(target, limit, listener.getsockname()[1])
        serving = threading.Thread(target=proxy.serve, args=(listener,), daemon=True)
        serving.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        serving.join(30)
    assert not serving.is_alive(), "a connection through the proxy was left open"
