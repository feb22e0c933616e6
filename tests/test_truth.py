"""What may be said: each fault that was found in real conversations, on the smallest case in which it shows.

F numbers are those of the review of 2026-11-29; the cases are named after the video and second they were found in.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.records import (
    BoxExtent,
    Coverage,
    Fact,
    Film,
    Frame,
    Sample,
    Segment,
    Stills,
    VideoTimeline,
)
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Source
from surgsigma_hub.tasks import Draft, all_tasks, get_task

from chole_files import label_file, pictures, vector
from task_frames import boxed, drafts, label, labels, still, triplet

GRASPER_GRASPS, GRASPER_RETRACTS = vector(7, 0, 0, 0, 1), vector(17, 0, 1, 0, 1)
BIPOLAR_COAGULATES = vector(30, 1, 3, 10, 1)
HOOK_DISSECTS, LIVER_RETRACTED = vector(60, 2, 2, 0, 1), vector(19, 0, 1, 8, 1)
NO_INSTRUMENT, BAG = vector(-1, -1, -1, -1, 1), vector(12, 0, 0, 13, 1)
CHALLENGE = {"info": {"dataset": "cholect50-challenge-validation"}}
PART = dict.fromkeys((Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS), Coverage.ANNOTATED_ONLY)

CARDS = Path(__file__).parent.parent / "dataset_cards"


def samples_of(source: Source, video: str, *tasks: str) -> list[Sample]:
    (found,) = (v for v in source.videos() if v.id == video)
    return [sample for _, _, sample in rehearse(source, found, map(get_task, tasks or all_tasks()))]


def cholect50(folder: Path, video: str, seconds: dict[int, list[Any]], **more: Any) -> list[Sample]:
    """Samples of a video of CholecT50 whose seconds hold these vectors, all pictures there."""
    label_file(folder, video, {str(n): rows for n, rows in seconds.items()}, **more)
    pictures(folder, video, range(min(seconds), max(seconds) + 2))
    return samples_of(get_source("cholect50")(folder), video)


def by_task(samples: list[Sample]) -> dict[str, list[Sample]]:
    return {name: found for name in all_tasks() if (found := [s for s in samples if s.task == name])}


def asked(task: str, course: VideoTimeline) -> list[Draft]:
    draft_course = get_task(task).draft_course
    assert draft_course is not None
    return [draft for _, draft in draft_course(course)]


def acts(*runs: tuple[str, float, float], **known: Any) -> tuple[Segment, ...]:
    return tuple(Segment("action", label(id), a, b, **known) for id, a, b in sorted(runs, key=lambda r: r[1]))


FOOTAGE = Stills(tuple(map(still, range(400))), 1.0)

# ------------------------------------------------------------------------------------------- F1: gaps in the labels


def test_f1_a_gap_in_the_labels_is_no_end(tmp_path: Path) -> None:
    """VID70 177: labels for 177, 178, 179 and 182; the answer was that both actions end at 180."""
    both = [GRASPER_GRASPS, BIPOLAR_COAGULATES]
    for n, more in enumerate((CHALLENGE, {})):  # of the challenge part, and of a full release with a hole
        seconds = dict.fromkeys((177, 178, 179, 182), both)
        found = by_task(cholect50(tmp_path / str(n), "VID70", seconds, **more))
        assert "image_captioning" in found and not found.keys() & {
            "action_remaining_prediction",
            "next_action_planning",
        }


def test_f1_an_end_that_is_labelled_is_asked_for(tmp_path: Path) -> None:
    seconds: dict[int, list[Any]] = {n: [GRASPER_RETRACTS] for n in range(10)}
    seconds |= {n: [HOOK_DISSECTS] for n in range(10, 20)} | {n: [NO_INSTRUMENT] for n in range(20, 24)}
    seconds |= {n: [GRASPER_RETRACTS] for n in range(24, 30)}
    found = by_task(cholect50(tmp_path, "VID70", seconds))
    left = {(s.answer.seconds, s.end_seconds) for s in found["action_remaining_prediction"]}
    assert {seconds + end for seconds, end in left if seconds and end} == {10, 20}, "not of the act the labels end in"
    (following,) = found["next_action_planning"]
    assert (following.answer.labels, following.end_seconds) == (("retract",), 20)


def test_f1_what_lies_unlabelled_between_could_be_next() -> None:
    two = acts(("dissect", 0, 10), ("clip", 10, 20)), acts(("cut", 25, 30))
    course = VideoTimeline(segments=(*two[0], *two[1]), footage=FOOTAGE)
    assert [d.answer.labels for d in asked("next_action_planning", course)] == [("cut",)]
    holed = replace(course, labelled={"action": ((0, 22), (24, 30))})
    assert asked("next_action_planning", holed) == []
    opened = replace(course, segments=(*two[0], *(replace(s, start_known=False) for s in two[1])))
    assert asked("next_action_planning", opened) == []


def test_f1_a_clip_is_described_only_where_all_of_it_is_labelled() -> None:
    course = VideoTimeline(segments=acts(("dissect", 0, 20)), footage=FOOTAGE)
    assert len(asked("video_captioning", course)) == 2
    assert len(asked("video_captioning", replace(course, labelled={"action": ((0, 12), (15, 20))}))) == 1


# ------------------------------------------------------------------- F2, F3: lists that are not of all that is in view


def test_f2_tissues_that_are_acted_on_are_no_list_of_the_anatomy(tmp_path: Path) -> None:
    """Two frames of CholecT50: null target, bag only. The answer was that no organ or tissue can be recognized."""
    seconds = {
        0: [NO_INSTRUMENT],
        1: [BAG],
        2: [GRASPER_RETRACTS, HOOK_DISSECTS],
        3: [vector(19, 0, 1, 8, 1), HOOK_DISSECTS],
    }
    samples = by_task(cholect50(tmp_path, "VID70", seconds))["tissue_recognition"]
    said = {(s.frame_index, s.id.rpartition("-")[2]): s.answer.labels for s in samples}
    assert said == {
        (2, "tissue_recognition"): ("gallbladder",),
        (3, "tissue_recognition"): ("gallbladder", "liver"),
        (2, "grasper"): ("gallbladder",), (2, "hook"): ("gallbladder",),
        (3, "grasper"): ("liver",), (3, "hook"): ("gallbladder",),
    }  # fmt: skip
    for sample in samples:
        assert sample.provenance.template and "/acted_on" in sample.provenance.template
        assert "in view" not in sample.messages[1].content
    hook = next(s for s in samples if s.id.endswith("000003-tissue_recognition-hook"))
    assert "hook" in hook.messages[0].content


def test_f2_a_caption_does_not_make_a_list_of_what_is_acted_on() -> None:
    facts: dict[str, Any] = {"phase": label("preparation"), "triplets": (triplet("hook", "dissect", "gallbladder"),)}
    (whole,) = drafts("image_captioning", **facts, tissues=labels("gallbladder"))
    assert "can be seen" in whole.answer.text
    acted_on = {Fact.TISSUES: Coverage.ACTED_ON}
    (part,) = drafts("image_captioning", **facts, tissues=labels("gallbladder"), coverage=acted_on)
    assert "can be seen" not in part.answer.text


def test_f2_the_one_tissue_of_copesd_is_acted_on(tmp_path: Path) -> None:
    info = get_source("copesd").info
    assert info.coverage[Fact.TISSUES] is Coverage.ACTED_ON


def test_f3_no_whole_is_asked_of_what_is_partly_labelled(tmp_path: Path) -> None:
    """VID68 295: a second instrument is in plain view without a label."""
    at = (0.58, 0.25, 0.22, 0.2)
    held = vector(17, 0, 1, 0, 1, at)
    found = by_task(cholect50(tmp_path, "VID68", {295: [held]}, **CHALLENGE))
    assert "instrument_recognition" not in found
    assert {s.provenance.template.split("/")[1] for s in found["instrument_localization"]} == {"by_region"}  # type: ignore[union-attr]
    for task in ("action_recognition", "triplet_recognition", "tissue_recognition"):
        (sample,) = found[task]
        assert re.search("grasper .*middle right", sample.messages[0].content), "which of the instruments is said"
    (caption,) = found["image_captioning"]
    assert "A grasper is retracting" in caption.answer.text and "he grasper" not in caption.answer.text
    # The full release labels every instrument.
    found = by_task(cholect50(tmp_path / "full", "VID68", {295: [held]}))
    assert [s.answer.labels for s in found["instrument_recognition"]] == [("grasper",)]


def test_f3_two_of_one_name_are_not_told_apart_by_it() -> None:
    two = (triplet("grasper", "grasp", "liver"), triplet("grasper", "retract", "gallbladder"))
    boxes = (boxed("grasper", 0.1, 0.1, 0.3, 0.3), boxed("grasper", 0.7, 0.7, 0.9, 0.9))
    assert drafts("triplet_recognition", triplets=two, instrument_boxes=boxes, coverage=PART) == []
    assert drafts("triplet_recognition", triplets=two[:1], coverage=PART) == [], "nor one without a place"
    assert len(drafts("triplet_recognition", triplets=two)) == 1


@pytest.mark.parametrize("fact", ["instruments", "instrument_boxes", "instrument_masks"])
def test_f3_none_is_an_answer_of_whole_lists_alone(fact: str) -> None:
    for task in ("instrument_recognition", "instrument_localization", "instrument_segmentation", "image_captioning"):
        part = {Fact(fact): Coverage.ANNOTATED_ONLY}
        assert drafts(task, **{fact: ()}, phase=label("preparation"), coverage=part) == []


# --------------------------------------------------------------------------------------------- F6: catch-all labels


def test_f6_idle_is_nothing_to_train_on_and_described_by_nothing() -> None:
    """CASE015 2926 of PSI-AVA: phase and step Idle over cutting, cauterizing, holding and pulling."""
    facts: dict[str, Any] = {
        "phase": label("idle"),
        "step": label("idle"),
        "instruments": labels("monopolar_curved_scissors", "prograsp_forceps"),
        "actions": labels("cut", "cauterize", "hold", "pull"),
    }
    for task in ("phase_recognition", "step_recognition"):
        (draft,) = drafts(task, **facts)
        assert draft.catch_all and "none of the listed" in draft.answer.text
    (caption,) = drafts("image_captioning", **facts)
    assert "listed" not in caption.answer.text and "Native_cut" in caption.native.labels
    assert "scissors" in caption.answer.text
    (draft,) = drafts("phase_recognition", phase=label("preparation"))
    assert not draft.catch_all


def test_f6_what_training_leaves_out_is_kept_for_evaluation_and_counted(tmp_path: Path) -> None:
    from surgsigma_hub.api import build

    root = Path(__file__).parent / "fixtures" / "multibypass140"
    report = build("multibypass140", root=root, out=tmp_path / "t", tasks=["step_recognition"], max_quarantine=1)
    left_out = report.quarantined.get("catch_all", 0)
    source = get_source("multibypass140")(root)
    told = {"train": 0, "val": 0, "test": 0}
    for video in source.videos():
        told[video.split] += sum(
            frame.step is not None and frame.step.native == "s0_null_step"
            for frame in source.frames(video)
            if isinstance(frame, Frame)
        )
    assert left_out >= told["train"] > 0


# ----------------------------------------------------------------------------------- F8, F9: one act and another


def test_f8_of_two_acts_that_end_together_the_question_times_its_own() -> None:
    course = VideoTimeline(segments=acts(("grasp", 0, 12), ("coagulate", 2, 12)), footage=FOOTAGE)
    for draft in asked("action_remaining_prediction", course):
        assert draft.key in ("grasp", "coagulate")
        assert draft.slots["doing"].startswith({"grasp": "grasp", "coagulate": "coagulat"}[draft.key])


def test_f8_of_two_acts_of_one_name_none_is_timed() -> None:
    course = VideoTimeline(segments=acts(("grasp", 0, 12), ("grasp", 0, 30)), footage=FOOTAGE)
    ends = {(draft.answer.seconds, draft.cut) for draft in asked("action_remaining_prediction", course)}
    assert all(seconds and cut and seconds + cut.end_seconds == 30 and cut.end_seconds > 12 for seconds, cut in ends)


def test_f9_what_is_under_way_does_not_begin_next() -> None:
    """VID70 191: coagulating all along, and the answer was that coagulating begins next."""
    under_way = acts(("grasp", 0, 5), ("dissect", 5, 11), ("coagulate", 6, 20), ("coagulate", 20, 26))
    assert asked("next_action_planning", VideoTimeline(segments=under_way, footage=FOOTAGE)) == []
    later = acts(("grasp", 0, 5), ("dissect", 5, 11), ("coagulate", 12, 20))
    (one,) = asked("next_action_planning", VideoTimeline(segments=later, footage=Film(Path("x.mp4"), 25.0)))
    assert one.answer.labels == ("coagulate",)


# ------------------------------------------------------------------------------- F10, F11, F12: words and captions


def _said(draft: Draft) -> str:
    """All that fills the slots of its wordings."""
    return " | ".join(draft.slots.values())


def test_f10_the_words_say_what_a_box_encloses() -> None:
    hook = (boxed("hook", 0.4, 0.4, 0.6, 0.6),)
    for extent, words in ((BoxExtent.TIP, "tip of the hook"), (BoxExtent.WORKING_END, "working end of the hook")):
        everything, one = (
            _said(d) for d in drafts("instrument_localization", instrument_boxes=hook, box_extent=extent)
        )
        assert words in one and words.split(" of ")[0] in everything
    for extent_of_all in (BoxExtent.WHOLE, None):
        for draft in drafts("instrument_localization", instrument_boxes=hook, box_extent=extent_of_all):
            assert draft.answer.boxes[0].label == "hook"
            assert "tip" not in _said(draft) and "working" not in _said(draft)


def test_f10_sources_state_the_extent_of_their_boxes() -> None:
    from surgsigma_hub.registry import all_sources

    for name, kind in all_sources().items():
        card = (CARDS / f"{name}.md").read_text("utf-8")
        stated = kind.info.box_extent is not None or "a box encloses is not stated" in " ".join(card.split())
        assert stated == (Fact.INSTRUMENT_BOXES in kind.info.facts), name
    assert get_source("cholect50").info.box_extent is BoxExtent.TIP
    assert get_source("psi_ava").info.box_extent is BoxExtent.WHOLE is get_source("cholecinstanceseg").info.box_extent


def test_f11_a_caption_shows_something() -> None:
    """MultiBypass140: phase and step alone. PSI-AVA: the annotated actions were left out."""
    stages: dict[str, Any] = {"phase": label("gastric_pouch_creation"), "step": label("vertical_stapling")}
    assert drafts("image_captioning", **stages) == []
    assert drafts("image_captioning", **stages, instruments=()) == []
    (caption,) = drafts("image_captioning", **stages, instruments=labels("hook"), actions=labels("cut", "stay_still"))
    assert "hook is in view" in caption.answer.text.lower() and "still" not in caption.answer.text
    assert re.search("cutting|division", caption.answer.text)


def test_f12_fluid_goes_into_the_cavity_and_not_into_the_wall() -> None:
    for action, word in (("irrigate", "irrigating"), ("aspirate", "suctioning")):
        (draft,) = drafts("triplet_recognition", triplets=(triplet("irrigator", action, "abdominal_wall_cavity"),))
        assert f"{word} the abdominal cavity" in _said(draft) and "wall" not in _said(draft)
        assert draft.answer.triplets[0].target == "abdominal_wall_cavity"
        answer = f"The irrigator is {word} the abdominal cavity."
        assert get_task("triplet_recognition").parse(answer).triplets == draft.answer.triplets
    (draft,) = drafts("triplet_recognition", triplets=(triplet("hook", "coagulate", "abdominal_wall_cavity"),))
    assert "coagulating the abdominal wall" in _said(draft)
