"""The contract that every source keeps, checked on its fixture; a newcomer's source is tested by being there."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
import surgsigma_hub
import yaml
from surgsigma_hub.api import build, list_sources, list_tasks, matrix
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.records import Fact, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.source import parse_options

from builds import SMALL, digests

ROOT = Path(__file__).parent.parent
NAMES = sorted(list_sources())


def root_of(name: str) -> Path | None:
    return ROOT / "tests" / "fixtures" / name if list_sources()[name].needs_root else None


def options_of(name: str) -> dict[str, str]:
    return {**SMALL, "frames": "30"} if name == "synthetic" else {}  # enough time for acts that follow each other


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    name = request.param
    out = tmp_path_factory.mktemp(name) / "surgsigma"
    report = build(name, root=root_of(name), out=out, options=options_of(name), max_quarantine=1)
    assert report.committed
    return name, out


@pytest.mark.parametrize("name", NAMES)
def test_metadata(name: str) -> None:
    info = list_sources()[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in list_tasks()
    assert info.facts and info.layout.strip() and info.access_steps and re.match(r"https?://", info.homepage)
    for text in (info.specialty, info.procedure, info.modality):
        assert re.fullmatch(r"[a-z0-9_]+", text), f"{text!r} should be an identifier"
    assert matrix()[name], "a source whose facts serve no task has no use yet"
    assert native_names(name)


@pytest.mark.parametrize("name", NAMES)
def test_card(name: str) -> None:
    text = (ROOT / "dataset_cards" / f"{name}.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    info = list_sources()[name]
    assert (front["name"], front["license"]) == (name, info.license)
    assert len(text.split("---\n", 2)[2].split()) > 80, "a card says how to get the data, its layout and its traps"


@pytest.mark.parametrize("name", NAMES)
def test_frames_keep_the_contract(name: str, tmp_path: Path) -> None:
    kind = get_source(name)
    source = kind(root_of(name), parse_options(kind, options_of(name)), cache_dir=tmp_path)
    held: set[Fact] = set()
    videos = list(source.videos())
    assert len({v.id for v in videos}) == len(videos) > 0
    for video in videos:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", video.id) and re.fullmatch(
            r"[a-z0-9_]+/[A-Za-z0-9_-]+", video.canonical_id
        )
        moments = []
        seen = Seen(source, video)
        for frame in seen.frames():
            if isinstance(frame, Frame):
                held |= resolve_frame(name, frame).facts()
                moments.append((frame.index, frame.variant))
            else:
                assert str(ROOT) not in frame.where + frame.detail
        course = seen.course()
        if course is not None:
            held |= resolve_timeline(name, course).facts()
            order = [(s.layer, s.start_seconds) for s in course.segments]
            assert order == sorted(order) and all(s.start_seconds < s.end_seconds for s in course.segments)
        assert len(set(moments)) == len(moments)
        assert [m[0] for m in moments] == sorted(m[0] for m in moments)
    assert held <= kind.info.facts, "a fact is held that the metadata does not declare"
    missing = kind.info.facts - held
    assert not missing, f"the fixture shows no example of {sorted(missing)}"


def test_a_built_tree_is_valid(built: tuple[str, Path]) -> None:
    name, out = built
    report = validate(out)
    assert report.ok, report.problems[:5]
    assert {m.task for m in load_tree(out)} == set(matrix()[name])


def test_no_path_of_this_machine_is_in_the_tree(built: tuple[str, Path]) -> None:
    _, out = built
    for path in out.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(out.parent).encode() not in data and str(ROOT).encode() not in data, path


def test_samples_are_about_their_source(built: tuple[str, Path]) -> None:
    name, out = built
    for manifest in load_tree(out):
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    sample = orjson.loads(members["json"])
                    assert key.startswith(f"{name}-") and sample["source"] == name
                    assert sample["license"] == list_sources()[name].license
                    assert sample["provenance"]["label_origin"] in (list_sources()[name].label_origin, "derived")


def test_a_rebuild_is_byte_identical(built: tuple[str, Path], tmp_path: Path) -> None:
    name, out = built
    again = tmp_path / "surgsigma"
    build(name, root=root_of(name), out=again, options=options_of(name), max_quarantine=1, workers=2)
    assert digests(again) == digests(out)


def test_all_sources_share_one_tree(tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    for name in NAMES:
        build(name, root=root_of(name), out=out, options=options_of(name), max_quarantine=1)
    assert {m.source for m in load_tree(out)} == set(NAMES)
    report = validate(out)
    assert report.ok, report.problems[:5]


def test_no_public_function_has_the_name_of_a_package() -> None:
    """Python binds a package's name over a function of that name once the package is imported."""
    packages = {path.parent.name for path in Path(surgsigma_hub.__file__).parent.rglob("*/__init__.py")}
    modules = {path.stem for path in Path(surgsigma_hub.__file__).parent.glob("*.py")}
    assert not set(surgsigma_hub.__all__) & (packages | modules)
    assert all(callable(getattr(surgsigma_hub, name)) for name in surgsigma_hub.__all__ if name != "__version__")
    assert "desmoking" in surgsigma_hub.list_tasks() and "synthetic" in surgsigma_hub.list_sources()
