"""A server that says what a test wants, byte by byte, over http or https: slowly, too much, or to somewhere else."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import parse_headers
from pathlib import Path

import trustme


@dataclass
class Asked:
    """One request; header names are in small letters."""

    path: str
    headers: dict[str, str]


@dataclass
class Strange:
    """A running server.

    Attributes:
        asked: Its requests, in order.
        sent: Bytes that it could get rid of.
        closing: The test has ended.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    closing: threading.Event = field(default_factory=threading.Event)


Answer = Callable[[Asked, Callable[[bytes], None], Strange], None]
"""Gets a request and what sends bytes; the connection ends when it returns."""


@contextmanager
def strange(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Strange]:
    """A server on a free port of this machine; each connection gets one answer."""
    made = Strange()

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            line = self.rfile.readline().decode()
            headers = {name.lower(): value for name, value in parse_headers(self.rfile).items()}
            asked = Asked(line.split(" ")[1], headers)
            made.asked.append(asked)

            def send(data: bytes) -> None:
                self.connection.sendall(data)
                made.sent += len(data)

            with contextlib.suppress(OSError):  # whoever asked has gone
                answer(asked, send, made)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        made.url = f"{'http' if tls is None else 'https'}://localhost:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()


def head(status: int = 200, *lines: str, length: int | None = None) -> bytes:
    """The head of an answer."""
    more = [*lines, *([f"Content-Length: {length}"] if length is not None else []), "Connection: close"]
    return "\r\n".join([f"HTTP/1.1 {status} Strange", *more, "", ""]).encode("latin-1")


def whole(data: bytes, *lines: str, status: int = 200) -> bytes:
    """An honest answer."""
    return head(status, *lines, length=len(data)) + data


def drip(data: bytes, send: Callable[[bytes], None], server: Strange, *, seconds: float = 0.05) -> None:
    """One byte after the other, again and again, until nobody listens."""
    while not server.closing.is_set():
        for n in range(len(data)):
            send(data[n : n + 1])
            if server.closing.wait(seconds):
                return


def flood(send: Callable[[bytes], None], server: Strange, *, chunked: bool) -> None:
    """Bytes as fast as they go, until nobody listens or a gigabyte is out."""
    block = bytes(1 << 16)
    piece = b"10000\r\n" + block + b"\r\n" if chunked else block
    while not server.closing.is_set() and server.sent < 1 << 30:
        send(piece)


@dataclass(frozen=True)
class Trusted:
    """An authority for ``localhost``: what a server shows, and a file for the variable ``SSL_CERT_FILE``."""

    context: ssl.SSLContext
    file: Path


def trusted(folder: Path) -> Trusted:
    """A fresh one."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return Trusted(context, file)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
