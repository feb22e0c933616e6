"""Hand-written frames for the tests of the tasks, and frames that reach every label."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

from surgsigma_hub.ontology import NULL, concepts
from surgsigma_hub.records import (
    Box,
    BoxExtent,
    Coverage,
    Drawn,
    Fact,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    Polygons,
    Segment,
    Stills,
    Triplet,
    Verdict,
    VideoTimeline,
)
from surgsigma_hub.tasks import Draft, all_tasks

TASKS = all_tasks()
BY_NAME = {
    "by_name",
    "by_region",
    "by_part",
    "acted_on_by",
    "done_by",
}  # the groups whose questions name a label on purpose


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
    return list(draft(frame(**facts))) if draft else []


def only(task: str, **facts: object) -> Draft:
    (one,) = drafts(task, **facts)
    return one


PICTURE = Drawn("nothing", lambda: None)  # type: ignore[arg-type, return-value]

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
    part_masks=(mask("shaft"),),
    criteria=(Verdict(label("two_structures"), True), Verdict(label("cystic_plate"), False)),
    depth=PICTURE,
    clean_image=PICTURE,
)
EMPTY = frame(instruments=(), tissues=(), actions=(), triplets=(), instrument_boxes=(), instrument_masks=())


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
def all_drafts() -> dict[str, list[tuple[Frame, Draft]]]:
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
    every += [frame(part_masks=(mask(p),)) for p in _ids("part")]
    triples = _triples(instruments, actions, targets)
    every += [frame(triplets=(triplet(*t),)) for t in triples]
    every += [frame(triplets=(triplet(*a), triplet(*b))) for a, b in pairwise(triples)]
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
    every += [frame(depth=PICTURE), frame(depth=PICTURE, depth_has_gaps=True)]
    every += _less_than_all(triples)
    return {name: [*_of_frames(name, every), *course_drafts(name)] for name in TASKS}


def _less_than_all(triples: list[tuple[str, str, str]]) -> Iterator[Frame]:
    """Frames whose lists are not of all that is in view, and boxes of parts of instruments."""
    acted_on = {Fact.TISSUES: Coverage.ACTED_ON}
    part = dict.fromkeys((Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES), Coverage.ANNOTATED_ONLY)
    for n, (one, other) in enumerate(pairwise(triples)):
        both = (triplet(*one), triplet(*other))
        yield frame(triplets=both, tissues=tuple(t.target for t in both), coverage=acted_on)
        box = (boxed(one[0], n % 3 / 3, 0.4, n % 3 / 3 + 0.3, 0.6),)
        some: dict[str, object] = {"actions": labels(one[1]), "tissues": labels(one[2])}
        yield frame(triplets=both[:1], instrument_boxes=box, coverage=part, **some)
    for extent in BoxExtent:
        for some_boxes in _boxes(_ids("instrument")):
            yield frame(instrument_boxes=some_boxes, box_extent=extent)


def _of_frames(name: str, frames: list[Frame]) -> list[tuple[Frame, Draft]]:
    draft = TASKS[name].draft
    return [(f, d) for f in frames for d in draft(f)] if draft else []


def course_drafts(name: str) -> list[tuple[Frame, Draft]]:
    of_course = TASKS[name].draft_course
    return [pair for c in courses() for pair in of_course(c)] if of_course else []


def some_drafts(name: str) -> list[tuple[Frame, Draft]]:
    """A few drafts of a task, the same however the vocabularies grow: of a rich frame, an empty one and two courses."""
    of_course = TASKS[name].draft_course
    few = {"action": ["dissect", "clip", "cut", "aspirate"], "phase": ["preparation", "clipping_and_cutting"]}
    fixed = [course(few), course({"step": ["open_peritoneum"], **few}, phase=label("preparation"))]
    return [
        *_of_frames(name, [FULL, EMPTY]),
        *(pair for c in fixed for pair in (of_course(c) if of_course else ())),
    ]


def _triples(instruments: list[str], actions: list[str], targets: list[str]) -> list[tuple[str, str, str]]:
    """Every pair of instrument and action, and of action and target; all three freely would be too many."""
    pairs = [(i, a, targets[n % len(targets)]) for n, (i, a) in enumerate((i, a) for i in instruments for a in actions)]
    return pairs + [
        (instruments[n % len(instruments)], a, t) for n, (a, t) in enumerate((a, t) for a in actions for t in targets)
    ]


def still(n: int) -> Drawn:
    return Drawn(f"still/{n}", lambda: None)  # type: ignore[arg-type, return-value]


SECONDS = 12
"""Length of each interval of the courses."""


def course(layers: dict[str, list[str]], **facts: object) -> VideoTimeline:
    """A course in which every label of a layer has its turn, with a moment each second that holds ``facts``."""
    segments = tuple(
        Segment(layer, label(id), n * SECONDS, (n + 1) * SECONDS)  # type: ignore[arg-type]
        for layer, ids in sorted(layers.items())
        for n, id in enumerate(ids)
    )
    length = int(max(s.end_seconds for s in segments))
    moments = tuple(Frame(index=n, fps=1.0, image=still(n * 2), **facts) for n in range(length))  # type: ignore[arg-type]
    return VideoTimeline(segments=segments, footage=Stills(tuple(map(still, range(length * 2))), 2.0), moments=moments)


@cache
def courses() -> list[VideoTimeline]:
    acting = [a for a in _ids("action") if a != NULL]
    both = (triplet("hook", "dissect", "liver"), triplet("scissors", "cut", "gut"), triplet("bipolar", "null", "null"))
    boxes = (boxed("hook", 0.1, 0.1, 0.3, 0.3), boxed("scissors", 0.5, 0.5, 0.7, 0.9))
    return [
        course({"action": acting}),
        course({"action": acting}, triplets=both, actions=labels("dissect", "cut"), instrument_boxes=boxes),
        course({"phase": _ids("phase"), "step": _ids("step")}, phase=label("preparation")),
    ]
