"""Built samples of the real CholecT50 files against a reading of their JSON that shares no code with the loader."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.building.report import BuildReport
from surgsigma_hub.ontology import resolve_frame
from surgsigma_hub.parsers.releases.triplet_vectors import NAMES, names_in, read_label_mapping, triples_in
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.records import Fact, FileImage, Frame, Reason, Stills
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate

from cholect50_reading import CholecT50, course, read
from footage_files import seen

ENDS = ("action_remaining_prediction", "next_action_planning")
RINSING = ("irrigate", "aspirate")
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
    """Samples about one picture, clips left aside."""
    return {(s["video_id"], s["frame_index"]): s for s, members in samples if "image.jpg" in members}


def single(vectors: list[Any]) -> list[Any]:
    """Vectors of instruments that are labelled once in a frame and act."""
    often = Counter(v[1] for v in vectors)
    return [v for v in vectors if v[1] >= 0 and often[v[1]] == 1 and v[7] not in (-1, 9)]


def test_every_frame_with_a_picture_gives_a_sample(built: Built, truth: dict[tuple[str, int], Any]) -> None:
    samples, _, _ = built
    assert set(moments(samples["phase_recognition"])) == set(truth)
    acting = {where for where, vectors in truth.items() if single(vectors)}
    for task in ("triplet_recognition", "action_recognition"):
        assert set(moments(samples[task])) == acting
        assert len(samples[task]) == sum(len(single(vectors)) for vectors in truth.values())


def test_nothing_is_said_of_all_that_is_in_view(built: Built) -> None:
    """In one of five frames of this part an instrument in plain view has no label, and tissues are those acted on."""
    samples, _, _ = built
    assert not samples.keys() & {"instrument_recognition", "instrument_segmentation", *ENDS}
    for task, found in samples.items():
        assert all(s["answer"]["text"] != "none" for s, _ in found), task
    for task in ("triplet_recognition", "action_recognition", "tissue_recognition", "instrument_localization"):
        for sample, _ in samples[task]:
            asked = sample["messages"][-2]["content"]
            assert re.search("the (?:(?:top|middle|bottom) (?:left|center|right)|center)", asked), "by its place"


def test_phases(built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]) -> None:
    for where, sample in moments(built[0]["phase_recognition"]).items():
        assert sample["native"]["labels"] == [names["phase"][str(truth[where][0][14])]]
        expected = names["phase"][str(truth[where][0][14])].replace("carlot", "calot").replace("-", "_")
        assert sample["answer"]["labels"] == [expected]


def place(vector: list[Any]) -> str:
    """Where the middle of the box of a vector lies, as the id of a sample names it."""
    across, down = (vector[3] + vector[5] / 2, vector[4] + vector[6] / 2)
    column = "left" if across < 1 / 3 else "center" if across < 2 / 3 else "right"
    row = "top" if down < 1 / 3 else "middle" if down < 2 / 3 else "bottom"
    return "center" if (row, column) == ("middle", "center") else f"{row}-{column}"


def test_one_instrument_is_asked_about_at_its_place(
    built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]
) -> None:
    count: Counter[str] = Counter()
    for task in ("action_recognition", "tissue_recognition", "triplet_recognition"):
        for sample, _ in built[0][task]:
            vectors = single(truth[sample["video_id"], sample["frame_index"]])
            key = sample["id"].partition(f"{task}-")[2]
            (vector,) = [v for v in vectors if key == f"{names['instrument'][str(v[1])]}-{place(v)}"]
            verb, target = names["verb"][str(vector[7])], names["target"][str(vector[8])]
            if task == "triplet_recognition":
                (said,) = sample["answer"]["triplets"]
                expected = {"instrument": names["instrument"][str(vector[1])], "action": verb, "target": target}
                assert said == {k: v.replace("null_target", "null") for k, v in expected.items()}
            else:
                assert sample["answer"]["labels"] == [verb if task == "action_recognition" else target], sample["id"]
            count[task] += 1
    tissues = [
        v for vectors in truth.values() for v in single(vectors)
        if names["target"][str(v[8])] not in ("fluid", "specimen_bag", "null_target")
        and (names["target"][str(v[8])] != "abdominal_wall_cavity" or names["verb"][str(v[7])] not in RINSING)
    ]  # fmt: skip
    assert count["tissue_recognition"] == len(tissues) > 50


def test_boxes(built: Built, truth: dict[tuple[str, int], Any], names: dict[str, dict[str, str]]) -> None:
    asked = built[0]["instrument_localization"]
    for sample, _ in asked:
        vectors = truth[sample["video_id"], sample["frame_index"]]
        expected = [
            [names["instrument"][str(v[1])], v[3], v[4], min(1.0, v[3] + v[5]), min(1.0, v[4] + v[6])]
            for v in vectors
            if sample["id"].endswith(f"-{names['instrument'][str(v[1])]}-{place(v)}")
        ]
        (box,) = sample["answer"]["boxes"]
        assert [[box["label"], *(pytest.approx(box[k], abs=1e-12) for k in ("x1", "y1", "x2", "y2"))]] == expected
        assert "tip of the" in sample["messages"][0]["content"]
    alone = sum(
        n == 1 for vectors in truth.values() for n in Counter((v[1], place(v)) for v in vectors if v[1] >= 0).values()
    )
    assert len(asked) == alone > 100


def test_pictures_are_the_right_ones(built: Built, real: Path) -> None:
    stills = [(sample, members) for sample, members in built[0]["phase_recognition"] if "image.jpg" in members]
    for sample, members in stills[::7]:
        original = Image.open(real / "cholect50/videos" / sample["video_id"] / f"{sample['frame_index']:06d}.png")
        stored = Image.open(io.BytesIO(members["image.jpg"]))
        assert stored.size == original.size == (sample["width"], sample["height"])
        small = [list(i.convert("L").resize((16, 16)).getdata()) for i in (original, stored)]
        assert max(abs(a - b) for a, b in zip(*small, strict=True)) <= 6


def test_missing_pictures_are_counted_by_video(real: Path, tmp_path: Path) -> None:
    """Counted by the frame; a build with clips counts its clips with missing pictures beside them."""
    report = build(
        "cholect50", root=real / "cholect50", out=tmp_path / "out", tasks=["tissue_recognition"], max_quarantine=1
    )
    expected = {}
    for path in (real / "cholect50" / "labels").glob("*.json"):
        there = {p.name for p in (real / "cholect50" / "videos" / path.stem).iterdir()}
        keys = json.loads(path.read_text())["annotations"]
        expected[path.stem] = sum(f"{int(k):06d}.png" not in there for k in keys)
    counted = {video: reasons["media_missing"] for video, reasons in report.quarantined_by_video.items()}
    assert counted == expected


def test_the_tree_is_valid(built: Built) -> None:
    report = validate(built[2])
    assert report.ok, report.problems[:5]


# ------------------------------------------------------------------------------- every label, with or without picture


REAL = ("VID68", "VID73", "VID74")


def _plain(frame: Frame) -> dict[str, Any]:
    return {
        "phase": frame.phase and frame.phase.native,
        "instruments": {x.native for x in frame.instruments or ()},
        "actions": {x.native for x in frame.actions or ()},
        "tissues": {x.native for x in frame.tissues or ()},
        "triplets": {(t.instrument.native, t.action.native, t.target.native) for t in frame.triplets or ()},
        "boxes": [
            (b.label.native, *(round(side, 9) for side in (b.box.x1, b.box.y1, b.box.x2, b.box.y2)))
            for b in frame.instrument_boxes or ()
        ],
    }


@pytest.mark.parametrize("video", REAL)
def test_real_labels_against_a_second_reading(real: Path, video: str, tmp_path: Path) -> None:
    with (real / "cholect50" / "labels" / f"{video}.json").open() as file:
        raw = json.load(file)
    name = raw["categories"]
    expected: dict[int, dict[str, Any]] = {}
    for key, rows in raw["annotations"].items():
        present = [r for r in rows if r[1] != -1]
        words = [name["triplet"][str(r[0])].split(",") for r in present]  # by the triplet's own name, not by parts
        expected[int(key)] = {
            "phase": name["phase"][str(rows[0][14])],
            "instruments": {w[0] for w in words},
            "actions": {w[1] for w in words} - {"null_verb"},
            "tissues": {w[2] for w in words} - {"null_target"},
            "triplets": {tuple(w) for w in words},
            "boxes": [
                (w[0], *(round(min(max(side, 0.0), 1.0), 9) for side in (r[3], r[4], r[3] + r[5], r[4] + r[6])))
                for w, r in zip(words, present, strict=True)
            ],
        }
    # A copy with a picture for every frame, so that all labels are compared and not only those of the excerpt.
    (tmp_path / "labels").mkdir()
    shutil.copy(real / "cholect50" / "labels" / f"{video}.json", tmp_path / "labels")
    shutil.copy(real / "cholect50" / "label_mapping.txt", tmp_path)
    (tmp_path / "videos" / video).mkdir(parents=True)
    for index in expected:
        (tmp_path / "videos" / video / f"{index:06d}.png").touch()
    frames, defects = read(tmp_path, video)
    assert defects == [] and len(frames) == len(raw["annotations"])
    assert {n: _plain(f) for n, f in frames.items()} == expected
    for frame in frames.values():
        assert frame.facts() == CholecT50.info.facts - {Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE}
        resolve_frame("cholect50", frame)
    clipped = sum(b.clipped for f in frames.values() for b in f.instrument_boxes or ())
    assert clipped == {"VID68": 2, "VID73": 0, "VID74": 0}[video]


def test_real_pictures_that_are_missing_are_counted_by_video(real: Path) -> None:
    root = real / "cholect50"
    missing: Counter[str] = Counter()
    held: Counter[str] = Counter()
    source = CholecT50(root)
    for video in source.videos():
        for item in seen(source, video).frames():
            if isinstance(item, Frame):
                held[video.id] += 1
                assert isinstance(item.image, FileImage) and item.image.path.is_file()
            else:
                assert item.reason is Reason.MEDIA_MISSING and str(real) not in item.where + item.detail
                missing[item.where.split("/")[0]] += 1
    for video in REAL:
        keys = {f"{int(k):06d}.png" for k in read_json(root / "labels" / f"{video}.json")["annotations"]}
        there = {p.name for p in (root / "videos" / video).iterdir()}
        assert (missing[video], held[video]) == (len(keys - there), len(keys & there))
    assert {v.id: v.split for v in source.videos()} == {"VID68": "train", "VID73": "test", "VID74": "test"}


def test_real_mapping_agrees_with_the_names_of_the_files(real: Path) -> None:
    root = real / "cholect50"
    mapping = read_label_mapping((root / "label_mapping.txt").read_text())
    assert len(mapping) == 100
    categories = read_json(root / "labels" / "VID68.json")["categories"]
    assert triples_in(categories) == mapping
    assert names_in(categories) == (NAMES, [])


# ------------------------------------------------------------------------------------------------------------ course


def _by_hand(frames: dict[int, set[str]]) -> list[tuple[float, float, str]]:
    """Start, end and label of every longest stretch of seconds that follow each other and all hold the label."""
    found = []
    for name in sorted(set().union(*frames.values())):
        held = {n for n, names in frames.items() if name in names}
        for first in held:
            if first - 1 not in held:
                end = first
                while end in held:
                    end += 1
                found.append((float(first), float(end), name))
    return sorted(found)


@pytest.mark.parametrize("video", REAL)
def test_segments_are_the_stretches_of_the_real_labels(real: Path, video: str) -> None:
    raw = json.loads((real / "cholect50" / "labels" / f"{video}.json").read_text())
    name = raw["categories"]
    phases = {int(k): {name["phase"][str(rows[0][14])]} for k, rows in raw["annotations"].items()}
    verbs = {
        int(k): {name["triplet"][str(r[0])].split(",")[1] for r in rows if r[0] != -1} - {"null_verb"}
        for k, rows in raw["annotations"].items()
    }
    made = course(real / "cholect50", video)
    assert made is not None
    for layer, expected in (("phase", phases), ("action", verbs)):
        said = [(s.start_seconds, s.end_seconds, s.label.native) for s in made.segments if s.layer == layer]
        assert sorted(said) == _by_hand(expected), layer
    assert sum(s.end_seconds - s.start_seconds for s in made.segments if s.layer == "phase") == len(phases)
    assert len([s for s in made.segments if s.layer == "action"]) > 10


@pytest.mark.parametrize("video", REAL)
def test_footage_holds_the_real_pictures_at_their_seconds(real: Path, video: str) -> None:
    folder = real / "cholect50" / "videos" / video
    made = course(real / "cholect50", video)
    assert made is not None and isinstance(made.footage, Stills) and made.footage.fps == 1
    there = {int(p.stem): p for p in folder.iterdir() if len(p.stem) == 6 and p.stem.isdigit()}
    held = {n: image.path for n, image in enumerate(made.footage.images) if isinstance(image, FileImage)}
    assert held == there
    assert len(made.footage.images) == max(there) + 1
