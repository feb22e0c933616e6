"""A small Hub for tests: a real HTTP server that answers what huggingface_hub and datasets ask when they read.

Each client must run in a process of its own (they keep state per process) with ``environment(...)``.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class FakeHub:
    """Datasets by ``ORG/NAME``; each is a folder, read at the commit made of its content when it was added.

    Attributes:
        log: ``METHOD /path`` of every request, in order.
        sent: Path, begin and end of every part of a file that was asked for by range, in order.
        fail: Path endings to answer with status 503, so many times.
    """

    repos: dict[str, Path] = field(default_factory=dict)
    shas: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    fail: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def add(self, name: str, folder: Path) -> str:
        """Publish a folder; gives the commit."""
        digest = hashlib.sha1()
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
        self.repos[name], self.shas[name] = folder, digest.hexdigest()
        return self.shas[name]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Environment of a client process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        return {
            **kept,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
            **more,
        }

    def tars(self) -> list[str]:
        """Requests for tars so far."""
        return [line for line in self.log if line.endswith(".tar") and line.startswith("GET")]


@contextmanager
def serve() -> Iterator[FakeHub]:
    """A running server on a free port."""
    hub = FakeHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeHub

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._route()

    def _route(self) -> None:
        parts = urlsplit(self.path)
        words = [unquote(w) for w in parts.path.strip("/").split("/")]
        self.state.log.append(f"{self.command} {unquote(parts.path)}")
        for ending, left in self.state.fail.items():
            if left and unquote(parts.path).endswith(ending):
                self.state.fail[ending] -= 1
                return self._send(503, b"busy")
        if words[:2] == ["api", "datasets"] and len(words) >= 4:
            return self._api("/".join(words[2:4]), words[4:], parse_qs(parts.query))
        if words[0] == "datasets" and len(words) >= 6 and words[3] == "resolve":
            return self._resolve("/".join(words[1:3]), words[4], "/".join(words[5:]))
        return self._send(404, b"no such page")

    def _folder(self, name: str, revision: str) -> Path | None:
        """The folder of a dataset, or None after having answered why not."""
        if name not in self.state.repos:
            self._send(401 if "private" in name else 404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name in self.state.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif revision not in ("main", self.state.shas[name], "v1"):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return self.state.repos[name]
        return None

    def _api(self, name: str, rest: list[str], query: dict[str, list[str]]) -> None:
        if not rest or rest[0] == "revision":
            folder = self._folder(name, rest[1] if rest else "main")
            if folder:
                names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
                sha = self.state.shas[name]
                info = {
                    "id": name,
                    "sha": sha,
                    "private": False,
                    "gated": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                }
                self._json({**info, "siblings": [{"rfilename": n} for n in names]})
            return
        folder = self._folder(name, rest[1])
        if not folder:
            return
        if rest[0] == "tree":
            base = folder.joinpath(*rest[2:])
            if not base.is_dir():
                return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            deep = query.get("recursive", ["false"])[0].lower() == "true"
            found = sorted(base.rglob("*") if deep else base.iterdir())
            return self._json([self._entry(folder, p) for p in found])
        if rest[0] == "paths-info":
            form = parse_qs(self._body.decode())
            asked = form.get("paths") or json.loads(self._body or b"{}").get("paths", [])
            return self._json([self._entry(folder, folder / p) for p in asked if (folder / p).exists()])
        return self._send(404, b"")

    def _entry(self, folder: Path, path: Path) -> dict[str, object]:
        name = path.relative_to(folder).as_posix()
        oid = hashlib.sha1(name.encode()).hexdigest()
        if path.is_dir():
            return {"type": "directory", "oid": oid, "size": 0, "path": name}
        return {"type": "file", "oid": oid, "size": path.stat().st_size, "path": name}

    def _resolve(self, name: str, revision: str, path: str) -> None:
        folder = self._folder(name, revision)
        if not folder:
            return
        file = folder / path
        commit = {"X-Repo-Commit": self.state.shas[name]}
        if not file.is_file():
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", **commit})
        data = file.read_bytes()
        head = {**commit, "ETag": f'"{hashlib.sha1(data).hexdigest()}"', "Accept-Ranges": "bytes"}
        span = self.headers.get("Range", "")
        if span.startswith("bytes="):
            first, _, last = span[6:].partition("-")
            start, end = int(first or 0), min(int(last or len(data)), len(data) - 1)
            if self.command == "GET":
                self.state.sent.append((path, start, end + 1))
            head["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            return self._send(206, data[start : end + 1], head)
        return self._send(200, data, head)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, head: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (head or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
