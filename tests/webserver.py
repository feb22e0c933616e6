"""A real web server for tests and benchmarks: ranges, delays, a bounded rate, and faults on demand."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Web:
    """A folder behind HTTP.

    Attributes:
        log: Path and ``Range`` header of every request, in order.
        times: Path of every request, when it was there and when its answer began, in order of the answers.
        faults: What to do to the next requests for tars, one each: a status (``429 2``: come back after 2 seconds),
            ``cut``, ``reset``, ``stall``, ``stall and close`` (which it says before), ``shifted`` (another range than
            asked for), ``short`` (a range that ends early), ``whole`` (no ranges), ``changed``, ``packed``.
        delay: Seconds before each answer.
        rate: Bytes a second of a connection, 0 for as fast as it goes.
    """

    folder: Path
    log: list[tuple[str, str]] = field(default_factory=list)
    times: list[tuple[str, float, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    delay: float = 0.0
    rate: float = 0.0
    stall: float = 5.0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: int = 0
    auth: set[str] = field(default_factory=set)
    connections: int = 0
    sockets: list[socket.socket] = field(default_factory=list)

    def tars(self) -> list[tuple[str, str]]:
        """Requests for tars so far."""
        return [entry for entry in self.log if entry[0].endswith(".tar")]

    def asked(self) -> list[int]:
        """Bytes of each request for a part of a tar."""
        spans = [span.removeprefix("bytes=").split("-") for _, span in self.tars()]
        return [int(last) - int(first) + 1 for first, last in spans]

    def close_idle(self) -> None:
        """Hang up on all clients, as servers do on those that have not asked for a while."""
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def trips(self) -> int:
        """Requests that waited for one another up to the first for a tar: those that run side by side count as one."""
        depth: list[tuple[float, int]] = []
        for path, begin, answer in sorted(self.times, key=lambda t: t[1]):
            depth.append((answer, 1 + max((d for at, d in depth if at <= begin), default=0)))
            if path.endswith(".tar"):
                break
        return depth[-1][1]


@contextmanager
def serve(folder: Path) -> Iterator[Web]:
    """A running server on a free port of this machine."""
    web = Web(folder)

    class Handler(_Handler):
        state = web

    class Quiet(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            pass  # clients that hang up are part of the tests

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    state: Web

    def setup(self) -> None:
        super().setup()
        with self.state.lock:
            self.state.connections += 1
            self.state.sockets.append(self.connection)

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).lstrip("/")
        begin = time.monotonic()
        with self.state.lock:
            self.state.log.append((path, self.headers.get("Range", "")))
            if "Proxy-Authorization" in self.headers:
                self.state.auth.add(self.headers["Proxy-Authorization"])
            fault = self.state.faults.pop(0) if path.endswith(".tar") and self.state.faults else ""
        time.sleep(self.state.delay)
        with self.state.lock:
            self.state.times.append((path, begin, time.monotonic()))
        file = self.state.folder / path
        if fault[:1].isdigit():
            status, _, wait = fault.partition(" ")
            return self._send(int(status), b"busy", {"Retry-After": wait or "0"})
        if not file.is_file():
            return self._send(404, b"no such page", {})
        size = file.stat().st_size
        tag = hashlib.sha1(f"{path} {size} {file.stat().st_mtime_ns} {fault == 'changed'}".encode()).hexdigest()
        head = {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
        if fault == "packed":
            head["Content-Encoding"] = "gzip"
        asked = re.sub(r"=-(\d+)$", lambda m: f"={max(0, size - int(m[1]))}-{size - 1}", self.headers.get("Range", ""))
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if not span or fault == "whole":
            return self._send(200, file.read_bytes(), head, fault)
        first, last = int(span[1]), min(int(span[2]), size - 1)
        if first >= size:
            return self._send(416, b"", head)
        if fault == "shifted":
            first, last = first + 512, min(last + 512, size - 1)
        if fault == "short":
            last -= 100
        with file.open("rb") as source:
            source.seek(first)
            data = source.read(last - first + 1)
        head["Content-Range"] = f"bytes {first}-{last}/{size}"
        return self._send(206, data, head, fault)

    def _send(self, status: int, data: bytes, head: dict[str, str], fault: str = "") -> None:
        self.send_response(status)
        for key, value in head.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        if fault == "stall and close":
            self.send_header("Connection", "close")
        self.end_headers()
        if fault in ("cut", "reset"):
            data = data[: len(data) // 2] if fault == "cut" else b""
            self.close_connection = True
        if fault.startswith("stall"):
            self.wfile.write(data[:100])
            self.wfile.flush()
            time.sleep(self.state.stall)
            data = data[100:]
        step, begin = (1 << 18) if self.state.rate else max(1, len(data)), time.monotonic()
        for at in range(0, len(data), step):
            self.wfile.write(data[at : at + step])
            if self.state.rate:
                time.sleep(max(0.0, begin + (at + step) / self.state.rate - time.monotonic()))
        self.wfile.flush()
        with self.state.lock:
            self.state.sent += len(data)
