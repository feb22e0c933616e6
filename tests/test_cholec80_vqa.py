"""The Cholec80-VQA loader: what its questions say, whose words samples have, and damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Coverage, Defect, Fact, FileImage, Frame, NativeQA, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard

from conftest import FIXTURES
from footage_files import landed, seen, write_film

ROOT = FIXTURES / "cholec80_vqa"
Source = get_source("cholec80_vqa")


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect]]:
    source = Source(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "Cholec80-VQA"))


def test_questions_become_facts_and_checks() -> None:
    frames, defects = read(ROOT, "video01")
    assert [f.index for f in frames] == list(range(0, 300, 25))
    assert frames[0].phase is not None and frames[0].phase.native == "calot triangle dissection"
    assert frames[0].image == FileImage(ROOT / "cropped_image" / "1" / "0.png")
    assert frames[0].asked[Fact.PHASE] == NativeQA("what is the phase of image?", "calot triangle dissection")
    assert [(c.label.native, c.holds) for f in frames[:4] for c in f.checks] == [("grasper", True), ("bipolar", False)]
    assert [f.instruments is None for f in frames[:4]] == [False, True, True, False]
    assert frames[3].instruments == () and frames[3].coverage == {Fact.INSTRUMENTS: Coverage.ALL_IN_VIEW}
    (untyped,) = defects
    assert untyped.reason is Reason.QUESTION_UNTYPED and untyped.detail.startswith("3 questions ask how many tools")


def test_sentences_are_read_where_there_is_no_classification() -> None:
    (frame,), defects = read(ROOT, "video09")
    assert frame.phase is not None and frame.phase.native == "gallbladder dissection" and not defects
    assert [(c.label.native, c.holds) for c in frame.checks] == [("hook", False)]


def test_samples_have_our_words_or_those_of_the_source_and_keep_these(tmp_path: Path) -> None:
    build("cholec80_vqa", root=ROOT, out=tmp_path / "surgsigma", max_quarantine=0)
    natives: dict[str, set[tuple[str, str]]] = {}
    for manifest in load_tree(tmp_path / "surgsigma"):
        for shard in manifest.shards:
            with (tmp_path / "surgsigma" / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    doc = orjson.loads(members["json"])
                    native = doc["native"]["question"], doc["native"]["answer"]
                    natives.setdefault(manifest.task, set()).add(native)
                    said = " ".join(turn["content"] for turn in doc["messages"])
                    theirs = "phase of image" in said or "used in" in said or "tools are operating" in said
                    assert theirs == ("-own" in key), "each in words of its own"
                    if "-asked-" in key:
                        assert (doc["answer"]["labels"] == []) == ("no" in native[1])
    assert ("what is the phase of image?", "calot triangle dissection") in natives["phase_recognition"]
    assert ("is grasper used in calot triangle dissection?", "yes") in natives["instrument_recognition"]
    assert natives["image_captioning"] == {(None, None)}, "a caption says more than one question asked"


def test_labels_land_on_their_frames_of_a_film_of_cholec80(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy / "cropped_image")
    write_film(copy / "videos" / "video01.mp4", range(300), 25)
    for other in ("5", "8"):
        shutil.rmtree(copy / "Classification" / other)
    shutil.rmtree(copy / "Sentence")
    build("cholec80_vqa", root=copy, out=tmp_path / "surgsigma", max_quarantine=0)
    shown = landed(tmp_path / "surgsigma")
    assert shown["video01"] == {float(s): 25 * s for s in range(12)}


def test_splits_and_surgeries() -> None:
    found = {v.id: (v.split, v.canonical_id) for v in Source(ROOT).videos()}
    assert found["video05"] == ("test", "cholec80/video05") and found["video01"] == ("train", "cholec80/video01")


ASK = "what is the phase of image?"


def test_damage_costs_what_it_hits(copy: Path) -> None:
    folder = copy / "Classification" / "1"
    (folder / "0_QA.txt").write_text(f"{ASK}|preparation\n{ASK}|clipping cutting\n")
    (folder / "25_QA.txt").write_text(f"{ASK}\nis hook used in preparation?|yes\n")
    (folder / "50_QA.txt").write_text(f"{ASK}|preparation\nis hook used in clipping cutting?|yes\n")
    (folder / "75_QA.txt").write_text("is hook used in preparation?|perhaps\nwhy?|because\n")
    (folder / "._100_QA.txt").write_text("junk")
    frames, defects = read(copy, "video01")
    assert [f.index for f in frames][:2] == [25, 50] and frames[1].checks == () and frames[1].phase is not None
    assert sorted((d.reason, d.where.rpartition("/")[2]) for d in defects) == [
        (Reason.DUPLICATE_ID, "0_QA.txt"),
        (Reason.LABEL_CORRUPT, "75_QA.txt line 1"),
        (Reason.QUESTION_UNTYPED, "150_QA.txt line 3"),
        (Reason.QUESTION_UNTYPED, "50_QA.txt line 2"),
        (Reason.ROW_MALFORMED, "25_QA.txt line 1"),
        (Reason.TYPE_UNKNOWN, "75_QA.txt line 2"),
    ]


def test_nothing_there_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="Classification"):
        list(Source(tmp_path).videos())
