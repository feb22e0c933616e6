"""Tables by frame: every line is accounted for, whatever the copy went through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.parsers.frame_tables import (
    Code,
    Flags,
    FrameRows,
    FrameTable,
    Text,
    moments_of,
    parse_frame_table,
    read_frame_table,
    whole_seconds,
)
from surgsigma_hub.records import Frame, Label, Reason

PHASES = {0: "Preparation", 1: "Dissection"}
PHASE = FrameTable(columns=(Text("Phase"),), kind="phase")
CODES = FrameTable(columns=(Code("phase", PHASES, unlabelled=frozenset({-1})),), kind="phase", delimiter=",")
TOOLS = FrameTable(columns=(Flags(("Hook", "Bone saw")),), kind="tool", delimiter=",")


def named(text: str, table: FrameTable = PHASE) -> dict[int, str | None]:
    (values,) = parse_frame_table(text, "a.txt", table).named.values()
    return dict(values)


def told(rows: FrameRows) -> list[tuple[Reason, str]]:
    return [(d.reason, d.where) for d in rows.defects]


@pytest.mark.parametrize("gap", ["\t", " ", "   ", " \t "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_blank_parts_cells(gap: str, end: str) -> None:
    text = end.join([f"Frame{gap}Phase", f"0{gap}x", "", f"25{gap}y{gap}", ""])
    assert named(text) == {0: "x", 25: "y"}


def test_a_header_is_optional_and_gives_the_order() -> None:
    assert parse_frame_table("0,1,0\n", "a", TOOLS).listed == {0: ("Hook",)}
    assert parse_frame_table("Frame,bone_saw,HOOK\n0,1,0\n", "a", TOOLS).listed == {0: ("Bone saw",)}


@pytest.mark.parametrize("head", ["Frame,Hook", "Frame,Hook,Clipper", "Frame,Hook,Bone saw,more", "Frame,Hook,Hook"])
def test_a_foreign_header_leaves_the_table_out_and_is_told_once(head: str) -> None:
    rows = parse_frame_table(f"{head}\n0,1,0\n25,1,0\n", "a", TOOLS)
    assert not rows.listed and told(rows) == [(Reason.ROW_MALFORMED, "a line 1")] and rows.unread


def test_spare_columns_and_lines_that_are_not_to_be_evaluated() -> None:
    table = FrameTable(columns=TOOLS.columns, kind="tool", delimiter=",", base=1, spare=True, only_if="to_be_evaluated")
    rows = parse_frame_table("Frame,to_be_evaluated,x,Hook,Bone saw\n1,1,9,1,0\n2,0,9,1,1\n3,1,9,0,1\n", "a", table)
    assert rows.listed == {0: ("Hook",), 2: ("Bone saw",)} and not rows.defects
    assert parse_frame_table("Frame,Hook,Bone saw\n1,1,0\n", "a", table).listed == {0: ("Hook",)}


def test_marks_of_encodings_and_bad_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    for data in (b"\xef\xbb\xbfFrame\tPhase\n0\tPrep\n", "Frame\tPhase\n0\tPrep\n".encode("utf-16")):
        path.write_bytes(data)
        assert read_frame_table(path, "a", PHASE).named["Phase"] == {0: "Prep"}
    path.write_bytes(b"0\tPrep\xff\n")
    assert read_frame_table(path, "a", PHASE).named["Phase"] == {0: "Prep\ufffd"}


def test_a_missing_table_and_one_that_is_no_file_are_one_defect(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none", tmp_path):
        rows = read_frame_table(path, "a.txt", PHASE)
        assert told(rows) == [(Reason.ROW_MALFORMED, "a.txt")] and rows.named == {"Phase": {}} and rows.last == -1


@pytest.mark.parametrize("line", ["x1 Prep", "-1 Prep", "1.5 Prep", "1_0 Prep", "\u0661 Prep", "9" * 13 + " Prep", "3"])
def test_lines_that_are_no_rows(line: str) -> None:
    rows = parse_frame_table(f"0 Prep\n{line}\n2.0 Prep", "a", PHASE)
    assert rows.named["Phase"] == {0: "Prep", 2: "Prep"} and told(rows) == [(Reason.ROW_MALFORMED, "a line 2")]
    assert rows.unread == 1


def test_codes_have_names_and_strange_ones_are_told_once_each() -> None:
    rows = parse_frame_table("0,0\n1,1.0\n2,-1\n3,7\n4,7\n5,x\n", "a", CODES)
    assert rows.named["phase"] == {0: "Preparation", 1: "Dissection", 2: None}
    assert [(d.reason, d.where, d.moments) for d in rows.defects] == [
        (Reason.LABEL_UNKNOWN, "a frame 3", 2),
        (Reason.ROW_MALFORMED, "a frame 5", 1),
    ]


def test_raters_that_differ_leave_no_list_and_are_no_fault() -> None:
    unsure = FrameTable(columns=(Flags(("A", "B"), unsure=frozenset({0.5})),), kind="tool", delimiter=",")
    rows = parse_frame_table("0,1,0.5\n1,1.0,0\n", "a", unsure)
    assert rows.listed == {0: None, 1: ("A",)} and not rows.defects
    assert told(parse_frame_table("0,1,0.5\n", "a", TOOLS)) == [(Reason.ROW_MALFORMED, "a frame 0")]


def test_frames_count_from_the_base() -> None:
    table = FrameTable(columns=(Text("Phase"),), kind="phase", base=1)
    rows = parse_frame_table("0 x\n1 a\n26 b\n", "a", table)
    assert rows.named["Phase"] == {0: "a", 25: "b"} and rows.last == 25
    assert told(rows) == [(Reason.ROW_MALFORMED, "a line 1")]


def test_rows_between_the_moments_of_a_table_are_told() -> None:
    table = FrameTable(columns=(Text("Phase"),), kind="phase", every=25)
    rows = parse_frame_table("0 a\n24 a\n26 a\n50 b\n", "a", table)
    assert rows.named["Phase"] == {0: "a", 50: "b"}
    assert [(d.where, d.moments) for d in rows.defects] == [("a frame 24", 2)] and rows.unread == 2


def test_repeated_frames() -> None:
    rows = parse_frame_table("0 a\n1 a\n1 a\n2 a\n2 b\n", "a", PHASE)
    assert rows.named["Phase"] == {0: "a", 1: "a"}
    assert told(rows) == [(Reason.DUPLICATE_ID, "a line 3"), (Reason.DUPLICATE_ID, "a frame 2")]


def test_a_table_that_is_all_bad_is_one_defect_with_its_number() -> None:
    rows = parse_frame_table("".join(f"{n}\ta\tb\n" for n in range(1000)), "a", PHASE)
    assert [(d.where, d.moments) for d in rows.defects] == [("a line 1", 1000)] and rows.unread == 1000


@given(st.text())
def test_every_line_with_content_is_accounted_for(text: str) -> None:
    rows = parse_frame_table("Frame Phase\n" + text, "a", PHASE)
    lines = [t for t in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if t.split()]
    frames = {t.split()[0] for t in lines}
    assert len(rows.named["Phase"]) + rows.unread >= min(len(lines), len(frames))
    assert all(d.where.startswith("a ") for d in rows.defects) if lines else [d.where for d in rows.defects] == ["a"]


@given(st.integers(1, 60), st.integers(0, 500))
def test_whole_seconds_are_one_a_second(fps: int, count: int) -> None:
    assert whole_seconds(range(count), fps) == list(range(0, count, fps))


def test_moments_are_of_whole_seconds_that_hold_something() -> None:
    frames = moments_of(fps=25, phase={0: None, 10: "a", 25: "a", 50: None}, instruments={50: (), 75: None})
    assert frames == [
        Frame(index=25, fps=25, phase=Label("a")),
        Frame(index=50, fps=25, instruments=()),
    ]


def test_the_number_may_stand_in_another_column_than_the_first() -> None:
    table = FrameTable(number="time", columns=(Text("Phase"),), kind="phase", delimiter=",", header=True, spare=True)
    rows = parse_frame_table("video,time,Phase\n7,0,x\n7,1,y\n7,z,y\n", "a.csv", table)
    assert rows.named["Phase"] == {0: "x", 1: "y"}
    assert [(d.where, d.detail) for d in rows.defects] == [("a.csv line 4", "time 'z' is not a number from 0 up")]
    (without,) = parse_frame_table("video,Phase\n7,x\n", "a.csv", table).defects
    assert "without time" in without.detail


def test_something_without_a_name_leaves_no_list() -> None:
    table = FrameTable(columns=(Flags(("Hook", "Shaft"), unnamed=frozenset({"Shaft"})),), kind="tool", delimiter=",")
    assert parse_frame_table("0,1,0\n1,1,1\n2,0,0\n", "a", table).listed == {0: ("Hook",), 1: None, 2: ()}
