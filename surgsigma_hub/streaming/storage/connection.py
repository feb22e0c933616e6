"""Connections whose every wait has an end, and answers of which no byte more is read than was asked for."""

from __future__ import annotations

import http.client
import io
import socket
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .deadline import within

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class LongAnswerError(Exception):
    """An answer with more bytes than were asked for, which are not read."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes.

    Attributes:
        origin: Scheme, host and port.
        path: Path and query.
    """

    origin: Origin
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """From a URL; ValueError where it is none that can be asked."""
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("no host")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        path = parts.path or "/"
        return cls((parts.scheme, parts.hostname, port), f"{path}?{parts.query}" if parts.query else path)


def host_and_port(host: str, port: int) -> str:
    """As a URL has them; addresses of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    """A connection, through the proxy that the environment names for this host."""
    proxy = find_proxy(scheme, host, port)
    to = proxy[0] if proxy else host_and_port(host, port)
    if scheme != "https":
        return http.client.HTTPConnection(to)
    import ssl

    connection = http.client.HTTPSConnection(to, context=ssl.create_default_context())
    if proxy:
        connection.set_tunnel(host, port, headers=proxy[1])
    return connection


def find_proxy(scheme: str, host: str, port: int) -> tuple[str, dict[str, str]] | None:
    """Address of the proxy and what it is told, from ``https_proxy``, ``http_proxy`` and ``no_proxy``."""
    found = getproxies().get(scheme)
    if not found or proxy_bypass(host_and_port(host, port)):
        return None
    parts = urlsplit(found if "://" in found else f"http://{found}")
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    headers = {"Proxy-Authorization": "Basic " + b64encode(user.encode()).decode()} if user else {}
    return parts.netloc.rpartition("@")[2], headers


class _ClockedReader(io.RawIOBase):
    """The bytes of a socket; no wait for some lasts longer than ``timeout``, and none goes beyond ``until``."""

    def __init__(self, sock: Any, timeout: float, until: float) -> None:
        super().__init__()
        self._sock, self._timeout, self._until = sock, timeout, until
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open when the connection lets go of it

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_patience(self._timeout, self._until))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Source:
    """Stands for a socket towards ``http.client.HTTPResponse``, which wants a file of it and nothing else."""

    sock: Any
    timeout: float
    until: float

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_ClockedReader(self.sock, self.timeout, self.until))


def _patience(timeout: float, until: float) -> float:
    """Seconds to wait for the next bytes."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer was not whole in time")
    return min(timeout, left)


def set_clock(connection: http.client.HTTPConnection, timeout: float, until: float) -> None:
    """Bound resolving, connecting, sending and every wait for an answer, that of a proxy too."""
    connection.timeout = _patience(timeout, until)
    if connection.sock is not None:
        connection.sock.settimeout(connection.timeout)

    def response(sock: Any, *arguments: Any, **named: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_Source(sock, timeout, until), *arguments, **named)  # type: ignore[arg-type]

    def connected(address: tuple[str, int], *_: Any) -> socket.socket:
        return open_socket(*address, timeout, until)

    connection.response_class = response  # type: ignore[assignment]
    # http.client has no other place for it: its own resolves without a clock, and gives each address the whole timeout.
    connection._create_connection = connected  # type: ignore[attr-defined]


def open_socket(host: str, port: int, timeout: float, until: float) -> socket.socket:
    """A connected socket: to the first of a host's addresses that answers, all of them within the clock.

    Raises:
        OSError: none of them does, or the host has none.
    """
    failed: OSError = OSError(f"{host!r} has no address")
    for family, kind, protocol, _, address in within(_patience(timeout, until), lambda: _addresses(host, port)):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_patience(timeout, until))
            sock.connect(address)
            return sock
        except OSError as error:
            failed = error
            sock.close()
    raise failed


def _addresses(host: str, port: int) -> list[Any]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def read_body(response: http.client.HTTPResponse, most: int) -> bytes:
    """The content of an answer; nothing of one that says that it is longer than ``most``."""
    if response.length is not None:
        if response.length > most:
            raise LongAnswerError
        return response.read()
    parts: list[bytes] = []
    left = most + 1
    while left and (part := response.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    if not left:
        raise LongAnswerError
    return b"".join(parts)
