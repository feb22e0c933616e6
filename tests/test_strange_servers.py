"""Servers of strangers: every answer ends, none is longer than asked for, and the token goes to nobody else."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.streaming import RemoteOptions
from surgsigma_hub.streaming.storage.fsspec_files import FsspecFiles
from surgsigma_hub.streaming.storage.http import HttpFiles, _wait
from surgsigma_hub.streaming.storage.options import fetch
from surgsigma_hub.streaming.storage.response import TransientError

from handmade import CARD, SHARD, small_tree
from strangeserver import Asked, Strange, drip, flood, free_port, head, strange, trusted, whole

TOKEN = {"Authorization": "Bearer hf_never_to_be_seen"}
Send = Callable[[bytes], None]
Act = Callable[[Send, Strange], None]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = small_tree(tmp_path_factory.mktemp("tree"))
    (tree / "README.md").write_text(CARD)
    return tree


def honest(tree: Path, asked: Asked, send: Send) -> None:
    data = (tree / asked.path.lstrip("/")).read_bytes()
    span = asked.headers.get("range", "")
    if not span:
        return send(whole(data))
    first, last = (int(n) for n in span.removeprefix("bytes=").split("-"))
    part = data[first : last + 1]
    return send(whole(part, f"Content-Range: bytes {first}-{last}/{len(data)}", status=206))


# -- answers without end ----------------------------------------------------------------------------------------------


def dripping(start: bytes, piece: bytes, *, seconds: float = 0.05) -> Act:
    def act(send: Send, server: Strange) -> None:
        send(start)
        drip(piece, send, server, seconds=seconds)

    return act


def silent(send: Send, server: Strange) -> None:
    server.closing.wait(30)


SLOW: dict[str, Act] = {
    "a status line": dripping(b"", b"HTTP/1.1 200 and so on"),
    "header lines": dripping(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"),
    "one header": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "a promise": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", seconds=0.002),
    "the content": dripping(head(206, length=10**6), b"x"),
    "chunks": dripping(head(206, "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    "a page of errors": dripping(head(404, length=60_000), b"x"),
    "silence": silent,
}
PLACES = ("/README.md", "/data/phase_recognition/synthetic/train.manifest.json", f"/{SHARD}")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("slow", SLOW)
def test_the_deadline_holds_for_an_answer_that_trickles(tree: Path, place: str, slow: str) -> None:
    def answer(asked: Asked, send: Send, server: Strange) -> None:
        SLOW[slow](send, server) if asked.path == place else honest(tree, asked, send)

    with strange(answer) as server:
        begin = time.monotonic()
        with pytest.raises(SurgSigmaError, match=r"could not be read in \d+ tries within 1 s"):
            how = RemoteOptions(timeout=0.7, deadline=1.0, connections=1)
            with surgsigma_hub.stream(server.url, "phase_recognition", decode="bytes", remote=how) as rows:
                list(rows)
        assert time.monotonic() - begin < 100


def flooding(*lines: str, chunked: bool = False) -> Callable[[int], Act]:
    def of(status: int) -> Act:
        def act(send: Send, server: Strange) -> None:
            send(head(status, *lines))
            flood(send, server, chunked=chunked)

        return act

    return of


FLOODS = {
    "chunks": flooding("Transfer-Encoding: chunked", chunked=True),
    "until it hangs up": flooding(),
    "a length": flooding(f"Content-Length: {1 << 40}"),
    "as many bytes as no number": flooding(f"Content-Length: {'9' * 4000}"),
    "less than none": flooding("Content-Length: -1"),
}


@pytest.mark.parametrize("how", FLOODS)
@pytest.mark.parametrize("span", [(None, None), (0, 1000), (-1000, None)])
@pytest.mark.parametrize("status", [200, 206, 404, 503])
def test_no_more_is_read_than_was_asked_for(how: str, span: tuple[int | None, int | None], status: int) -> None:
    def answer(asked: Asked, send: Send, server: Strange) -> None:
        FLOODS[how](status)(send, server)

    with strange(answer) as server:
        files = HttpFiles(server.url + "/", timeout=1.0)
        tracemalloc.start()
        with pytest.raises((SurgSigmaError, TransientError)):
            files.read("x", *span, most=200_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        files.close()
        assert peak < 4_000_000  # what was asked for, and buffers
        assert server.sent < 64 << 20  # and what the systems of both sides hold between them


@pytest.mark.parametrize("place", PLACES)
def test_a_flood_is_an_error_and_not_a_full_memory(tree: Path, place: str) -> None:
    def answer(asked: Asked, send: Send, server: Strange) -> None:
        if asked.path == place:
            FLOODS["chunks"](206 if place == PLACES[2] else 200)(send, server)
        else:
            honest(tree, asked, send)

    with strange(answer) as server, pytest.raises(SurgSigmaError, match=r"more|could not be read in"):
        how = RemoteOptions(timeout=1.0, deadline=2.0, connections=1)
        with surgsigma_hub.stream(server.url, "phase_recognition", decode="bytes", remote=how) as rows:
            list(rows)


def test_a_store_is_not_read_beyond_what_was_asked_for() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/strange/x", bytes(5000))
    files = FsspecFiles(memory, "/strange")
    assert len(files.read("x", most=5000).data) == 5000
    with pytest.raises(ShardError, match="more than 4999 bytes"):
        files.read("x", most=4999)
    with pytest.raises(SurgSigmaError, match=r"not be read in \d+ tries"):
        fetch(files, "x", None, None, deadline=0.0, most=9000)


# -- redirects and the token ------------------------------------------------------------------------------------------


def answering(data: bytes) -> Callable[[Asked, Send, Strange], None]:
    return lambda asked, send, server: send(data)


def to(place: str, status: int = 302) -> bytes:
    return whole(b"", f"Location: {place}", status=status)


def test_the_token_goes_to_the_scheme_host_and_port_of_the_base_only() -> None:
    with strange(answering(whole(b"elsewhere"))) as other:

        def answer(asked: Asked, send: Send, server: Strange) -> None:
            moved = {"/away": other.url + "/x", "/name": other.url.replace("localhost", "127.0.0.1"), "/near": "/there"}
            send(to(moved[asked.path]) if asked.path in moved else whole(b"here"))

        with strange(answer) as base:
            files = HttpFiles(base.url + "/", headers=TOKEN)
            assert [files.read(p).data for p in ("away", "name", "near", "away")] == [
                b"elsewhere", b"elsewhere", b"here", b"elsewhere",
            ]  # fmt: skip
            files.close()
    assert len(other.asked) == 3 and not any("authorization" in asked.headers for asked in other.asked)
    assert all(asked.headers["authorization"] == TOKEN["Authorization"] for asked in base.asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_step_down_from_https_to_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    ours = trusted(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    with strange(answering(whole(b"in clear"))) as clear:
        with strange(answering(to(clear.url + "/x", status)), tls=ours.context) as base:
            files = HttpFiles(base.url + "/", headers=TOKEN)
            for _ in range(2):
                with pytest.raises(SurgSigmaError, match="redirects from https to http, which is not followed"):
                    files.read("x")
            files.close()
        assert len(base.asked) == 2 and not clear.asked
        # The way up is open, and from there the token is not sent: it is not the base.
        with strange(answering(whole(b"secret")), tls=ours.context) as safe:
            with strange(answering(to(safe.url + "/x", status))) as base:
                files = HttpFiles(base.url + "/", headers=TOKEN)
                assert files.read("x").data == b"secret"
                files.close()
            assert "authorization" not in safe.asked[0].headers


def test_a_server_that_nobody_vouches_for_gets_no_token(tmp_path: Path) -> None:
    ours = trusted(tmp_path)
    with strange(answering(whole(b"")), tls=ours.context) as base:
        files = HttpFiles(base.url + "/", headers=TOKEN)
        with pytest.raises(TransientError, match="CERTIFICATE_VERIFY_FAILED"):
            files.read("x")
        files.close()
        assert not base.asked


@pytest.mark.parametrize("place", ["ftp://localhost/x", "file://localhost/etc/hostname", "gopher://localhost:1/"])
def test_another_scheme_is_refused(place: str) -> None:
    with strange(answering(to(place))) as base:
        files = HttpFiles(base.url + "/", headers=TOKEN)
        with pytest.raises(SurgSigmaError, match="which is not followed"):
            files.read("x")
        files.close()


BAD_PLACES = (
    "", "http://", "http://[", "http://[::1", "http://localhost:port/", "http://localhost:99999/", "file:///etc/hostname",
    "data:,x", "http://a b/", "//", "http://\x7f/", "http://" + "a" * 300 + "/", "http:///x", "mailto:a@b", "http://\xff/",
    "http://localhost:0/",
)  # fmt: skip


@pytest.mark.parametrize("place", BAD_PLACES)
def test_a_redirect_to_nowhere_is_tried_again(place: str) -> None:
    asked_before: list[int] = []

    def answer(asked: Asked, send: Send, server: Strange) -> None:
        asked_before.append(1)
        send(to(place) if len(asked_before) < 3 else whole(b"good"))

    with strange(answer) as base:
        files = HttpFiles(base.url + "/", timeout=1.0)
        assert fetch(files, "x", None, None, deadline=20.0, most=100).data == b"good"
        files.close()


def test_redirects_that_go_round_end() -> None:
    with strange(answering(to("/x"))) as base:
        files = HttpFiles(base.url + "/")
        with pytest.raises(SurgSigmaError, match="without end"):
            files.read("x")
        files.close()
    assert len(base.asked) < 10


WAITS = (
    "\xb2", "-1", "nan", "inf", "1e400", "9" * 500, "1_0", "Mon, 01 Jan 0001 00:00:00 -0000", "soon", ",", "\x00",
    "Fri, 99 Foo 2020 99:99:99 +9999999", "31 Dec 99999999999 00:00:00 GMT", "(" * 300, "0x10", "1.5", "Fri",
)  # fmt: skip


@pytest.mark.parametrize("text", WAITS)
def test_any_wait_that_is_asked_for_is_a_number(text: str) -> None:
    assert _wait(text) >= 0.0


def test_a_wait_that_is_none_is_tried_again() -> None:
    texts = list(WAITS[:3])

    def answer(asked: Asked, send: Send, server: Strange) -> None:
        send(whole(b"", f"Retry-After: {texts.pop()}", status=503) if texts else whole(b"good"))

    with strange(answer) as base:
        files = HttpFiles(base.url + "/")
        assert fetch(files, "x", None, None, deadline=20.0, most=100).data == b"good"
        files.close()


@pytest.mark.parametrize(
    "lines",
    [
        [f"Content-Range: bytes 0-{'9' * 5000}/10"], [f"Content-Range: bytes 0-9/{'9' * 5000}"], [],
        ["Content-Range: x"], ["Content-Range: bytes 0-9/٣"], ["Content-Range: bytes 9-0/10"],
        ["Content-Encoding: gzip"],
    ],
)  # fmt: skip
def test_a_range_that_is_none_is_an_error_of_ours(lines: list[str]) -> None:
    answer = head(206, length=10) + b"0123456789"
    answer = answer.replace(b"\r\n", "".join(f"\r\n{line}" for line in lines).encode() + b"\r\n", 1)
    with strange(answering(answer)) as base:
        files = HttpFiles(base.url + "/")
        with pytest.raises((TransientError, SurgSigmaError)):
            files.read("x", 0, 10)
        with pytest.raises((TransientError, SurgSigmaError)):
            files.read("x", -10)
        files.close()


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://localhost:port/", "https://:80/", "http://localhost:99999", "http://"]
)
def test_a_tree_at_no_url_is_an_error_of_ours(url: str) -> None:
    with pytest.raises(SurgSigmaError, match=r"is no URL|could not be read"):
        surgsigma_hub.stream(url, remote=RemoteOptions(timeout=0.2, deadline=0.3))


def test_a_port_on_which_nobody_listens() -> None:
    with pytest.raises(SurgSigmaError, match="could not be read in"):
        surgsigma_hub.stream(f"http://localhost:{free_port()}", remote=RemoteOptions(timeout=0.3, deadline=0.5))
