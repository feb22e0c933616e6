"""push through Xet: blocks to a store of their own, whatever fails there, and strangers read the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hub_client import PYTHON, Client
from hub_server import TOKEN, Fault, HubServer
from pushing import REPO, check_whole, honest
from test_push import READ

pytest_plugins = ["pushing"]


def test_what_goes_by_xet_is_what_was_built(hub: HubServer, xet_client: Client, tree: Path, tmp_path: Path) -> None:
    done = xet_client("push", REPO, tree, "--version", "v1")
    assert done.code == 0, done.text
    assert "%|" not in done.text, "no bars where nobody looks on"
    check_whole(hub, tree)
    assert not hub.uploaded and hub.xet.sent, "nothing went the way of LFS"
    tars = [entry for place, entry in hub.head(REPO).files.items() if place.endswith(".tar")]
    assert tars and all(entry.sha256 in hub.store.xet_hashes for entry in tars)
    sent = hub.xet.sent
    assert "Nothing to send" in xet_client("push", REPO, tree, "--version", "v1").out and hub.xet.sent == sent
    hub.log.clear()
    done = xet_client("verify", f"{REPO}@v1")
    assert done.code == 0, done.text
    assert [line for line in hub.log if line.startswith("GET /cas/v1/reconstructions/")], "read through the store"
    read = [
        subprocess.run(
            [PYTHON, "-c", READ, name], cwd=cwd, text=True, check=True, stdout=subprocess.PIPE,
            env=hub.environment(tmp_path / "home", token=None, xet=True),
        ).stdout
        for name, cwd in ((REPO, tmp_path), ("surgsigma", tree.parent))
    ]  # fmt: skip
    assert json.loads(read[0]) == json.loads(read[1]) and not hub.leaks


FAULTS = {
    "token, busy": Fault("GET .*/xet-write-token/", status=429, headers={"Retry-After": "0"}),
    "block, broken": Fault("POST /cas/v1/xorbs/", status=503),
    "block, answer lost": Fault("POST /cas/v1/xorbs/", "lost"),
    "shard, broken": Fault("POST /cas/v1/shards", status=500),
    "commit, answer lost": Fault("POST .*/commit/", "lost"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_store_is_overcome(hub: HubServer, xet_client: Client, tree: Path, name: str) -> None:
    fault = replace(FAULTS[name])
    hub.faults.append(fault)
    done = xet_client("push", REPO, tree)
    assert fault.times == 0, "the fault never happened"
    assert done.code == 0, done.text
    check_whole(hub, tree)
    assert hub.commits(REPO) == ["Data, part 1", "Cards", "README.md"]


def test_a_store_that_lets_nobody_in_is_told_without_a_token(hub: HubServer, xet_client: Client, tree: Path) -> None:
    hub.faults.append(Fault("POST /cas/v1/xorbs/", "call", times=99, then=hub.xet_tokens.clear))
    done = xet_client("push", REPO, tree, "-v", "-v", "--debug")
    assert done.code == 2 and "was not taken" in done.err and "again" in done.err
    assert TOKEN not in done.text and hub.commits(REPO) == []
    hub.faults.clear()
    assert xet_client("push", REPO, tree).code == 0
    check_whole(hub, tree)


def test_killed_while_blocks_are_sent_it_is_completed(hub: HubServer, xet_client: Client, tree: Path) -> None:
    """Its cache may then name blocks that the server never got; a commit of such files must not go out."""

    def kill() -> None:
        os.kill(xet_client.pid, signal.SIGKILL)

    moments = (("POST /cas/v1/xorbs/", "drop"), ("POST /cas/v1/xorbs/", "lost"), ("POST /cas/v1/shards", "drop"),
               ("POST /cas/v1/shards", "lost"), ("POST .*/commit/", "lost"))  # fmt: skip
    killed = 0
    for match, kind in moments:
        fault = Fault(match, kind, then=kill)  # type: ignore[arg-type]
        hub.faults[:] = [fault]
        done = xet_client("push", REPO, tree)
        if fault.times:  # what it asks for is there since an earlier round
            continue
        assert done.code == -signal.SIGKILL, done.text
        killed += 1
        for commit in hub.store.repos[REPO].history:
            honest(hub, commit)
    assert killed >= 3
    hub.faults.clear()
    assert xet_client("push", REPO, tree).code == 0
    check_whole(hub, tree)
