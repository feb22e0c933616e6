"""Traces written from facts: accepted by the checker, as deep as the task, blind to what comes after."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.media.boxes import region_words
from surgsigma_hub.ontology import concepts
from surgsigma_hub.ontology.forms import forms
from surgsigma_hub.reasoning.bank import SLOTS, VERBS, sentences
from surgsigma_hub.reasoning.claim import WARRANTED, What
from surgsigma_hub.reasoning.claims import claims
from surgsigma_hub.reasoning.evidence import verdict_on
from surgsigma_hub.reasoning.facts import parse_region
from surgsigma_hub.reasoning.label_spans import find
from surgsigma_hub.reasoning.phrases import clauses, place, purposes_of
from surgsigma_hub.records import Answer, Box, Coverage, Cut, Fact, Frame, Reasoning, Verdict, VideoTimeline
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.base import AnswerKind, DepthMap

from reasoning_cases import (
    BARE,
    FOOTAGE,
    NAMES,
    RICH,
    SEGMENTS,
    by_name_alone,
    clips,
    drafted,
    judged,
    moment,
    synthetic,
    text_of,
    trace,
)
from task_frames import (
    FULL,
    PICTURE,
    TASKS,
    all_drafts,
    boxed,
    drafts,
    frame,
    label,
    labels,
    mask,
    only,
    triplet,
)

REGIONS = sorted({region_words(Box(x, y, x + 0.1, y + 0.1)) for x in (0.1, 0.45, 0.8) for y in (0.1, 0.45, 0.8)})
"""All parts of an image."""


def with_every_label(drafts: list[tuple[Frame, Draft]], times: int = 8, share: int = 8) -> list[tuple[Frame, Draft]]:
    """The first drafts that name each label, and an eighth of the others; all pairs of labels would take minutes."""
    shown: Counter[str] = Counter()
    kept = []
    for n, (seen, draft) in enumerate(drafts):
        named = set(re.findall(r"id='(\w+)'", repr(seen)))
        if n % share == 0 or not named or min(shown[id] for id in named) < times:
            kept.append((seen, draft))
            shown.update(named)
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_every_label_can_be_reasoned_about(name: str) -> None:
    for n, (seen, draft) in enumerate(with_every_label(all_drafts().get(name, []))):
        made = trace(name, seen, draft, seed=f"{n}")
        if not made.level and by_name_alone(name, seen, draft):
            continue
        assert judged(name, made, seen, draft) == (), made
        assert made.level <= TASKS[name].level


@pytest.mark.parametrize("name", NAMES)
def test_drawn_operations_are_reasoned_about_in_full_depth(name: str) -> None:
    frames, course = synthetic()
    for n, seen in enumerate(frames):
        for draft in drafted(name, seen):
            made = trace(name, seen, draft, course, seed=f"{n}{draft.key}")
            if not made.level and not draft.answer.labels and by_name_alone(name, seen, draft):
                continue
            assert judged(name, made, seen, draft, course) == (), made
            unexplained = draft.target is not None and not draft.answer.labels and bool(seen.instrument_masks)
            unexplained = unexplained or draft.question == "by_part"
            assert made.level == (0 if unexplained or name in ("desmoking", "depth_estimation") else TASKS[name].level)


@pytest.mark.parametrize("course", [BARE, RICH], ids=["segments", "moments"])
def test_clips_are_reasoned_about(course: VideoTimeline) -> None:
    for task, seen, draft in clips(course):
        for seed in map(str, range(12)):
            made = trace(task.name, seen, draft, course, seed)
            assert judged(task.name, made, seen, draft, course) == (), made
            # Of intervals alone, a caption or a prompt says all that is known.
            says_all = course is BARE and task.answer in (AnswerKind.TEXT, AnswerKind.IMAGE)
            assert made.level == (0 if says_all or task.answer is AnswerKind.VIDEO else task.level)


def test_drawn_courses_are_reasoned_about() -> None:
    _, course = synthetic()
    for name, task in TASKS.items():
        for seen, draft in task.draft_course(course) if task.draft_course else ():
            made = trace(name, seen, draft, course)
            assert judged(name, made, seen, draft, course) == (), (name, made)
            assert made.level == (0 if name == "video_generation" else task.level), (name, made)


def test_levels_follow_the_facts() -> None:
    seen = frame(phase=label("preparation"), instruments=labels("hook"))
    made = trace("phase_recognition", seen, only("phase_recognition", phase=label("preparation")))
    assert made.perceptual and made.relational is None and made.contextual
    seen = frame(instruments=labels("hook"), tissues=labels("liver"))
    (draft,) = drafts("image_captioning", instruments=labels("hook"), tissues=labels("liver"))
    assert trace("image_captioning", seen, draft).level == 1


def test_without_anything_seen_there_is_no_trace() -> None:
    seen = frame(phase=label("preparation"), step=label("expose_gallbladder"))
    for name in ("phase_recognition", "step_recognition"):
        (draft,) = drafted(name, seen)
        assert trace(name, seen, draft) == Reasoning()
        assert judged(name, Reasoning(), seen, draft) == ()
    text = Draft(answer=Answer(text="The surgeon is dissecting."), inputs=(), target=Cut(FOOTAGE, 30, 40))
    assert trace("video_generation", moment(30), text, RICH) == Reasoning(), "the prompt is no evidence"


def test_a_reason_is_that_of_the_instrument_asked_about() -> None:
    """What another instrument does is told, what it is for is not: that would answer a question nobody asked."""
    seen = frame(
        instruments=labels("grasper", "hook"),
        triplets=(triplet("grasper", "retract", "gallbladder"), triplet("hook", "dissect", "adhesion")),
        instrument_boxes=(boxed("grasper", 0.0, 0.1, 0.3, 0.3), boxed("hook", 0.6, 0.7, 0.9, 0.9)),
        coverage={Fact.TRIPLETS: Coverage.ANNOTATED_ONLY},
    )
    other = {"grasper": ("dissect", "adhesion"), "hook": ("retract", "gallbladder")}
    asked = [d for d in drafted("triplet_recognition", seen) if d.question == "done_by"]
    assert len(asked) == 2
    for draft in asked:
        said = [trace("triplet_recognition", seen, draft, seed=str(n)).relational or "" for n in range(60)]
        tool = draft.key.partition("-")[0]
        own = purposes_of(*next(pair for one, pair in other.items() if one != tool))
        assert any(purpose in text for text in said for purpose in own)
        assert not any(purpose in text for text in said for purpose in purposes_of(*other[tool])), draft.key


def test_a_bag_alone_is_no_evidence() -> None:
    """It is listed among targets in some sources, and is no tissue: nothing can be told that explains an answer."""
    facts = {"tissues": labels("specimen_bag"), "step": label("expose_gallbladder"), "criteria": FULL.criteria}
    for name in ("step_recognition", "safety_assessment", "image_captioning"):
        for draft in drafted(name, frame(**facts)):
            made = trace(name, frame(**facts), draft)
            assert made == Reasoning()
            assert judged(name, made, frame(**facts), draft) == ()


@pytest.mark.parametrize("region", REGIONS)
def test_every_way_to_say_a_place_is_read_as_that_place(region: str) -> None:
    ways = {place(region, n) for n in range(200)}
    assert len(ways) >= 20
    true = parse_region(region)
    for way in ways:
        placed = [c for c in claims(f"I see a hook {way} and a grasper.") if c.what is What.PLACED]
        assert placed and all(c.readings == (("instrument", "hook"),) for c in placed), way
        for said in (c.region for c in placed):
            assert said and said.row in (None, true.row) and said.column in (None, true.column), way


def test_what_is_said_of_a_full_frame() -> None:
    draft = only("safety_assessment", criteria=FULL.criteria)
    said = [trace("safety_assessment", replace(FULL, clean_image=PICTURE), draft, seed=str(n)) for n in range(60)]
    one, two, three = (" ".join(t or "" for t in level) for level in zip(*map(_levels, said), strict=True))
    assert re.search(r"one clip applier [(\w ]*(top|upper) left", one, re.IGNORECASE)
    assert re.search(r"another clip applier [(\w ]*(bottom|lower) right", one)
    assert re.search(r"the liver [(\w ]*(top|upper) center", one) and "smoke" in one.lower()
    assert re.search(r"clip applier (is|can) [\w ]*clipping the cystic duct", two)
    assert "scissors are in view but idle" in two
    assert "two structures" in three.lower() and "cystic plate" in three.lower()
    assert not find(three, ("phase", "step")), "neither was asked for, and neither is seen"


def _levels(made: Reasoning) -> tuple[str | None, ...]:
    return made.perceptual, made.relational, made.contextual


def test_boxes_with_their_size() -> None:
    facts = {"instrument_boxes": (boxed("hook", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.3, 0.2, 1.0, 0.9))}
    (draft,) = [d for d in drafts("instrument_localization", **facts) if d.key == "hook"]
    said = [trace("instrument_localization", frame(**facts), draft, seed=str(n)).perceptual or "" for n in range(20)]
    assert all("a small hook" in text.lower() for text in said), said
    placed = [c for text in said for c in claims(text) if c.what is What.PLACED and c.readings[0][1] == "hook"]
    assert len(placed) >= 20 and all(c.region and c.region.row in (None, "top") for c in placed)
    assert all("a large grasper" in text.lower() for text in said)
    asked = re.compile(r"hook (?:at |in |within |inside )?\[0\.100, 0\.100, 0\.200, 0\.200\]")
    assert all(asked.search(text) and "0.900" not in text for text in said)


def test_two_actions_do_not_read_as_a_phase() -> None:
    seen = frame(instruments=labels("clipper"))
    draft = only("action_recognition", actions=labels("clip", "cut"))
    said = " ".join(trace("action_recognition", seen, draft, seed=str(n)).relational or "" for n in range(9)).lower()
    assert "clipping as well as cutting" in said and "clipping and cutting" not in said


def test_no_reasoning_without_labels_that_explain() -> None:
    none = Answer(text="picture")
    smoky = frame(clean_image=PICTURE, instruments=labels("hook"))
    assert trace("desmoking", smoky, Draft(answer=none, target=smoky.clean_image)) == Reasoning()
    assert trace("depth_estimation", smoky, Draft(answer=none, target=DepthMap(PICTURE))) == Reasoning()
    unnamed = frame(instrument_masks=(mask(None),))
    (draft,) = drafts("instrument_segmentation", instrument_masks=unnamed.instrument_masks)
    assert trace("instrument_segmentation", unnamed, draft) == Reasoning()


def test_an_unknown_target_or_action_is_said_honestly() -> None:
    draft = only(
        "triplet_recognition", triplets=(triplet("hook", "dissect", "null"), triplet("grasper", "null", "null"))
    )
    said = trace("triplet_recognition", frame(triplets=_triplets(draft)), draft, seed="9").relational or ""
    assert "dissect" in said and "grasper is in view but idle" in said and "target" not in said


def _triplets(draft: Draft) -> tuple[object, ...]:
    return tuple(triplet(t.instrument, t.action, t.target) for t in draft.answer.triplets)


# -------------------------------------------------------------------------------------------------------- wording


def test_the_seed_alone_chooses_the_words() -> None:
    draft = only("phase_recognition", phase=FULL.phase)
    said = {text_of(trace("phase_recognition", FULL, draft, seed=str(n))) for n in range(50)}
    assert len(said) > 40
    assert all(trace("phase_recognition", FULL, draft) == trace("phase_recognition", FULL, draft) for _ in range(3))


def test_the_sentences_say_nothing_by_themselves() -> None:
    for kind, lines in sentences().items():
        assert sum(len(choices.ways) for choices in lines) >= 12, kind
        for line in (one for choices in lines for one in choices.covered()):
            bare = re.sub(r"\{\w+\}", "", line)
            named = [c for c in claims(bare) if c.what is What.NAMED]
            assert not named, f"{kind}: {line!r} names {named}: word it without a label of the ontology"
            if "{" in line:
                assert not claims(re.sub(r"\{\w+\}", "X", line)), f"{kind}: {line!r}"
            may_lack = VERBS | {"are", "things", "they", "action_noun", "boxes_noun", "procedure", "kind"}
            assert all(f"{{{slot}}}" in line for slot in SLOTS[kind] - may_lack), line


# ----------------------------------------------------------------------------------------------------------- leaks


def _begun(end: float) -> set[str]:
    return {f"{s.layer} {s.label.id}" for s in SEGMENTS if s.start_seconds < end}


def _strangers(text: str, known: set[str]) -> list[str]:
    """Actions, phases and steps named that cannot be read as one of ``known``, but for what a warrant compares."""
    named = [c for c in claims(text) if c.what is What.NAMED and c.role not in WARRANTED]
    layers = [(c.text, [(k, id) for k, id in c.readings if k in ("action", "phase", "step")]) for c in named]
    return [words for words, some in layers if some and not any(f"{kind} {id}" in known for kind, id in some)]


@pytest.mark.parametrize("name", ["phase_recognition", "step_recognition"])
def test_a_moment_tells_nothing_from_before_or_after_it(name: str) -> None:
    for second in range(0, 70, 3):
        seen = moment(second, instruments=labels("hook"), triplets=())
        for draft in drafted(name, seen):
            (id,) = draft.answer.labels
            for seed in "abcdef":
                made = trace(name, seen, draft, BARE, seed)
                assert made == trace(name, seen, draft, None, seed), "the course changes nothing"
                assert _strangers(text_of(made), {f"phase {id}", f"step {id}"}) == [], (second, made)


@pytest.mark.parametrize("course", [BARE, RICH], ids=["segments", "moments"])
def test_a_clip_never_tells_what_begins_after_it_but_the_answer(course: VideoTimeline) -> None:
    for task, seen, draft in clips(course):
        (cut,) = draft.inputs or ()
        assert isinstance(cut, Cut)
        for seed in "abcdefgh":
            made = trace(task.name, seen, draft, course, seed)
            seen_before = _begun(cut.end_seconds)
            assert _strangers(f"{made.perceptual}\n{made.relational}", seen_before) == [], made
            foretold = {f"action {id}" for id in draft.answer.labels}
            assert _strangers(text_of(made), seen_before | foretold) == [], made


def test_of_a_clip_to_be_made_nothing_is_seen() -> None:
    draft = Draft(answer=Answer(text="The surgeon is dissecting."), inputs=(PICTURE,), target=Cut(FOOTAGE, 30, 40))
    assert trace("video_generation", moment(30), draft, RICH) == Reasoning()


# ------------------------------------------------------------------------------------------------- random facts


def some(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from([id for id in concepts(kind) if id != "null"])  # type: ignore[arg-type]


@st.composite
def frames_of_facts(draw: st.DrawFn) -> Frame:
    def maybe(strategy: st.SearchStrategy[object]) -> object:
        return draw(st.none() | strategy)

    edge = st.floats(0, 0.5, allow_nan=False)

    def boxes(kind: str) -> st.SearchStrategy[object]:
        size = st.floats(0.002, 0.5, allow_nan=False)
        one = st.builds(lambda id, x, y, w, h: boxed(id, x, y, x + w, y + h), some(kind), edge, edge, size, size)
        return st.lists(one, max_size=4).map(tuple)

    def kinds(kind: str) -> st.SearchStrategy[object]:
        return st.lists(some(kind), max_size=4).map(lambda ids: labels(*ids))

    tools = some("instrument").filter(lambda id: forms("instrument", id).acts)
    one = st.builds(triplet, tools, some("action") | st.just("null"), some("target") | st.just("null"))
    verdicts = st.dictionaries(some("criterion"), st.booleans()).map(
        lambda d: tuple(Verdict(label(c), met) for c, met in d.items())
    )
    triplets = draw(st.none() | st.lists(one, max_size=4).map(tuple))
    instruments = maybe(kinds("instrument"))
    tissues = maybe(kinds("target"))
    if instruments is not None and triplets:  # lists that lack what acts contradict the triplets, and are objected to
        instruments = (*instruments, *(t.instrument for t in triplets))  # type: ignore[misc]
    tissue_boxes = maybe(boxes("target")) if not triplets else None
    if tissues is not None:
        tissues = (*tissues, *(t.target for t in triplets or ()), *(b.label for b in tissue_boxes or ()))  # type: ignore
    instrument_boxes = maybe(boxes("instrument")) if instruments is None and not triplets else None
    return frame(
        phase=maybe(some("phase").map(label)),
        step=maybe(some("step").map(label)),
        instruments=instruments,
        tissues=tissues,
        triplets=triplets,
        actions=None if triplets is None else tuple(t.action for t in triplets if t.action.id != "null"),
        instrument_boxes=instrument_boxes,
        tissue_boxes=tissue_boxes,
        criteria=maybe(verdicts),
        clean_image=draw(st.none() | st.just(PICTURE)),
    )


@settings(max_examples=60)
@given(frames_of_facts(), st.text(max_size=3))
def test_random_facts_are_reasoned_about(seen: Frame, seed: str) -> None:
    for name in NAMES:
        for draft in drafted(name, seen):
            made = trace(name, seen, draft, seed=seed)
            if not made.level and by_name_alone(name, seen, draft):
                continue
            assert judged(name, made, seen, draft) == (), (name, made)


# --------------------------------------------------------------------- what a fresh reader marked, each on one sample


def test_no_trace_says_the_answer_once_more_by_its_name() -> None:
    (draft,) = drafts("instrument_recognition", instruments=labels("hook"))
    assert not trace("instrument_recognition", frame(instruments=labels("hook")), draft).level
    placed = frame(instruments=labels("hook"), instrument_boxes=(boxed("hook", 0.1, 0.1, 0.3, 0.3),))
    assert trace("instrument_recognition", placed, draft).level == 1


def test_evidence_is_about_the_instrument_that_is_asked_about() -> None:
    acts = (triplet("grasper", "retract", "liver"), triplet("hook", "dissect", "gallbladder"))
    places = (boxed("grasper", 0.0, 0.1, 0.3, 0.3), boxed("hook", 0.6, 0.7, 0.9, 0.998))
    seen = frame(instruments=labels("grasper", "hook"), triplets=acts, instrument_boxes=places)
    seen = replace(seen, coverage={Fact.TRIPLETS: Coverage.ANNOTATED_ONLY})
    every = TASKS["action_recognition"].draft(seen)  # type: ignore[misc]
    (draft,) = (d for d in every if d.question == "done_by" and d.key.startswith("hook"))
    made = [trace("action_recognition", seen, draft, seed=f"{n}") for n in range(60)]
    measured = [c for m in made for c in claims(m.perceptual or "") if c.what is What.MEASURED]
    assert measured and all(("instrument", "hook") in c.readings for c in measured), measured


def test_what_has_no_article_gets_none_where_it_is_missing() -> None:
    assert verdict_on("target", "connective_tissue", there=False)[1]["the_name"] == "connective tissue"
    assert verdict_on("target", "liver", there=False)[1]["the_name"] == "the liver"


def test_without_a_target_the_tool_acts_and_not_the_surgeon() -> None:
    said = {clauses((("endoscopic_forceps", "rotate", "null"),), style) for style in range(2520)}
    assert len(said) > 3 and not any("surgeon" in one for one in said)


def test_a_clip_is_no_image() -> None:
    still = re.compile(r"\bimage before me\b|\b(?:this|present) image\b|\b(?:judging by|on) the image\b", re.IGNORECASE)
    for task, seen, draft in clips(RICH):
        for seed in map(str, range(12)):
            made = trace(task.name, seen, draft, RICH, seed)
            assert not still.search(made.perceptual or ""), made
