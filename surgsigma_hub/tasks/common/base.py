"""What a task is: declarative metadata and a pure function from an annotated frame to drafts of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, Protocol

from ...ontology import Kind
from ...records import (
    Answer,
    Coverage,
    Cut,
    Fact,
    Family,
    Frame,
    ImageRef,
    LabeledMask,
    Native,
    NativeQA,
    VideoTimeline,
)
from ...source import SourceInfo


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


@dataclass(frozen=True, slots=True)
class Masks:
    """Target ``target.png``: white where any of the regions is, at the size of the picture asked about."""

    regions: tuple[LabeledMask, ...]


@dataclass(frozen=True, slots=True)
class DepthMap:
    """Target ``target.png``: 16-bit relative depth, larger is farther, aligned with the picture asked about.

    Attributes:
        image: 8 or 16 bit, one channel.
        gaps: Whether 0 is where nothing was measured.
    """

    image: ImageRef
    gaps: bool = False


Target = Masks | DepthMap | ImageRef | Cut
"""What a generative task answers with: an ``ImageRef`` becomes ``target.jpg``, a ``Cut`` ``target.mp4``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A sample before wording and media: which wordings to use, what fills them, and the typed answer.

    Attributes:
        key: Tells apart several drafts of one task on one frame; ``[A-Za-z0-9_-]*``, empty for the only one.
        question: Question group of the task's template file.
        answer_group: Answer group of the task's template file.
        slots: Text for the ``{slots}`` of both; ``{procedure}`` is always filled.
        inputs: What is looked at: pictures become ``image.jpg``, cuts ``video.mp4``, at most one of each; empty for
            a task of text alone; None means the frame's own picture.
        target: The medium that is the answer; None where the answer is text.
        named: Kinds of label beyond what is seen that a description names: its phase, its step, its criteria.
        catch_all: Whether the answer is a label that stands for none of the others: asked where models are evaluated,
            as the source's protocol does, and not where they are trained.
        own: The source's own question and answer, where the sample is told in these words and not in ours.
    """

    answer: Answer
    question: str = "default"
    answer_group: str = "default"
    key: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    native: Native = field(default_factory=Native)
    inputs: tuple[ImageRef | Cut, ...] | None = None
    target: Target | None = None
    named: frozenset[Kind] = frozenset()
    catch_all: bool = False
    own: NativeQA | None = None

    @property
    def cut(self) -> Cut | None:
        """The footage that is looked at or, where none is, that is to be made."""
        for one in self.inputs or ():
            if isinstance(one, Cut):
                return one
        return self.target if isinstance(self.target, Cut) else None


TRAINING = "train"
"""The split that models are trained on."""


def asked_in(split: str, draft: Draft) -> bool:
    """Whether a draft becomes a sample of ``split``: a catch-all label is nothing to train on."""
    return not (draft.catch_all and split == TRAINING)


Size = tuple[int, int]
"""Width and height of an image in pixels."""

Space = Literal["unit", "thousand", "pixel"]
"""What the numbers of a box are: shares of the frame, thousandths of it, or pixels."""


class Reader(Protocol):
    """Reads an answer that speaks for itself, ours or a model's, as the typed answer of a task; picklable."""

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The typed answer, its ``text`` the plain form that the task itself gives such an answer.

        Args:
            text: What was printed, with or without reasoning and tags.
            size: Width and height of the picture, for boxes in pixels.
            space: What the numbers of boxes are; None decides by their size.
            procedure: Id of the operation, where it is known: names of phases and steps of others are passed over.

        Raises:
            BadAnswerError: the text does not read as an answer of the task.
        """
        ...


class Parser(Protocol):
    """Reads an answer beside its question; picklable, the same call for all tasks."""

    def __call__(
        self,
        text: str,
        *,
        size: Size | None = None,
        space: Space | None = None,
        procedure: str | None = None,
        question: str | None = None,
    ) -> Answer:
        """The typed answer, as of :class:`Reader`.

        Args:
            text: What was printed.
            size: As of :class:`Reader`.
            space: As of :class:`Reader`.
            procedure: As of :class:`Reader`.
            question: What was asked: without it a letter, a bare yes or a bare no means nothing.

        Raises:
            BadAnswerError: the text does not read as an answer of the task.
        """
        ...


HubCategory = Literal[
    "visual-question-answering", "object-detection", "image-segmentation", "depth-estimation", "image-to-text",
    "image-text-to-text", "video-text-to-text", "image-to-image", "image-to-video", "text-to-video",
    "image-classification", "video-classification",
]  # fmt: skip
"""Those of the Hub's task tags that a vision task can have (https://huggingface.co/tasks)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One of the 18 tasks of SurgSigma-DB (arXiv 2603.16822).

    Attributes:
        name: Equal to the module's and the template file's name, and a config name of the published tree.
        needs: Alternatives; a source offers the task when its facts hold all of any one set.
        whole: Facts that are of use only where they are complete.
        ends: Whether it asks when something ends, what follows or what is seen later: clips that are cut within one
            action tell none of it.
        level: Depth of reasoning that fits the task (1 perceptual, 2 relational, 3 contextual).
        parse: Reads a text as the typed answer of this task.
        draft: Pure function from a frame, its labels resolved, to drafts.
        draft_course: Pure function from the course of a video, labels resolved, to drafts, each with the moment it is
            about: a frame of the course, or one made for the purpose with ``index`` and ``fps`` only.
        label_kinds: Vocabularies of the labels in the answer, for reading answers and for explaining them.
    """

    name: str
    title: str
    description: str
    family: Family
    media_in: MediaIn
    answer: AnswerKind
    hub_category: HubCategory
    needs: tuple[frozenset[Fact], ...]
    level: int
    parse: Parser
    draft: Callable[[Frame], Iterator[Draft]] | None = None
    draft_course: Callable[[VideoTimeline], Iterator[tuple[Frame, Draft]]] | None = None
    label_kinds: tuple[Kind, ...] = ()
    whole: frozenset[Fact] = frozenset()
    ends: bool = False

    def offered_by(self, facts: frozenset[Fact], coverage: Mapping[Fact, Coverage] = MappingProxyType({})) -> bool:
        """Whether annotations that hold ``facts`` allow this task.

        Args:
            facts: The kinds of fact that a source holds.
            coverage: What it states of its lists, as ``SourceInfo.coverage``.
        """
        partial = {fact for fact, held in coverage.items() if held is not Coverage.ALL_IN_VIEW}
        usable = facts - (self.whole & partial)
        return any(need <= usable for need in self.needs)

    def allowed_by(self, info: SourceInfo, added: frozenset[Fact] = frozenset()) -> bool:
        """Whether a source allows this task, by what its moments hold together and by how it knows it.

        Args:
            info: What the source states of itself.
            added: Facts that the user adds to those of the source, such as depth.
        """
        if self.ends and not info.ends_known:
            return False
        return any(self.offered_by(facts | added, info.coverage) for facts in info.together)
