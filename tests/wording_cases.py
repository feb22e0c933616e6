"""Every sentence that the template files can make: each template with every set of slots that reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from surgsigma_hub.ontology import concepts, sources_with_names
from surgsigma_hub.records import BoxExtent, Frame
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.asking import ask_as
from surgsigma_hub.tasks.common.compose import common_slots
from surgsigma_hub.tasks.common.further import further, further_of_course
from surgsigma_hub.tasks.common.question_kinds import OPEN_GROUPS, Asked, Setting
from surgsigma_hub.tasks.common.wording import bank, filled, slots_of

from task_frames import FULL, TASKS, all_drafts, boxed, courses
from task_frames import frame as make_frame

MOST = 150
"""Drafts of a task that are asked in other ways; a longer list is thinned out evenly."""

VALUES = 100
"""Sets of slots that a template is tried with; more, where two labels meet, are thinned out evenly."""


class Said(NamedTuple):
    """One sentence, and what it was made of."""

    task: str
    side: str
    group: str
    template: str
    text: str


def common(task: str, draft: Draft) -> Mapping[str, str]:
    clip = draft.cut is not None and draft.cut is not draft.target
    return common_slots("laparoscopic_cholecystectomy", "laparoscopy", "video" if clip else "image")


@cache
def asked(name: str) -> list[tuple[Draft, Asked]]:
    """Every way in which the drafts of a task can be asked about, further drafts included."""
    task = TASKS[name]
    pairs = all_drafts()[name]
    found = [(d, Asked(d.question, d.answer_group, {**common(name, d), **d.slots})) for _, d in pairs]
    open_pairs = [pair for pair in pairs if pair[1].question in OPEN_GROUPS]
    thinned = open_pairs[:: 1 + len(open_pairs) // MOST]
    for n, (_, draft) in enumerate(thinned):
        for source in ("cholect50", "synthetic", "psi_ava", "multibypass140", "cataract101", "copesd"):
            setting = Setting(source, FULL, "preparation", plain=False)
            for kind in bank(name).shares:
                made = ask_as(kind, task, draft, f"{source}-{n}", setting, {**common(name, draft), **draft.slots})
                if made is not None:
                    found.append((draft, made))
    for draft in further_drafts(name):
        found.append((draft, Asked(draft.question, draft.answer_group, {**common(name, draft), **draft.slots})))
    return found


@cache
def further_drafts(name: str) -> list[Draft]:
    """Further drafts of every frame, from several chances each."""
    task = TASKS[name]
    found: list[Draft] = []
    by_frame: dict[int, tuple[Frame, list[Draft]]] = {}
    for frame, draft in all_drafts()[name]:
        by_frame.setdefault(id(frame), (frame, []))[1].append(draft)
    for frame in _pairs_of_boxes():
        drafts = list(task.draft(frame)) if task.draft else []
        if drafts:
            by_frame[id(frame)] = (frame, drafts)
    for n, (frame, drafts) in enumerate(by_frame.values()):
        if drafts[0].inputs is None:
            for source in ("cholect50", "synthetic", "psi_ava", "copesd"):
                found += further(task, frame, drafts, source, f"{source}-{n}")
    for n, course in enumerate(courses()):
        found += (draft for _, draft in further_of_course(task, course, f"course-{n}"))
    return found


@cache
def _pairs_of_boxes() -> tuple[Frame, ...]:
    """Two instruments and two tissues, one of each touching, side by side and one larger than the other."""
    instruments, targets = list(concepts("instrument")), list(concepts("target"))
    made = []
    for n, (a, b) in enumerate(pairwise(instruments * 4)):
        c, d = targets[n % len(targets)], targets[(n + 1) % len(targets)]
        made.append(
            make_frame(
                instrument_boxes=(boxed(a, 0.1, 0.1, 0.3, 0.3), boxed(b, 0.5, 0.4, 0.9, 0.9)),
                tissue_boxes=(boxed(c, 0.2, 0.2, 0.4, 0.3), boxed(d, 0.6, 0.0, 0.9, 0.3)),
                box_extent=(None, *BoxExtent)[n % 4],
            )
        )
    return tuple(made)


@cache
def sentences(name: str) -> list[Said]:
    """Every question and answer of a task, each text once."""
    found: dict[tuple[str, str, str], Said] = {}
    slots: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for _, one in asked(name):
        slots.setdefault(("questions", one.question), []).append(one.slots)
        if one.form is None:
            slots.setdefault(("answers", one.answer), []).append(one.slots)
    for (side, group), some in slots.items():
        of_slots: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for template in getattr(bank(name), side)[group]:
            used = tuple(sorted({s[:1].lower() + s[1:] for s in slots_of(template)}))
            if used not in of_slots:  # most templates of a group have the same
                values_of = sorted({tuple(s[k] for k in used) for s in some})
                of_slots[used] = values_of[:: 1 + len(values_of) // VALUES]
            for values in of_slots[used]:
                text = filled(template, dict(zip(used, values, strict=True)))
                found.setdefault((side, group, text), Said(name, side, group, template, text))
    return list(found.values())


assert {"cholect50", "synthetic", "psi_ava", "multibypass140", "cataract101", "copesd"} <= set(sources_with_names())
