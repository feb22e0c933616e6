"""A small real chat completions server on a free port of this machine, with a script for what it answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Act:
    """One answer: status, body (a dict becomes JSON), headers; ``seconds`` of silence before it, ``drip`` per byte."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drip: float = 0.0


def said(text: str, *, finish: str = "stop", tokens: int | None = 50) -> Act:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {} if tokens is None else {"usage": {"total_tokens": tokens}}
    return Act(body={"object": "chat.completion", "choices": [choice], **usage})


def text_of(body: dict[str, Any]) -> str:
    """The text that a request asks to be written anew."""
    content = body["messages"][-1]["content"]
    if not isinstance(content, str):
        content = content[0]["text"]
    return str(content.rpartition("Text:\n")[2])


def reworded(text: str) -> str:
    """The same statements in another order, level by level: what an honest model would do."""

    def turned(line: str) -> str:
        sentences = [s.strip(". ") for s in line.split(". ")]
        return f"{'. '.join(reversed(sentences))}, as it is seen."

    lines = []
    for line in text.splitlines():
        head, colon, rest = line.partition(": ")
        lines.append(f"{head}: {turned(rest)}" if colon and head.startswith("Level") else turned(line))
    return "\n".join(lines)


Script = Callable[[dict[str, Any], int], Act]
"""From the request and how often this very request came before, to the answer."""


def honest(body: dict[str, Any], _: int) -> Act:
    return said(reworded(text_of(body)))


class Chat:
    """What the server saw."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bodies: list[str] = []
        self.times: list[float] = []
        self.keys: set[str | None] = set()
        self.paths: set[str] = set()
        self.answered = 0
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.url = ""


def _handler(chat: Chat) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with chat.lock:
                before = chat.bodies.count(text)
                chat.bodies.append(text)
                chat.times.append(time.monotonic())
                chat.keys.add(self.headers.get("Authorization"))
                chat.paths.add(self.path)
                chat.now += 1
                chat.most = max(chat.most, chat.now)
            try:
                self._act(chat.script(json.loads(text), before))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has gone, or was killed
            finally:
                with chat.lock:
                    chat.now -= 1

        def _act(self, act: Act) -> None:
            time.sleep(act.seconds)
            data = act.body.encode() if isinstance(act.body, str) else json.dumps(act.body).encode()
            self.send_response(act.status)
            for name, value in {**act.headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            with chat.lock:  # before the last byte is out: the client may be the first to notice
                chat.now -= 1
                chat.answered += act.status == 200
            try:
                for n in range(len(data)) if act.drip else ():
                    self.wfile.write(data[n : n + 1])
                    time.sleep(act.drip)
                self.wfile.write(b"" if act.drip else data)
            finally:
                with chat.lock:
                    chat.now += 1

    return Handler


@contextmanager
def chat(script: Script = honest) -> Iterator[Chat]:
    """A server in a thread, gone at the end."""
    seen = Chat(script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(seen))
    server.daemon_threads = True
    seen.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
