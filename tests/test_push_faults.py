"""push while requests fail, tokens expire, somebody else commits, and the process is killed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from surgsigma_hub.hub.attempts import PushError, attempt

from hub_client import Client
from hub_server import TOKEN, Fault, HubServer
from pushing import REPO, check_whole, honest

pytest_plugins = ["pushing"]

FAULTS = {
    "preupload, busy": Fault("POST .*/preupload/", status=429, times=2, headers={"Retry-After": "0"}),
    "preupload, broken": Fault("POST .*/preupload/", status=503, times=2),
    "batch, broken": Fault("POST .*/objects/batch", status=500, times=1),
    "bytes, broken": Fault("PUT ", status=503, times=2, skip=1),
    "bytes, hung up": Fault("PUT ", "drop", times=2, skip=1),
    "bytes, link expired": Fault("PUT ", status=403, times=1, skip=2),
    "listing, broken": Fault("GET .*/tree/", status=500, times=2),
    "listing, cut": Fault("GET .*/tree/", "cut", times=1),
    "listing, slow": Fault("GET .*/tree/", "slow", times=1, seconds=0.5),
    "commit, refused": Fault("POST .*/commit/", status=503, times=1, skip=1),
    "commit, busy": Fault("POST .*/commit/", status=429, times=1),
    "commit, 412 after it landed": Fault("POST .*/commit/", "late", status=412, times=1, skip=1),
    "commit, 500 after it landed": Fault("POST .*/commit/", "late", status=500, times=1),
    "commit, answer slow": Fault("POST .*/commit/", "slow", times=1, seconds=0.5),
    "commit, answer lost": Fault("POST .*/commit/", "lost", times=1),
    "card's commit, answer lost": Fault("POST .*/commit/", "lost", times=1, skip=2),
    "commit, answer cut": Fault("POST .*/commit/", "cut", times=1, skip=1),
    "creation, answer lost": Fault("POST .*/repos/create", "lost", times=1),
    "tag, answer lost": Fault("POST .*/tag/", "lost", times=1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_the_way_is_overcome(hub: HubServer, client: Client, tree: Path, name: str) -> None:
    fault = replace(FAULTS[name])
    hub.faults.append(fault)
    done = client("push", REPO, tree, "--version", "v1")
    assert fault.times == 0, "the fault never happened"
    assert "WARNING huggingface_hub" not in done.err, "it writes its own lines, and ours would be their double"
    assert done.code == 0, done.text
    check_whole(hub, tree)
    assert hub.commits(REPO) == ["Data, part 1", "Cards", "README.md"]
    assert hub.head(REPO, "v1") == hub.head(REPO)


def test_why_a_file_did_not_arrive_is_told() -> None:
    def step() -> None:
        try:
            raise OSError("503 for https://store.example/x?signature=abc")
        except OSError as error:
            raise RuntimeError("Error while uploading 'a.tar' to the Hub.") from error

    with pytest.raises(PushError, match=r"uploading 'a.tar' to the Hub: 503 for https://store.example/x\?\.\.\."):
        attempt(REPO, step, "the commit was not taken", wait=lambda seconds: None)


@pytest.mark.parametrize(("status", "said"), [(403, "hf auth login"), (409, "again"), (412, "committed to it")])
def test_a_commit_that_is_refused_is_told_and_the_next_push_completes(
    hub: HubServer, client: Client, tree: Path, status: int, said: str
) -> None:
    hub.faults.append(Fault("POST .*/commit/", status=status, skip=1))
    done = client("push", REPO, tree)
    assert done.code == 2 and said in done.err and str(status) in done.err, done.text
    assert "README.md" not in hub.head(REPO).files
    assert client("push", REPO, tree).code == 0
    check_whole(hub, tree)
    assert hub.commits(REPO) == ["Data, part 1", "Cards", "README.md"]


@pytest.mark.parametrize("skip", [0, 1])
def test_a_token_that_expires_is_named_and_never_shown(hub: HubServer, client: Client, tree: Path, skip: int) -> None:
    hub.faults.append(Fault("POST .*/commit/", "call", skip=skip, then=hub.tokens.clear))
    done = client("push", REPO, tree, "-v", "-v", "--debug")
    assert done.code == 2 and "hf auth login" in done.err and "401" in done.err
    assert TOKEN not in done.text
    new = "hf_" + "other" * 7
    hub.tokens[new] = "org"
    assert client("push", REPO, tree, environment={"HF_TOKEN": new}).code == 0
    check_whole(hub, tree)


def test_killed_at_any_moment_it_is_completed(hub: HubServer, client: Client, tree: Path) -> None:
    """Killed at every request, before it was handled or after; the next run begins where that one stopped.

    How many requests a push needs depends on what the killed ones before it got through.
    """
    runs = 0
    for moment in range(200):
        kind = "lost" if moment % 2 else "drop"

        def kill() -> None:
            os.kill(client.pid, signal.SIGKILL)

        hub.faults[:] = [Fault(".", kind, skip=moment, then=kill)]
        done = client("push", REPO, tree)
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done.text
        runs += 1
        if REPO in hub.store.repos:
            for commit in hub.store.repos[REPO].history:
                honest(hub, commit)
    hub.faults.clear()
    assert runs > 5
    assert client("push", REPO, tree).code == 0
    check_whole(hub, tree)
    titles = hub.commits(REPO)
    assert sorted(set(titles)) == ["Cards", "Data, part 1", "README.md"] and titles[-1] == "README.md"


def test_somebody_else_who_commits_meanwhile_is_not_overwritten(hub: HubServer, client: Client, tree: Path) -> None:
    def meanwhile() -> None:
        hub.put(REPO, {"NOTES.md": b"mine"})

    hub.faults.append(Fault("POST .*/commit/", "call", skip=1, then=meanwhile))
    done = client("push", REPO, tree)
    assert done.code == 2 and "somebody else committed" in done.err
    assert hub.read(REPO, "NOTES.md") == b"mine"
