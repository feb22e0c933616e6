"""Trees to push, a server to push them to, and what must hold of it afterwards: a plugin of the tests of push."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import orjson
import pytest
import surgsigma_hub
import yaml
from surgsigma_hub.hub.readiness import check_valid
from surgsigma_hub.shards.manifest import load_tree

from builds import digests
from hub_client import Client, waiting
from hub_repos import Commit
from hub_server import HubServer, serve

REPO = "org/surgsigma"
TASKS = ("phase_recognition", "instrument_segmentation")
SIZE = {"videos": "5", "frames": "4", "width": "64", "height": "48"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "surgsigma"
    surgsigma_hub.build("synthetic", out=out, tasks=TASKS, options=SIZE, shard_bytes=64 << 10)
    found_valid(out)
    return out


def found_valid(tree: Path) -> None:
    """Note that all samples were checked, as the first push does: copies of the tree keep it."""
    check_valid(tree, load_tree(tree), workers=1, say=print)


@pytest.fixture(scope="session")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another tree for the same dataset: other samples under the same names, and fewer shards."""
    out = tmp_path_factory.mktemp("again") / "surgsigma"
    surgsigma_hub.build("synthetic", out=out, tasks=TASKS[:1], options={**SIZE, "videos": "3"}, seed=7)
    found_valid(out)
    return out


@pytest.fixture(scope="session")
def server() -> Iterator[HubServer]:
    with serve() as hub:
        yield hub


@pytest.fixture(scope="session")
def waiter(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("client")
    with waiting(server.environment(folder / "home"), folder) as client:
        yield client


@pytest.fixture(scope="session")
def xet_waiter(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("client")
    with waiting(server.environment(folder / "home", xet=True), folder) as client:
        yield client


@pytest.fixture
def hub(server: HubServer) -> HubServer:
    """The server as new."""
    with server.lock:
        server.clear()
    return server


@pytest.fixture
def tree(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "surgsigma")


@pytest.fixture
def client(waiter: Client) -> Iterator[Client]:
    waiter.constants.clear()
    yield waiter


def honest(hub: HubServer, commit: Commit) -> None:
    """A card of a commit claims no more and no less than the commit holds."""
    files = commit.files
    if "README.md" not in files:
        return
    card = hub.store.data(files["README.md"]).decode()
    front = yaml.load(card.split("---\n")[1], getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    sizes = {(i["config_name"], s["name"]): s["num_bytes"] for i in front["dataset_info"] for s in i["splits"]}
    for config in front["configs"]:
        for part in config["data_files"]:
            found = [p for p in files if fnmatch(p, part["path"])]
            assert sum(files[p].size for p in found) == sizes[config["config_name"], part["split"]], commit.title
    for place, entry in files.items():
        if place.endswith(".manifest.json"):
            for shard in orjson.loads(hub.store.data(entry))["shards"]:
                assert files[f"{place.rpartition('/')[0]}/{shard['name']}"].sha256 == shard["sha256"], commit.title


def check_whole(hub: HubServer, tree: Path) -> None:
    """The dataset holds the tree, no more and no less, and was honest at every moment."""
    repo = hub.store.repos[REPO]
    head = repo.at("main")
    ours = {p: d for p, d in digests(tree).items() if not p.startswith((".push/", "reports/"))}
    stored = {p: orjson.loads(json.dumps(hub.store.data(e).hex())) for p, e in head.files.items()}
    assert set(stored) - {".gitattributes", "pin.json"} == set(ours)
    for place in ours:
        assert bytes.fromhex(stored[place]) == (tree / place).read_bytes(), place
    for commit in repo.history:
        honest(hub, commit)
    assert not hub.leaks


@pytest.fixture
def xet_client(xet_waiter: Client, tmp_path: Path) -> Iterator[Client]:
    """A client with Xet whose cache knows no block, as the server does not."""
    xet_waiter.constants.clear()
    xet_waiter.environment = {"HF_XET_CACHE": str(tmp_path / "xet")}
    yield xet_waiter
