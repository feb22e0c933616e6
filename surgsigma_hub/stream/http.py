"""Byte ranges over HTTP: one connection a thread, and every answer checked before a byte of it is believed."""

from __future__ import annotations

import http.client
import re
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import ShardError, SurgSigmaError
from .answer import Answer, TransientError

_REDIRECTS = (301, 302, 303, 307, 308)
_RETRY = (408, 425, 429, 500, 502, 503, 504)
_KEEP_REDIRECT = 300.0  # seconds; signed addresses live for about an hour
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class HttpFiles:
    """Files below a URL. Threads may share it; each has connections of its own.

    Args:
        base: URL that ends in a slash.
        headers: Sent to the host of ``base`` and to no other that it redirects to.
        timeout: Seconds without a byte after which a request is given up.
    """

    def __init__(self, base: str, *, headers: Mapping[str, str] | None = None, timeout: float = 20.0) -> None:
        self._base, self._headers, self._timeout = base, dict(headers or {}), timeout
        self._host = urlsplit(base).netloc
        self._local = threading.local()
        self._all: list[http.client.HTTPConnection] = []
        self._moved: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def read(self, place: str, start: int | None = None, end: int | None = None) -> Answer:
        """Bytes ``start`` to ``end`` (exclusive) of a file, or all of it.

        Raises:
            TransientError: no answer, a cut or stalled one, one for another range, or a server that is busy.
            ShardError: the file is not there or not to be had.
        """
        url = self._base + quote(place)
        ranged = start is not None and end is not None
        headers = {"Accept-Encoding": "identity", "User-Agent": "surgsigma-hub"}
        if ranged:
            headers["Range"] = f"bytes={start}-{end - 1}"  # type: ignore[operator]
        status, found, data = self._get(url, place, headers)
        if status in _RETRY:
            raise TransientError(f"status {status}", _wait(found.get("retry-after", "")))
        if status in (401, 403):
            raise SurgSigmaError(
                f"{place}: the server refuses access (status {status})", hint="Log in or ask for access."
            )
        if status == 404:
            raise ShardError(f"{place}: is not there (status 404)", hint="The tree was published in part, or moved.")
        if ranged and status == 416:
            raise ShardError(f"{place}: ends before byte {start}: it is not the file that the manifest describes")
        if status != (206 if ranged else 200):
            if ranged and status == 200:
                raise SurgSigmaError(
                    f"{place}: the server does not answer requests for a range of bytes", hint="Use another server."
                )
            raise ShardError(f"{place}: unexpected answer of the server (status {status})")
        if ranged:
            span = _RANGE.fullmatch(found.get("content-range", ""))
            if not span or (int(span[1]), int(span[2]) + 1) != (start, end):
                raise TransientError(f"asked for bytes {start}-{end}, got {found.get('content-range', 'no range')}")
            if len(data) != end - start:  # type: ignore[operator]
                raise TransientError(f"got {len(data)} of {end - start} bytes")  # type: ignore[operator]
            return Answer(data, f"{found.get('etag', '')} {span[3]}".strip())
        return Answer(data, found.get("etag", ""))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            connections, self._all = self._all, []
        for connection in connections:
            connection.close()
        self._local = threading.local()

    def _get(self, url: str, place: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        moved = self._moved.get(url)
        at = moved[0] if moved and moved[1] > time.monotonic() else url
        for _ in range(6):
            status, found, data = self._once(at, headers)
            if status in _REDIRECTS and "location" in found:
                at = urljoin(at, found["location"])
                self._moved[url] = (at, time.monotonic() + _KEEP_REDIRECT)
            elif status in (401, 403) and at != url and moved:
                moved, at = None, url  # a signed address that has run out
            else:
                return status, found, data
        raise SurgSigmaError(f"{place}: redirected without end")

    def _once(self, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        sent = {**headers, **self._headers} if parts.netloc == self._host else headers
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        proxy = _proxy(parts.scheme, parts.netloc) if parts.scheme == "http" else None
        if proxy:
            path, sent = f"http://{parts.netloc}{path}", {**sent, **proxy[1]}
        key = (parts.scheme, parts.netloc)
        try:
            connection = self._connection(key)
            connection.request("GET", path, headers=sent)
            response = connection.getresponse()
            data = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            expected = found.get("content-length")
            if expected is not None and len(data) != int(expected):
                raise http.client.IncompleteRead(data)
            return response.status, found, data
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop(key)  # what is left of this answer must not be taken for the next one
            raise TransientError(f"{type(error).__name__}: {str(error)[:120]}") from None

    def _connection(self, key: tuple[str, str]) -> http.client.HTTPConnection:
        mine: dict[tuple[str, str], http.client.HTTPConnection] = self._local.__dict__.setdefault("mine", {})
        if key not in mine:
            mine[key] = _connect(*key, self._timeout)
            with self._lock:
                self._all.append(mine[key])
        return mine[key]

    def _drop(self, key: tuple[str, str]) -> None:
        connection = self._local.__dict__.get("mine", {}).pop(key, None)
        if connection is not None:
            connection.close()
            with self._lock:
                if connection in self._all:
                    self._all.remove(connection)


def _wait(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


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
