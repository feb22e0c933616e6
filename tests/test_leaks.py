"""What is trained on in one place and tested on in another is found, and a leak-free build never makes it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from surgsigma_hub.api import build, list_sources
from surgsigma_hub.cli import main
from surgsigma_hub.errors import UnknownNameError
from surgsigma_hub.hub.leaks import find_leaks
from surgsigma_hub.shards.manifest import Manifest, load_tree
from surgsigma_hub.source.benchmarks import all_benchmarks, chosen_benchmarks, held_out_surgeries

from footage_files import cholec80_labels, samples, write_images
from sources import WITH_FILES, root_of
from test_canonical_ids import is_id_of


@pytest.fixture(scope="module")
def cholec80(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two operations that Cholec80 trains on, one of which SSG-VQA tests on."""
    root = tmp_path_factory.mktemp("cholec80")
    for video in ("video01", "video02", "video03"):
        cholec80_labels(root, video, 12)
        write_images(root / "frames" / video, video + "_{:06d}.png", {n + 1: 25 * n for n in range(12)})
    return root


def test_every_benchmark_names_surgeries_of_a_source() -> None:
    known = set(list_sources())
    for name, benchmark in all_benchmarks().items():
        assert benchmark.surgeries and benchmark.what, name
        sources = {surgery.partition("/")[0] for surgery in benchmark.surgeries}
        assert sources <= known, name
        for surgery in benchmark.surgeries:
            assert is_id_of(surgery.partition("/")[0], surgery), f"{name}: {surgery} is no id of its source"
    assert len(all_benchmarks()["cholec80"].surgeries) == 40
    assert "cholec80/video09" not in held_out_surgeries() and "cholec80/video41" in held_out_surgeries()
    with pytest.raises(UnknownNameError, match="cholec80"):
        chosen_benchmarks(["cholec8"])


def test_a_tree_is_held_against_itself_and_a_benchmark(
    cholec80: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "surgsigma"
    build("cholec80", root=cholec80, out=out, tasks=["phase_recognition"], max_quarantine=1)
    build("cholect50", root=root_of("cholect50"), out=out, tasks=["phase_recognition"], max_quarantine=1)
    assert main(["leaks", str(out)]) == 0 and "OK" in capsys.readouterr().out
    assert main(["leaks", str(out), "--against", "ssg_vqa", "--json"]) == 1
    found = orjson.loads(capsys.readouterr().out)["leaks"]
    assert found == [
        {
            "surgery": "cholec80/video02",
            "trained": "cholec80",
            "tasks": ["phase_recognition"],
            "tested": "benchmark ssg_vqa",
        }
    ]
    moved = build("cholect50", root=root_of("cholect50"), out=tmp_path / "other", options={"split_scheme": "challenge"})
    assert moved.committed
    both = [*load_tree(out), *load_tree(tmp_path / "other")]
    assert {leak.surgery for leak in find_leaks(both)} == shared(both) != set()


def shared(manifests: list[Manifest]) -> set[str]:
    """Surgeries on both sides, counted another way."""
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for manifest in manifests:
        sides[manifest.split == "train"].update(manifest.videos)
    return sides[True] & sides[False]


def test_leak_free_moves_what_a_benchmark_tests_on(cholec80: Path, tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    options = {"split_scheme": "tecno"}
    report = build("cholec80", root=cholec80, out=out, split_policy="leak-free", options=options, max_quarantine=1)
    assert report.moved == ("video01", "video02")
    manifests = load_tree(out)
    assert find_leaks(manifests, chosen_benchmarks(["all"])) == []
    assert {m.split: m.videos for m in manifests if m.task == "phase_recognition"} == {
        "test": ("cholec80/video01", "cholec80/video02"),
        "train": ("cholec80/video03",),
    }
    assert all(m.options["split_policy"] == "leak-free" for m in manifests)
    assert {s["split"] for s, _ in samples(out, "phase_recognition") if s["video_id"] == "video02"} == {"test"}
    dry = build("cholec80", root=cholec80, split_policy="leak-free", options=options, max_quarantine=1, dry_run=True)
    assert [(r.task, r.split, r.samples) for r in dry.rows] == [(r.task, r.split, r.samples) for r in report.rows]


def test_moved_surgeries_get_no_words_of_training(cholec80: Path, tmp_path: Path) -> None:
    """Joint questions and explanations are of the training split alone, whatever the source says."""
    out = tmp_path / "surgsigma"
    build(
        "cholec80", root=cholec80, out=out, split_policy="leak-free", joint=1.0, explained=1.0, max_quarantine=1,
        tasks=["phase_recognition"],
    )  # fmt: skip
    seen = {split: set() for split in ("train", "test")}
    for sample, _ in samples(out, "phase_recognition"):
        seen[sample["split"]].update(sample["provenance"]["augmentation"])
    assert seen["train"] and not seen["test"]


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_loader_reads_a_moved_video_as_its_source_lists_it(name: str, tmp_path: Path) -> None:
    """Some loaders find files by the split: nothing may be lost when the build calls it otherwise."""
    plain = build(name, root=root_of(name), max_quarantine=1, dry_run=True)
    moved = build(name, root=root_of(name), max_quarantine=1, dry_run=True, split_policy="leak-free")
    assert (moved.frames, moved.quarantined.get("media_missing")) == (
        plain.frames,
        plain.quarantined.get("media_missing"),
    )
