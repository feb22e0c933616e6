"""verify finds what is not as the manifests say, in a folder and in a dataset, of which little is downloaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub.verify import VerifyReport, verify

from hub_client import Client, waiting
from hub_server import HubServer, serve

REPO = "org/surgsigma"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "surgsigma"
    size = {"videos": "5", "frames": "3", "width": "64", "height": "48"}
    surgsigma_hub.build("synthetic", out=out, tasks=["phase_recognition"], options=size, shard_bytes=32 << 10)
    return out


@pytest.fixture
def tree(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "surgsigma")


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def client(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("client")
    with waiting(hub.environment(folder / "home"), folder) as made:
        yield made


@pytest.fixture
def published(hub: HubServer, client: Client, built: Path) -> HubServer:
    hub.store.repos.clear()
    assert client("push", REPO, built, "--version", "v1").code == 0
    hub.log.clear()
    return hub


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(p.where, p.kind) for p in report.problems if p.severity == "error"}


def tars(tree: Path) -> list[str]:
    return sorted(p.relative_to(tree).as_posix() for p in tree.glob("data/*/*/*.tar"))


def test_a_built_tree_is_as_its_manifests_say(tree: Path) -> None:
    report = verify(str(tree), sample=2)
    assert report.ok and not report.problems
    assert report.checked["shards"] == len(tars(tree)) > 2 and report.checked["read"] == 2
    assert report.checked["samples"] > 0


def test_the_seed_says_which_shards_are_read(tree: Path) -> None:
    said: dict[int, list[str]] = {}
    for seed in (0, 0, 1, 2, 3):
        lines: list[str] = []
        verify(str(tree), sample=1, seed=seed, say=lines.append)
        assert said.setdefault(seed, lines) == lines
    assert len({tuple(lines) for lines in said.values()}) > 1


def changed(tree: Path) -> set[tuple[str, str]]:
    for place in tars(tree):
        data = bytearray((tree / place).read_bytes())
        data[-len(data) // 2] ^= 1
        (tree / place).write_bytes(data)
    return {(tars(tree)[0], "manifest")}


def missing(tree: Path) -> set[tuple[str, str]]:
    place = tars(tree)[0]
    (tree / place).unlink()
    return {(place, "missing")}


def shorter(tree: Path) -> set[tuple[str, str]]:
    place = tars(tree)[0]
    (tree / place).write_bytes((tree / place).read_bytes()[:-512])
    return {(place, "size")}


def unlisted(tree: Path) -> set[tuple[str, str]]:
    place = tars(tree)[0].replace("00000", "00077")
    (tree / place).write_bytes(b"x" * 1024)
    return {(place, "unlisted"), ("README.md", "config")}


def no_card(tree: Path) -> set[tuple[str, str]]:
    (tree / "README.md").unlink()
    return {("README.md", "missing")}


def broken_card(tree: Path) -> set[tuple[str, str]]:
    (tree / "README.md").write_text("---\nconfigs: [\n---\n")
    return {("README.md", "card")}


def stale_card(tree: Path) -> set[tuple[str, str]]:
    text = (tree / "README.md").read_text()
    (tree / "README.md").write_text(text.replace("num_examples: ", "num_examples: 9", 1))
    return {("README.md", "stale")}


def broken_manifest(tree: Path) -> set[tuple[str, str]]:
    path = sorted(tree.glob("data/*/*/*.manifest.json"))[0]
    path.write_text("{}")
    return {(path.relative_to(tree).as_posix(), "manifest")}


def no_catalog(tree: Path) -> set[tuple[str, str]]:
    path = sorted(tree.glob("catalog/*"))[0]
    path.unlink()
    return {(path.relative_to(tree).as_posix(), "missing")}


@pytest.mark.parametrize(
    "damage",
    [changed, missing, shorter, unlisted, no_card, broken_card, stale_card, broken_manifest, no_catalog],
    ids=lambda damage: damage.__name__,
)
def test_what_is_wrong_in_a_folder_is_named(tree: Path, damage: Callable[[Path], set[tuple[str, str]]]) -> None:
    expected = damage(tree)
    report = verify(str(tree), sample=100)
    assert not report.ok and expected <= kinds(report), report.problems


def test_one_byte_of_a_shard_that_is_not_read_is_named(tree: Path) -> None:
    place = tars(tree)[-1]
    data = bytearray((tree / place).read_bytes())
    data[-1] ^= 1  # in the zeros of its end, which no reader looks at
    (tree / place).write_bytes(data)
    report = verify(str(tree), sample=0)
    assert kinds(report) == {(place, "sha256")} and report.checked["digests"] == len(tars(tree))


def test_a_newer_format_is_refused_by_its_number(tree: Path) -> None:
    path = sorted(tree.glob("data/*/*/*.manifest.json"))[0]
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "format_version": "99.0"}))
    with pytest.raises(ShardError, match=r"99\.0"):
        verify(str(tree))


def test_what_is_neither_folder_nor_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(SurgSigmaError, match="not of the form ORG/NAME"):
        verify(str(tmp_path / "nothing"))
    with pytest.raises(ShardError, match="holds no manifest"):
        verify(str(tmp_path))


def test_a_published_tree_is_verified_without_its_shards(published: HubServer, client: Client, built: Path) -> None:
    done = client("verify", f"{REPO}@v1", "--sample", "0", "--json")
    report = json.loads(done.out)
    assert done.code == 0 and report["ok"], done.text
    assert report["checked"]["digests"] == report["checked"]["shards"] == len(tars(built))
    assert not [line for line in published.log if "/storage/" in line], "a shard was downloaded"
    done = client("verify", REPO)
    assert done.code == 0 and "3 shards read whole" in done.out, done.text


def test_what_is_wrong_in_a_dataset_is_named(published: HubServer, client: Client, built: Path) -> None:
    place = tars(built)[0]
    manifest = sorted(p.relative_to(built).as_posix() for p in built.glob("data/*/*/*.manifest.json"))[-1]
    data = bytearray((built / place).read_bytes())
    data[-1] ^= 1
    published.put(REPO, {place: bytes(data), manifest: b"{}", "cards/synthetic.md": b"mine"})
    done = client("verify", REPO, "--sample", "0")
    assert done.code == 1 and f"error: {place}: is " in done.out and f"error: {manifest}: " in done.out, done.text
    assert client("verify", f"{REPO}@v1", "--sample", "0").code == 0, "the tagged state is as it was"


def test_a_dataset_that_is_not_there_is_named(published: HubServer, client: Client) -> None:
    done = client("verify", "org/nothing")
    assert done.code == 2 and "org/nothing was not found" in done.err
    done = client("verify", f"{REPO}@v9")
    assert done.code == 2 and "v9" in done.err and "Traceback" not in done.err
