"""A server that sends what it likes for as long as it likes, byte by byte if need be, and counts it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Wire:
    """What the server sent; ``url`` is where it is asked."""

    url: str = ""
    sent: int = 0
    asked: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


Script = Callable[[], Iterator[tuple[bytes, float]]]
"""Pieces of an answer, each with the seconds of silence before it."""


@contextmanager
def wire(script: Script) -> Iterator[Wire]:
    """The server in threads, gone at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    seen = Wire(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(1 << 16)
                seen.asked += 1
                for piece, silence in script():
                    if seen.stop.wait(silence) if silence else seen.stop.is_set():
                        return
                    connection.sendall(piece)
                    seen.sent += len(piece)
            except OSError:
                pass  # the client has gone, as it should

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield seen
    finally:
        seen.stop.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def trickled(data: bytes, silence: float) -> Script:
    """Byte by byte."""
    return lambda: ((data[n : n + 1], silence) for n in range(len(data)))


def endless(head: bytes, piece: bytes) -> Script:
    """``head``, then ``piece`` again and again."""

    def pieces() -> Iterator[tuple[bytes, float]]:
        yield head, 0.0
        while True:
            yield piece, 0.0

    return pieces


def at_once(data: bytes) -> Script:
    """All of it."""
    return lambda: iter([(data, 0.0)])


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start
