"""Further samples: questions on a moment that have an answer of their own, and so an id of their own.

Existence (a label in view and one that is not), one criterion alone, one instrument alone, place and size from boxes,
order in a clip. Each is asked of a share of the moments, so that they add about a third to a task and do not outnumber
its plain questions. What is asked of complete lists only follows from the plain drafts: those whose group asks for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ontology import NULL, Kind, concepts
from ...ontology.forms import acting_on, forms, near
from ...records import Answer, AnswerTriplet, Frame, LabeledBox, VideoTimeline
from .answers import (
    answer_triplets,
    asked_slots,
    box_answer,
    box_slots,
    box_text,
    criteria_text,
    existence_draft,
    triplet_clauses,
    triplets_text,
)
from .base import AnswerKind, Draft, Task
from .choices import LETTERS, shuffled, vocabulary
from .comparisons import boxes_of, compared, in_order, overlapping
from .question_kinds import Style
from .shipped import in_own_words, is_shipped, shipped
from .wording import draws

_EXISTENCE = 0.25
"""Share of the moments that are asked about one label in view and one that is not."""
_ALONE = 0.3
"""Share that are asked about one criterion, or one instrument or target, alone."""
_CHOICE = 0.2
"""Share that are asked which of several interactions takes place."""
_PLACE = 0.3
"""Share that are asked which of two things lies further to one side or is larger, and which two overlap."""
_NEVER_ASKED = frozenset({"move", "handle"})
"""Groups of actions that are no work on tissue: whether one "is being performed" is no question."""


_FURTHER = ("existence", "check", "place", "order", "one", "choice")
"""How the names of their groups of questions begin."""
_REASONED = ("place", "order", "existence", "choice")
_HAS = "has-"


def is_further(draft: Draft) -> bool:
    """Whether a draft is one of those made here, which are asked alone and in one way."""
    return draft.question.startswith(_FURTHER) or is_shipped(draft)


def may_be_reasoned(draft: Draft) -> bool:
    """Whether a trace can lead to the answer: of the questions made here, where a list, a measure or a clip decides."""
    return not is_further(draft) or (draft.question.startswith(_REASONED) and not is_shipped(draft))


def thing_asked(key: str) -> str | None:
    """The label that a question whether it is there asks for, by the key of its draft; None for other questions.

    >>> thing_asked("has-hook"), thing_asked("which-larger")
    ('hook', None)
    """
    return key.removeprefix(_HAS) if key.startswith(_HAS) else None


def thing_asked_by(sample_id: str, task: str) -> str | None:
    """The same by the id of the sample.

    >>> thing_asked_by("a-v1-000007-tissue_recognition-has-liver", "tissue_recognition")
    'liver'
    """
    return thing_asked(sample_id.partition(f"-{task}-")[2])


def further(task: Task, frame: Frame, drafts: Sequence[Draft], source: str, stem: str) -> Iterator[Draft]:
    """The further drafts of one moment.

    Args:
        task: The task.
        frame: The moment, labels resolved.
        drafts: Its plain drafts.
        source: Name of the source, whose labels are those that can be absent.
        stem: Id of the moment, from which chance is drawn.
    """
    plain = next((d for d in drafts if d.question in ("default", "all") and d.target is None), None)
    if plain is None:
        return
    first, second, third, _ = (draw / 2**64 for draw in draws(f"further {task.name}", stem))
    if task.answer is AnswerKind.LABELS and first < _EXISTENCE:
        yield from _labels(task.label_kinds[0], plain, source, stem)
    elif task.answer is AnswerKind.TRIPLETS:
        if first < _EXISTENCE:
            yield from _interactions(plain, source, stem)
        if second < _ALONE:
            yield from _one_instrument(frame, plain, stem)
        if third < _CHOICE:
            yield from _which_interaction(plain, source, stem)
    elif task.answer is AnswerKind.CRITERIA and first < _ALONE and len(plain.answer.criteria) > 1:
        yield _one_criterion(plain, stem)
    elif task.answer is AnswerKind.BOXES:
        kind = task.label_kinds[0]
        boxes = boxes_of(kind, frame)
        if first < _EXISTENCE:
            yield from _boxed(kind, frame, boxes, source, stem)
        if second < _PLACE:
            yield from compared(kind, frame, boxes, stem)
        if third < _PLACE and kind == "instrument":
            yield from overlapping(frame, boxes, stem)


def every_draft(task: Task, frame: Frame, source: str, stem: str, style: Style) -> list[Draft]:
    """The plain drafts of one moment and what its source asks; by style also further ones, and those in its words."""
    plain = list(task.draft(frame)) if task.draft is not None else []
    asked = [*plain, *shipped(task, frame)]
    if style is Style.PAPER:
        return asked
    return [*asked, *further(task, frame, plain, source, stem), *in_own_words(task, frame, asked)]


def every_course_draft(task: Task, course: VideoTimeline, stem: str, style: Style) -> Iterator[tuple[Frame, Draft]]:
    """The same of a course."""
    if task.draft_course is not None:
        yield from task.draft_course(course)
        if style is not Style.PAPER:
            yield from further_of_course(task, course, stem)


def further_of_course(task: Task, course: VideoTimeline, stem: str) -> Iterator[tuple[Frame, Draft]]:
    """The further drafts of a course."""
    if task.name == "action_recognition":
        yield from in_order(course, stem)


# ------------------------------------------------------------------------------------------------------- existence


def _labels(kind: Kind, plain: Draft, source: str, stem: str) -> Iterator[Draft]:
    for id, there in _present_and_absent(kind, plain.answer.labels, source, stem):
        yield existence_draft(kind, id, there=there, key=f"{_HAS}{id}")


def _boxed(kind: Kind, frame: Frame, boxes: Sequence[LabeledBox], source: str, stem: str) -> Iterator[Draft]:
    present = tuple(dict.fromkeys(b.label.id for b in boxes))
    for id, there in _present_and_absent(kind, present, source, stem):
        own = [b for b in boxes if b.label.id == id] if there else []
        group = "existence_several" if len(own) > 1 else "existence_yes" if own else "existence_no"
        answer = box_answer(kind, own)
        yield Draft(
            answer=answer,
            question="existence",
            answer_group=group,
            key=f"{_HAS}{id}",
            slots={
                **asked_slots(kind, id),
                **box_slots(kind, id, frame),
                "boxes": answer.text,
                "box": box_text(answer.boxes[0]) if own else "",
            },
        )


def _present_and_absent(kind: Kind, present: Sequence[str], source: str, stem: str) -> Iterator[tuple[str, bool]]:
    """One label that is there and one, near to it, that is not: the answer is as often no as yes.

    A broader word is never absent: who sees the cystic artery sees a vessel.
    """
    known = tuple(id for id in vocabulary(source, kind) if forms(kind, id).near not in _NEVER_ASKED)
    there = shuffled((id for id in present if id in known), "present", stem)
    if not there:
        return
    broader = {c.broader for c in concepts(kind).values()}
    absent = near(kind, there[0], tuple(id for id in known if id not in present and id not in broader))[:4]
    if absent:
        yield there[0], True
        yield shuffled(absent, "absent", stem)[0], False


# -------------------------------------------------------------------------------------------- triplets and criteria


def _real_and_changed(plain: Draft, source: str, stem: str) -> tuple[AnswerTriplet, list[AnswerTriplet], int] | None:
    """One interaction that is there, those that differ from it in the action or the target and are not, and a draw."""
    every = plain.answer.triplets
    acting = [t for t in every if NULL not in (t.action, t.target) and forms("instrument", t.instrument).acts]
    if not acting:
        return None
    draw = draws("interaction", stem)[0]
    real = acting[draw % len(acting)]
    acts, targets = vocabulary(source, "action"), vocabulary(source, "target")
    changed = [AnswerTriplet(real.instrument, a, real.target) for a in near("action", real.action, acts)[:3]]
    changed += [AnswerTriplet(real.instrument, real.action, t) for t in near("target", real.target, targets)[:3]]
    # Two words for nearly one act ("grasp", "retract" of one thing) are no clear no.
    same_hold = {(t.instrument, t.target) for t in every if forms("action", t.action).near == "hold"}
    changed = [
        t
        for t in changed
        if t not in every and not (forms("action", t.action).near == "hold" and (t.instrument, t.target) in same_hold)
    ]
    return (real, changed, draw) if changed else None


def _interactions(plain: Draft, source: str, stem: str) -> Iterator[Draft]:
    """Whether an interaction takes place: one that does, and one near to it that does not."""
    found = _real_and_changed(plain, source, stem)
    if found is None:
        return
    real, changed, draw = found
    for triplet, there in ((real, True), (changed[draw // 64 % len(changed)], False)):
        typed = (triplet,) if there else ()
        said = forms("instrument", triplet.instrument)
        yield Draft(
            answer=Answer(text=triplets_text(typed), triplets=typed),
            question="existence",
            answer_group="existence_yes" if there else "existence_no",
            key=f"does-{triplet.instrument}-{triplet.action}-{triplet.target}",
            slots={"subject": said.the, "be": said.be, "doing": acting_on(triplet.action, triplet.target)},
        )


def _which_interaction(plain: Draft, source: str, stem: str) -> Iterator[Draft]:
    """A choice of the interaction that takes place among two or three near ones that do not."""
    found = _real_and_changed(plain, source, stem)
    if found is None or len(found[1]) < 2:
        return
    real, changed, _ = found
    several = [t.instrument for t in plain.answer.triplets].count(real.instrument) > 1
    said: dict[str, AnswerTriplet] = {}
    for triplet in (real, *changed):
        tool = forms("instrument", triplet.instrument)
        name = tool.a if several else tool.the  # of two graspers none is "the" one
        said.setdefault(f"{name} {tool.be} {acting_on(triplet.action, triplet.target)}", triplet)
    right, *others = said
    options = shuffled([right, *shuffled(others, "near", stem)[:3]], "options", stem)
    yield Draft(
        answer=Answer(text=triplets_text((real,)), triplets=(real,)),
        question="choice",
        answer_group="choice",
        key="choice",
        slots={
            "options": "\n".join(f"{mark}. {one}" for mark, one in zip(LETTERS, options, strict=False)),
            "picked": f"{LETTERS[options.index(right)]}. {right}",
        },
    )


def _one_instrument(frame: Frame, plain: Draft, stem: str) -> Iterator[Draft]:
    """What one instrument does, or what acts on one target."""
    every = tuple(frame.triplets or ())
    by_target = draws("one", stem)[0] % 2 == 0
    acting = [t for t in every if t.action.id != NULL and forms("instrument", t.instrument.id).acts]
    asked = [t.target.id for t in acting if t.target.id != NULL] if by_target else [t.instrument.id for t in acting]
    if not asked:
        return
    id = shuffled(dict.fromkeys(asked), "one", stem)[0]
    own = [t for t in acting if id == (t.target.id if by_target else t.instrument.id)]
    seen = {(t.instrument.id, t.action.id, t.target.id): t for t in own}
    typed = answer_triplets(seen.values())
    said = forms("target" if by_target else "instrument", id)
    yield Draft(
        answer=Answer(text=triplets_text(typed), triplets=typed),
        question="one_target" if by_target else "one_instrument",
        answer_group="default",
        key=f"on-{id}" if by_target else f"of-{id}",
        slots={"asked": said.name, "the_asked": said.the, "be": said.be, "clauses": triplet_clauses([*seen.values()])},
    )


def _one_criterion(plain: Draft, stem: str) -> Draft:
    typed = plain.answer.criteria
    one = typed[draws("criterion", stem)[0] % len(typed)]
    said = forms("criterion", one.criterion)
    return Draft(
        answer=Answer(text=criteria_text((one,)), criteria=(one,)),
        question="check_criterion",
        answer_group="check_yes" if one.met else "check_no",
        key=f"only-{one.criterion}",
        slots={"criterion_question": _lower(said.ask), "met": said.met, "unmet": said.unmet, "criterion": said.name},
    )


def _lower(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"
