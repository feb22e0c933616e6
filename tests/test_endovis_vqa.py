"""EndoVis VQA and VQLA: what the questions say, boxes counted from 1, both namings, damage."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.parsers.questions import QuestionForms, parse_question_lines
from surgsigma_hub.parsers.releases.endovis_questions import FORMS, read_frame
from surgsigma_hub.records import Box, Coverage, Defect, Fact, FileImage, Frame, NativeQA, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import seen


def read(name: str, video: str, root: Path | None = None) -> tuple[list[Frame], list[Defect]]:
    source = get_source(name)(root or FIXTURES / name)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


def parsed(*lines: str, boxed: bool = False) -> tuple[list[Frame], list[Defect]]:
    rows = parse_question_lines("\n".join(lines), "a.txt", rest=(1,) if boxed else (0,))
    asked = QuestionForms(FORMS)
    items = [*read_frame(0, rows, asked, None, boxed=boxed), *asked.defects()]
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "endovis18_vqla", tmp_path / "EndoVis-18-VQLA"))


def test_short_answers_and_sentences_say_the_same_once() -> None:
    frames, defects = read("endovis18_vqa", "seq_2")
    first = frames[0]
    assert [label.native for label in first.instruments or ()] == ["large_needle_driver", "suction"]
    assert [label.native for label in first.actions or ()] == ["retraction", "suction"]
    assert [label.native for label in first.tissues or ()] == ["kidney"]
    assert first.asked[Fact.TISSUES] == NativeQA("What organ is being operated?", "kidney")
    assert first.asked[Fact.INSTRUMENTS].answer == "the tools operating are large needle driver , suction"
    assert [(a.instrument.native, a.action.native, a.asks.answer) for a in first.acts] == [
        ("large_needle_driver", "retraction", "Retraction"),
        ("suction", "suction", "Suction"),
    ]
    (places,) = defects
    assert places.reason is Reason.QUESTION_UNTYPED and places.detail.startswith("16 questions ask where")


def test_the_real_sentences_are_read_without_a_rest(real: Path) -> None:
    """Sixty frames of the authors' own text: each question followed by its answer."""
    text = (real / "endovis18_vqa" / "consolidate0.head60.txt").read_text()
    read_frames = 0
    for line in text.splitlines():
        pairs = re.findall(r"((?:what|where) [^?]*\?) (.*?)(?= what | where |$)", line.strip())
        if not pairs:
            continue
        frames, defects = parsed(*(f"{q}|{a.strip()}" for q, a in pairs))
        (frame,) = frames
        read_frames += 1
        assert {d.reason for d in defects} <= {Reason.QUESTION_UNTYPED}, line
        assert frame.coverage == {} and Fact.INSTRUMENTS in frame.asked, "the tools listed are those asked about"
        get_source("endovis18_vqa")(FIXTURES / "endovis18_vqa").resolved(frame)
    assert read_frames == 58


def test_boxes_are_counted_from_one_in_a_frame_of_1280x1024() -> None:
    frames, _ = parsed("What is the state of prograsp_forceps?|Retraction|1, 1,1280,1024", boxed=True)
    (box,) = frames[0].instrument_boxes or ()
    assert box.box == Box(0, 0, 1279 / 1280, 1023 / 1024) and frames[0].size == (1280, 1024)


def test_two_tools_of_one_kind_have_two_boxes_and_no_own_question() -> None:
    frames, _ = read("endovis18_vqla", "seq_2")
    assert [len(f.instrument_boxes or ()) for f in frames] == [2] * 6
    last = frames[5]
    assert len({b.label for b in last.instrument_boxes or ()}) == 1 and last.acts == ()
    assert [b.label.native for b in last.tissue_boxes or ()] == ["kidney"]


def test_a_tool_whose_state_is_not_told_leaves_the_actions_open() -> None:
    frames, _ = parsed("Where is suction located?|left-top", "What is the state of prograsp_forceps?|Idle")
    assert frames[0].coverage == {Fact.ACTIONS: Coverage.ANNOTATED_ONLY} and frames[0].acts == ()


def test_both_namings_and_the_set_of_2017(copy: Path) -> None:
    assert [f.index for f in read("endovis18_vqla", "seq_7")[0]] == [0, 1]
    source = get_source("endovis17_vqla")(FIXTURES / "endovis17_vqla")
    assert [(v.id, v.split, v.canonical_id) for v in source.videos()] == [
        ("seq_1", "test", "endovis2017/instrument_dataset_1"),
        ("seq_9", "test", "endovis2017/instrument_dataset_9"),
    ]
    frames, defects = read("endovis17_vqla", "seq_1")
    assert [f.index for f in frames] == [0, 10, 20, 30] and not defects
    image = frames[1].image
    assert isinstance(image, FileImage) and image.path.name == "seq1_frame010.jpg"
    nested = copy.parent / "zip" / "Train_Data"
    nested.parent.mkdir()
    copy.rename(nested)
    assert len(read("endovis18_vqla", "seq_2", nested.parent.parent)[0]) == 6


def test_splits_are_those_of_the_code_and_surgeries_those_of_the_challenge() -> None:
    for name, expected in {"endovis18_vqa": {"1": "val", "2": "train", "16": "val"}}.items():
        videos = get_source(name)(FIXTURES / name).videos()
        assert {v.id: v.split for v in videos} == {f"seq_{n}": split for n, split in expected.items()}
        assert all(v.canonical_id == f"endovis2018/train_{v.id}" for v in videos)


def test_damage_costs_what_it_hits(copy: Path) -> None:
    folder = copy / "seq_2" / "vqla" / "label"
    state = "What is the state of suction?|Suction|"
    (folder / "frame000_QA.txt").write_text(f"{state}1,2,3\n{state}900,1,1400,200\n{state}5,5,5,9\n{state}1,1,9,9\n")
    (folder / "frame001_QA.txt").write_bytes(b"\xff\x00")
    (copy / "seq_2" / "left_frames" / "frame002.png").unlink()
    frames, defects = read("endovis18_vqla", "seq_2", copy)
    assert [f.index for f in frames] == [0, 2, 3, 4, 5] and frames[1].image is None
    assert len(frames[0].instrument_boxes or ()) == 1
    assert [(d.reason, d.where.rpartition("/")[2]) for d in defects] == [
        (Reason.ROW_MALFORMED, "frame000_QA.txt line 1"),
        (Reason.BOX_OUTSIDE, "frame000_QA.txt line 2"),
        (Reason.ROW_MALFORMED, "frame000_QA.txt line 3"),
        (Reason.ROW_MALFORMED, "frame001_QA.txt line 1"),
    ]


@pytest.mark.parametrize("name", ["endovis18_vqa", "endovis18_vqla", "endovis17_vqla"])
def test_nothing_there_names_the_layout(name: str, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="left_frames"):
        list(get_source(name)(tmp_path).videos())
