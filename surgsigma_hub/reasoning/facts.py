"""What may be said about one sample: the yardstick of the checker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..media.boxes import region_words
from ..ontology import NULL, Kind, concepts
from ..records import Box, Fact, Frame, VideoTimeline
from ..tasks import get_task
from ..tasks.common.answers import NOT_TISSUE
from ..tasks.common.base import Draft
from ..tasks.common.stages import Stage
from ..tasks.common.timeline import EPSILON, State, ids_of
from .claim import WARRANTED, Claim, Region, What
from .claims import claims
from .contextual import grounds, seen_of
from .label_spans import find
from .measures import Measure
from .perceptual import measures
from .phrases import size_words
from .scene_facts import Memory, Scene
from .warrants import Grade, Sign, Support, Warrants, last_act, warrants_for

Ids = frozenset[str]


@dataclass(frozen=True, slots=True)
class Placed:
    """One thing with its box, an instrument or a target."""

    kind: Kind
    label: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the annotations hold of one sample, labels by canonical id.

    Attributes:
        procedure: The operation.
        labels: What may be named as present, by kind (instrument, action, target); a kind that was not annotated is no
            key.
        complete: Kinds of which all that is there is in ``labels``, so that a lack may be claimed.
        boxes: Boxes of instruments and targets.
        regions: ``(label, region words)`` known without a box.
        sizes: ``(label, small or large)`` known without a box.
        triplets: Instrument, action, target; None where relations were not annotated.
        criteria: Verdicts.
        earlier: Layer (phase, step, action) and label of what was seen to end within the time looked at.
        measures: What boxes tell by measure.
        supports: Grade, kind and label of what something in view speaks for or against, see ``warrants``.
        seconds: Durations that may be told.
        smoke: Whether smoke is in view; None where nobody looked.
        size: Width and height of the picture in pixels, for boxes in pixels.
        counts: How many instruments there are, where that is known without boxes.
    """

    procedure: str | None = None
    labels: Mapping[Kind, Ids] = field(default_factory=dict)
    complete: frozenset[Kind] = frozenset()
    boxes: tuple[Placed, ...] = ()
    regions: frozenset[tuple[str, str]] = frozenset()
    sizes: frozenset[tuple[str, str]] = frozenset()
    triplets: frozenset[tuple[str, str, str]] | None = None
    criteria: Mapping[str, bool] = field(default_factory=dict)
    phase: str | None = None
    step: str | None = None
    earlier: frozenset[tuple[str, str]] = frozenset()
    measures: frozenset[Measure] = frozenset()
    supports: frozenset[tuple[str, Kind, str]] = frozenset()
    seconds: tuple[float, ...] = ()
    smoke: bool | None = None
    size: tuple[int, int] | None = None
    counts: frozenset[int] = frozenset()

    @classmethod
    def of_frame(
        cls,
        frame: Frame,
        procedure: str,
        course: VideoTimeline | None = None,
        *,
        draft: Draft | None = None,
        warrants: Warrants | None = None,
    ) -> Facts:
        """The facts of an annotated moment, or of the clip that ``draft`` looks at.

        Args:
            frame: With its labels resolved.
            procedure: Canonical id of the operation.
            course: The video as a whole, for clips.
            draft: The sample asked about; needed where it looks at a clip. Of phase, step and criteria, which nobody
                sees, only what it asks for or gives counts then. Its answer is not taken for a fact of what is seen.
            warrants: What may be cited as typical; None takes those that come with the package.
        """
        memory = Memory()
        scene = memory.scene(frame, course, draft)
        return _of_scene(
            scene, procedure, course, draft, memory, warrants_for(procedure) if warrants is None else warrants
        )

    @classmethod
    def of_sample(cls, doc: Mapping[str, Any]) -> Facts:
        """The facts of a published sample: its typed answer, and what its own rule-made reasoning states.

        Reasoning that a model wrote (``provenance.model``) proves nothing and is left out.

        Args:
            doc: The JSON member of a shard.
        """
        return _of_sample(doc)

    @property
    def evident(self) -> bool:
        """Whether more is known of what can be seen than the acts: without, there may be no trace."""
        things = bool(self.labels.get("instrument") or self.labels.get("target", frozenset()) - NOT_TISSUE)
        return things or bool(self.triplets) or bool(self.smoke) or "instrument" in self.complete

    def regions_of(self, label: str) -> list[Region]:
        """Parts of the picture in which ``label`` lies."""
        words = [region_words(b.box) for b in self.boxes if b.label == label]
        words += [region for known, region in self.regions if known == label]
        return [parse_region(w) for w in words]

    def sizes_of(self, label: str) -> set[str]:
        """How much of the view instances of ``label`` take up."""
        return {size_words(b.box) for b in self.boxes if b.label == label} | {
            size for known, size in self.sizes if known == label
        }


