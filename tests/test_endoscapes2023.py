"""The Endoscapes2023 loader: its fixture, key frames, links that are no folders, and files with damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.errors import BadRowError, LayoutError
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers.coco import read_coco
from surgsigma_hub.parsers.releases.rater_shares import verdicts_of
from surgsigma_hub.records import Box, Coverage, Defect, Fact, Frame, Label, LabeledBox, Reason, Verdict
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import landed, samples

Loader = get_source("endoscapes2023")
ROOT = FIXTURES / "endoscapes2023"


def read(root: Path) -> tuple[dict[tuple[str, int], Frame], list[Defect]]:
    source = Loader(root)
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def changed(path: Path, **more: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def test_criteria_of_key_frames_by_majority_with_every_vote() -> None:
    frames, defects = read(ROOT)
    assert not defects and [*frames] == [("vid001", 750), ("vid008", 14650), ("vid008", 14775), ("vid162", 3000)]
    assert frames["vid008", 14775].criteria == (
        Verdict(Label("C1"), True, (1.0, 1.0, 1.0)),
        Verdict(Label("C2"), True, (0.0, 1.0, 1.0)),
        Verdict(Label("C3"), True, (1.0, 1.0, 1.0)),
    )
    assert [v.met for v in frames["vid008", 14650].criteria or ()] == [False] * 3
    assert frames["vid008", 14650].tissue_boxes is None and frames["vid001", 750].seconds == 30


def test_without_their_table_shares_say_how_many_and_not_who(tmp_path: Path) -> None:
    root = shutil.copytree(ROOT, tmp_path / "copy")
    (root / "all_metadata.csv").unlink()
    frames, defects = read(root)
    second = (frames["vid008", 14775].criteria or ())[1]
    assert {d.reason for d in defects} == {Reason.LABEL_MISSING} and len(defects) == 3
    assert (second.met, second.scores) == (True, (1.0, 1.0, 0.0))


@pytest.mark.parametrize(
    ("votes", "reason", "words"),
    [
        ("[1.0, 1.0, 1.0]", Reason.LABEL_CORRUPT, "C2 has the votes (1.0, 1.0, 1.0) and the share"),
        ("[1.0, 0.5, 1.0]", Reason.ROW_MALFORMED, "a rater without three votes"),
        ("nobody", Reason.ROW_MALFORMED, "a rater without three votes"),
    ],
)
def test_votes_that_cannot_be_those_of_the_shares_are_told(
    tmp_path: Path, votes: str, reason: Reason, words: str
) -> None:
    root = shutil.copytree(ROOT, tmp_path / "copy")
    table = root / "all_metadata.csv"
    head, *lines = table.read_text().splitlines()
    mine = next(n for n, line in enumerate(lines) if line.startswith("8,14775,"))
    lines[mine] = lines[mine].replace('"[1.0, 0.0, 1.0]"', f'"{votes}"', 1)
    table.write_text("\n".join([head, *lines]))
    frames, defects = read(root)
    assert {d.reason for d in defects} == {reason, Reason.LABEL_MISSING} - (
        {Reason.LABEL_MISSING} if "has" in words else set()
    )
    assert words in defects[0].detail
    criteria = frames["vid008", 14775].criteria
    assert criteria is None if reason is Reason.LABEL_CORRUPT else criteria is not None


def test_boxes_and_masks() -> None:
    frame = read(ROOT)[0]["vid008", 14775]
    assert frame.tissue_boxes == (
        LabeledBox(Label("gallbladder"), Box(0, 0, 40 / 96, 0.5)),
        LabeledBox(Label("cystic_duct"), Box(40 / 96, 20 / 64, 60 / 96, 30 / 64)),
    )
    (tool,) = frame.instrument_masks or ()
    drawn = render([tool.mask], width=96, height=64)
    assert tool.label is None and drawn[10:40, 60:].all() and drawn.sum() == 255 * 30 * 36
    frames = read(ROOT)[0]
    assert frames["vid001", 750].instrument_masks is None, "it has boxes alone"
    assert frames["vid162", 3000].instrument_masks == (), "masked, and without an instrument"
    assert Loader.info.coverage[Fact.TISSUE_BOXES] is Coverage.ANNOTATED_ONLY


def test_splits_and_operations_of_older_sources() -> None:
    assert [(v.id, v.split, v.canonical_id) for v in Loader(ROOT).videos()] == [
        ("vid001", "train", "cholec80/video67"),
        ("vid008", "train", "endoscapes2023/vid008"),
        ("vid162", "test", "endoscapes2023/vid162"),
    ]


def test_verdicts_land_on_the_frame_that_was_judged(tmp_path: Path) -> None:
    report = build("endoscapes2023", root=ROOT, out=tmp_path / "tree")
    assert report.agreement["cystic_plate"] == {"verdicts": 4, "of_one_mind": 3}
    assert json.loads((tmp_path / "tree/reports/endoscapes2023.json").read_text())["agreement"] == report.agreement
    assert landed(tmp_path / "tree", "safety_assessment") == {
        "vid001": {30.0: 750},
        "vid008": {586.0: 14650 % 4096, 591.0: 14775 % 4096},
        "vid162": {120.0: 3000},
    }
    found = [(s["video_id"], s["answer"]["criteria"]) for s, _ in samples(tmp_path / "tree", "safety_assessment")]
    told = {video: criteria for video, criteria in found if len(criteria) == 3}
    assert {c["criterion"]: (c["met"], c["scores"]) for c in told["vid162"]} == {
        "two_structures": (True, [0.0, 1.0, 1.0]),
        "hepatocystic_triangle": (True, [1.0, 1.0, 1.0]),
        "cystic_plate": (False, [0.0, 0.0, 1.0]),
    }
    (said,) = (line for line in (tmp_path / "tree" / "README.md").read_text().splitlines() if "raters agree" in line)
    assert "(cystic_plate 75%, hepatocystic_triangle 50%, two_structures 50%)" in said and "58% of 12 verdicts" in said


def test_links_that_became_files_and_missing_files_leave_the_rest(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "endoscapes")).parent
    shutil.rmtree(root / "endoscapes" / "train_seg")
    (root / "endoscapes" / "train_seg").write_text("../train")
    frames, defects = read(root)
    assert {d.reason for d in defects} == {Reason.LABEL_MISSING}
    assert {d.where for d in defects} >= {"endoscapes/train_seg/annotation_coco.json"}
    assert len(frames) == 4 and frames["vid008", 14775].instrument_masks is None
    assert len(frames["vid008", 14775].tissue_boxes or ()) == 2
    (root / "endoscapes" / "train" / "annotation_coco.json").write_text("{")
    frames, defects = read(root)
    wrong = [d for d in defects if d.reason is not Reason.LABEL_MISSING]
    assert len(wrong) == 2, "told with each operation of train"
    assert all(d.reason is Reason.ROW_MALFORMED for d in wrong)
    assert all("endoscapes/train/annotation_coco.json: not JSON" in d.detail for d in wrong)
    assert frames["vid008", 14775].tissue_boxes is None and len(frames) == 4


def test_shares_that_are_none_and_strange_names_are_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    path = root / "train" / "annotation_ds_coco.json"
    images = json.loads(path.read_text())["images"]
    images[0]["ds"] = [0.5, 0, 0]
    images[3]["file_name"] = "frame.jpg"
    changed(path, images=images)
    other = root / "test" / "annotation_ds_coco.json"
    changed(other, images=[{**images[1], "file_name": "8_14650.jpg"}])
    frames, defects = read(root)
    assert ("vid008", 14650) not in frames and frames["vid001", 750].criteria is not None, "its other file says it too"
    assert {d.reason for d in defects} == {Reason.LABEL_CORRUPT, Reason.ROW_MALFORMED} and len(defects) == 3
    assert any("0.5 is no share of 3 raters" in d.detail for d in defects)
    assert any("'8_14650.jpg': of train" in d.detail for d in defects)
    assert any("not named like 8_14775.jpg" in d.detail for d in defects)


@pytest.mark.parametrize("shares", [None, [1, 0], [True, 0, 0], [2, 0, 0], ["1", 0, 0]])
def test_what_is_no_share(shares: Any) -> None:
    with pytest.raises(BadRowError):
        verdicts_of(shares, ("C1", "C2", "C3"))


def test_another_folder_shows_the_layout(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(LayoutError, match="annotation_ds_coco"):
        Loader(tmp_path).videos()


def test_the_real_record_is_read(real: Path, tmp_path: Path) -> None:
    document = json.loads((real / "endoscapes" / "records.excerpt.json").read_text())
    names = {"categories": [{"id": 2, "name": "calot_triangle"}]}
    (tmp_path / "a.json").write_text(json.dumps({**names, **document}))
    read = read_coco(tmp_path / "a.json", "a.json")
    (image,) = read.images.values()
    objects, defects = read.objects(image)
    assert not defects and [o.category for o in objects] == ["calot_triangle"]
    assert [v.met for v in verdicts_of(image.data["ds"], ("C1", "C2", "C3"))] == [False] * 3
