"""The AutoLaparo loader: rows and phases from 1, clips that are numbered like films, published splits."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from surgsigma_hub.media.masks import render
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame, Label, Reason, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

AutoLaparo = get_source("autolaparo")
ROOT = FIXTURES / "autolaparo"


def test_row_one_is_the_first_second_and_phase_one_the_first_phase() -> None:
    source = AutoLaparo(ROOT)
    films = [v for v in source.videos() if "clip" not in v.data]
    frames = {v.id: [f for f in seen(source, v).frames() if isinstance(f, Frame)] for v in films}
    first, later = frames["01"], frames["11"]
    assert (first[0].index, first[0].fps) == (0, 1) and len(first) == 8 and len(later) == 7
    assert first[0].phase is not None and first[0].phase.native == "Dividing Ligament and Peritoneum"
    assert [f.image.index for f in first if isinstance(f.image, VideoFrame)] == [25 * s for s in range(8)]


def test_a_clip_is_no_film(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    task = tmp_path / "copy" / "Task 2 Laparoscope motion prediction"
    (task / "clips").mkdir()
    (task / "clips" / "011.mp4").write_bytes(b"a clip")
    source = AutoLaparo(tmp_path / "copy")
    assert [v.id for v in source.videos() if "clip" not in v.data] == ["01", "11"]
    assert all(isinstance(item, Frame) for v in source.videos() for item in seen(source, v).frames())


def test_splits_and_labels_are_the_published_ones(real: Path) -> None:
    splits = list(split_table("autolaparo")["official"].values())
    assert [splits.count(s) for s in ("train", "val", "test")] == [10, 4, 7]
    with (real.parent / "vocab" / "autolaparo_phases.csv").open(newline="") as file:
        phases = {name for kind, name in native_names("autolaparo") if kind == "phase"}
        assert {row["name"] for row in csv.DictReader(file)} == phases


def test_masks_are_of_clips_with_a_split_of_their_own(tmp_path: Path) -> None:
    root = shutil.copytree(ROOT, tmp_path / "copy")
    source = AutoLaparo(root)
    clips = {v.id: v for v in source.videos() if "clip" in v.data}
    assert {id: v.split for id, v in clips.items()} == {"clip001": "train", "clip002": "train", "clip228": "test"}
    first, second = (f for f in source.frames(clips["clip001"]) if isinstance(f, Frame))
    assert (first.index, second.index) == (1, 25) and first.instruments == (Label("Grasping forceps"),)
    assert [b.label.native for b in first.tissue_boxes or ()] == ["uterus"] and first.tissues is None
    assert [i.native for i in second.instruments or ()] == ["LigaSure", "Electric hook"]
    inside = render([m.mask for m in first.instrument_masks or ()], width=96, height=64) > 0
    assert inside[4, 4] and inside[20, 20] and not inside[30, 60], "end and shaft are one mask"
    for path in root.glob("Task 3*/imgs/002001.jpg"):
        path.unlink()
    (lost,) = AutoLaparo(root).frames(clips["clip002"])
    assert isinstance(lost, Defect) and lost.reason is Reason.MEDIA_MISSING
