"""Readers of traces: what parts of a trace tell of the answer, on traces whose figures are known."""

from __future__ import annotations

from typing import Any

from surgsigma_hub.shards.trace_readers import TraceReader

CALOT, BED = "Calot's triangle dissection", "gallbladder dissection"
IDS = {CALOT: "calot_triangle_dissection", BED: "gallbladder_dissection"}


def _read(rows: list[tuple[str, str, str, str]]) -> Any:
    reader = TraceReader("phase_recognition")
    for n, (seen, last, phase, answer) in enumerate(rows):
        reader.add("s", {
            "canonical_video_id": f"v{n // 2 % 4}",
            "reasoning": {"perceptual": seen, "relational": None, "contextual": last},
            "answer": {"labels": [IDS[phase]]},
            "messages": [{"content": answer}],
        })  # fmt: skip
    (found,) = reader.close()
    return found


def test_levels_that_tell_are_read_and_levels_that_do_not_are_not() -> None:
    told = [("A hook is in view.", "", CALOT, "x"), ("A snare is in view.", "", BED, "x")] * 40
    found = _read(told)
    assert (found.constant, found.levels, found.sentence) == (0.5, 1.0, None)
    silent = [("A grasper is in view.", "", CALOT, "x"), ("A grasper is in view.", "", BED, "x")] * 40
    assert _read(silent).levels == 0.5


def test_a_sentence_of_level_three_that_tells_more_is_seen() -> None:
    leak = [
        ("A grasper is in view.", f"A hook was used before. So it is {CALOT}.", CALOT, "x"),
        ("A grasper is in view.", f"A snare was used before. So it is {BED}.", BED, "x"),
    ] * 40
    found = _read(leak)
    assert (found.levels, found.sentence, found.levels_there) == (0.5, 1.0, 0.5), "the answer itself is not read"


def test_what_of_an_answer_stands_in_its_trace() -> None:
    rows = [
        ("A hook is in view and cuts.", "", CALOT, "a hook is in view"),
        ("Nothing.", "", CALOT, "It is all new here."),
    ]
    assert _read(rows).copied == 0.5
