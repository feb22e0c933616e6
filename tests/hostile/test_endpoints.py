"""An endpoint that answers slowly, without end, packed or with the key: each try ends, and takes no more bytes."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.enrich.budget import Budget
from surgsigma_hub.enrich.cache import Reply
from surgsigma_hub.enrich.client import MAX_REPLY, Client, Endpoint, FailCode, Failure
from surgsigma_hub.enrich.prompts import Ask
from surgsigma_hub.enrich.secret import holds, masked
from surgsigma_hub.errors import EndpointError

from .wire import Script, at_once, endless, trickled, wire

KEY = "sk-never-to-be-seen-4711"
OK = b"HTTP/1.1 200 OK\r\n"
TIMEOUT = 0.5
ENDLESS_HEADERS = endless(OK, b"X-More: " + b"a" * 1000 + b"\r\n")
JSON = b"Content-Type: application/json\r\n"
BOMB = gzip.compress(bytes(64 << 20))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def asked(script: Script, *, retries: int = 0) -> tuple[Reply | Failure, float, int]:
    """What the client makes of an answer, the seconds it took, and the bytes that the server could send."""
    with wire(script) as server:
        given = Endpoint(url=server.url, key=KEY, retries=retries, timeout=TIMEOUT, backoff=0.01)
        with Client(given, Budget()) as client:
            began = time.monotonic()
            outcome = client.ask(Ask("a-1", "caption", b"{}", "0" * 64, 1))
            took = time.monotonic() - began
        return outcome, took, server.sent


def whole(content: Any) -> bytes:
    body = json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}).encode()
    return OK + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("name", "script", "code"),
    [
        ("status byte by byte", trickled(OK * 100, 0.05), FailCode.TIMEOUT),
        ("headers byte by byte", trickled(OK + b"X: " + b"a" * 5000, 0.05), FailCode.TIMEOUT),
        ("content byte by byte", trickled(whole("A hook.") , 0.05), FailCode.TIMEOUT),
        ("chunks byte by byte", trickled(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 999, 0.05),
         FailCode.TIMEOUT),
        ("nothing at all", lambda: iter([(b"", 30.0)]), FailCode.TIMEOUT),
        ("headers without end", ENDLESS_HEADERS, FailCode.CONNECTION),
        ("a header line without end", endless(OK, b"a" * 4096), FailCode.CONNECTION),
        ("interim answers without end", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), FailCode.TIMEOUT),
        ("content without end", endless(OK + JSON + b"\r\n", b" " * 65536), FailCode.BAD_REPLY),
        ("chunks without end", endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n"),
         FailCode.BAD_REPLY),
        ("a huge length", endless(OK + b"Content-Length: 99999999999\r\n\r\n", b" " * 65536), FailCode.BAD_REPLY),
        ("a packed answer", at_once(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
         FailCode.BAD_REPLY),
        ("an error without end", endless(b"HTTP/1.1 500 No\r\n\r\n", b"<p>" * 9999), FailCode.SERVER_ERROR),
        ("cut", at_once(whole("A hook.")[:-9]), FailCode.CONNECTION),
        ("no HTTP", at_once(b"\x00\xff" * 40), FailCode.CONNECTION),
        ("a negative length", at_once(OK + b"Content-Length: -5\r\n\r\n{}"), FailCode.BAD_REPLY),
        ("a chunk of no size", at_once(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), FailCode.CONNECTION),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else None,
)  # fmt: skip
def test_every_answer_has_an_end(name: str, script: Script, code: FailCode) -> None:
    outcome, took, sent = asked(script)
    assert isinstance(outcome, Failure) and outcome.code is code, outcome
    assert took < TIMEOUT + 20, "the clock of a try bounds all of it"
    assert sent < MAX_REPLY + (8 << 20), "what the sockets of both sides hold may be sent beside"


def test_a_slow_but_whole_answer_is_taken() -> None:
    outcome, _, _ = asked(lambda: iter([(OK, 0.1), (whole("A hook.")[len(OK) :], 0.1)]))
    assert isinstance(outcome, Reply) and outcome.text == "A hook."


@pytest.mark.parametrize(
    "retry", ["nan", "inf", "-5", "1e400", "9" * 400, "Thu, 32 Foo 99999 99:99:99 GMT", "\u00b2", ""]
)
def test_a_strange_pause_is_no_traceback(retry: str) -> None:
    head = b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: " + retry.encode("latin-1", "replace") + b"\r\n\r\n"
    outcome, _, _ = asked(at_once(head), retries=1)
    assert isinstance(outcome, Failure) and outcome.code is FailCode.RATE_LIMITED


ECHOES = {
    "whole": KEY,
    "in capitals": KEY.upper(),
    "spaced": " ".join(KEY),
    "in lines": "\\n".join(KEY),
    "in pieces": f"{KEY[:9]} and then {KEY[9:17]} and {KEY[17:]}",
    "shortened": f"{KEY[:8]}********{KEY[-4:]}",
    "without its marks": KEY.replace("-", ""),
    "with others": KEY.replace("-", "%2D"),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_echoed_key_is_masked(echo: str, status: int) -> None:
    body = f'{{"error": {{"message": "no such key: {echo}"}}}}'.encode()
    script = at_once(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
    try:
        outcome, _, _ = asked(script)
        assert isinstance(outcome, Failure)
        said = outcome.detail
    except EndpointError as error:
        said = str(error)
    told = "".join(c for c in said.lower() if c.isalnum())
    for piece in ("sknever", "never", "tobeseen", "seen4711", "4711"):
        assert piece not in told, said
    assert "no such key: ***" in said


def test_a_key_in_the_text_itself_is_no_answer() -> None:
    outcome, _, _ = asked(at_once(whole(f"A hook. {KEY.upper()}")))
    assert isinstance(outcome, Failure) and outcome.code is FailCode.BAD_REPLY and KEY not in outcome.detail


@given(st.text(max_size=40), st.text(max_size=40))
def test_masking_leaves_no_key_and_changes_nothing_else(before: str, after: str) -> None:
    said = masked(f"{before} {KEY} {after}", KEY)
    assert not holds(said, KEY)
    if not any(c in "skneverto4711b" for c in (before + after).lower()):
        assert said == f"{before} *** {after}"


def test_no_key_masks_nothing(tmp_path: Path) -> None:
    assert masked("anything at all", None) == masked("anything at all", "") == "anything at all"
