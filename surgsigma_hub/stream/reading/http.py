"""Byte ranges over HTTP: connections that are used again, and every answer checked before a byte of it is believed."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from ...errors import ShardError, SurgSigmaError
from .answer import Answer, TransientError

_REDIRECTS = (301, 302, 303, 307, 308)
_RETRY = (408, 425, 429, 500, 502, 503, 504)
_KEEP_REDIRECT = 2700.0  # seconds; signed addresses live for about an hour, and a refused one is asked for anew
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class HttpFiles:
    """Files below a URL. Threads may share it; what one has done with a connection, the next one goes on with.

    Args:
        base: URL that ends in a slash.
        headers: Sent to the host of ``base`` and to no other that it redirects to.
        timeout: Seconds without a byte after which a request is given up.
    """

    def __init__(self, base: str, *, headers: Mapping[str, str] | None = None, timeout: float = 20.0) -> None:
        self._base, self._headers, self._timeout = base, dict(headers or {}), timeout
        self._host = urlsplit(base).netloc
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._moved: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def read(self, place: str, start: int | None = None, end: int | None = None) -> Answer:
        """Bytes ``start`` to ``end`` (exclusive) of a file, all of it, or with a negative ``start`` its end.

        Raises:
            TransientError: no answer, a cut or stalled one, one for another range, or a server that is busy.
            ShardError: the file is not there or not to be had.
        """
        url = self._base + quote(place)
        headers = {"Accept-Encoding": "identity", "User-Agent": "surgsigma-hub"}
        if start is not None:
            headers["Range"] = f"bytes={start}" if start < 0 else f"bytes={start}-{end - 1 if end is not None else ''}"
        status, found, data = self._get(url, place, headers, whole=start is None or start < 0)
        if status in _RETRY:
            raise TransientError(f"status {status}", _wait(found.get("retry-after", "")), busy=True)
        if status in (401, 403):
            raise SurgSigmaError(
                f"{place}: the server refuses access (status {status})", hint="Log in or ask for access."
            )
        if status == 404:
            raise ShardError(f"{place}: is not there (status 404)", hint="The tree was published in part, or moved.")
        if start is not None and status == 416:
            raise ShardError(f"{place}: ends before byte {start}: it is not the file that the manifest describes")
        if found.get("content-encoding", "identity") != "identity":
            raise SurgSigmaError(f"{place}: the server sends it compressed, so that its bytes cannot be counted")
        if status == 200 and (start is None or start < 0):
            return Answer(data, found.get("etag", ""), len(data))
        if status != 206 or start is None:
            if status == 200:
                raise SurgSigmaError(
                    f"{place}: the server does not answer requests for a range of bytes", hint="Use another server."
                )
            raise ShardError(f"{place}: unexpected answer of the server (status {status})")
        return self._ranged(place, start, end, found, data)

    def _ranged(self, place: str, start: int, end: int | None, found: Mapping[str, str], data: bytes) -> Answer:
        """The answer to a request for a range, if it is that range."""
        told = found.get("content-range", "no range")
        span = _RANGE.fullmatch(told)
        total = int(span[3]) if span and span[3].isdigit() else -1
        if start < 0 or end is None:
            start, end = max(0, total + start) if start < 0 else start, total
        if 0 <= total < end:
            raise ShardError(
                f"{place}: holds {total} bytes, so bytes {start}-{end} are not there",
                hint="It was changed since the manifest was written, or published in part.",
            )
        if not span or (int(span[1]), int(span[2]) + 1) != (start, end):
            raise TransientError(f"asked for bytes {start}-{end}, got {told}")
        if len(data) != end - start:
            raise TransientError(f"got {len(data)} of {end - start} bytes")
        return Answer(data, f"{found.get('etag', '')} {span[3]}".strip(), total)

    def close(self) -> None:
        """Close all connections; a request that waits for its answer ends with a ``TransientError``."""
        with self._lock:
            idle, self._idle = self._idle, {}
            busy = list(self._busy)
        for connection in (c for stack in idle.values() for c in stack):
            connection.close()
        for connection in busy:
            with contextlib.suppress(OSError):
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _get(self, url: str, place: str, headers: dict[str, str], *, whole: bool) -> tuple[int, dict[str, str], bytes]:
        moved = self._moved.get(url)
        at = moved[0] if moved and moved[1] > time.monotonic() else url
        for _ in range(6):
            status, found, data = self._once(at, headers, whole=whole)
            if status in _REDIRECTS and "location" in found:
                at = urljoin(at, found["location"])
                self._moved[url] = (at, time.monotonic() + _KEEP_REDIRECT)
            elif status in (401, 403) and at != url and moved:
                moved, at = None, url  # a signed address that has run out
            else:
                return status, found, data
        raise SurgSigmaError(f"{place}: redirected without end")

    def _once(self, url: str, headers: dict[str, str], *, whole: bool) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        sent = {**headers, **self._headers} if parts.netloc == self._host else headers
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        proxy = _proxy(parts.scheme, parts.netloc) if parts.scheme == "http" else None
        if proxy:
            path, sent = f"http://{parts.netloc}{path}", {**sent, **proxy[1]}
        key = (parts.scheme, parts.netloc)
        while True:
            connection, used = self._take(key)
            answered = False
            try:
                connection.request("GET", path, headers=sent)
                response = connection.getresponse()
                answered = True
                found = {name.lower(): value for name, value in response.getheaders()}
                if response.status == 200 and not whole:
                    self._give(key, connection, again=False)  # a whole shard that nobody asked for is not waited for
                    return response.status, found, b""
                data = response.read()
                expected = found.get("content-length")
                if expected is not None and len(data) != int(expected):
                    raise http.client.IncompleteRead(data)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._give(key, connection, again=False)  # the rest of this answer must not be taken for the next one
                if used and not answered and isinstance(error, ConnectionError):
                    continue  # the server had closed a connection that nobody used; that is no fault
                raise TransientError(f"{type(error).__name__}: {str(error)[:120]}") from None
            except BaseException:
                self._give(key, connection, again=False)
                raise
            self._give(key, connection, again=not response.will_close)
            return response.status, found, data

    def _take(self, key: tuple[str, str]) -> tuple[http.client.HTTPConnection, bool]:
        """A connection that nobody uses, the last used first, and whether it was used before."""
        with self._lock:
            stack = self._idle.get(key)
            connection = stack.pop() if stack else None
            if connection is not None:
                self._busy.add(connection)
                return connection, True
        made = _connect(*key, self._timeout)
        with self._lock:
            self._busy.add(made)
        return made, False

    def _give(self, key: tuple[str, str], connection: http.client.HTTPConnection, *, again: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if again and connection.sock is not None:
                self._idle.setdefault(key, []).append(connection)
                return
        connection.close()


def _wait(text: str) -> float:
    """Seconds that ``Retry-After`` asks for: a number of them, or a date."""
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def _connect(scheme: str, host: str, timeout: float) -> http.client.HTTPConnection:
    """A connection, through the proxy that the environment names for this host."""
    proxy = _proxy(scheme, host)
    to = proxy[0] if proxy else host
    if scheme != "https":
        return http.client.HTTPConnection(to, timeout=timeout)
    import ssl

    connection = http.client.HTTPSConnection(to, timeout=timeout, context=ssl.create_default_context())
    if proxy:
        connection.set_tunnel(host, headers=proxy[1])
    return connection


def _proxy(scheme: str, host: str) -> tuple[str, dict[str, str]] | None:
    """Address of the proxy and what it is told, from ``https_proxy``, ``http_proxy`` and ``no_proxy``."""
    found = getproxies().get(scheme)
    if not found or proxy_bypass(host):
        return None
    parts = urlsplit(found if "://" in found else f"http://{found}")
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    headers = {"Proxy-Authorization": "Basic " + b64encode(user.encode()).decode()} if user else {}
    return parts.netloc.rpartition("@")[2], headers
