"""Level 3 of a trace: from what levels 1 and 2 hold to the answer, by warrants, or with an honest end.

Nothing is named that was not asked for: a phase, a step or a verdict stands here only if it is the answer or part of
it. What levels 1 and 2 do not decide is said to be open, whatever the answer.
"""

from __future__ import annotations

from typing import NamedTuple

from ..ontology.forms import forms
from ..records import Answer, Fact
from ..tasks.common.answers import NOT_TISSUE
from ..tasks.common.base import AnswerKind, Draft, Task
from ..tasks.common.stages import Stage
from ..tasks.common.wording import are, joined, seconds_text
from .bank import Wording
from .phrases import cited, in_order, labels_text, name_of, nouns, the_list, turned
from .scene_facts import Memory, Scene
from .warrants import Sign, Support, Warrants, last_act, signs_during, signs_in

NEEDS = {
    "two_structures": ("cystic_duct", "cystic_artery"),
    "cystic_plate": ("cystic_plate",),
}
"""Tissues that must be in view before a criterion can be met, by its definition."""


def contextual(
    task: Task, scene: Scene, draft: Draft, procedure: str, words: Wording, memory: Memory, warrants: Warrants
) -> list[str]:
    """The sentences of level 3; the last one gives the answer."""
    answer = draft.answer
    if task.answer is AnswerKind.CRITERIA:
        return _judged(scene, {c.criterion: c.met for c in answer.criteria}, words)
    if answer.seconds is not None:
        return _remaining(scene, draft, answer.seconds, words)
    if task.answer is AnswerKind.LABEL and task.label_kinds == ("action",):
        return _next(scene, answer, words, warrants)
    stages: list[tuple[Stage, str]] = [
        (k, id) for k in ("phase", "step") if k in task.label_kinds for id in answer.labels
    ]
    if task.answer is AnswerKind.TEXT:
        return _described(scene, draft, procedure, words, memory, warrants)
    return [said for stage, id in stages for said in _placed(stage, id, scene, procedure, words, memory, warrants)]


def _described(
    scene: Scene, draft: Draft, procedure: str, words: Wording, memory: Memory, warrants: Warrants
) -> list[str]:
    """What a description names beyond what is seen: a stage is reasoned for, another one goes with it."""
    present: list[tuple[Stage, str | None]] = [("phase", scene.phase), ("step", scene.step)]
    named = [(s, id) for s, id in present if id is not None and s in draft.named]
    said: list[str] = []
    finer_first = len(named) > 1 and words.number() & 1
    if finer_first:
        named = [named[1], named[0]]
    for stage, id in named[:1]:
        said += _placed(stage, id, scene, procedure, words, memory, warrants)
    for stage, id in named[1:]:
        label = forms(stage, id).short if stage == "step" and words.number() & 1 else name_of(stage, id)
        slots = {"label": label} if finer_first else {"kind": stage, "label": label}
        said.append(words.say("above" if finer_first else "also", slots))
    criteria = scene.frames[0].criteria if scene.frames and not scene.is_clip else None
    told = {v.criterion.id: v.met for v in criteria or ()} if "criterion" in draft.named else {}
    return said + (_verdicts(told, words) if told else [])


# ---------------------------------------------------------------------------------------------------- phase and step


class Grounds(NamedTuple):
    """What speaks for and against stages in a scene.

    Attributes:
        supports: What each sign in view speaks for, the most exact sign first.
        lacking: Stage to an instrument that it needs and that is not in view, where the list of them is complete.
    """

    supports: tuple[Support, ...]
    lacking: dict[str, str]


def grounds(stage: Stage, scene: Scene, memory: Memory, warrants: Warrants) -> Grounds:
    """What speaks for and against the stages of an operation; kept for the other samples of the moment."""
    key = ("grounds", stage)
    known: Grounds | None = None if scene.is_clip else memory.things.get(key)
    if known is None:
        signs = signs_during(scene.states) if scene.is_clip else signs_in(scene.frames[0])
        supports = tuple(s for sign in signs if (s := warrants.support(stage, sign)).labels or s.defined)
        known = Grounds(supports, _lacking(stage, supports, scene, warrants))
        if not scene.is_clip:
            memory.things[key] = known
    return known


def _lacking(stage: Stage, supports: tuple[Support, ...], scene: Scene, warrants: Warrants) -> dict[str, str]:
    if scene.is_clip or not scene.frames[0].holds_all(Fact.INSTRUMENTS):
        return {}
    frame = scene.frames[0]
    seen = {i.id for i in frame.instruments or ()} | {t.instrument.id for t in frame.triplets or ()}
    found: dict[str, str] = {}
    for label in dict.fromkeys(label for support in supports for label in support.fits):
        missing = in_order("instrument", warrants.needed(stage, label) - seen)
        if missing:
            found[label] = missing[0]
    return found