def parse_region(words: str) -> Region:
    """The region that ``region_words`` put into words.

    >>> parse_region("bottom left"), parse_region("center")
    (Region(row='bottom', column='left'), Region(row='middle', column='center'))
    """
    row, _, column = words.partition(" ")
    if column:
        return Region(row, column)
    if row in ("top", "bottom"):
        return Region(row, None)
    return Region(None, row) if row in ("left", "right") else Region("middle", "center")


class _Builder:
    """Labels by kind while they are gathered."""

    def __init__(self) -> None:
        self.labels: dict[Kind, set[str]] = {}
        self.complete: set[Kind] = set()
        self.boxes: list[Placed] = []
        self.triplets: set[tuple[str, str, str]] | None = None

    def add(self, kind: Kind, ids: Iterable[str], *, complete: bool = False) -> None:
        self.labels.setdefault(kind, set()).update(id for id in ids if id != NULL)
        if complete:
            self.complete.add(kind)

    def relate(self, triplets: Iterable[tuple[str, str, str]]) -> None:
        self.triplets = self.triplets or set()
        for instrument, action, target in triplets:
            self.triplets.add((instrument, action, target))
            for kind, id in zip(_TRIPLET, (instrument, action, target), strict=True):
                self.add(kind, (id,))

    def facts(self, **more: Any) -> Facts:
        return Facts(
            labels={kind: frozenset(ids) for kind, ids in self.labels.items()},
            complete=frozenset(self.complete),
            boxes=tuple(self.boxes),
            triplets=None if self.triplets is None else frozenset(self.triplets),
            **more,
        )


_TRIPLET: tuple[Kind, Kind, Kind] = ("instrument", "action", "target")


# ------------------------------------------------------------------------------------------------------- of a frame


def _of_scene(
    scene: Scene, procedure: str, course: VideoTimeline | None, draft: Draft | None, memory: Memory, warrants: Warrants
) -> Facts:
    made = _Builder()
    for frame in scene.frames:
        _add_frame(made, frame)
    if scene.segments and (scene.is_clip or scene.frames[0].actions is None):
        made.add("action", (s.label.id for s in scene.segments))
    for state in scene.states:
        _add_state(made, state)
    if scene.is_clip:
        made.complete -= {"action"}  # looked at once a second, which is not all the time
    still = scene.frames[0] if scene.frames and not scene.is_clip else None
    asked = None if draft is None else _asked(draft)

    def open_to(kind: Kind, id: str | None) -> str | None:
        return id if asked is None or (kind, id) in asked else None

    return made.facts(
        procedure=procedure,
        criteria={
            v.criterion.id: v.met
            for v in (still.criteria or () if still else ())
            if open_to("criterion", v.criterion.id)
        },
        phase=open_to("phase", scene.phase),
        step=open_to("step", scene.step),
        earlier=frozenset() if course is None else _ended(course, scene.window.start, scene.now),
        measures=frozenset(measures(scene, memory)),
        supports=frozenset(_supported(scene, memory, warrants)),
        seconds=_seconds(scene),
        smoke=True if still is not None and still.clean_image is not None else None,
        counts=frozenset({len(still.instrument_boxes)} if still is not None and still.instrument_boxes else ()),
    )


def _asked(draft: Draft) -> frozenset[tuple[Kind, str]]:
    """The phases, steps and criteria that a question asks for or gives."""
    answer = draft.answer
    found: set[tuple[Kind, str]] = {("criterion", c.criterion) for c in answer.criteria}
    kinds: tuple[Kind, ...] = ("phase", "step", "criterion")
    found |= {(kind, id) for kind in kinds for id in answer.labels if id in concepts(kind)}
    for text in (answer.text, *draft.slots.values()):
        found |= {reading for mention in find(text, kinds) for reading in mention.readings}
    return frozenset(found)


