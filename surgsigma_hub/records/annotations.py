"""Annotations: what a loader yields, facts about a moment or about the course of one video.

No I/O happens here. Boxes are ``x1 y1 x2 y2`` in 0..1 of the frame as stored;
``frame_index`` is 0-based at ``fps`` frames per second; times are seconds from the start of the source video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from .bulk import set_directly
from .footage import Footage, ImageRef
from .samples import LabelOrigin

# ----------------------------------------------------------------------------------------------------- regions


@dataclass(frozen=True, slots=True)
class Polygons:
    """A region as polygons of ``(x, y)`` points in 0..1; their union is the region."""

    rings: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class MaskImage:
    """A region as the pixels of ``image`` equal to ``value`` (any non-zero pixel when ``value`` is None)."""

    image: ImageRef
    value: int | None = None


MaskRef = Polygons | MaskImage

# ------------------------------------------------------------------------------------------------- annotations


class Fact(StrEnum):
    """The kinds of fact an annotation can hold: fields of :class:`Frame`, and what a :class:`VideoTimeline` holds."""

    PHASE = "phase"
    STEP = "step"
    INSTRUMENTS = "instruments"
    TISSUES = "tissues"
    ACTIONS = "actions"
    TRIPLETS = "triplets"
    INSTRUMENT_BOXES = "instrument_boxes"
    TISSUE_BOXES = "tissue_boxes"
    INSTRUMENT_MASKS = "instrument_masks"
    PART_MASKS = "part_masks"
    CRITERIA = "criteria"
    DEPTH = "depth"
    CLEAN_IMAGE = "clean_image"
    TRACE = "trace"
    ACTION_SEGMENTS = "action_segments"
    PHASE_SEGMENTS = "phase_segments"
    STEP_SEGMENTS = "step_segments"
    FOOTAGE = "footage"


class Coverage(StrEnum):
    """How much of what is there a list of facts names: which questions the list can answer.

    Only of a list of :attr:`ALL_IN_VIEW` may the whole be asked for ("name every ...") and a lack be told ("none",
    "no hook"). Of the two others only what the list names is known.
    """

    ALL_IN_VIEW = "all in view"
    """Everything of its kind; for actions and triplets, everything that is being done."""
    ACTED_ON = "acted on"
    """What an instrument acts on, all of it; nothing is said of what is merely in view."""
    ANNOTATED_ONLY = "annotated only"
    """A part, by no rule that is known."""


class BoxExtent(StrEnum):
    """How much of an instrument a box encloses; stands in the words of questions about boxes."""

    TIP = "tip"
    """The tip, at most with the part of the shaft next to it."""
    WORKING_END = "working end"
    """Jaws, blade or hook, up to the joint or the end of the shaft."""
    WHOLE = "whole visible instrument"
    """All of it that is visible, the shaft included."""


@set_directly
@dataclass(frozen=True, slots=True)
class Label:
    """A native label name, and the canonical id once the ontology has resolved it (empty before)."""

    native: str
    id: str = ""


@set_directly
@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in 0..1 of the stored frame, ``x1 < x2`` and ``y1 < y2``."""

    x1: float
    y1: float
    x2: float
    y2: float


@set_directly
@dataclass(frozen=True, slots=True)
class LabeledBox:
    """A box of one instance. ``clipped`` says that the native box ran outside and was cut at the frame's edge."""

    label: Label
    box: Box
    clipped: bool = False


@set_directly
@dataclass(frozen=True, slots=True)
class LabeledMask:
    """The mask of one instance or class; ``label`` is None where the source tells only instrument from background."""

    label: Label | None
    mask: MaskRef


@set_directly
@dataclass(frozen=True, slots=True)
class Triplet:
    """Instrument, action, target. A null action or target is a native label that maps to ``null``."""

    instrument: Label
    action: Label
    target: Label


