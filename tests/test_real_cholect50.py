"""Built samples of the real CholecT50 files against a reading of their JSON that shares no code with the loader."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.build.report import BuildReport
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate

Built = tuple[dict[str, list[tuple[dict[str, Any], dict[str, bytes]]]], BuildReport, Path]


@pytest.fixture(scope="module")
def built(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("real") / "surgsigma"
    report = build("cholect50", root=real / "cholect50", out=out, max_quarantine=1, workers=2)
    samples: dict[str, list[tuple[dict[str, Any], dict[str, bytes]]]] = {}
    for manifest in load_tree(out):
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                for _, members in read_shard(file, where=shard.name):
                    samples.setdefault(manifest.task, []).append((orjson.loads(members.pop("json")), members))
    return samples, report, out


@pytest.fixture(scope="module")
def truth(real: Path) -> dict[tuple[str, int], list[list[Any]]]:
    """Vectors of every labelled frame whose picture is there."""
    found = {}
    for path in sorted((real / "cholect50" / "labels").glob("*.json")):
        for key, vectors in json.loads(path.read_text())["annotations"].items():
            if (real / "cholect50" / "videos" / path.stem / f"{int(key):06d}.png").exists():
                found[path.stem, int(key)] = vectors
    return found


@pytest.fixture(scope="module")
def names(real: Path) -> dict[str, dict[str, str]]:
    return json.loads((real / "cholect50" / "labels" / "VID68.json").read_text())["categories"]


def moments(samples: list[tuple[dict[str, Any], dict[str, bytes]]]) -> dict[tuple[str, int], dict[str, Any]]:
    return {(s["video_id"], s["frame_index"]): s for s, _ in samples}


def test_every_frame_with_a_picture_gives_a_sample(built: Built, truth: dict[tuple[str, int], Any]) -> None:
    samples, _, _ = built
    for task in ("phase_recognition", "instrument_recognition", "triplet_recognition", "action_recognition"):
        assert set(moments(samples[task])) == set(truth)


def test_phases(built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]) -> None:
    for where, sample in moments(built[0]["phase_recognition"]).items():
        assert sample["native"]["labels"] == [names["phase"][str(truth[where][0][14])]]
        expected = names["phase"][str(truth[where][0][14])].replace("carlot", "calot").replace("-", "_")
        assert sample["answer"]["labels"] == [expected]


def test_instruments_actions_and_tissues(
    built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]
) -> None:
    for task, slot, kind in (
        ("instrument_recognition", 1, "instrument"),
        ("action_recognition", 7, "verb"),
        ("tissue_recognition", 8, "target"),  # a bag is a target of triplets, but no tissue
    ):
        for where, sample in moments(built[0][task]).items():
            expected = {names[kind][str(v[slot])] for v in truth[where] if v[slot] >= 0} - {"null_verb", "null_target"}
            expected -= {"specimen_bag"} if kind == "target" else set()
            assert set(sample["answer"]["labels"]) == expected, sample["id"]


def test_triplets(built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]) -> None:
    for where, sample in moments(built[0]["triplet_recognition"]).items():
        expected = [
            names["triplet"][str(v[0])].replace("null_verb", "null").replace("null_target", "null")
            for v in truth[where]
            if v[0] >= 0
        ]
        said = [",".join((t["instrument"], t["action"], t["target"])) for t in sample["answer"]["triplets"]]
        assert Counter(said) == Counter(dict.fromkeys(expected, 1)), sample["id"]


def test_boxes(built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]) -> None:
    whole = [s for s, _ in built[0]["instrument_localization"] if s["id"].endswith("-all")]
    for sample in whole:
        vectors = truth[sample["video_id"], sample["frame_index"]]
        expected = sorted(
            (names["instrument"][str(v[1])], v[3], v[4], min(1.0, v[3] + v[5]), min(1.0, v[4] + v[6]))
            for v in vectors
            if v[1] >= 0
        )
        said = sorted((b["label"], b["x1"], b["y1"], b["x2"], b["y2"]) for b in sample["answer"]["boxes"])
        assert [b[0] for b in said] == [b[0] for b in expected]
        assert [b[1:] for b in said] == [pytest.approx(b[1:], abs=1e-12) for b in expected]
    assert len(whole) == len(truth)


def test_pictures_are_the_right_ones(built: Built, real: Path) -> None:
    for sample, members in built[0]["phase_recognition"][::7]:
        original = Image.open(real / "cholect50/videos" / sample["video_id"] / f"{sample['frame_index']:06d}.png")
        stored = Image.open(io.BytesIO(members["image.jpg"]))
        assert stored.size == original.size == (sample["width"], sample["height"])
        small = [list(i.convert("L").resize((16, 16)).getdata()) for i in (original, stored)]
        assert max(abs(a - b) for a, b in zip(*small, strict=True)) <= 6


def test_missing_pictures_are_counted_by_video(built: Built, real: Path) -> None:
    expected = {}
    for path in (real / "cholect50" / "labels").glob("*.json"):
        there = {p.name for p in (real / "cholect50" / "videos" / path.stem).iterdir()}
        keys = json.loads(path.read_text())["annotations"]
        expected[path.stem] = sum(f"{int(k):06d}.png" not in there for k in keys)
    counted = {video: reasons["media_missing"] for video, reasons in built[1].quarantined_by_video.items()}
    assert counted == expected


def test_the_tree_is_valid(built: Built) -> None:
    report = validate(built[2])
    assert report.ok, report.problems[:5]