def _ended(course: VideoTimeline, start: float, now: float) -> frozenset[tuple[str, str]]:
    return frozenset((s.layer, s.label.id) for s in course.segments if start + EPSILON < s.end_seconds <= now + EPSILON)


def _seconds(scene: Scene) -> tuple[float, ...]:
    if not scene.is_clip:
        return ()
    seen = (seen_of(scene, s.label.id) for s in scene.segments)
    return (scene.window.end - scene.window.start, *(s for s in seen if s is not None))


def _supported(scene: Scene, memory: Memory, warrants: Warrants) -> Iterator[tuple[str, Kind, str]]:
    """All that the signs of a scene may be said to speak for."""
    stages: tuple[Stage, ...] = ("phase", "step")
    for stage in stages:
        found = grounds(stage, scene, memory, warrants)
        for support in found.supports:
            yield from _graded(support, stage)
        yield from ((Grade.AGAINST, stage, label) for label in found.lacking)
    for frame in scene.frames:
        for triplet in frame.triplets or ():
            instrument, _, target = ids_of(triplet)
            for sign in (Sign(instrument), Sign(instrument, "", target if target != NULL else "")):
                yield from _graded(warrants.support("action", sign), "action")
    last = last_act(scene.segments, scene.window.end)
    if last is not None:
        yield from _graded(warrants.support("next", Sign("", last)), "action")


def _graded(support: Support, kind: Kind) -> Iterator[tuple[str, Kind, str]]:
    yield from ((Grade.DEFINED, kind, id) for id in support.defined)
    yield from ((Grade.TYPICAL, kind, id) for id in (support.typical,) if id)
    yield from ((Grade.FITS, kind, id) for id in support.fits)


def _add_state(made: _Builder, state: State) -> None:
    for one in state:
        if isinstance(one, str):
            made.add("action", (one,))
        else:
            made.relate([ids_of(one)])


def _add_frame(made: _Builder, frame: Frame) -> None:
    lists: tuple[tuple[Kind, Fact], ...] = (
        ("instrument", Fact.INSTRUMENTS), ("target", Fact.TISSUES), ("action", Fact.ACTIONS),
    )  # fmt: skip
    for kind, fact in lists:
        labels = getattr(frame, fact.value)
        if labels is not None:
            made.add(kind, (label.id for label in labels), complete=frame.holds_all(fact))
    boxed: tuple[tuple[Kind, Fact], ...] = (("instrument", Fact.INSTRUMENT_BOXES), ("target", Fact.TISSUE_BOXES))
    for kind, fact in boxed:
        boxes = getattr(frame, fact.value)
        if boxes is not None:
            made.add(kind, (b.label.id for b in boxes), complete=frame.holds_all(fact))
            made.boxes += [Placed(kind, b.label.id, b.box) for b in boxes]
    if frame.instrument_masks is not None:
        known = [m.label.id for m in frame.instrument_masks if m.label is not None]
        made.add(
            "instrument",
            known,
            complete=len(known) == len(frame.instrument_masks) and frame.holds_all(Fact.INSTRUMENT_MASKS),
        )
    if frame.triplets is not None:
        made.relate(map(ids_of, frame.triplets))


# ------------------------------------------------------------------------------------------------------ of a sample


def _on_part(doc: Mapping[str, Any]) -> bool:
    """Whether the question of a sample is not on all that is in view, but on what is acted on or on one instrument."""
    group = str(doc["provenance"]["template"]).split("/")[1:2]
    return group in (["acted_on"], ["acted_on_by"], ["done_by"])