@dataclass(frozen=True, slots=True)
class Verdict:
    """One safety criterion: ``met`` by majority, with the raters' scores (0..1) where the source keeps them."""

    criterion: Label
    met: bool
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A labelled interval ``[start_seconds, end_seconds)`` of a video; ``layer`` is action, phase or step.

    An end that is not *known* is open (censored): the label held up to there, and what held beyond is not labelled, so
    it may have held on. Whoever asks when something begins or ends passes over open ones.
    """

    layer: Literal["action", "phase", "step"]
    label: Label
    start_seconds: float
    end_seconds: float
    start_known: bool = True
    end_known: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """Reasoning that the source ships, by level; ``model`` names what wrote it, when known."""

    perceptual: str | None = None
    relational: str | None = None
    contextual: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one fact comes from, where that is not the source: computed, or said by a model."""

    label_origin: LabelOrigin
    model: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class NativeQA:
    """The source's own question and answer, kept verbatim."""

    question: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A question of the source's own whether one label is there: ``fact`` is the list that would name it."""

    fact: Fact
    label: Label
    holds: bool
    asks: NativeQA


@dataclass(frozen=True, slots=True)
class Act:
    """A question of the source's own what the one instrument of its kind in view does."""

    instrument: Label
    action: Label
    asks: NativeQA


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One surgery as its source numbers it: the unit of planning, of splitting and of parallel work.

    Attributes:
        id: Native id made safe for keys (``[A-Za-z0-9_-]+``), for example ``VID68``.
        canonical_id: The same surgery across sources, ``<first source>/<id>``, for example ``cholec80/video68``.
        split: Split of this video under the split scheme in use.
        files: Input files of this video (annotation files, films), for change detection and for the loader itself.
        data: Small picklable loader-private facts found while planning.
        moved_from: The split in which its source has it, where the build put it into another; set by the build alone.
    """

    id: str
    canonical_id: str
    split: str
    files: tuple[Path, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    moved_from: str = ""

    @property
    def as_listed(self) -> Video:
        """The video as its source lists it: what a loader is asked about."""
        return replace(self, split=self.moved_from, moved_from="") if self.moved_from else self


@set_directly
@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """All facts a source holds of one moment. ``None`` means not annotated; ``()`` is a list that names nothing.

    ``index`` is 0-based at ``fps``; ``image`` is None when the picture is known to be missing. ``coverage`` and
    ``box_extent`` say how far lists and boxes reach: a loader sets them where a moment differs from what its
    ``SourceInfo`` states, and ``Source.resolved`` fills in the rest.
    """

    index: int
    fps: float
    image: ImageRef | None = None
    size: tuple[int, int] | None = None  # width and height of the picture, where the labels state it
    variant: str = ""  # tells apart several annotations of one moment, for example the smoky twin; goes into the id
    phase: Label | None = None
    step: Label | None = None
    instruments: tuple[Label, ...] | None = None
    tissues: tuple[Label, ...] | None = None
    actions: tuple[Label, ...] | None = None
    triplets: tuple[Triplet, ...] | None = None
    instrument_boxes: tuple[LabeledBox, ...] | None = None
    tissue_boxes: tuple[LabeledBox, ...] | None = None
    instrument_masks: tuple[LabeledMask, ...] | None = None
    part_masks: tuple[LabeledMask, ...] | None = None  # parts of instruments, such as the shafts of all of them
    criteria: tuple[Verdict, ...] | None = None
    depth: ImageRef | None = None  # relative depth, larger is farther, 8 or 16 bit
    depth_has_gaps: bool = False  # whether 0 in ``depth`` is where nothing was measured, not what is nearest
    clean_image: ImageRef | None = None  # the smoke-free twin of ``image``
    trace: Trace | None = None
    native_qa: NativeQA | None = None
    asked: Mapping[Fact, NativeQA] = field(default_factory=dict)  # the source's own question that each fact answers
    checks: tuple[Check, ...] = ()
    acts: tuple[Act, ...] = ()
    origins: Mapping[Fact, Origin] = field(default_factory=dict)
    coverage: Mapping[Fact, Coverage] = field(default_factory=dict)
    box_extent: BoxExtent | None = None  # of ``instrument_boxes``

    def coverage_of(self, fact: Fact) -> Coverage:
        """How much of what is there the list ``fact`` names; all of it where nothing else is stated."""
        return self.coverage.get(fact, Coverage.ALL_IN_VIEW)

    def holds_all(self, fact: Fact) -> bool:
        """Whether the list ``fact`` is there and complete: then an empty one is a true "none"."""
        return getattr(self, fact, None) is not None and self.coverage_of(fact) is Coverage.ALL_IN_VIEW

    def facts(self) -> frozenset[Fact]:
        """The kinds of fact that this frame holds."""
        return frozenset([fact for fact, name in _FRAME_FACTS if getattr(self, name) is not None])

    @property
    def seconds(self) -> float:
        """When the frame is seen, from the start of the video."""
        return self.index / self.fps


_FRAME_FACTS = tuple((fact, fact.value) for fact in Fact if fact.value in Frame.__dataclass_fields__)
"""Facts that a frame can hold with the names of their fields: each sample asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTimeline:
    """One video as a whole: what follows what, and the footage to cut clips from.

    Attributes:
        segments: Labelled intervals of all layers, sorted by layer and start; those of one layer may overlap.
        footage: Film or stills of the video.
        moments: Its frames in time order, labels resolved, at most one a second. Filled by the build.
        origins: As of :class:`Frame`, for example segments computed from labels frame by frame.
        labelled: By layer, the stretches ``(start, end)`` in seconds, in order, over which it is known what holds and
            what does not; a layer that is no key is known throughout. Outside them nothing may be inferred from the
            lack of a segment.
        coverage: As of :class:`Frame`, of the lists of segments.
    """

    segments: tuple[Segment, ...] = ()
    footage: Footage | None = None
    moments: tuple[Frame, ...] = ()
    origins: Mapping[Fact, Origin] = field(default_factory=dict)
    labelled: Mapping[Literal["action", "phase", "step"], tuple[tuple[float, float], ...]] = field(default_factory=dict)
    coverage: Mapping[Fact, Coverage] = field(default_factory=dict)

    def coverage_of(self, fact: Fact) -> Coverage:
        """How much of what goes on the segments of ``fact`` name; all of it where nothing else is stated."""
        return self.coverage.get(fact, Coverage.ALL_IN_VIEW)

    def facts(self) -> frozenset[Fact]:
        """The kinds of fact that the course itself holds: a fact for each layer that has an interval, and footage."""
        layers = frozenset(Fact(f"{segment.layer}_segments") for segment in self.segments)
        return layers if self.footage is None else layers | {Fact.FOOTAGE}


