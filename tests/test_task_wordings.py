"""The 18 tasks: what each declares, what each answers, and how every wording reads with every label."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import KINDS, NULL, concept, concepts
from surgsigma_hub.records import (
    Answer,
    AnswerBox,
    AnswerCriterion,
    AnswerTriplet,
    Box,
    Drawn,
    Fact,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    Media,
    Polygons,
    Triplet,
    Verdict,
    Video,
)
from surgsigma_hub.schema import KEY, json_schema, sample_bytes
from surgsigma_hub.source import Access, Redistribution, SourceInfo
from surgsigma_hub.tasks import Draft, MediaIn, all_tasks, get_task
from surgsigma_hub.tasks.compose import compose, sample_id
from surgsigma_hub.tasks.wording import bank, is_plural, participle, slots_of, with_article, word

ROOT = Path(__file__).parent.parent
TASKS = all_tasks()
WORKING = sorted(name for name, task in TASKS.items() if task.working)
BY_NAME = {"by_name", "by_region"}  # the groups whose questions name a label on purpose

NAMES = {
    "instrument_recognition",
    "instrument_localization",
    "tissue_recognition",
    "tissue_localization",
    "instrument_segmentation",
    "phase_recognition",
    "step_recognition",
    "action_recognition",
    "triplet_recognition",
    "depth_estimation",
    "safety_assessment",
    "image_captioning",
    "video_captioning",
    "action_remaining_prediction",
    "next_action_planning",
    "desmoking",
    "next_frame_generation",
    "video_generation",
}
HUB_CATEGORIES = {  # those of the Hub's task tags that a vision task can have
    "visual-question-answering",
    "object-detection",
    "image-segmentation",
    "depth-estimation",
    "image-to-text",
    "image-text-to-text",
    "video-text-to-text",
    "image-to-image",
    "image-to-video",
    "text-to-video",
    "image-classification",
    "video-classification",
}


def label(id: str) -> Label:
    """A label whose native name differs from the id, so that the two cannot be mixed up unseen."""
    return Label(f"Native_{id}", id)


def labels(*ids: str) -> tuple[Label, ...]:
    return tuple(map(label, ids))


def triplet(instrument: str, action: str, target: str) -> Triplet:
    return Triplet(label(instrument), label(action), label(target))


def boxed(id: str, x1: float, y1: float, x2: float, y2: float) -> LabeledBox:
    return LabeledBox(label(id), Box(x1, y1, x2, y2))


def mask(id: str | None) -> LabeledMask:
    return LabeledMask(label(id) if id else None, Polygons((((0.1, 0.1), (0.5, 0.1), (0.3, 0.6)),)))


def frame(**facts: object) -> Frame:
    return Frame(index=7, fps=1.0, **facts)  # type: ignore[arg-type]


def drafts(task: str, **facts: object) -> list[Draft]:
    draft = TASKS[task].draft
    assert draft is not None
    return list(draft(frame(**facts)))


def only(task: str, **facts: object) -> Draft:
    (one,) = drafts(task, **facts)
    return one


PICTURE = Drawn("nothing", lambda: None)  # type: ignore[arg-type, return-value]

# ----------------------------------------------------------------------------------------------------- contract


def test_the_18_tasks_are_registered_in_order() -> None:
    assert set(TASKS) == NAMES
    assert list(TASKS) == sorted(TASKS)


def test_the_tasks_of_this_version_work() -> None:
    assert set(WORKING) == {
        "instrument_recognition",
        "instrument_localization",
        "tissue_recognition",
        "tissue_localization",
        "instrument_segmentation",
        "phase_recognition",
        "step_recognition",
        "action_recognition",
        "triplet_recognition",
        "safety_assessment",
        "image_captioning",
    }


@pytest.mark.parametrize("name", sorted(NAMES))
def test_metadata(name: str) -> None:
    task = get_task(name)
    assert task.name == name
    assert task.hub_category in HUB_CATEGORIES
    assert task.level in (1, 2, 3)
    assert task.title[0].isupper() and task.description.endswith(".")
    assert task.needs and all(need and need <= set(Fact) for need in task.needs)
    assert not any(a < b for a in task.needs for b in task.needs), "an alternative that holds another says nothing"
    assert task.offered_by(frozenset(Fact)) and not task.offered_by(frozenset())
    template = ROOT / "surgsigma_hub" / "tasks" / "templates" / f"{name}.yaml"
    assert template.is_file() == task.working
    if task.working:
        assert task.media_in in (MediaIn.IMAGE, MediaIn.IMAGE_OR_CLIP), "only pictures are built today"


def test_unknown_task_suggests_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="phase_recognition"):
        get_task("phase_recogniton")


def test_import_is_light() -> None:
    code = (
        "import sys; from surgsigma_hub.tasks import all_tasks; all_tasks();"
        "heavy = {'datasets', 'pyarrow', 'torch', 'PIL', 'av', 'decord', 'webdataset'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# ----------------------------------------------------------------------------------- frames that reach all labels


def _ids(kind: str) -> list[str]:
    return list(concepts(kind))  # type: ignore[arg-type]


def _sets(ids: list[str]) -> Iterator[tuple[Label, ...]]:
    """None, each alone, neighbours, all."""
    yield ()
    for id in ids:
        yield labels(id)
    for pair in pairwise(ids):
        yield labels(*pair)
    yield labels(*ids)


def _boxes(ids: list[str]) -> Iterator[tuple[LabeledBox, ...]]:
    corners = [(x / 3 + 0.05, y / 3 + 0.05) for x in range(3) for y in range(3)]
    yield ()
    for id in ids:
        yield (boxed(id, 0.1, 0.2, 0.5, 0.6),)
        yield tuple(boxed(id, x, y, x + 0.2, y + 0.2) for x, y in corners)


@cache
def _all_drafts() -> dict[str, list[tuple[Frame, Draft]]]:
    instruments, targets, actions = _ids("instrument"), _ids("target"), _ids("action")
    criteria = _ids("criterion")
    every: list[Frame] = [frame()]
    every += [frame(phase=label(p)) for p in _ids("phase")] + [frame(step=label(s)) for s in _ids("step")]
    every += [frame(instruments=s) for s in _sets(instruments)] + [frame(tissues=s) for s in _sets(targets)]
    every += [frame(actions=s) for s in _sets(actions)]
    every += [frame(instrument_boxes=b) for b in _boxes(instruments)]
    every += [frame(tissue_boxes=b) for b in _boxes(targets)]
    every += [frame(instrument_masks=tuple(mask(x.id) for x in s)) for s in _sets(instruments)]
    every += [frame(instrument_masks=(mask(None),))]
    triples = [(i, a, t) for i in instruments for a in actions for t in targets]
    every += [frame(triplets=(triplet(*t),)) for t in triples]
    every += [frame(triplets=(triplet(*a), triplet(*b))) for a, b in zip(triples[::7], triples[3::7], strict=False)]
    every += [frame(triplets=())]
    for n in range(1, 2 ** len(criteria)):
        asked = [c for bit, c in enumerate(criteria) if n >> bit & 1]
        for met in range(len(asked) + 1):
            verdicts = tuple(Verdict(label(c), k < met) for k, c in enumerate(asked))
            every += [frame(criteria=verdicts), frame(phase=label("preparation"), criteria=verdicts)]
    for scene in ({"triplets": (triplet(*t),)} for t in triples[::5]):
        every += [frame(phase=label(p), **scene) for p in _ids("phase")[:2]]
    scenes: list[dict[str, object]] = [{}, {"triplets": ()}, {"instruments": labels("scissors")}, {"instruments": ()}]
    scenes += [{"triplets": (triplet("hook", "dissect", "liver"),), "instruments": labels("hook", "bipolar")}]
    extras = {"step": label("open_peritoneum"), "tissues": labels("gut"), "clean_image": PICTURE}
    for scene in scenes:
        for k in range(len(extras) + 1):
            for keys in combinations(extras, k):
                some = {key: extras[key] for key in keys}
                every += [frame(**scene, **some), frame(phase=label("calot_triangle_dissection"), **scene, **some)]
    return {name: [(f, d) for f in every for d in (TASKS[name].draft or iter)(f)] for name in WORKING}  # type: ignore[arg-type]


def _rendered(name: str, side: str) -> Iterator[tuple[str, str, str]]:
    """Group, template and text of every template that each draft could get."""
    groups = bank(name).questions if side == "q" else bank(name).answers
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for _, draft in _all_drafts()[name]:
        group = draft.question if side == "q" else draft.answer_group
        slots = {"procedure": concept("procedure", "laparoscopic_cholecystectomy").name, **draft.slots}
        if (group, tuple(slots.items())) in seen:
            continue
        seen.add((group, tuple(slots.items())))
        for template in groups[group]:
            text = template.format_map(slots)
            yield group, template, text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------------------------------- wordings

_BAD = {
    "two spaces": re.compile(r"\s\s|^\s|\s$"),
    "wrong article": re.compile(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou\W]"),
    "slot left": re.compile(r"[{}]"),
    "space before a stop": re.compile(r"\s[.,;:?]"),
    "two stops": re.compile(r"[.,;:?][.,;:?]"),
    "small letter after a stop": re.compile(r"[.?] [a-z]"),
    "doubled word": re.compile(r"\b([A-Za-z]+) \1\b"),
    "article before a plural": re.compile(r"\b[Aa]n? (?:\w+ )?(?:scissors|forceps)\b"),
    "singular verb": re.compile(r"^(?:The )?(?:scissors|bipolar forceps) is\b", re.IGNORECASE),
    "singular verb beside a plural": re.compile(
        r"\b(?:does|has|is|was) the (?:\w+ )?(?:scissors|forceps)\b|(?:scissors|forceps) (?:does|has|lies|was)\b"
    ),
    "plural verb": re.compile(r"^(?:The |An? )?(?:hook|grasper|liver|gut|snare|irrigator) are\b", re.IGNORECASE),
    "Calot": re.compile(r"calot"),
    "null": re.compile(r"\b(null|no action|no target|None\.)"),
}


@pytest.mark.parametrize("side", ["q", "a"])
@pytest.mark.parametrize("name", WORKING)
def test_every_wording_reads_well_with_every_label(name: str, side: str) -> None:
    count = 0
    for group, template, text in _rendered(name, side):
        for what, pattern in _BAD.items():
            if (what, group) == ("null", "none"):
                continue  # there, "no action" is the answer
            assert not pattern.search(text), f"{what} in {group}: {template!r} -> {text!r}"
        assert text[0].isupper(), (template, text)
        assert text.endswith((".", "?")), (template, text)
        assert side == "q" or text.endswith("."), (template, text)
        count += 1
    assert count > 24


@pytest.mark.parametrize("name", WORKING)
def test_bank_is_large_distinct_and_has_no_dead_group(name: str) -> None:
    reached = [d for _, d in _all_drafts()[name]]
    for side, least in (("questions", 24), ("answers", 8)):
        groups = getattr(bank(name), side)
        assert set(groups) == {d.question if side == "questions" else d.answer_group for d in reached}
        for group, lines in groups.items():
            assert len(lines) >= least, f"{side}.{group} holds {len(lines)}"
            assert len({re.sub(r"\W+", " ", line).strip().lower() for line in lines}) == len(lines), group
            assert all(re.fullmatch(r"[ -~]+", line) for line in lines), "plain ASCII"


def test_wordings_do_not_repeat_within_a_task_or_fix_the_procedure() -> None:
    for name in WORKING:
        lines = [line for lines in bank(name).questions.values() for line in lines]
        assert len(set(lines)) == len(lines), name
        for line in lines + [a for lines in bank(name).answers.values() for a in lines]:
            assert not re.search(r"\b[Aa]n? \{", line), f"{name}: {line!r} puts an article before a slot"
            assert not re.search(r"cholecyst|laparosc|gallbladder", line, re.IGNORECASE), f"{name}: {line!r}"
        assert any("procedure" in slots_of(line) for line in lines), name


@pytest.mark.parametrize("name", WORKING)
def test_a_question_does_not_tell_the_answer(name: str) -> None:
    """No label of any kind stands in a question, but for those that ask by name and the criteria, which are asked."""
    terms = {c.name.lower() for kind in KINDS if kind != "procedure" for c in concepts(kind).values()}  # type: ignore[arg-type]
    terms |= {participle(c.name) for c in concepts("action").values() if c.id != NULL}
    terms |= {c.id.replace("_", " ") for kind in KINDS if kind != "procedure" for c in concepts(kind).values()}  # type: ignore[arg-type]
    asked = {"procedure"}
    if name == "safety_assessment":
        terms, asked = {"verdicts", "unmet"}, {"procedure", "view", "criteria", "numbered", "definitions"}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, terms)))})s?(?!\w)", re.IGNORECASE)
    for group, lines in bank(name).questions.items():
        if group in BY_NAME:
            continue
        for line in lines:
            assert slots_of(line) <= asked, line
            assert not pattern.search(line), line


@pytest.mark.parametrize("name", WORKING)
def test_the_question_group_does_not_depend_on_the_answer(name: str) -> None:
    groups = {d.question for _, d in _all_drafts()[name]} - BY_NAME
    assert groups in ({"default"}, {"all"})


def test_a_question_by_name_holds_the_name_and_not_the_box() -> None:
    for name, slot in (("instrument_localization", "instrument"), ("tissue_localization", "tissue")):
        for group in sorted(BY_NAME):
            for line in bank(name).questions[group]:
                assert slot in slots_of(line) and not {"box", "boxes"} & slots_of(line)
                assert ("region" in slots_of(line)) == (group == "by_region"), line
    assert all("instrument" in slots_of(line) for line in bank("instrument_segmentation").questions["by_name"])


def test_a_mask_answer_names_the_member() -> None:
    for lines in bank("instrument_segmentation").answers.values():
        assert all("target.png" in line for line in lines)


def test_answers_carry_what_the_answer_is() -> None:
    """A wording that left out the labels would teach nothing."""
    must = {
        "instrument_recognition": {"instruments", "a_instruments"},
        "tissue_recognition": {"tissues", "the_tissues"},
        "action_recognition": {"doing"},
        "triplet_recognition": {"clauses"},
        "phase_recognition": {"phase"},
        "step_recognition": {"step"},
    }
    for name, slots in must.items():
        for line in bank(name).answers["default"]:
            assert slots & slots_of(line), line
    for name in ("instrument_localization", "tissue_localization"):
        for group in ("all", *BY_NAME):
            assert all({"box", "boxes"} & slots_of(line) for line in bank(name).answers[group])
    for lines in bank("safety_assessment").answers.values():
        assert all("verdicts" in slots_of(x) or {"met", "unmet"} <= slots_of(x) for x in lines)
    for group, lines in bank("image_captioning").answers.items():
        assert all({"body", "procedure"} <= slots_of(x) for x in lines)
        assert group == "without_phase" or all("phase" in slots_of(x) for x in lines)


def test_word_spreads_over_the_bank() -> None:
    slots = {"procedure": "x", "phase": "y"}
    texts = [
        word("phase_recognition", f"id-{n}", question="default", answer="default", slots=slots) for n in range(999)
    ]
    used = Counter(q for q, _, _ in texts)
    assert len(used) == len(bank("phase_recognition").questions["default"])
    assert max(used.values()) < 4 * min(used.values())


FULL = frame(
    phase=label("clipping_and_cutting"),
    step=label("clip_duct_and_artery"),
    instruments=labels("clipper", "scissors"),
    tissues=labels("cystic_duct", "liver"),
    actions=labels("clip"),
    triplets=(triplet("clipper", "clip", "cystic_duct"), triplet("scissors", "null", "null")),
    instrument_boxes=(boxed("clipper", 0.1, 0.1, 0.3, 0.3), boxed("clipper", 0.7, 0.7, 0.9, 0.9)),
    tissue_boxes=(boxed("liver", 0.1, 0.1, 0.9, 0.5),),
    instrument_masks=(mask("clipper"),),
    criteria=(Verdict(label("two_structures"), True), Verdict(label("cystic_plate"), False)),
)
EMPTY = frame(instruments=(), tissues=(), actions=(), triplets=(), instrument_boxes=(), instrument_masks=())
GOLDEN = "f65e10354d4c47ea"


def test_word_is_stable() -> None:
    """The wording of a sample follows from its id alone, on any machine and in any run.

    A change of a bank changes this digest: that is a change of published texts, so it must be meant.
    """
    digest = hashlib.sha256()
    for name in WORKING:
        draft_of = TASKS[name].draft
        assert draft_of is not None
        for draft in (*draft_of(FULL), *draft_of(EMPTY)):
            slots = {"procedure": "laparoscopic cholecystectomy", **draft.slots}
            for n in range(50):
                id = f"cholect50-VID{n:02d}-{n * 25:06d}-{name}"
                texts = word(name, id, question=draft.question, answer=draft.answer_group, slots=slots)
                digest.update("\n".join(texts).encode())
    assert digest.hexdigest()[:16] == GOLDEN


def test_word_names_what_is_missing() -> None:
    with pytest.raises(UnknownNameError, match=r"slot 'phase'.*phase_recognition\.yaml"):
        word("phase_recognition", "x", question="default", answer="default", slots={"procedure": "p"})
    with pytest.raises(UnknownNameError, match="template group 'by_moon'"):
        word("phase_recognition", "x", question="by_moon", answer="default", slots={})
    with pytest.raises(SurgSigmaError, match=r"templates/desmoking\.yaml"):
        word("desmoking", "x", question="default", answer="default", slots={})


def test_grammar_fits_the_vocabularies() -> None:
    assert is_plural(concept("instrument", "scissors").name) and is_plural(concept("instrument", "bipolar").name)
    assert not any(is_plural(concept("instrument", id).name) for id in ("grasper", "hook", "clipper", "specimen_bag"))
    assert not any(is_plural(concept("target", id).name) for id in ("liver", "adhesion", "omentum", "fluid"))
    doing = {c.id: participle(c.name) for c in concepts("action").values() if c.id != NULL}
    known = {
        "grasp": "grasping",
        "retract": "retracting",
        "dissect": "dissecting",
        "coagulate": "coagulating",
        "clip": "clipping",
        "cut": "cutting",
        "aspirate": "aspirating",
        "irrigate": "irrigating",
        "pack": "packing",
    }
    assert {id: doing[id] for id in known} == known
    assert with_article("specimen bag") == "a specimen bag"


# ------------------------------------------------------------------------------------------------ typed answers

INFO = SourceInfo(
    name="somewhere",
    title="Somewhere",
    specialty="hepatobiliary",
    procedure="laparoscopic_cholecystectomy",
    modality="laparoscopy",
    license="mit",
    access=Access.OPEN,
    access_steps="None.",
    homepage="https://example.org",
    layout="  videos/",
    facts=frozenset(Fact),
    split_schemes={"only": ("train",)},
    redistribution=Redistribution(True, True, True),
)


@pytest.mark.parametrize("name", WORKING)
def test_a_draft_becomes_a_valid_sample(name: str) -> None:
    task, picture = TASKS[name], Media("image.jpg", "image", "input", "0" * 64)
    video = Video(id="VID01", canonical_id="somewhere/VID01", split="train")
    validator = Draft202012Validator(json_schema())
    made = [(f, d) for f in (FULL, EMPTY) for d in (task.draft or iter)(f)]  # type: ignore[arg-type]
    assert made
    for some, draft in made:
        id = sample_id(task, INFO, video, some, draft)
        sample = compose(task, draft, id=id, info=INFO, video=video, frame=some, media=[picture], size=(8, 8))
        errors = [e.message for e in validator.iter_errors(orjson.loads(sample_bytes(sample)))]
        assert not errors, errors
        assert sample.messages[0].content.startswith("<image>\n")
        assert sample.answer.text, "an answer always has a plain form"
        assert (sample.provenance.template or "").startswith(f"{name}/{draft.question}/")


@pytest.mark.parametrize("name", WORKING)
def test_no_facts_no_drafts(name: str) -> None:
    assert drafts(name) == []
    assert drafts(name, variant="smoke", clean_image=PICTURE) == []


@pytest.mark.parametrize("name", WORKING)
def test_keys_are_safe_and_unique_and_a_draft_needs_what_the_task_declares(name: str) -> None:
    per_frame: dict[int, list[str]] = {}
    for number, (seen, draft) in enumerate(_all_drafts()[name]):
        assert draft.key == "" or KEY.fullmatch(draft.key), number
        assert TASKS[name].offered_by(seen.facts()), (
            f"{name} makes drafts of {sorted(seen.facts())} but does not say so"
        )
        per_frame.setdefault(id(seen), []).append(draft.key)
    assert all(len(set(keys)) == len(keys) for keys in per_frame.values())


def test_phase_and_step() -> None:
    draft = only("phase_recognition", phase=label("calot_triangle_dissection"))
    assert draft.answer == Answer("Calot's triangle dissection", ("calot_triangle_dissection",))
    assert draft.native.labels == ("Native_calot_triangle_dissection",)
    draft = only("step_recognition", step=label("clear_triangle"), phase=label("preparation"))
    assert draft.answer == Answer("clearing of the hepatocystic triangle", ("clear_triangle",))


def test_instruments_without_repeats_in_the_order_of_the_vocabulary() -> None:
    draft = only("instrument_recognition", instruments=labels("hook", "grasper", "hook"))
    assert draft.answer == Answer("grasper, hook", ("grasper", "hook"))
    assert draft.native.labels == ("Native_hook", "Native_grasper")
    assert draft.slots["a_instruments"] == "a grasper and a hook"


def test_no_instruments_is_an_answer() -> None:
    draft = only("instrument_recognition", instruments=())
    assert (draft.answer, draft.answer_group, draft.question) == (Answer("none"), "none", "default")


def test_instruments_from_boxes_or_masks_where_there_is_no_list() -> None:
    boxes = (boxed("hook", 0, 0, 0.1, 0.1), boxed("hook", 0.5, 0, 0.6, 0.1))
    assert only("instrument_recognition", instrument_boxes=boxes).answer.labels == ("hook",)
    assert only("instrument_recognition", instruments=labels("snare"), instrument_boxes=boxes).answer.text == "snare"
    masks = (mask("scissors"), mask("bipolar"))
    draft = only("instrument_recognition", instrument_masks=masks)
    assert draft.answer == Answer("bipolar forceps, scissors", ("bipolar", "scissors"))
    assert draft.slots["a_instruments"] == "bipolar forceps and scissors"
    assert only("instrument_recognition", instrument_boxes=()).answer_group == "none"
    assert only("instrument_recognition", instrument_masks=()).answer_group == "none"


def test_a_mask_without_label_leaves_the_list_unknown() -> None:
    assert drafts("instrument_recognition", instrument_masks=(mask("hook"), mask(None))) == []


def test_tissues() -> None:
    draft = only("tissue_recognition", tissues=labels("liver", "specimen_bag", "gallbladder", "null"))
    assert draft.answer == Answer("gallbladder, liver", ("gallbladder", "liver"))
    assert "Native_specimen_bag" in draft.native.labels
    assert only("tissue_recognition", tissues=labels("specimen_bag")).answer == Answer("none")
    assert only("tissue_recognition", tissue_boxes=(boxed("gut", 0, 0, 1, 1),)).answer.labels == ("gut",)


def test_actions() -> None:
    draft = only("action_recognition", actions=labels("cut", "null", "retract", "cut"))
    assert draft.answer == Answer("retract, cut", ("retract", "cut"))
    assert (draft.slots["doing"], draft.slots["are"]) == ("retracting and cutting", "are")
    for nothing in ((), labels("null")):
        draft = only("action_recognition", actions=nothing)
        assert (draft.answer, draft.answer_group) == (Answer("none"), "none")


def test_triplets() -> None:
    draft = only(
        "triplet_recognition",
        triplets=(
            triplet("hook", "dissect", "cystic_duct"),
            triplet("scissors", "null", "null"),
            triplet("irrigator", "aspirate", "null"),
            triplet("hook", "dissect", "cystic_duct"),
        ),
    )
    assert draft.answer.triplets == (
        AnswerTriplet("hook", "dissect", "cystic_duct"),
        AnswerTriplet("scissors", "null", "null"),
        AnswerTriplet("irrigator", "aspirate", "null"),
    )
    assert draft.answer.text == (
        "hook, dissect, cystic duct; scissors, no action, no target; irrigator, aspirate, no target"
    )
    assert draft.slots["clauses"] == (
        "the hook is dissecting the cystic duct, the scissors are in view without acting "
        "and the irrigator is aspirating without a named target"
    )
    assert draft.native.labels[0] == "Native_hook,Native_dissect,Native_cystic_duct"
    assert only("triplet_recognition", triplets=()).answer_group == "none"


def test_two_triplets_of_one_kind_claim_neither_one_nor_two_instruments() -> None:
    pair = (triplet("grasper", "retract", "liver"), triplet("grasper", "grasp", "gallbladder"))
    clauses = only("triplet_recognition", triplets=pair).slots["clauses"]
    assert clauses == "a grasper is retracting the liver and a grasper is grasping the gallbladder"


def test_localization_by_name_and_by_region() -> None:
    hook = boxed("hook", 0.643, 0.0, 0.92, 0.2984)
    left, right = boxed("grasper", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.8, 0.7, 0.9, 0.9)
    everything, *single = drafts("instrument_localization", instrument_boxes=(hook, right, left))
    assert everything.answer.text == (
        "grasper [0.100, 0.100, 0.200, 0.200]; hook [0.643, 0.000, 0.920, 0.298]; grasper [0.800, 0.700, 0.900, 0.900]"
    )
    assert everything.answer.boxes[1] == AnswerBox("hook", 0.643, 0.0, 0.92, 0.2984)
    assert everything.native.labels == ("Native_grasper", "Native_hook", "Native_grasper")
    assert [(d.key, d.question) for d in single] == [
        ("grasper-top-left", "by_region"),
        ("hook", "by_name"),
        ("grasper-bottom-right", "by_region"),
    ]
    assert single[0].answer.boxes == (AnswerBox("grasper", 0.1, 0.1, 0.2, 0.2),)
    assert single[1].answer.text == "hook [0.643, 0.000, 0.920, 0.298]"


def test_two_of_a_kind_in_one_region_are_asked_for_only_among_all() -> None:
    near = (boxed("grasper", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.12, 0.1, 0.22, 0.2))
    assert [d.key for d in drafts("instrument_localization", instrument_boxes=near)] == ["all"]
    twice = (near[0], near[0])  # the source's own repeat: two instances on one place
    (draft,) = drafts("instrument_localization", instrument_boxes=twice)
    assert len(draft.answer.boxes) == 2


def test_no_boxes_is_an_answer() -> None:
    draft = only("instrument_localization", instrument_boxes=())
    assert (draft.key, draft.answer, draft.answer_group, draft.question) == ("all", Answer("none"), "none", "all")
    assert only("tissue_localization", tissue_boxes=(boxed("specimen_bag", 0, 0, 1, 1),)).answer_group == "none"


_SPAN = st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda p: p[0] != p[1]).map(sorted)
_BOXES = st.lists(
    st.builds(
        lambda id, x, y: boxed(id, x[0], y[0], x[1], y[1]),
        st.sampled_from(["grasper", "hook", "bipolar"]),
        _SPAN,
        _SPAN,
    ),
    max_size=8,
)


def _cell(box: Box | AnswerBox) -> tuple[int, int]:
    return (min(2, int((box.x1 + box.x2) / 2 * 3)), min(2, int((box.y1 + box.y2) / 2 * 3)))


_CELL_WORDS = {
    (0, 0): "top left",
    (1, 0): "top center",
    (2, 0): "top right",
    (0, 1): "middle left",
    (1, 1): "center",
    (2, 1): "middle right",
    (0, 2): "bottom left",
    (1, 2): "bottom center",
    (2, 2): "bottom right",
}


@given(_BOXES)
def test_a_question_for_one_instance_identifies_exactly_one(boxes: list[LabeledBox]) -> None:
    everything, *single = drafts("instrument_localization", instrument_boxes=tuple(boxes))
    assert Counter(everything.answer.boxes) == Counter(
        AnswerBox(b.label.id, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in boxes
    )
    assert [b.x1 for b in everything.answer.boxes] == sorted(b.box.x1 for b in boxes)
    assert len({d.key for d in single}) == len(single)
    for draft in single:
        (answer,) = draft.answer.boxes
        fitting = [b for b in boxes if concept("instrument", b.label.id).name == draft.slots["instrument"]]
        assert (draft.question == "by_name") == (len(fitting) == 1)
        if draft.question == "by_region":
            fitting = [b for b in fitting if _CELL_WORDS[_cell(b.box)] == draft.slots["region"]]
        assert [(b.label.id, b.box.x1, b.box.y1) for b in fitting] == [(answer.label, answer.x1, answer.y1)]
    per_cell = Counter((b.label.id, _cell(b.box)) for b in boxes)
    assert len(single) == sum(n == 1 for n in per_cell.values()), "each that can be singled out is asked for"


@given(_BOXES, st.randoms())
def test_the_order_of_the_source_does_not_matter(boxes: list[LabeledBox], random: object) -> None:
    mixed = list(boxes)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one = drafts("instrument_localization", instrument_boxes=tuple(boxes))
    assert one == drafts("instrument_localization", instrument_boxes=tuple(mixed))


def test_segmentation_of_all_and_by_name() -> None:
    hook, left, right = mask("hook"), mask("grasper"), mask("grasper")
    everything, grasper, single = drafts("instrument_segmentation", instrument_masks=(hook, left, right))
    assert (everything.key, everything.masks) == ("all", (hook, left, right))
    assert everything.answer == Answer("mask of grasper, hook", ("grasper", "hook"))
    assert (grasper.key, grasper.masks, grasper.answer.labels) == ("grasper", (left, right), ("grasper",))
    assert (single.key, single.masks, single.question) == ("hook", (hook,), "by_name")


def test_segmentation_without_labels_or_instruments() -> None:
    draft = only("instrument_segmentation", instrument_masks=(mask(None), mask("hook")))
    assert (draft.key, len(draft.masks or ()), draft.answer) == ("all", 2, Answer("mask of all instruments"))
    draft = only("instrument_segmentation", instrument_masks=())
    assert (draft.masks, draft.answer_group, draft.answer.text) == ((), "none", "no instrument in view")


def test_safety() -> None:
    verdicts = (
        Verdict(label("cystic_plate"), False),
        Verdict(label("two_structures"), True, (1.0, 0.0, 1.0)),
        Verdict(label("hepatocystic_triangle"), False, (0.0,)),
    )
    draft = only("safety_assessment", criteria=verdicts)
    assert draft.answer.text == "two structures: yes; cleared hepatocystic triangle: no; exposed cystic plate: no"
    assert draft.answer.criteria[0] == AnswerCriterion("two_structures", True, (1.0, 0.0, 1.0))
    assert [c.criterion for c in draft.answer.criteria] == ["two_structures", "hepatocystic_triangle", "cystic_plate"]
    assert draft.answer_group == "some_met" and draft.slots["view"] == "critical view of safety"
    assert only("safety_assessment", criteria=verdicts[1:2]).answer_group == "all_met"
    assert only("safety_assessment", criteria=verdicts[:1]).answer_group == "none_met"
    assert drafts("safety_assessment", criteria=()) == []


def test_caption_joins_what_is_there() -> None:
    draft = only(
        "image_captioning",
        phase=label("calot_triangle_dissection"),
        step=label("clear_triangle"),
        triplets=(triplet("hook", "dissect", "cystic_duct"), triplet("bipolar", "null", "null")),
        instruments=labels("bipolar", "specimen_bag", "hook"),
        tissues=labels("liver", "gallbladder", "specimen_bag"),
        criteria=(Verdict(label("cystic_plate"), False), Verdict(label("two_structures"), True)),
        clean_image=PICTURE,
    )
    assert draft.answer == Answer(
        "The phase is Calot's triangle dissection. The step is clearing of the hepatocystic triangle. "
        "The hook is dissecting the cystic duct and the bipolar forceps are in view without acting. "
        "A specimen bag is also in view. The gallbladder and the liver can be seen. "
        "Safety criteria met: two structures. Safety criteria not met: exposed cystic plate. "
        "Smoke veils part of the view."
    )
    assert draft.native.labels[0] == "Native_calot_triangle_dissection"


def test_caption_needs_a_subject_and_one_fact_more() -> None:
    phase, grasper, tissue = label("preparation"), labels("grasper"), labels("liver")
    assert drafts("image_captioning", phase=phase) == []
    assert drafts("image_captioning", instruments=grasper) == []
    assert drafts("image_captioning", tissues=tissue, clean_image=PICTURE, step=label("open_peritoneum")) == []
    assert drafts("image_captioning", phase=phase, tissues=labels("specimen_bag")) == []
    assert only("image_captioning", phase=phase, tissues=tissue).answer.text == (
        "The phase is preparation. The liver can be seen."
    )
    draft = only("image_captioning", instruments=grasper, tissues=tissue)
    assert draft.answer.text == "A grasper is in view. The liver can be seen."
    assert draft.answer_group == "without_phase"


def test_caption_claims_absence_only_where_the_source_does() -> None:
    phase = label("preparation")
    assert only("image_captioning", phase=phase, instruments=()).slots["body"] == "No instrument is in view."
    assert only("image_captioning", phase=phase, triplets=()).slots["body"] == "No instrument is acting on tissue."
    seen = only("image_captioning", phase=phase, triplets=(), instruments=labels("scissors", "hook"))
    assert seen.slots["body"] == "A hook and scissors are in view."
    assert "criteria" not in only("image_captioning", phase=phase, instruments=(), criteria=()).answer.text


def test_a_label_that_was_not_resolved_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        drafts("instrument_recognition", instruments=(Label("Grasper"),))
    with pytest.raises(UnknownNameError):
        drafts("phase_recognition", phase=Label("Preparation"))
