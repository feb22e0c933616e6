"""What a task is: declarative metadata and a pure function from an annotated frame to drafts of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..records import Answer, Fact, Family, Frame, LabeledMask, Native


class MediaIn(StrEnum):
    """What a task looks at."""

    IMAGE = "image"
    CLIP = "clip"
    IMAGE_OR_CLIP = "image or clip"
    TEXT_OR_IMAGE = "text or image"


class AnswerKind(StrEnum):
    """What a task answers with: the field of ``Answer`` that metrics compare, or the target member."""

    LABEL = "label"
    LABELS = "labels"
    BOXES = "boxes"
    TRIPLETS = "triplets"
    CRITERIA = "criteria"
    TEXT = "text"
    SECONDS = "seconds"
    MASK = "mask"
    DEPTH = "depth"
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A sample before wording and media: which wordings to use, what fills them, and the typed answer.

    Attributes:
        key: Tells apart several drafts of one task on one frame; ``[A-Za-z0-9_-]*``, empty for the only one.
        question: Question group of the task's template file.
        answer_group: Answer group of the task's template file.
        slots: Text for the ``{slots}`` of both; ``{procedure}`` is always filled.
        masks: Regions whose union is the white part of ``target.png``; None for tasks without a mask.
    """

    answer: Answer
    question: str = "default"
    answer_group: str = "default"
    key: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    native: Native = field(default_factory=Native)
    masks: tuple[LabeledMask, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One of the 18 tasks of SurgSigma-DB (arXiv 2603.16822).

    Attributes:
        name: Equal to the module's and the template file's name, and a config name of the published tree.
        needs: Alternatives; a source offers the task when its facts hold all of any one set.
        level: Depth of reasoning that fits the task (1 perceptual, 2 relational, 3 contextual).
        draft: Pure function from a frame, its labels resolved, to drafts; None while only the metadata is registered.
    """

    name: str
    title: str
    description: str
    family: Family
    media_in: MediaIn
    answer: AnswerKind
    hub_category: str
    needs: tuple[frozenset[Fact], ...]
    level: int
    draft: Callable[[Frame], Iterator[Draft]] | None = None

    def offered_by(self, facts: frozenset[Fact]) -> bool:
        """Whether annotations that hold ``facts`` allow this task."""
        return any(need <= facts for need in self.needs)

    @property
    def working(self) -> bool:
        """Whether the task can be built today."""
        return self.draft is not None
