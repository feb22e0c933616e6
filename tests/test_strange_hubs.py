"""A Hub of strangers: what huggingface_hub would read without end is bounded in bytes and in time."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub import remote
from surgsigma_hub.streaming import RemoteOptions
from surgsigma_hub.streaming.storage import connection
from surgsigma_hub.streaming.storage.deadline import within
from surgsigma_hub.streaming.storage.fsspec_files import FsspecFiles
from surgsigma_hub.streaming.storage.hub_dataset import find_dataset
from surgsigma_hub.streaming.storage.options import fetch

from strangeserver import Answer, Asked, Strange, drip, flood, head, strange, whole

SHA = "c" * 40
CARD = """
import sys, time
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.hub import remote
from surgsigma_hub.streaming import RemoteOptions
remote.OPTIONS = RemoteOptions(timeout=1.0, deadline=3.0)
start = time.monotonic()
try:
    remote.fetch_card("org/name")
except SurgSigmaError as error:
    print(f"{time.monotonic() - start < 100}: {error.message}")
"""


def endless_card(asked: Asked, send: object, server: Strange) -> None:
    lines = [f"X-Repo-Commit: {SHA}", f'ETag: "{SHA}"']
    send(
        head(200, *lines, length=100)
        if asked.path.endswith("HEAD")
        else head(200, *lines, "Transfer-Encoding: chunked")
    )  # type: ignore[operator]
    flood(send, server, chunked=True)  # type: ignore[arg-type]


def slow_card(asked: Asked, send: object, server: Strange) -> None:
    drip(head(200, f"X-Repo-Commit: {SHA}", f'ETag: "{SHA}"', length=1 << 20) + b"x" * 1000, send, server)  # type: ignore[arg-type]


def large_card(asked: Asked, send: object, server: Strange) -> None:
    send(head(200, f"X-Repo-Commit: {SHA}", f'ETag: "{SHA}"', length=1 << 30))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless_card, "org/name could not be read: not there within|more than 8388608 bytes"),
        (slow_card, "not there within"),
        (large_card, "more than 8388608 bytes"),
    ],
    ids=["endless", "slow", "large"],
)
def test_a_card_without_end_ends(tmp_path: Path, answer: Answer, words: str) -> None:
    with strange(answer) as server:
        env = {**os.environ, "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path), "NO_PROXY": "localhost"}
        env["HF_HUB_OFFLINE"] = "0"  # whoever runs the tests may have set it
        ran = subprocess.run([sys.executable, "-c", CARD], env=env, capture_output=True, text=True, timeout=120)
        assert ran.stdout.startswith("True: ") and re.search(words, ran.stdout), ran
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) < 32 << 20


def test_no_part_of_a_card_beyond_its_bound_is_written() -> None:
    with remote._bounded("org/name")(total=10, unit="B", desc="README.md", name="huggingface_hub.http_get") as bar:
        bar.update(8 << 20)
        with pytest.raises(ShardError, match="more than 8388608 bytes"):
            bar.update(1)
    with pytest.raises(ShardError, match="more than 8388608 bytes"):
        remote._bounded("org/name")(total=(8 << 20) + 1)


LISTINGS: dict[str, Answer] = {
    "no JSON": lambda asked, send, server: send(whole(b"<html>")),
    "another JSON": lambda asked, send, server: send(whole(b"[1, 2]")),
    "no commit": lambda asked, send, server: send(whole(b'{"sha": "../main", "siblings": []}')),
    "files without names": lambda asked, send, server: send(whole(b'{"sha": "%s", "siblings": [7]}' % SHA.encode())),
    "a name that is a number": lambda asked, send, server: send(
        whole(b'{"sha": "%s", "siblings": [{"rfilename": 7}]}' % SHA.encode())
    ),
    "slow": lambda asked, send, server: drip(head(200, length=1000) + b"x" * 1000, send, server),
    "too large": lambda asked, send, server: send(head(200, length=1 << 40)),
    "endless": lambda asked, send, server: (send(head(200)), flood(send, server, chunked=False))[0],
    "forbidden": lambda asked, send, server: send(whole(b"", status=403)),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_of_a_strange_hub_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from huggingface_hub import constants
    from surgsigma_hub.streaming.storage import hub_dataset

    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setattr(hub_dataset, "MAX_LISTING", 1 << 20)
    with strange(LISTINGS[name]) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # whoever runs the tests may have set it
        start = time.monotonic()
        with pytest.raises(SurgSigmaError, match=r"dataset org/name at revision a/b could not be opened at"):
            find_dataset("org/name", "a/b", {}, RemoteOptions(timeout=1.0, deadline=2.0))
        assert time.monotonic() - start < 200
        assert server.asked[0].path == "/api/datasets/org/name/revision/a%2Fb"


def test_names_that_are_slow_to_resolve_and_addresses_that_do_not_answer_share_one_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(300))
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.open_socket("slow.invalid", 80, 5.0, start + 0.3)
    many = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 9))] * 1000
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)

    class Waits(socket.socket):
        def connect(self, address: object) -> None:
            time.sleep(self.gettimeout() or 0)
            raise TimeoutError("nobody there")

    monkeypatch.setattr(socket, "socket", Waits)
    with pytest.raises(OSError):
        connection.open_socket("many.invalid", 80, 0.1, time.monotonic() + 0.5)
    assert time.monotonic() - start < 100


class Slow:
    """A store without asyncio that answers nothing."""

    def cat_file(self, *_: object, **__: object) -> bytes:
        time.sleep(300)
        return b""

    glob = info = cat_file


def test_a_store_that_does_not_answer_is_given_up() -> None:
    files, start = FsspecFiles(Slow(), "slow://tree"), time.monotonic()
    with pytest.raises(SurgSigmaError, match="could not be read"):
        fetch(files, "a", 0, 1, deadline=0.3)
    with pytest.raises(SurgSigmaError, match="cannot be listed"):
        files.glob("*", deadline=0.3)
    assert time.monotonic() - start < 100


def test_a_call_within_a_clock_gives_what_it_gives() -> None:
    assert within(5.0, lambda: 7) == 7 == within(float("inf"), lambda: 7)
    with pytest.raises(TimeoutError, match="own"):
        within(5.0, lambda: (_ for _ in ()).throw(TimeoutError("own")))
