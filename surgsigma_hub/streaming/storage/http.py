"""Byte ranges over HTTP: connections that are used again, and every answer checked before a byte of it is believed.

Not by the client that huggingface_hub brings (httpx): it fetches about half as many small ranges a second on one
connection (``python benchmarks/http_client.py`` prints the ratio), has no clock on a whole answer, and the session of
huggingface_hub follows redirects by itself.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import re
import socket
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

from ...errors import ShardError, SurgSigmaError
from .connection import Address, LongAnswerError, Origin, connect, find_proxy, host_and_port, read_body, set_clock
from .response import RangeResponse, TransientError

_REDIRECTS = (301, 302, 303, 307, 308)
_RETRY = (408, 425, 429, 500, 502, 503, 504)
_KEEP_REDIRECT = 2700.0  # seconds; signed addresses live for about an hour, and a refused one is asked for anew
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_ERROR_PAGE = 1 << 16  # bytes of a page of errors that are read, so that its connection can be used again


class HttpFiles:
    """Files below a URL. Threads may share it; what one has done with a connection, the next one goes on with.

    Args:
        base: URL that ends in a slash.
        headers: Sent to the scheme, host and port of ``base`` and to no other that it redirects to.
        timeout: Seconds without a byte after which a request is given up.

    Raises:
        SurgSigmaError: ``base`` is no URL.
    """

    def __init__(self, base: str, *, headers: Mapping[str, str] | None = None, timeout: float = 20.0) -> None:
        self._base, self._headers, self._timeout = base, dict(headers or {}), timeout
        try:
            self._origin = Address.of(base).origin
        except ValueError as error:
            raise SurgSigmaError(f"{base}: is no URL ({error})", hint="Expected https://HOST/FOLDER.") from None
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._busy: dict[http.client.HTTPConnection, socket.socket | None] = {}
        self._moved: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def read(
        self, place: str, start: int | None = None, end: int | None = None, *, most: int = 1 << 30,
        until: float = math.inf,
    ) -> RangeResponse:  # fmt: skip
        """Bytes ``start`` to ``end`` (exclusive) of a file, all of it, or with a negative ``start`` its end.

        Args:
            place: The file, below the base.
            start: The first byte.
            end: The byte behind the last one.
            most: Bytes that may come where ``end`` does not say it.
            until: When the whole answer must be there, as ``time.monotonic()`` counts.

        Raises:
            TransientError: no answer, a cut, stalled or slow one, one for another range, or a server that is busy.
            ShardError: the file is not there, not to be had, or larger than ``most``.
            SurgSigmaError: the server refuses, or redirects to where no request goes.
        """
        url = self._base + quote(place)
        headers = {"Accept-Encoding": "identity", "User-Agent": "surgsigma-hub"}
        if start is not None:
            headers["Range"] = f"bytes={start}" if start < 0 else f"bytes={start}-{end - 1 if end is not None else ''}"
        most = most if start is None or end is None else end - start
        whole = start is None or start < 0
        try:
            status, found, data = self._get(
                url, place, headers, whole=start is None or start < 0, most=most, until=until
            )
        except LongAnswerError:
            if start is None or start < 0:
                raise ShardError(
                    f"{place}: holds more than {most} bytes, which are not read", hint="Is it a file of this package?"
                ) from None
            raise TransientError(f"asked for {most} bytes, got more") from None
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
        if status == 200 and whole:
            return RangeResponse(data, found.get("etag", ""), len(data))
        if status != 206 or start is None:
            if status == 200:
                raise SurgSigmaError(
                    f"{place}: the server does not answer requests for a range of bytes", hint="Use another server."
                )
            raise ShardError(f"{place}: unexpected answer of the server (status {status})")
        return self._ranged(place, start, end, found, data)

    def _ranged(self, place: str, start: int, end: int | None, found: Mapping[str, str], data: bytes) -> RangeResponse:
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
        return RangeResponse(data, f"{found.get('etag', '')} {span[3]}".strip(), total)

    def close(self) -> None:
        """Close all connections; a request that waits for its answer ends with a ``TransientError``."""
        with self._lock:
            idle, self._idle = self._idle, {}
            busy = [(connection.sock or sock) for connection, sock in self._busy.items()]
        for connection in (c for stack in idle.values() for c in stack):
            connection.close()
        for sock in busy:
            with contextlib.suppress(OSError):
                if sock is not None:
                    sock.shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _get(
        self, url: str, place: str, headers: dict[str, str], *, whole: bool, most: int, until: float
    ) -> tuple[int, dict[str, str], bytes]:
        moved = self._moved.get(url)
        at = moved[0] if moved and moved[1] > time.monotonic() else url
        for _ in range(6):
            try:
                status, found, data = self._once(Address.of(at), headers, whole=whole, most=most, until=until)
            except TransientError:
                self._moved.pop(url, None)  # the next try begins where this one did
                raise
            if status in _REDIRECTS:
                at, moved = _redirected(at, found.get("location", ""), place), None
            elif status in (401, 403) and moved and at == moved[0]:
                moved, at = None, url  # a signed address that has run out
            else:
                if at != url and status in (200, 206):
                    self._moved[url] = moved or (at, time.monotonic() + _KEEP_REDIRECT)
                return status, found, data
        raise SurgSigmaError(f"{place}: redirected without end")

    def _once(
        self, to: Address, headers: dict[str, str], *, whole: bool, most: int, until: float
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {**headers, **self._headers} if to.origin == self._origin else headers
        path, (scheme, host, port) = to.path, to.origin
        proxy = find_proxy(scheme, host, port) if scheme == "http" else None
        if proxy:
            path, sent = f"http://{host_and_port(host, port)}{path}", {**sent, **proxy[1]}
        while True:
            answered = False
            try:
                connection, used = self._take(to.origin)
            except (http.client.HTTPException, ValueError) as error:
                raise TransientError(f"{host!r} is nothing to connect to ({error})") from None
            try:
                set_clock(connection, self._timeout, until)
                connection.request("GET", path, headers=sent)
                with self._lock:  # http.client forgets it when the server says that it will close
                    self._busy[connection] = connection.sock
                response = connection.getresponse()
                answered = True
                found = {name.lower(): value for name, value in response.getheaders()}
                if response.status == 200 and not whole:
                    self._give(to.origin, connection, again=False)  # nobody asked for the whole of a shard
                    return response.status, found, b""
                good = response.status in (200, 206)
                data = read_body(response, most if good else _ERROR_PAGE)
            except LongAnswerError:
                self._give(to.origin, connection, again=False)
                if not good:
                    return response.status, found, b""
                raise
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._give(to.origin, connection, again=False)  # its rest must not be taken for the next answer
                if used and not answered and isinstance(error, ConnectionError):
                    continue  # the server had closed a connection that nobody used; that is no fault
                raise TransientError(f"{type(error).__name__}: {str(error)[:120]}") from None
            except BaseException:
                self._give(to.origin, connection, again=False)
                raise
            self._give(to.origin, connection, again=not response.will_close)
            return response.status, found, data

    def _take(self, key: Origin) -> tuple[http.client.HTTPConnection, bool]:
        """A connection that nobody uses, the last used first, and whether it was used before."""
        with self._lock:
            stack = self._idle.get(key)
            connection = stack.pop() if stack else None
            if connection is not None:
                self._busy[connection] = connection.sock
                return connection, True
        made = connect(*key)
        with self._lock:
            self._busy[made] = None
        return made, False

    def _give(self, key: Origin, connection: http.client.HTTPConnection, *, again: bool) -> None:
        with self._lock:
            self._busy.pop(connection, None)
            if again and connection.sock is not None:
                self._idle.setdefault(key, []).append(connection)
                return
        connection.close()


def _redirected(at: str, location: str, place: str) -> str:
    """Where a redirect leads.

    Raises:
        TransientError: to nowhere.
        SurgSigmaError: to another scheme than http and https, or from https to http.
    """
    try:
        if not location:
            raise ValueError("no place")
        to = urljoin(at, location)
        scheme = Address.of(to).origin[0]
    except ValueError as error:
        raise TransientError(f"redirected to no address ({error})") from None
    if scheme not in ("http", "https") or (scheme == "http" and at.startswith("https:")):
        raise SurgSigmaError(
            f"{place}: the server redirects from {urlsplit(at).scheme} to {scheme}, which is not followed",
            hint="What is asked for over https is read over https only. Ask whoever runs the server.",
        )
    return to


def _wait(text: str) -> float:
    """Seconds that ``Retry-After`` asks for: a number of them, or a date; 0 for anything else."""
    if text.isascii() and text.isdigit():
        return float(text[:18])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
