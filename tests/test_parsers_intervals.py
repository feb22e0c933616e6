"""Intervals: one scale of ticks, whatever a release counts; nothing is lost and nothing holds twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.parsers.intervals import (
    IntervalTable,
    Span,
    Spans,
    course_in,
    moments_in,
    parse_intervals,
    read_intervals,
    spans_from_starts,
    spans_of,
)
from surgsigma_hub.records import Reason, Segment

GESTURES = IntervalTable(start=0, end=1, label=2, unit=30.0, base=1, closed=True, delimiter="", header=False)
ACTIONS = IntervalTable(
    start=0, end=1, label=2, unit=60.0, closed=True, names={"0": "Other", "1": "Pick"}, header=False
)
SECONDS = IntervalTable(start="sec", end="endSec", label="comment", unit="s")
MILLISECONDS = IntervalTable(start=0, end=1, label=2, unit="ms")


def test_each_unit_gives_seconds() -> None:
    assert course_in({"action": parse_intervals("80 219 G1 \n", "a", GESTURES)}).segments[0].start_seconds == 79 / 30
    assert parse_intervals("0,649,0\n650,761,1\n", "a", ACTIONS).spans == (
        Span(0, 650, "Other"),
        Span(650, 762, "Pick"),
    )
    text = "caseId,comment,frame,endFrame,sec,endSec\n4687,Incision,796,1013,13.28,16.9\n"
    spans = parse_intervals(text, "a", SECONDS)
    assert spans.spans == (Span(13280, 16900, "Incision"),) and spans.rate == 1000 and spans.ends == 16.9
    assert spans_of([("phases 0", 0, 1500, "a")], "a.json", MILLISECONDS).spans == (Span(0, 1500, "a"),)


@pytest.mark.parametrize(
    "row",
    [("5", "5", "a"), (6, 5, "a"), (-1, 5, "a"), (0.5, 5, "a"), (True, 5, "a"), (None, 5, "a"), (0, 5, ""), (0, 5, 3)],
)
def test_rows_that_are_no_intervals(row: tuple[object, object, object]) -> None:
    found = spans_of([("row 0", *row), ("row 1", 5, 9, "b")], "a.json", MILLISECONDS)
    assert found.spans == (Span(5, 9, "b"),) and found.unread == 1
    assert [(d.reason, d.where) for d in found.defects] == [(Reason.ROW_MALFORMED, "a.json row 0")]


def test_unknown_labels_leave_a_hole_and_are_told() -> None:
    found = parse_intervals("0,9,1\n10,19,7\n", "a", ACTIONS)
    assert [s.label for s in found.spans] == ["Pick", None]
    assert [(d.reason, d.where) for d in found.defects] == [(Reason.LABEL_UNKNOWN, "a line 2")]


def test_overlaps_are_told_and_neither_holds_there() -> None:
    found = spans_of([("0", 0, 2000, "a"), ("1", 1000, 3000, "b"), ("2", 2500, 2600, "b")], "a", MILLISECONDS)
    assert [found.at(s) for s in (0, 0.999, 1, 1.999, 2, 2.55, 3)] == ["a", "a", None, None, "b", "b", None]
    (defect,) = found.defects
    assert defect.detail == "a and b overlap from 1000 ms to 2000 ms; neither is told there"


def test_the_same_row_twice_is_one_interval() -> None:
    found = spans_of([("0", 0, 5, "a"), ("1", 0, 5, "a")], "a", MILLISECONDS)
    assert found.spans == (Span(0, 5, "a"),) and [d.reason for d in found.defects] == [Reason.DUPLICATE_ID]


def test_a_missing_file_and_a_foreign_header_are_one_defect(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.csv", tmp_path):
        assert [d.where for d in read_intervals(path, "a.csv", SECONDS).defects] == ["a.csv"]
    assert [d.where for d in parse_intervals("a,b\n1,2\n", "a.csv", SECONDS).defects] == ["a.csv line 1"]
    assert parse_intervals("", "a.csv", SECONDS).spans == ()


def test_starts_hold_until_the_next_and_only_those_ends_are_known() -> None:
    spans = spans_from_starts({0: "a", 25: "a", 50: None, 75: "b", 100: "c"}, 125, 25)
    assert course_in({"phase": spans}).segments == tuple(
        Segment("phase", s.label, s.start_seconds, s.end_seconds, end_known=s.end_known)
        for s in course_in({"phase": spans}).segments
    )
    ends = [(s.label.native, s.end_seconds, s.end_known) for s in course_in({"phase": spans}).segments]
    assert ends == [("a", 2.0, False), ("b", 4.0, True), ("c", 5.0, False)]


def test_moments_are_of_seconds_at_which_one_label_holds() -> None:
    phase = Spans((Span(0, 2000, "a"), Span(1500, 2500, "b")), 1000)
    step = Spans((Span(3000, 4000, "s"),), 1000)
    frames = moments_in({"phase": phase, "step": step})
    assert [(f.index, f.phase and f.phase.native, f.step and f.step.native) for f in frames] == [
        (0, "a", None),
        (1, "a", None),
        (2, "b", None),
        (3, None, "s"),
    ]
    assert moments_in({"phase": phase}, index=25, from_second=2)[0].index == 50


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.sampled_from("abc")), max_size=8)


@given(SPANS)
def test_what_holds_at_a_tick_is_the_only_label_there(rows: list[tuple[int, int, str]]) -> None:
    spans = Spans(tuple(sorted(Span(s, s + d, label) for s, d, label in rows)), 1)
    for tick in range(65):
        there = {s.label for s in spans.spans if s.start <= tick < s.end}
        assert spans.at(tick) == (there.pop() if len(there) == 1 else None)


@given(st.text("0123456789 ,.-\nabG", max_size=60))
def test_any_text_gives_sorted_spans_and_accounts_for_each_line(text: str) -> None:
    found = parse_intervals(text, "a", ACTIONS)
    assert list(found.spans) == sorted(found.spans, key=lambda s: (s.start, s.end, s.label or ""))
    again = sum(d.reason is Reason.DUPLICATE_ID for d in found.defects)
    assert len(found.spans) + found.unread + again == sum(bool(t.strip(" ,")) for t in text.split("\n"))
