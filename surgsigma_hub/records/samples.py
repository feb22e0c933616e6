"""Samples: what a shard holds, one conversation about one piece of media, or one medium and all conversations about it.

These have no slots, unlike annotations: orjson writes a record from its ``__dict__`` three times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["understanding", "reasoning", "planning", "generation"]
Role = Literal["user", "assistant"]
MediaRole = Literal["input", "target"]
MediaKind = Literal["image", "video", "mask", "depth"]
LabelOrigin = Literal["expert", "derived", "model", "synthetic"]


@dataclass(frozen=True)
class Media:
    """One media member of the shard that belongs to the sample."""

    member: str
    kind: MediaKind
    role: MediaRole
    sha256: str
    num_frames: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Message:
    """One turn; ``<image>`` or ``<video>`` stands where an input medium goes."""

    role: Role
    content: str


def without_tags(content: str) -> str:
    r"""What a turn says, without the tags of its media and the blanks around it.

    >>> without_tags("<image>\nWhich phase is this?")
    'Which phase is this?'
    """
    return content.replace("<image>", "").replace("<video>", "").strip()


@dataclass(frozen=True)
class AnswerTriplet:
    """Instrument, action and target by canonical id; ``null`` where there is none."""

    instrument: str
    action: str
    target: str


@dataclass(frozen=True)
class AnswerBox:
    """A canonical label and its box in 0..1."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class AnswerCriterion:
    """A safety criterion by canonical id, its majority verdict and the raters' scores."""

    criterion: str
    met: bool
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The typed answer. ``labels`` are canonical ids; an empty list of a filled kind is "none"."""

    text: str
    labels: tuple[str, ...] = ()
    triplets: tuple[AnswerTriplet, ...] = ()
    boxes: tuple[AnswerBox, ...] = ()
    criteria: tuple[AnswerCriterion, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Reasoning:
    """Three-level trace; ``level`` is the deepest level filled, 0 for none."""

    level: int = 0
    perceptual: str | None = None
    relational: str | None = None
    contextual: str | None = None


@dataclass(frozen=True)
class Native:
    """What the source itself said, before mapping."""

    labels: tuple[str, ...] = ()
    question: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Provenance:
    """Where labels and words come from; ``template`` is ``<task>/<question group>/<n>+<answer group>/<n>``."""

    label_origin: LabelOrigin
    model: str | None = None
    template: str | None = None
    augmentation: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One conversation about one piece of media, the JSON member of a shard; ``schema.py`` exports its form."""

    format_version: str
    id: str
    task: str
    family: Family
    source: str
    split: str
    specialty: str
    procedure: str
    modality: str
    video_id: str
    canonical_video_id: str
    frame_index: int | None
    fps: float | None
    start_seconds: float | None
    end_seconds: float | None
    width: int | None
    height: int | None
    media: tuple[Media, ...]
    messages: tuple[Message, ...]
    answer: Answer
    reasoning: Reasoning
    native: Native
    provenance: Provenance
    license: str


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What is left of a sample once all that it shares with others about the same medium is said for them together."""

    id: str
    task: str
    family: Family
    messages: tuple[Message, ...]
    answer: Answer
    reasoning: Reasoning
    native: Native
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class MediumSample:
    """One input medium and every conversation about it: the JSON member of a shard of the layout ``frames``."""

    format_version: str
    id: str
    source: str
    split: str
    specialty: str
    procedure: str
    modality: str
    video_id: str
    canonical_video_id: str
    frame_index: int | None
    fps: float | None
    start_seconds: float | None
    end_seconds: float | None
    width: int | None
    height: int | None
    media: tuple[Media, ...]
    license: str
    conversations: tuple[Conversation, ...]
