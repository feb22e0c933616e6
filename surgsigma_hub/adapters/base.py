"""What an adapter is: a pure function from one sample to one record of a trainer's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SurgSigmaError, UnfitError, UnknownNameError
from ..streaming.decode.decoder import Frames
from .boxes import Boxes, find_boxes
from .conversation import Conversation, check_sample, converse
from .media import from_row, opened

if TYPE_CHECKING:
    from ..streaming import StreamSample

Reasoning = Literal["drop", "inline", "separate"]
TraceForm = Literal["long", "short"]
VideoForm = Literal["file", "frames"]

REASONINGS: tuple[Reasoning, ...] = ("drop", "inline", "separate")
TRACE_FORMS: tuple[TraceForm, ...] = ("long", "short")
VIDEO_FORMS: tuple[VideoForm, ...] = ("file", "frames")

REASONS: Mapping[str, str] = {
    "target": "the answer is an image or a video, which this format cannot hold",
    "unverifiable": "no program can tell whether an answer is right",
    "size": "boxes in pixels of an image whose size is unknown, or that the model would refuse",
    "trace_boxes": "the trace holds boxes whose numbers mean nothing known",
}
"""Why a sample is refused (``UnfitError.reason``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a record is like.

    Attributes:
        boxes: What the numbers of boxes are: ``unit``, ``norm1000``, ``pixels``, a family of models such as
            ``qwen2_5_vl``, or :class:`Boxes`.
        reasoning: ``drop``; ``inline``: ``<think>...</think>`` and ``<answer>...</answer>`` in the answer; or
            ``separate``: under a key of its own. The trace belongs to the sample's own question, which is the last
            one of a dialogue: answers before it stay plain, and so do those of samples without a trace.
        traces: ``long`` as they are stored, or ``short``: of traces that rules made, the reason and the answer.
            Captions keep theirs, since they name all that is seen.
        video: ``file`` or ``frames``; None: what the format prefers.
        frames: Which frames, where films become frames.
        system: A system prompt to begin with.
    """

    boxes: Boxes | str = "unit"
    reasoning: Reasoning = "drop"
    traces: TraceForm = "long"
    video: VideoForm | None = None
    frames: Frames = field(default_factory=lambda: Frames(count=8))
    system: str | None = None

    def __post_init__(self) -> None:
        find_boxes(self.boxes)
        if self.reasoning not in REASONINGS:
            raise UnknownNameError("place of reasoning", self.reasoning, REASONINGS)
        if self.traces not in TRACE_FORMS:
            raise UnknownNameError("form of traces", self.traces, TRACE_FORMS)
        if self.video is not None and self.video not in VIDEO_FORMS:
            raise UnknownNameError("form of video", self.video, VIDEO_FORMS)

    @property
    def convention(self) -> Boxes:
        """The convention of boxes itself."""
        return find_boxes(self.boxes)


PLAIN = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One trainer's format.

    Attributes:
        name: Equal to its module's.
        trainer: Who reads it.
        description: What a record holds.
        write: From a conversation, its boxes and media in their final form, to a record.
        videos: Forms of video that the trainer reads, the preferred one first.
        suffix: ``.jsonl``, a record a line, or ``.json``, one list.
        system: Whether the trainer has a place for a system prompt.
        objects: Whether it fills placeholders of boxes itself.
        part: From a record to the one of several files that it belongs to, ``""`` for the main one. Files of JSON lines
            are read block by block, and what the first block lacks may not come later.
        thought: Key of a separate trace: of the answer's turn where ``thought_in_turn``, else of the record.
        thought_in_turn: See ``thought``.
        check: Refuses samples that the format cannot hold.
        info: For trainers that list data sets in a ``dataset_info.json``: from the name of the data file to the entry.
        how: How to tell the trainer of exported files, for the note that lies beside them.
    """

    name: str
    trainer: str
    description: str
    write: Callable[[Conversation, Options], dict[str, Any]]
    videos: tuple[VideoForm, ...]
    suffix: Literal[".json", ".jsonl"] = ".jsonl"
    system: bool = True
    objects: bool = False
    part: Callable[[Mapping[str, Any]], str] | None = None
    thought: str = "reasoning"
    thought_in_turn: bool = False
    check: Callable[[Mapping[str, Any]], None] | None = None
    info: Callable[[str, Options], dict[str, Any]] | None = None
    how: str = ""

    def __call__(
        self, sample: Mapping[str, Any], media: Mapping[str, Any], options: Options | None = None
    ) -> dict[str, Any]:
        """One record.

        Args:
            sample: The JSON of a sample, as in the shards.
            media: Its media by member. Bytes and arrays of pixels become PIL images, films their bytes or a list of
                frames; paths (``str``) and lists of them are put into the record as they are.
            options: What the record is like; None: ``Options()``.

        Raises:
            UnfitError: the format cannot express the sample; ``reason`` says why.
            UnknownNameError: the trainer does not read the form of video that is asked for.
            SampleError: the sample is not one of ours.
        """
        options = options or PLAIN
        form = self.ready(options)
        self.look(sample)
        ready = opened(sample, media, form=form, frames=options.frames)
        return self.write(
            converse(
                sample,
                ready,
                boxes=options.convention,
                reasoning=options.reasoning,
                traces=options.traces,
                system=options.system,
            ),
            options,
        )

    def look(self, sample: Mapping[str, Any]) -> None:
        """Refuses a sample that no record can be made of, without a look at its media.

        Raises:
            UnfitError: ``reason`` says why.
            SampleError: the sample is not one of ours.
        """
        check_sample(sample)
        if self.check is not None:
            self.check(sample)

    def accepts(self, sample: Mapping[str, Any]) -> bool:
        """Whether a sample or a row can become a record; for ``filter``, before the media are looked at."""
        try:
            self.look(sample)
        except UnfitError:
            return False
        return True

    def item(self, item: StreamSample, options: Options | None = None) -> dict[str, Any]:
        """One record of what ``surgsigma_hub.streaming`` delivers."""
        return self(item.sample, item.media, options)

    def row(self, row: Mapping[str, Any], options: Options | None = None) -> dict[str, Any]:
        """One record of a row of ``surgsigma_hub.load_dataset``."""
        return self(*from_row(row), options)

    def ready(self, options: Options) -> VideoForm:
        """Whether the trainer reads such records; the form that films take.

        Raises:
            UnknownNameError: it does not read that form of video.
            SurgSigmaError: it has no place for a system prompt, or does not fill placeholders of boxes.
        """
        if options.system is not None and not self.system:
            raise SurgSigmaError(
                f"the format {self.name} has no place for a system prompt",
                hint=f"{self.trainer} takes it from the model's chat template; leave it out here.",
            )
        if options.convention.convention == "objects" and not self.objects:
            raise SurgSigmaError(
                f"{self.trainer} does not fill placeholders of boxes",
                hint="Choose boxes as unit, norm1000 or pixels, or by a family of models.",
            )
        if options.video is None:
            return self.videos[0]
        if options.video not in self.videos:
            raise UnknownNameError("form of video", options.video, self.videos, where=f"the format {self.name}")
        return options.video
