"""Runs of labels: the segments give back exactly the labels they were made of."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.parsers.runs import runs, stretches
from surgsigma_hub.records import Label

LABELS = st.dictionaries(st.integers(0, 60), st.sampled_from([None, Label("a"), Label("b"), Label("c")]))


@given(LABELS, st.sampled_from([1, 2, 25, 0.5, 29.97]))
def test_segments_give_the_labels_back(labels: dict[int, Label | None], fps: float) -> None:
    segments = runs(sorted(labels.items()), fps=fps, layer="phase")
    said: dict[int, str] = {}
    for segment in segments:
        for index in range(round(segment.start_seconds * fps), round(segment.end_seconds * fps)):
            assert index not in said, "segments of one run of labels never overlap"
            said[index] = segment.label.native
        assert segment.start_seconds < segment.end_seconds and segment.layer == "phase"
    assert said == {n: label.native for n, label in labels.items() if label is not None}
    assert [s.start_seconds for s in segments] == sorted(s.start_seconds for s in segments)


@given(LABELS)
def test_runs_are_as_long_as_they_can_be(labels: dict[int, Label | None]) -> None:
    segments = runs(sorted(labels.items()), fps=1, layer="step")
    for before, after in itertools.pairwise(segments):
        assert before.label != after.label or before.end_seconds < after.start_seconds


def test_nothing_gives_nothing() -> None:
    assert runs([], fps=1, layer="step") == () == runs([(3, None)], fps=1, layer="step")


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="index 3 follows 3"):
        runs([(3, None), (3, Label("a"))], fps=1, layer="step")
    with pytest.raises(ValueError, match="fps=0"):
        runs([], fps=0, layer="step")


@given(LABELS)
def test_an_end_is_known_exactly_where_the_neighbour_is_labelled(labels: dict[int, Label | None]) -> None:
    for segment in runs(sorted(labels.items()), fps=1, layer="action"):
        assert segment.start_known == (segment.start_seconds - 1 in labels)
        assert segment.end_known == (segment.end_seconds in labels)


def test_a_gap_in_the_labels_is_not_the_end_of_an_action() -> None:
    """Video 70 of CholecT50's challenge part: labels for seconds 177, 178, 179 and 182."""
    grasp = Label("grasp")
    first, second = runs([(n, grasp) for n in (177, 178, 179, 182)], fps=1, layer="action")
    assert (first.start_seconds, first.end_seconds, first.end_known) == (177, 180, False)
    assert (second.start_seconds, second.start_known) == (182, False)


@given(st.sets(st.integers(0, 60)))
def test_stretches_cover_the_labelled_frames_and_no_other(indices: set[int]) -> None:
    found = stretches(sorted(indices), fps=2)
    covered = [n for start, end in found for n in range(round(start * 2), round(end * 2))]
    assert covered == sorted(indices)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