def _of_sample(doc: Mapping[str, Any]) -> Facts:
    task, answer = get_task(str(doc["task"])), doc["answer"]
    made = _Builder()
    more: dict[str, Any] = {"phase": None, "step": None}
    if task.family != "planning":  # what is foretold is no fact of what is seen
        for kind in task.label_kinds:
            ids = [id for id in answer["labels"] if id in concepts(kind)]
            if kind in ("phase", "step"):
                more[kind] = ids[0] if ids else None
            elif task.answer == "labels" or ids:
                made.add(kind, ids, complete=task.answer == "labels" and not _on_part(doc))
    if answer["triplets"] or task.answer == "triplets":
        made.relate((t["instrument"], t["action"], t["target"]) for t in answer["triplets"])
    if task.answer == "boxes":
        kind = task.label_kinds[0]
        made.add(kind, (b["label"] for b in answer["boxes"]), complete=not answer["boxes"])
        made.boxes += [Placed(kind, b["label"], Box(b["x1"], b["y1"], b["x2"], b["y2"])) for b in answer["boxes"]]
    more["criteria"] = {c["criterion"]: c["met"] for c in answer["criteria"]}
    more["seconds"] = () if answer["seconds"] is None else (answer["seconds"],)
    foretold = frozenset(answer["labels"]) if task.family == "planning" else frozenset()
    texts = [answer["text"]] if task.answer in ("text", "video") else []
    if doc["provenance"]["model"] is None:
        texts += [t for t in (doc["reasoning"][level] for level in ("perceptual", "relational", "contextual")) if t]
    stated = [claim for text in texts for claim in claims(text)]
    size = (doc["width"], doc["height"]) if doc["width"] and doc["height"] else None
    return _with_claims(made, stated, foretold, {**more, "procedure": doc["procedure"], "size": size})


def _with_claims(made: _Builder, stated: list[Claim], foretold: Ids, more: dict[str, Any]) -> Facts:
    regions: set[tuple[str, str]] = set()
    sizes: set[tuple[str, str]] = set()
    earlier: set[tuple[str, str]] = set()
    criteria: dict[str, bool] = dict(more.pop("criteria"))
    seconds: list[float] = list(more.pop("seconds"))
    measured: set[Measure] = set()
    supports: set[tuple[str, Kind, str]] = set()
    counts: set[int] = {len(made.boxes)} if made.boxes else set()
    smoke: bool | None = None
    for claim in stated:
        ids = [id for _, id in claim.readings]
        if claim.what is What.MEASURED and claim.measured is not None:
            others = [id for _, id in claim.other] or [""]
            measured |= {Measure(claim.measured, id, other, claim.value) for id in ids for other in others}
        elif claim.what is What.NAMED and claim.role in WARRANTED:
            supports |= {(claim.role, kind, id) for kind, id in claim.readings}
        elif claim.what is What.NAMED and claim.role != "later":
            for kind, id in claim.readings:
                if kind in ("phase", "step"):
                    if claim.role == "earlier":
                        earlier.add((kind, id))
                    elif len(claim.readings) == 1 or more[kind] is None:
                        more[kind] = id
                elif kind in _TRIPLET and id not in foretold:
                    made.add(kind, (id,))
        elif claim.what is What.NONE_OF and claim.kind is not None:
            made.add(claim.kind, (), complete=True)
        elif claim.what is What.UNRELATED:
            made.relate(())
        elif claim.what is What.PLACED and claim.region is not None:
            words = " ".join(w for w in claim.region if w)
            regions |= {(id, "center" if words == "middle center" else words) for id in ids}
        elif claim.what is What.BOXED and claim.corners is not None and max(claim.corners) <= 1:
            boxed = [(kind, id) for kind, id in claim.readings if kind in _TRIPLET]
            made.boxes += [Placed(kind, id, Box(*claim.corners)) for kind, id in boxed]
        elif claim.what is What.SIZED:
            sizes |= {(id, claim.size) for id in ids}
        elif claim.what is What.VERDICT and ids:
            criteria[ids[0]] = claim.holds
        elif claim.what is What.SECONDS and claim.number is not None:
            seconds.append(claim.number)
        elif claim.what is What.SMOKE:
            smoke = claim.holds
        elif claim.what is What.COUNT and claim.number is not None:
            counts.add(int(claim.number))
        elif claim.what is What.RELATED and claim.relation is not None:
            instruments, actions, targets = claim.relation
            if instruments:  # without one, the words are no triplet
                made.relate((i, a, t) for i in instruments for a in actions for t in targets or (NULL,))
    return made.facts(
        **more,
        regions=frozenset(regions),
        sizes=frozenset(sizes),
        earlier=frozenset(earlier),
        criteria=criteria,
        measures=frozenset(measured),
        supports=frozenset(supports),
        seconds=tuple(seconds),
        smoke=smoke,
        counts=frozenset(counts),
    )
