"""push into a bucket, and streams from it: no manifest without its shards, and a shard that changes is told by name."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub.errors import SurgSigmaError

from builds import digests
from hub_client import PYTHON, Client, Done
from hub_repos import BucketEntry
from hub_server import TOKEN, Fault, HubServer

pytest_plugins = ["pushing"]

NAME = "org/work"
URL = f"hf://buckets/{NAME}"
STREAM = """
import json, sys, surgsigma_hub
from surgsigma_hub.errors import SurgSigmaError
try:
    s = surgsigma_hub.stream(sys.argv[1], "phase_recognition", decode="bytes", shuffle=False, threads=1)
    print(json.dumps([sample.key for sample in s]))
except SurgSigmaError as error:
    print(json.dumps(str(error)))
"""


def read(hub: HubServer, place: str, home: Path) -> list[str] | str:
    """The keys that a stranger's stream gives, or the error that it tells."""
    env = hub.environment(home, token=None)
    done = subprocess.run([PYTHON, "-c", STREAM, place], env=env, cwd=home.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made: list[str] | str = json.loads(done.stdout)
    return made


def content(hub: HubServer, files: Mapping[str, BucketEntry]) -> dict[str, bytes]:
    return {place: hub.xet.content(entry.xet) for place, entry in files.items()}


def check_bucket(hub: HubServer, tree: Path) -> None:
    """It holds the tree, and at every moment each manifest had its shards, and the card its manifests."""
    bucket = hub.buckets[NAME]
    held = content(hub, bucket.files)
    ours = {p: d for p, d in digests(tree).items() if not p.startswith((".push/", "reports/"))}
    assert set(held) - {"pin.json"} == set(ours)
    assert all((tree / place).read_bytes() == held[place] for place in ours)
    for moment in bucket.history:
        manifests = [place for place in moment if place.endswith(".manifest.json")]
        for place in manifests:
            for shard in orjson.loads(hub.xet.content(moment[place].xet))["shards"]:
                there = moment[f"{place.rpartition('/')[0]}/{shard['name']}"]
                assert hashlib.sha256(hub.xet.content(there.xet)).hexdigest() == shard["sha256"]
        if "README.md" in moment:
            card = hub.xet.content(moment["README.md"].xet).decode()
            assert all(f"{place.rpartition('/')[0]}/" in card for place in manifests) and manifests
    assert not hub.leaks


def push(client: Client, tree: Path, *more: str) -> Done:
    return client("push", NAME, tree, "--bucket", *more)


def test_a_bucket_is_filled_and_streamed_from(hub: HubServer, xet_client: Client, tree: Path, tmp_path: Path) -> None:
    done = push(xet_client, tree, "--dry-run")
    assert done.code == 0 and "would be made" in done.out and not hub.buckets
    done = push(xet_client, tree, "--private")
    assert done.code == 0, done.text
    assert hub.buckets[NAME].private and TOKEN not in done.text
    check_bucket(hub, tree)
    times = {int(path.stat().st_mtime * 1000) for path in tree.rglob("*")}
    assert not times & {entry.mtime for entry in hub.buckets[NAME].files.values()}, (
        "file times of this machine stay here"
    )
    receipt = json.loads((tree / ".push" / "buckets--org--work.json").read_text())
    assert receipt["bucket"] == URL and receipt["private"] is True
    sent = hub.xet.sent
    done = xet_client("push", f"{URL}/", tree)
    assert "Nothing to send" in done.out and hub.xet.sent == sent
    assert "could not be opened" in read(hub, URL, tmp_path / "stranger"), "it is private"
    hub.buckets[NAME].private = False
    there = read(hub, URL, tmp_path / "stranger")
    assert there == read(hub, "surgsigma", tree.parent / "home") and len(there) > 10
    assert "could not be opened" in read(hub, "hf://buckets/org/nothing", tmp_path / "stranger")


def test_another_tree_takes_the_place_of_one_and_a_stop_leaves_nothing_wrong(
    hub: HubServer, xet_client: Client, tree: Path, again: Path
) -> None:
    assert push(xet_client, tree).code == 0
    refused = push(xet_client, again)
    assert refused.code == 2 and "--delete" in refused.err
    stopped = 0
    for moment in range(9):

        def kill() -> None:
            os.kill(xet_client.pid, signal.SIGKILL)

        hub.faults[:] = [Fault("POST", "lost" if moment % 2 else "drop", skip=moment, then=kill)]
        done = push(xet_client, again, "--delete")
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done.text
        stopped += 1
    hub.faults.clear()
    assert stopped > 3 and push(xet_client, again, "--delete").code == 0
    check_bucket(hub, again)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST /api/buckets/org/work/batch", status=503),
        Fault("POST /api/buckets/org/work/batch", "lost"),
        Fault("GET /api/buckets/org/work/tree", "cut", skip=1),
    ],
    ids=["busy", "answer lost", "listing cut"],
)
def test_a_fault_of_a_bucket_is_overcome(hub: HubServer, xet_client: Client, tree: Path, fault: Fault) -> None:
    hub.faults.append(fault)
    done = push(xet_client, tree)
    assert done.code == 0 and fault.times == 0, done.text
    check_bucket(hub, tree)


def test_a_shard_that_changes_under_a_reader_is_named(hub: HubServer, xet_client: Client, tmp_path: Path) -> None:
    tree = tmp_path / "surgsigma"
    size = {"videos": "3", "frames": "90", "width": "64", "height": "48"}
    surgsigma_hub.build("synthetic", out=tree, tasks=["phase_recognition"], options=size)
    assert push(xet_client, tree).code == 0
    files = hub.buckets[NAME].files
    shard = next(place for place in files if place.endswith("train-00000.tar"))

    def change() -> None:
        data = bytearray(hub.xet.content(files[shard].xet))
        data[-2000] ^= 1
        files[shard] = BucketEntry(hub.xet.keep(bytes(data)), len(data), 0)

    hub.faults.append(Fault(f"GET .*{Path(shard).name}", "call", skip=1, then=change))
    said = read(hub, URL, tmp_path / "home")
    assert hub.faults[0].times == 0 and isinstance(said, str) and Path(shard).name in said and "chang" in said, said


def test_what_a_bucket_has_not_is_said(hub: HubServer, xet_client: Client, tree: Path) -> None:
    for option in (["--gated", "auto"], ["--version", "v1"], ["--viewer"]):
        done = push(xet_client, tree, *option)
        assert done.code == 2 and "a bucket has no gate" in done.err
    assert push(xet_client, tree).code == 0
    del hub.buckets[NAME].files["README.md"]
    hub.buckets[NAME].files["mine.csv"] = BucketEntry(hub.xet.keep(b"a,b\n"), 4, 0)
    before = dict(hub.buckets[NAME].files)
    done = push(xet_client, tree)
    assert done.code == 2 and "left alone" in done.err and hub.buckets[NAME].files == before
    with pytest.raises(SurgSigmaError, match="no revisions"):
        surgsigma_hub.stream(URL, revision="main")
