"""Warrants: counted on videos, cited only as far as the counts carry, and held against the facts by the checker."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from surgsigma_hub.building.warrants import count_warrants, own_rows
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BadRowError, BuildError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import concepts
from surgsigma_hub.reasoning import Facts, check, reason
from surgsigma_hub.reasoning.label_spans import find
from surgsigma_hub.reasoning.warrants import (
    DEFINITION,
    MIN_SECONDS,
    MIN_VIDEOS,
    Row,
    Sign,
    Warrants,
    read_file,
    read_rows,
    rows_text,
    shipped,
    signs_in,
    signs_of,
    warrants_for,
)
from surgsigma_hub.reasoning.warrants.count import Counts
from surgsigma_hub.records import Coverage, Fact, Frame, Reasoning

from reasoning_cases import PROCEDURE, RICH, moment
from task_frames import TASKS, frame, label, labels, only, triplet

CALOT, BED, CLIPPING = "calot_triangle_dissection", "gallbladder_dissection", "clipping_and_cutting"
CLIP = Sign("clipper", "clip", "cystic_duct")
HOLD = Sign("grasper", "retract", "gallbladder")


def row(label: str, sign: Sign, seconds: int, videos: int = 20, kind: str = "phase") -> Row:
    return Row("mine", kind, label, sign, seconds, videos)


ROWS = (
    row(CLIPPING, CLIP, 95), row(CALOT, CLIP, 5), row(CALOT, HOLD, 60), row(BED, HOLD, 38), row("preparation", HOLD, 2),
    row(BED, Sign(), 1000), row(BED, Sign("hook"), 990), row(CALOT, Sign(), 1000), row(CALOT, Sign("hook"), 500),
)  # fmt: skip
MINE = Warrants(ROWS)


def test_from_nine_in_ten_on_a_sign_is_typical_and_below_it_fits() -> None:
    assert MINE.support("phase", CLIP).typical == CLIPPING
    held = MINE.support("phase", HOLD)
    assert held.typical is None and held.fits == (CALOT, BED)
    assert MINE.support("phase", Sign("snare")).labels == ()
    assert MINE.needed("phase", BED) == {"hook"} and MINE.needed("phase", CALOT) == frozenset()


@pytest.mark.parametrize(("seconds", "videos"), [(MIN_SECONDS - 1, 50), (5000, MIN_VIDEOS - 1)])
def test_little_evidence_is_not_cited(seconds: int, videos: int) -> None:
    few = Warrants((row(CLIPPING, CLIP, seconds, videos),))
    assert few.support("phase", CLIP).labels == () and few.support("phase", CLIP).typical is None
    enough = Warrants((row(CLIPPING, CLIP, MIN_SECONDS, MIN_VIDEOS),))
    assert enough.support("phase", CLIP).typical == CLIPPING


def test_catch_all_labels_count_but_are_not_cited() -> None:
    both = Warrants((row("idle", HOLD, 95), row(CALOT, HOLD, 5)))
    assert both.support("phase", HOLD).labels == ((CALOT, 0.05),) and both.support("phase", HOLD).typical is None


def test_recorded_sources_never_cite_what_was_counted_on_drawn_ones() -> None:
    sources = {r.source for r in shipped(PROCEDURE)}
    assert {"synthetic", "cholect50", DEFINITION} <= sources
    for source in ("", "cholec80", "cholect50"):
        assert "synthetic" not in {r.source for r in warrants_for(PROCEDURE, source).rows}
    assert {r.source for r in warrants_for(PROCEDURE, "synthetic").rows} == {"synthetic", DEFINITION}
    assert {r.source for r in warrants_for(PROCEDURE, "mine", ROWS).rows} == {"mine", DEFINITION}
    assert warrants_for("cataract_surgery").rows == ()


def test_the_shipped_counts_say_on_how_much_they_were_made() -> None:
    for source in ("synthetic", "cholect50"):
        (whole,) = [r for r in shipped(PROCEDURE) if r.source == source and not r.kind]
        assert whole.seconds > 0 and whole.videos > 0
        assert all(r.videos <= whole.videos for r in shipped(PROCEDURE) if r.source == source and r.kind != "next")


# ----------------------------------------------------------------------------------------------------------- in traces

SCENE = frame(phase=label(CLIPPING), triplets=(triplet(*CLIP), triplet(*HOLD)))


def made(seen: Frame, seed: str, warrants: Warrants = MINE) -> Reasoning:
    draft = only("phase_recognition", phase=seen.phase)
    found = reason(TASKS["phase_recognition"], seen, draft, PROCEDURE, seed=seed, warrants=warrants)
    facts = Facts.of_frame(seen, PROCEDURE, draft=draft, warrants=warrants)
    assert check(found, facts, draft.answer, TASKS["phase_recognition"]) == (), found
    return found


def test_what_is_typical_is_cited_and_decides() -> None:
    for n in range(12):
        last = made(SCENE, str(n)).contextual or ""
        assert re.search("(?:typical|characteristic|suggestive|indicative) of", last)
        told = {reading for mention in find(last) for reading in mention.readings}
        assert {("instrument", "clipper"), ("action", "clip"), ("target", "cystic_duct")} <= told, last


def test_what_fits_two_phases_decides_nothing_unless_one_lacks_what_it_needs() -> None:
    seen = frame(phase=label(CALOT), triplets=(triplet(*HOLD),), instruments=labels("grasper"))
    said = [made(seen, str(n)).contextual or "" for n in range(12)]
    assert all("hook" in text.lower() and "against" in text.lower() for text in said), "no hook, so not the bed"
    partly = replace(seen, coverage={Fact.INSTRUMENTS: Coverage.ANNOTATED_ONLY})
    said = [made(partly, str(n)).contextual or "" for n in range(12)]
    assert not any("hook" in text.lower() for text in said), "a lack is told of complete lists only"
    assert all("gallbladder dissection" in text for text in said), "the other one is named"


def test_signs_that_point_elsewhere_give_an_honest_end() -> None:
    for n in range(12):
        last = made(replace(SCENE, phase=label(BED)), str(n)).contextual or ""
        assert (
            not re.search("(?:typical|characteristic|suggestive|indicative) of", last)
            and "gallbladder dissection" in last.lower()
        )


def test_the_checker_knows_a_false_warrant() -> None:
    draft = only("phase_recognition", phase=SCENE.phase)
    facts = Facts.of_frame(SCENE, PROCEDURE, draft=draft, warrants=MINE)
    task = TASKS["phase_recognition"]
    end = " So the phase is clipping and cutting."
    fine = "Level 3: Clipping of the cystic duct with a clip applier is typical of clipping and cutting." + end
    assert check(fine, facts, draft.answer, task) == ()
    for false in (
        "Level 3: Retraction of the gallbladder with a grasper is typical of gallbladder dissection." + end,
        "Level 3: Clipping of the cystic duct with a clip applier fits gallbladder packaging." + end,
        "Level 3: Division of the cystic duct with scissors is typical of clipping and cutting." + end,
        "Level 3: No hook is in view, which speaks against gallbladder dissection." + end,
        "Level 3: Clipping of the cystic duct is typical of clipping and cutting.",
    ):
        assert check(false, facts, draft.answer, task), false
    nothing = Facts.of_frame(SCENE, PROCEDURE, draft=draft, warrants=Warrants())
    assert check(fine, nothing, draft.answer, task), "nothing was counted that could be cited"


# ------------------------------------------------------------------------------------------------------------ counting


def test_signs_are_counted_once_a_second_with_each_label() -> None:
    counts = Counts("mine")
    counts.add([moment(n, triplets=(triplet(*CLIP), triplet(*CLIP))) for n in range(52, 60)], None)
    found = {(r.kind, r.label, r.sign): (r.seconds, r.videos) for r in counts.rows()}
    assert found["", "", Sign()] == (8, 1)
    assert found["phase", CLIPPING, Sign()] == found["phase", CLIPPING, CLIP] == (8, 1)
    assert found["step", "clip_duct_and_artery", Sign("clipper")] == (8, 1)
    assert found["action", "clip", Sign("clipper", "", "cystic_duct")] == (8, 1)


def test_changes_of_action_are_counted_as_the_planning_task_asks_for_them() -> None:
    counts = Counts("mine")
    counts.add(RICH.moments, RICH)
    changes = {(r.sign.action, r.label): r.seconds for r in counts.rows() if r.kind == "next"}
    assert changes["dissect", "clip"] == 1 and changes["clip", "cut"] == 1


def test_signs_of_a_triplet_and_of_a_frame() -> None:
    assert signs_of(("hook", "null", "null")) == (Sign("hook"),)
    assert signs_in(SCENE)[0] in (CLIP, HOLD) and Sign("clipper") in signs_in(SCENE)
    assert signs_in(frame(actions=labels("pull"))) == (Sign("", "pull"),)


def test_the_command_counts_and_leaves_other_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "warrants.csv"
    out.write_text(rows_text(ROWS))
    options = ["--option", "videos=6", "--option", "frames=30", "--option", "width=64", "--option", "height=48"]
    assert main(["warrants", "synthetic", "--out", str(out), *options]) == 0
    assert "4 videos" in capsys.readouterr().out, "those of the training split"
    rows = read_file(out)
    assert {r.source for r in rows} == {"mine", "synthetic"} and set(ROWS) <= set(rows)
    before = out.read_bytes()
    assert main(["warrants", "synthetic", "--out", str(out), *options]) == 0
    assert out.read_bytes() == before, "the same counts give the same bytes"
    assert own_rows(out, "synthetic") and all(r.source == "synthetic" for r in own_rows(out, "synthetic"))
    with pytest.raises(SurgSigmaError, match="no row of source 'cholec80'"):
        own_rows(out, "cholec80")


def test_a_wrong_call_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "warrants.csv"
    few = {"videos": "2", "frames": "2", "width": "64", "height": "48"}
    with pytest.raises(UnknownNameError):
        count_warrants("synthetic", root=None, out=out, options=few, splits=["dev"])
    with pytest.raises(BuildError):
        count_warrants("synthetic", root=None, out=out, options=few, splits=["test"])
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "expected source"),
        ("{}\nmine,phase,nope,,,,3,1\n", "phase 'nope' is not in the ontology"),
        ("{}\nmine,moon,,,,,3,1\n", "kind 'moon'"),
        ("{}\nmine,phase,preparation,,,,3.5,1\n", "whole numbers"),
        ("{}\nmine,phase,preparation,,,,3\n", "expected 8 columns"),
        ("{}\nmine,phase,preparation,,,,3,1,9\n", "expected 8 columns"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(text: str, said: str) -> None:
    header = rows_text(()).strip()
    with pytest.raises(BadRowError, match=said):
        read_rows(text.replace("{}", header), "warrants.csv")


def test_definitions_name_acts_that_exist() -> None:
    for r in shipped(PROCEDURE):
        if r.source == DEFINITION:
            assert r.seconds == r.videos == 0 and r.sign.action and r.label in concepts(r.kind)  # type: ignore[arg-type]
