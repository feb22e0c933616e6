"""The PitVQA loader: what counts make of lists, fixed lists of what is next, seconds without questions."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Label, Reason, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

Loader = get_source("pitvqa")
ROOT = FIXTURES / "pitvqa"


def read(root: Path, video: str) -> tuple[dict[int, Frame], list[Defect]]:
    source = Loader(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return {f.index: f for f in items if isinstance(f, Frame)}, [d for d in items if isinstance(d, Defect)]


def test_a_list_is_whole_where_the_count_agrees() -> None:
    frames, defects = read(ROOT, "video_01")
    assert frames[0].instruments == (Label("bipolar_forceps"), Label("freer_elevator"))
    assert len(frames[1].instruments or ()) == 1 and frames[2].instruments == ()
    assert all(f.holds_all(Fact.INSTRUMENTS) for f in frames.values())
    assert frames[0].asked[Fact.INSTRUMENTS].answer == "two" and 4 not in frames
    assert [d.reason for d in defects].count(Reason.LABEL_MISSING) == 1
    untyped = [d.detail for d in defects if d.reason is Reason.QUESTION_UNTYPED]
    assert any("a fixed list has next" in detail for detail in untyped) and any(
        "tip is" in detail for detail in untyped
    )


def test_a_count_that_names_more_leaves_the_list_open_and_films_are_read_by_the_second() -> None:
    frames, _ = read(ROOT, "video_24")
    assert frames[0].holds_all(Fact.INSTRUMENTS) and not frames[1].holds_all(Fact.INSTRUMENTS)
    assert frames[1].instruments == (Label("suction"),)
    assert frames[1].coverage[Fact.INSTRUMENTS] is Coverage.ANNOTATED_ONLY
    assert [f.image.index for f in frames.values() if isinstance(f.image, VideoFrame)] == [0, 25, 50]


def test_the_phase_is_derived_from_the_step() -> None:
    (frame,) = read(ROOT, "video_02")[0].values()
    assert (frame.phase, frame.step) == (Label("nasal_sphenoid"), Label("nasal_corridor_creation"))
    assert frame.origins[Fact.PHASE].label_origin == "derived" and Fact.STEP not in frame.origins


@pytest.mark.parametrize(
    ("lines", "reason", "kept"),
    [
        ("What is the surgical step shown in this frame?|sellotomy\n" * 2, None, True),
        (
            "".join(f"What is the surgical step shown in this frame?|{step}\n" for step in ("sellotomy", "durotomy")),
            Reason.DUPLICATE_ID,
            False,
        ),
        ("How many instruments are present in the image?|three", Reason.LABEL_CORRUPT, False),
        ("What colour is the wall?|white", Reason.TYPE_UNKNOWN, False),
        ("What instrument is used in the top-left of the image?|no_visible_instrument", None, False),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, lines: str, reason: Reason | None, kept: bool) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "pitvqa"))
    (root / "qa" / "video_02" / "00001.txt").write_text(lines)
    frames, defects = read(root, "video_02")
    told = [d.reason for d in defects if d.reason is not Reason.LABEL_MISSING]
    assert (1 in frames) is kept and told == ([reason] if reason else [])


def test_names_and_splits_are_those_of_pitvis() -> None:
    own = {(kind, name.replace("_", " ")): id for (kind, name), id in native_names("pitvqa").items() if kind != "phase"}
    assert own == {(kind, name.replace("_", " ")): id for (kind, name), id in native_names("pitvis").items()}
    assert split_table("pitvqa")["official"] == split_table("pitvis")["pitvqa"]


def test_every_answer_of_the_release_that_names_something_is_known(real: Path) -> None:
    table = real.parent / "vocab" / "pitvqa_answers.csv"
    if not table.is_file():
        pytest.skip(f"{table.name} is not there")
    with table.open(newline="") as file:
        answers = [row["answer"] for row in csv.DictReader(file)]
    named = {name for _, name in native_names("pitvqa")}
    others = {a for a in answers if a not in named}
    assert named <= {*answers} and {"end_of_step", "end_of_phase", "zero", "top-left"} <= others
    assert len(answers) == 59 and len(others) == 59 - 35
