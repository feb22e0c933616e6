"""A small Hub that can be written to: a real HTTP server that speaks to huggingface_hub without Xet, and its faults.

Each client must run in a process of its own (clients keep state per process) with ``environment(...)``.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from hub_api import Api
from hub_repos import Commit, Refused, is_large
from hub_request import TOKEN, Request, State


@dataclass
class Fault:
    """What goes wrong with requests that match.

    Attributes:
        match: Regular expression, searched in ``METHOD /path``.
        kind: ``status`` answers with ``status``; ``late`` does what was asked before that; ``lost`` does it and hangs
            up; ``drop`` hangs up before; ``cut`` sends half of the answer's body; ``slow`` waits ``seconds`` in its
            middle.
        times: How often; then it is over.
        skip: How many requests that match go well before.
        then: Called before the request is handled.
    """

    match: str
    kind: Literal["status", "late", "lost", "drop", "cut", "slow", "call"] = "status"
    status: int = 503
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], None] | None = None


@dataclass
class HubServer(State):
    """The server's state.

    Attributes:
        faults: Looked through in order for each request.
        log: ``METHOD /path`` of every request, in order.
    """

    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def clear(self) -> None:
        """As new."""
        super().clear()
        self.faults.clear()
        self.log.clear()

    def environment(self, home: Path, *, token: str | None = TOKEN, xet: bool = False, **more: str) -> dict[str, str]:
        """Environment of a client process, which speaks to the store of blocks where ``xet`` is asked for."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        return {
            **kept,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **({} if xet else {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}),
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            **({"HF_TOKEN": token} if token else {}),
            **more,
        }

    def head(self, name: str, revision: str = "main") -> Commit:
        """A dataset's commit."""
        return self.store.repos[name].at(revision)

    def read(self, name: str, path: str, revision: str = "main") -> bytes:
        """A file of a dataset."""
        return self.store.data(self.head(name, revision).files[path])

    def put(self, name: str, files: Mapping[str, bytes], title: str = "by hand") -> Commit:
        """Change files of a dataset behind the client's back."""
        repo = self.store.repos[name]
        made = dict(repo.at("main").files)
        for path, data in files.items():
            large = is_large(path, len(data))
            made[path] = self.store.large(self.store.keep(data), len(data)) if large else self.store.regular(data)
        return repo.commit("main", title, made)

    def commits(self, name: str) -> list[str]:
        """Titles of all commits but the first."""
        return [commit.title for commit in self.store.repos[name].history[1:]]


@contextmanager
def serve() -> Iterator[HubServer]:
    """A running server on a free port."""
    hub = HubServer()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    # One process, two host names: a client that takes its token along to the storage shows it.
    hub.url, hub.storage = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _HungUp(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: HubServer
    disable_nagle_algorithm = True  # without it each answer takes 40 ms

    def log_message(self, *args: object) -> None:
        pass

    def _any(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            self.path,
            [unquote(w) for w in parts.path.strip("/").split("/")],
            {k: v[0] for k, v in parse_qs(parts.query).items()},
            self.headers,
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        line = f"{self.command} {unquote(parts.path)}"
        with self.state.lock:
            self.state.log.append(line)
            self._fault = next((f for f in self.state.faults if f.times and re.search(f.match, line)), None)
            if self._fault is not None:
                if self._fault.skip:
                    self._fault.skip -= 1
                    self._fault = None
                else:
                    self._fault.times -= 1
        try:
            self._faulty()
            try:
                with self.state.lock:
                    status, data, head = Api(self.state, request).answer()
            except Refused as error:
                status, data = error.status, json.dumps({"error": error.message}).encode()
                head = {"X-Error-Message": error.message, **({"X-Error-Code": error.code} if error.code else {})}
            self._send(status, data, head)
        except _HungUp:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    do_HEAD = do_GET = do_POST = do_PUT = do_DELETE = _any

    def _faulty(self) -> None:
        fault = self._fault
        if fault is None:
            return
        if fault.then is not None:
            fault.then()
        if fault.kind == "drop":
            raise _HungUp
        if fault.kind == "status":
            self._fault = None
            self._send(fault.status, b'{"error":"as the test asked"}', dict(fault.headers))
            raise _Answered

    def _send(self, status: int, data: bytes, head: Mapping[str, str]) -> None:
        if self._fault is not None and self._fault.kind == "lost":
            raise _HungUp
        if self._fault is not None and self._fault.kind == "late":
            status, data, head = self._fault.status, b'{"error":"as the test asked"}', self._fault.headers
        self.send_response(status)
        for key, value in head.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(data) // 2 if self._fault is not None and self._fault.kind in ("cut", "slow") else len(data)
        self.wfile.write(data[:half])
        if half < len(data) and self._fault is not None:
            self.wfile.flush()
            if self._fault.kind == "cut":
                raise _HungUp
            time.sleep(self._fault.seconds)
            self.wfile.write(data[half:])


class _Answered(_HungUp):
    """The answer was sent; the connection goes with it."""
