"""Hand-written frames for the tests of the tasks, and frames that reach every label."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

from surgsigma_hub.ontology import concepts
from surgsigma_hub.records import (
    Box,
    Drawn,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    Polygons,
    Triplet,
    Verdict,
)
from surgsigma_hub.tasks import Draft, all_tasks

TASKS = all_tasks()
WORKING = sorted(name for name, task in TASKS.items() if task.working)
BY_NAME = {"by_name", "by_region"}  # the groups whose questions name a label on purpose


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
