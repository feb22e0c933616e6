"""The contract that every source keeps, checked on its fixture; a newcomer's source is tested by being there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path

import orjson
import pytest
import surgsigma_hub
import yaml
from surgsigma_hub.api import build, list_sources, list_tasks, matrix
from surgsigma_hub.hub import cards
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.records import Fact, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.scaffold import PLACES
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.tasks import get_task

import contract_cures
import golden_records
from builds import digests
from sources import NAMES, opened, options_of, root_of

ROOT = Path(__file__).parent.parent


def _few_of(name: str) -> dict[str, str]:
    """Options under which a source has as few videos as give a sample of every task in a tree."""
    return {**options_of(name), "videos": "3"} if name == "synthetic" else options_of(name)


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    name = request.param
    out = tmp_path_factory.mktemp(name) / "surgsigma"
    report = build(name, root=root_of(name), out=out, options=_few_of(name), max_quarantine=1)
    assert report.committed, f"nothing was built of tests/fixtures/{name}: {dict(report.quarantined)}"
    facts, made = list_sources()[name].facts, {m.task for m in load_tree(out)}
    cure = contract_cures.tasks_differ(name, made, matrix()[name], facts, report.quarantined)
    assert not cure, cure
    return name, out


@pytest.mark.parametrize("name", NAMES)
def test_metadata(name: str) -> None:
    info = list_sources()[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name), "rename the module: lower case letters, digits and underscores"
    assert name not in list_tasks(), "rename the module: a config of this name is a task"
    assert info.layout.strip(), "info.layout is empty: draw the folders, it is shown where they are not found"
    assert info.access_steps, "info.access_steps is empty: say in a sentence how to get the files"
    assert re.match(r"https?://", info.homepage), f"homepage in dataset_cards/{name}.md is no address: {info.homepage}"
    assert matrix()[name], "info.facts serve no task: declare what frames() and course() yield"
    unlabelled = info.facts <= {Fact.CLEAN_IMAGE, Fact.DEPTH, Fact.FOOTAGE, Fact.INSTRUMENT_MASKS}  # of no class
    assert unlabelled or native_names(name), (
        f"surgsigma_hub/ontology/native/{name}.csv is empty: a row kind,native,id for each label"
    )


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_to_do(name: str) -> None:
    places = [ROOT / place.format(name=name) for place in PLACES.values()]
    left = [
        f"{path.relative_to(ROOT)} line {n}: {line.strip()}"
        for path in places
        if path.is_file()
        for n, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "TODO" in line
    ]
    assert not left, "\n".join(["fill these in:", *left])


@pytest.mark.parametrize("name", NAMES)
def test_the_card_explains_the_options_of_its_source_and_no_others(name: str) -> None:
    text = (ROOT / "dataset_cards" / f"{name}.md").read_text("utf-8")
    options = {field.name for field in fields(get_source(name).options_type)}
    tables = re.findall(r"^\| option [^\n]*\n\|[-| ]+\n((?:\|[^\n]*\n)+)", text, re.MULTILINE)
    told = {one for rows in tables for row in rows.splitlines() for one in re.findall("`(.+?)`", row.split("|")[1])}
    assert told <= options, f"dataset_cards/{name}.md tells of options that there are not: {sorted(told - options)}"
    silent = options - {"split_scheme"} - set(re.findall("`([a-z_]+)`", text))
    assert not silent, f"dataset_cards/{name}.md: tell what these options mean: {sorted(silent)}"


@pytest.mark.parametrize("name", NAMES)
def test_card(name: str) -> None:
    text = (ROOT / "dataset_cards" / f"{name}.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    info = list_sources()[name]
    assert (front["name"], front["license"]) == (name, info.license)
    words = len(text.split("---\n", 2)[2].split())
    assert words > 80, f"the card has {words} words: tell how to get the data, its layout, what its lists mean"


@pytest.mark.parametrize("name", NAMES)
def test_frames_keep_the_contract(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path)
    held: set[Fact] = set()
    videos = list(source.videos())
    assert videos, f"tests/fixtures/{name} has no video"
    assert len({v.id for v in videos}) == len(videos), "two videos have one id: make it of what tells files apart"
    for video in videos:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", video.id), f"video id {video.id!r}: use letters, digits, _ and - alone"
        assert re.fullmatch(r"[a-z0-9_]+/[A-Za-z0-9_-]+", video.canonical_id), (
            f"canonical_id {video.canonical_id!r} of {video.id}: expected <first source>/<id there>"
        )
        moments = []
        seen = Seen(source, video)
        for frame in seen.frames():
            if isinstance(frame, Frame):
                of_frame = resolve_frame(name, frame).facts()
                assert any(of_frame <= facts for facts in source.info.together), "info.apart parts facts of one moment"
                held |= of_frame
                moments.append((frame.index, frame.variant))
            else:
                assert str(ROOT) not in frame.where + frame.detail, "say places by self.relative(path)"
        course = seen.course()
        if course is not None:
            held |= resolve_timeline(name, course).facts()
            order = [(s.layer, s.start_seconds) for s in course.segments]
            assert order == sorted(order), f"segments of {video.id} are not sorted by layer and start: use course_of"
            assert all(s.start_seconds < s.end_seconds for s in course.segments), f"a segment of {video.id} is empty"
        assert len(set(moments)) == len(moments), f"{video.id} yields a moment twice: tell them apart by Frame.variant"
        assert [m[0] for m in moments] == sorted(m[0] for m in moments), f"frames of {video.id} are not in time order"
    declared = source.info.facts
    assert frozenset().union(*source.info.together) == declared, "info.apart does not name the facts of info.facts"
    assert held <= declared, contract_cures.facts_undeclared(name, held - declared)
    assert not declared - held, contract_cures.facts_missing(name, declared - held)


@pytest.mark.parametrize("name", NAMES)
def test_golden_records(name: str, tmp_path: Path) -> None:
    now, kept = golden_records.of_source(name, tmp_path), golden_records.kept(name)
    cure = f"if this is meant, say so in CHANGELOG.md; then: {golden_records.REFRESH} {name}"
    assert kept is not None, f"no golden records of {name}; once its records are right, keep them: {cure}"
    assert now == kept, f"the records of {name} are not those of tests/golden_records/{name}.json; {cure}"


def test_every_fact_has_its_cure_and_no_task_a_stale_one() -> None:
    assert set(contract_cures.EXAMPLES) == set(Fact), "say in tests/contract_cures.py what a fixture needs for it"
    assert set(contract_cures.MORE) <= set(list_tasks())
    assert {path.stem for path in golden_records.FOLDER.glob("*.json")} <= set(NAMES), "remove those of no source"


def test_a_source_without_an_example_is_told_what_its_fixture_needs() -> None:
    facts = frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS, Fact.PHASE})
    offered = [task for task in list_tasks() if get_task(task).offered_by(facts)]
    told = contract_cures.tasks_differ("somewhere", {"phase_recognition"}, offered, facts, {"media_missing": 2})
    assert "no sample of action_remaining_prediction: tests/fixtures/somewhere needs an action of 2 s or more" in told
    assert "or drop Fact.ACTION_SEGMENTS, Fact.FOOTAGE" in told and "left out: 2 media_missing" in told
    assert "phase_recognition" not in told
    assert "or drop Fact.PHASE from info.facts" in contract_cures.facts_missing("somewhere", [Fact.PHASE])


def test_a_built_tree_is_valid(built: tuple[str, Path]) -> None:
    name, out = built
    report = validate(out)
    assert report.ok, report.problems[:5]
    assert {m.task for m in load_tree(out)} <= set(matrix()[name])


def test_no_path_of_this_machine_is_in_the_tree(built: tuple[str, Path]) -> None:
    _, out = built
    for path in out.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(out.parent).encode() not in data and str(ROOT).encode() not in data, (
                f"{path} names a folder of this machine: say places by self.relative(path)"
            )


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


def _build_elsewhere(name: str, out: Path) -> None:
    build(name, root=root_of(name), out=out, options=_few_of(name), max_quarantine=1)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process of its own, with other hashes of strings; one for all sources, since starting it takes seconds."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def test_a_rebuild_in_another_process_is_byte_identical(
    built: tuple[str, Path], tmp_path: Path, elsewhere: ProcessPoolExecutor
) -> None:
    name, out = built
    elsewhere.submit(_build_elsewhere, name, tmp_path / "surgsigma").result()
    assert digests(tmp_path / "surgsigma") == digests(out)


def test_all_sources_share_one_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "surgsigma"
    for name in NAMES:  # a task of each will do: the whole of each is looked at in a tree of its own
        task = matrix()[name][:1]
        if name == NAMES[-1]:
            monkeypatch.undo()  # its cards are those of all: writing them after each source would take most of the time
        else:
            monkeypatch.setattr(cards, "refresh", lambda tree: None)
        build(name, root=root_of(name), out=out, tasks=task, options=options_of(name), max_quarantine=1)
    assert {m.source for m in load_tree(out)} == set(NAMES)
    assert all(f"config_name: {name}\n" in (out / "README.md").read_text("utf-8") for name in NAMES)
    report = validate(out)
    assert report.ok, report.problems[:5]


def test_no_public_function_has_the_name_of_a_package() -> None:
    """Python binds a package's name over a function of that name once the package is imported."""
    packages = {path.parent.name for path in Path(surgsigma_hub.__file__).parent.rglob("*/__init__.py")}
    modules = {path.stem for path in Path(surgsigma_hub.__file__).parent.glob("*.py")}
    assert not set(surgsigma_hub.__all__) & (packages | modules)
    assert all(callable(getattr(surgsigma_hub, name)) for name in surgsigma_hub.__all__ if name != "__version__")
    assert "desmoking" in surgsigma_hub.list_tasks() and "synthetic" in surgsigma_hub.list_sources()
