"""What may be said about one sample: the yardstick of the checker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..media.boxes import region_words
from ..ontology import NULL, Kind, concepts
from ..records import Box, Course, Fact, Frame
from ..tasks import get_task
from ..tasks.base import Draft
from ..tasks.timeline import State, Timeline, ids_of
from .claims import Claim, Region, What, claims
from .moment import Memory, Scene
from .pieces import size_words

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
        earlier: Layer (phase, step, action) and label of what was over before the time looked at.
        seconds: Durations that may be told.
        smoke: Whether smoke is in view; None where nobody looked.
        size: Width and height of the picture in pixels, for boxes in pixels.
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
    seconds: tuple[float, ...] = ()
    smoke: bool | None = None
    size: tuple[int, int] | None = None

    @classmethod
    def of_frame(
        cls, frame: Frame, procedure: str, course: Course | None = None, *, draft: Draft | None = None
    ) -> Facts:
        """The facts of an annotated moment, or of the clip that ``draft`` looks at.

        Args:
            frame: With its labels resolved.
            procedure: Canonical id of the operation.
            course: The video as a whole, for what came before and for clips.
            draft: The sample asked about; needed where it looks at a clip. Its answer is not taken for a fact.
        """
        return _of_scene(Memory().scene(frame, course, draft), procedure, course)

    @classmethod
    def of_sample(cls, doc: Mapping[str, Any]) -> Facts:
        """The facts of a published sample: its typed answer, and what its own rule-made reasoning states.

        Reasoning that a model wrote (``provenance.model``) proves nothing and is left out.

        Args:
            doc: The JSON member of a shard.
        """
        return _of_sample(doc)

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
    return Region(row, column) if column else Region("middle", "center")


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


def _of_scene(scene: Scene, procedure: str, course: Course | None) -> Facts:
    made = _Builder()
    for frame in scene.frames:
        _add_frame(made, frame)
    if scene.segments and (scene.is_clip or scene.frames[0].actions is None):
        made.add("action", (s.label.id for s in scene.segments))
    for state in scene.states:
        _add_state(made, state)
    if scene.is_clip:
        made.complete -= {"action"}  # looked at once a second, which is not all the time
    window = scene.window
    seconds = (window.end - window.start,) if scene.is_clip else ()
    still = scene.frames[0] if scene.frames and not scene.is_clip else None
    return made.facts(
        procedure=procedure,
        criteria={v.criterion.id: v.met for v in still.criteria or ()} if still else {},
        phase=scene.phase,
        step=scene.step,
        earlier=Timeline(course).over(scene.now) if course is not None else frozenset(),
        seconds=seconds,
        smoke=True if still is not None and still.clean_image is not None else None,
    )


def _add_state(made: _Builder, state: State) -> None:
    for one in state:
        if isinstance(one, str):
            made.add("action", (one,))
        else:
            made.relate([ids_of(one)])


def _add_frame(made: _Builder, frame: Frame) -> None:
    if frame.instruments is not None:
        made.add("instrument", (i.id for i in frame.instruments), complete=True)
    if frame.tissues is not None:
        made.add("target", (t.id for t in frame.tissues), complete=True)
    if frame.actions is not None:
        made.add("action", (a.id for a in frame.actions), complete=True)
    boxed: tuple[tuple[Kind, Fact], ...] = (("instrument", Fact.INSTRUMENT_BOXES), ("target", Fact.TISSUE_BOXES))
    for kind, fact in boxed:
        boxes = getattr(frame, fact.value)
        if boxes is not None:
            made.add(kind, (b.label.id for b in boxes), complete=True)
            made.boxes += [Placed(kind, b.label.id, b.box) for b in boxes]
    if frame.instrument_masks is not None:
        known = [m.label.id for m in frame.instrument_masks if m.label is not None]
        made.add("instrument", known, complete=len(known) == len(frame.instrument_masks))
    if frame.triplets is not None:
        made.relate(map(ids_of, frame.triplets))


# ------------------------------------------------------------------------------------------------------ of a sample


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
                made.add(kind, ids, complete=task.answer == "labels")
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
    smoke: bool | None = None
    for claim in stated:
        ids = [id for _, id in claim.readings]
        if claim.what is What.NAMED and claim.role != "later":
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
        elif claim.what is What.SIZED:
            sizes |= {(id, claim.size) for id in ids}
        elif claim.what is What.VERDICT and ids:
            criteria[ids[0]] = claim.holds
        elif claim.what is What.SECONDS and claim.number is not None:
            seconds.append(claim.number)
        elif claim.what is What.SMOKE:
            smoke = claim.holds
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
        seconds=tuple(seconds),
        smoke=smoke,
    )