class Reason(StrEnum):
    """Why something did not become a sample; closed, so that reports can be compared."""

    MEDIA_MISSING = "media_missing"
    MEDIA_UNREADABLE = "media_unreadable"
    MEDIA_TOO_LARGE = "media_too_large"
    LABEL_UNKNOWN = "label_unknown"
    LABEL_MISSING = "label_missing"
    LABEL_CORRUPT = "label_corrupt"
    ROW_MALFORMED = "row_malformed"
    BOX_OUTSIDE = "box_outside"
    NO_SURGICAL_VIEW = "no_surgical_view"
    CLIP_INCOMPLETE = "clip_incomplete"
    CATCH_ALL = "catch_all"
    TYPE_UNKNOWN = "type_unknown"
    QUESTION_UNTYPED = "question_untyped"
    DUPLICATE_ID = "duplicate_id"
    SAMPLE_INVALID = "sample_invalid"
    FOOTAGE_CONTRADICTS = "footage_contradicts"


@dataclass(frozen=True, slots=True)
class Defect:
    """Something a loader or the build left out: counted, reported, never silent.

    Attributes:
        where: Which file, row or frame, relative to the source root (never an absolute path).
        detail: What was found, and what was expected.
        moments: How many annotated moments it stands for: all those of a video whose footage is refused.
    """

    reason: Reason
    where: str
    detail: str
    moments: int = 1