def _placed(
    stage: Stage, id: str, scene: Scene, procedure: str, words: Wording, memory: Memory, warrants: Warrants
) -> list[str]:
    """From the signs in view to the stage: by definition, by what is typical, by what is left, or not at all."""
    label = name_of(stage, id)
    found = grounds(stage, scene, memory, warrants)
    end = {"kind": stage, "label": label, "procedure": name_of("procedure", procedure)}
    # Which sign is cited does not depend on the answer: else the choice itself would give it away.
    telling = [s for s in found.supports if s.defined or s.typical]
    if telling:
        sign = words.pick([s for s in telling if _exact(s.sign) == _exact(telling[0].sign)])
        pointed_at = {label for s in telling for label in (*s.defined, s.typical) if label}
        if pointed_at != {id}:
            return [words.say("open", end)]  # the signs point elsewhere, or to several
        kind = "belongs" if sign.defined else "typical"
        return [words.say(kind, {"sign": cited(sign.sign, words), "label": label}), words.say("decided", end)]
    fitting = [s for s in found.supports if len(s.fits) > 1]
    if not fitting:
        return [words.say("open", end)]
    chosen = min(fitting, key=lambda s: (len(s.fits), -_exact(s.sign)))
    if id not in chosen.fits:
        return [words.say("open", end)]
    said = [
        words.say(
            "fits",
            {"sign": cited(chosen.sign, words), "labels": labels_text(stage, turned(chosen.fits, words.number()))},
        )
    ]
    others = [other for other in chosen.fits if other != id]
    excluded = [other for other in others if other in found.lacking]
    for other in excluded[:2]:
        tool = name_of("instrument", found.lacking[other])
        said.append(words.say("against", {"name": tool, "label": name_of(stage, other)}))
    return [*said, words.say("decided" if len(excluded) == len(others) <= 2 else "open", end)]


def _exact(sign: Sign) -> int:
    return sum(map(bool, sign))


# ------------------------------------------------------------------------------------------------------------- safety


def _judged(scene: Scene, criteria: dict[str, bool], words: Wording) -> list[str]:
    """Verdicts, after what can be seen of their conditions."""
    frame = scene.frames[0]
    said: list[str] = []
    settled = 0
    if frame.holds_all(Fact.TISSUES) and not scene.is_clip:
        seen = {t.id for t in (*(frame.tissues or ()), *(t.target for t in frame.triplets or ()))} - NOT_TISSUE
        for criterion, met in criteria.items():
            needed = NEEDS.get(criterion, ())
            missing = [id for id in needed if id not in seen]
            if missing and not met:
                said.append(words.say("lacks", {"name": name_of("target", missing[0])}))
                settled += 1
            elif needed and not missing and met:
                the = the_list("target", needed)
                many = len(needed) > 1 or forms("target", needed[0]).is_plural
                said.append(words.say("shown", {"the_list": the, "are": "are" if many else "is"}))
    if settled < len(criteria):
        said.append(words.say("unproven"))
    return [*said, *_verdicts(criteria, words)]


def _verdicts(criteria: dict[str, bool], words: Wording) -> list[str]:
    said: list[str] = []
    for kind, met in (("criteria_met", True), ("criteria_unmet", False)):
        ids = in_order("criterion", frozenset(id for id, holds in criteria.items() if holds is met))
        if ids:
            named = [name_of("criterion", id) for id in turned(ids, words.number())]
            said.append(words.say(kind, {"list": joined(named), "are": are(named)}))
    return said


# ----------------------------------------------------------------------------------------------------------- planning


def _remaining(scene: Scene, draft: Draft, seconds: float, words: Wording) -> list[str]:
    said: list[str] = []
    asked = draft.key
    act = nouns((asked,)) if asked else "the action under way"
    seen = seen_of(scene, asked)
    if seen is not None:
        said.append(words.say("lasted", {"act": act, "seen": seconds_text(seen)}))
    said.append(words.say("unended"))
    return [*said, words.say("remaining", {"act": act, "seconds": seconds_text(seconds)})]


def seen_of(scene: Scene, action: str) -> float | None:
    """Seconds of the clip that the action which goes on at its end fills."""
    start, end = scene.window
    for segment in scene.segments:
        if segment.label.id == action and segment.end_seconds > end - 1e-6:
            return round(end - max(start, segment.start_seconds), 2)
    return None


def _next(scene: Scene, answer: Answer, words: Wording, warrants: Warrants) -> list[str]:
    coming = answer.labels
    last = last_act(scene.segments, scene.window.end)
    said: list[str] = []
    decided = False
    if last is not None:
        sign = Sign("", last)
        support = warrants.support("next", sign)
        if coming and support.typical == coming[0]:
            said.append(words.say("followed", {"sign": cited(sign, words), "label": nouns(coming)}))
            decided = True
        elif coming and coming[0] in support.fits and len(support.fits) > 1:
            labels = labels_text("action", turned(support.fits, words.number()))
            said.append(words.say("followed_by_some", {"sign": cited(sign, words), "labels": labels}))
        else:
            said.append(words.say("last_seen", {"doing": nouns((last,))}))
    return [*said, words.say("next" if decided else "next_open", {"doing": nouns(coming)})]
