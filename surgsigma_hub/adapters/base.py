"""What an adapter is: a pure function from one sample to one record of a trainer's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SurgSigmaError, UnfitError, UnknownNameError
from ..streaming.decode.decoder import Frames
from ..tasks import AnswerKind, get_task
from .boxes import FAMILIES, Boxes, TrainerResize, find_boxes
from .conversation import Conversation, check_sample, converse
from .media import check_pair, from_row, opened
from .note import Written
from .turns import conversations_of, in_turns

if TYPE_CHECKING:
    from ..streaming import StreamSample

Reasoning = Literal["drop", "inline", "separate"]
TraceForm = Literal["long", "short"]
VideoForm = Literal["file", "frames"]

REASONINGS: tuple[Reasoning, ...] = ("drop", "inline", "separate")
TRACE_FORMS: tuple[TraceForm, ...] = ("long", "short")
VIDEO_FORMS: tuple[VideoForm, ...] = ("file", "frames")

_PLACEHOLDERS = ("<image>", "<video>", "<audio>", "<bbox>", "<ref-object>")

REASONS: Mapping[str, str] = {
    "target": "the answer is an image or a video, which this format cannot hold",
    "no_target": "the answer is a text, or a medium of a kind that this format does not hold",
    "unverifiable": "no program can tell whether an answer is right",
    "size": "boxes in pixels of an image whose size is unknown, or that the model would refuse",
    "trace_boxes": "the trace holds boxes whose numbers mean nothing known",
    "video_boxes": "boxes in pixels of a video, which every trainer shows at a size of its own",
    "turns": "several conversations about one medium, of which this format takes one",
    "time": "the answer is a time, and frames are taken to lie at one rate, which these do not",
    "short": "a video of one frame, where the trainer reads two or more",
}
"""Why a sample is refused (``UnfitError.reason``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a record is like.

    Attributes:
        boxes: What the numbers of boxes are: ``unit``, ``norm1000``, ``pixels``, a family of models such as
            ``qwen2_5_vl``, or :class:`Boxes`.
        model: Family of models that is trained, for what the trainer is told; None: the one that ``boxes`` names.
        reasoning: ``drop``; ``inline``: ``<think>...</think>`` and ``<answer>...</answer>`` in the answer; or
            ``separate``: under a key of the turn, for trainers that hand such a key to the model's chat template. The
            trace belongs to the sample's own question, which is the last one of a dialogue: answers before it stay
            plain, and so do those of samples without a trace.
        traces: ``long`` as they are stored, or ``short``: of traces that rules made, the reason and the answer.
            Captions keep theirs, since they name all that is seen.
        video: ``file`` or ``frames``; None: what the format prefers.
        frames: Which frames, where clips become frames; each once, however short the clip is.
        system: A system prompt to begin with.
    """

    boxes: Boxes | str = "unit"
    model: str | None = None
    reasoning: Reasoning = "drop"
    traces: TraceForm = "long"
    video: VideoForm | None = None
    frames: Frames = field(default_factory=lambda: Frames(count=8))
    system: str | None = None

    def __post_init__(self) -> None:
        find_boxes(self.boxes)
        if self.model is not None and self.model not in FAMILIES:
            raise UnknownNameError("family of models", self.model, FAMILIES)
        if self.reasoning not in REASONINGS:
            raise UnknownNameError("place of reasoning", self.reasoning, REASONINGS)
        if self.traces not in TRACE_FORMS:
            raise UnknownNameError("form of traces", self.traces, TRACE_FORMS)
        if self.video is not None and self.video not in VIDEO_FORMS:
            raise UnknownNameError("form of video", self.video, VIDEO_FORMS)
        if self.system is not None and (held := [tag for tag in _PLACEHOLDERS if tag in self.system]):
            raise SurgSigmaError(
                f"the system prompt holds {held[0]}, which trainers replace by the next image, video, sound or box",
                hint="Say it in other words.",
            )

    @property
    def convention(self) -> Boxes:
        """The convention of boxes itself."""
        return find_boxes(self.boxes)

    @property
    def family(self) -> str | None:
        """Family of the model that is trained, where it is known."""
        return self.model or (self.boxes if isinstance(self.boxes, str) and self.boxes in FAMILIES else None)


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
        suffix: ``.jsonl``, a record a line; ``.json``, one list; or ``.parquet``.
        columns: The Arrow schema of Parquet files; a function, since Arrow is loaded when it is needed.
        system: Whether the trainer has a place for a system prompt.
        turns: Whether it takes several conversations about one medium as turns.
        objects: Whether it fills placeholders of boxes itself.
        part: From a record to the one of several files that it belongs to, ``""`` for the main one. Files of JSON lines
            are read block by block, and what the first block lacks may not come later.
        thought: Key of the answer's turn that holds a separate trace; None: the trainer would drop it unread.
        resizes: What the trainer does to a picture before the model resizes it.
        paired: Families of models for which it takes the frames of video files in pairs: of an odd number it leaves one
            out, and a video of one frame is an error.
        clocked: Whether clips in frames stay clips, and the trainer takes them to be shot at one rate.
        targets: Kinds of media that the answer is, ``image``, ``video``, ``mask`` or ``depth``; none: it is a text.
        stem: Name of the file of records, where the trainer wants one of its own.
        place: From a sample and one of its media to the name that it must have below ``media``; None: by content.
        beside: From a record to small files of text that must lie beside the media, by name below ``media``.
        check: Refuses samples that the format cannot hold.
        info: For trainers that list data sets in a ``dataset_info.json``: from the name of the data file to the entry.
        how: How to tell the trainer of exported files, which lie in ``DIR``.
        rate: What the trainer calls the number of frames a second.
    """

    name: str
    trainer: str
    description: str
    write: Callable[[Conversation, Options], dict[str, Any]]
    videos: tuple[VideoForm, ...]
    suffix: Literal[".json", ".jsonl", ".parquet"] = ".jsonl"
    columns: Callable[[], Any] | None = None
    system: bool = True
    turns: bool = True
    objects: bool = False
    part: Callable[[Mapping[str, Any]], str] | None = None
    thought: str | None = None
    resizes: TrainerResize | None = None
    paired: tuple[str, ...] = ()
    clocked: bool = False
    targets: tuple[str, ...] = ()
    stem: str | None = None
    place: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None
    beside: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    check: Callable[[Mapping[str, Any]], None] | None = None
    info: Callable[[str, Options], dict[str, Any]] | None = None
    how: Callable[[Written], str]
    rate: str = ""

    def __call__(
        self, sample: Mapping[str, Any], media: Mapping[str, Any], options: Options | None = None
    ) -> dict[str, Any]:
        """One record.

        Args:
            sample: The JSON of a sample, as in the shards; or of a medium with its conversations, as a stream in turns
                gives it, which become one conversation.
            media: Its media by member. Bytes and arrays of pixels become PIL images, clips their bytes or a list of
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
        if self.pairs(options):
            check_pair(sample)
        said = conversations_of(sample)
        timed = any(map(self.timed, said))
        ready = opened(sample, media, form=form, frames=options.frames, timed=timed, targets=bool(self.targets))
        talks = [
            converse(
                one,
                ready,
                boxes=self.boxes(options),
                clips=form == "file" or self.clocked,
                reasoning=options.reasoning,
                traces=options.traces,
                system=options.system,
            )
            for one in said
        ]
        whole = talks[0] if said[0] is sample else in_turns(talks, sample)
        if whole is not talks[0] and options.convention.convention == "objects":
            raise UnfitError(
                f"medium {whole.id}: placeholders of boxes are filled for one conversation, not for several in turns",
                reason="turns",
                hint="Choose boxes as unit, norm1000 or pixels, or by a family of models.",
            )
        return self.write(whole, options)

    def look(self, sample: Mapping[str, Any]) -> None:
        """Refuses a sample that no record can be made of, without a look at its media.

        Raises:
            UnfitError: ``reason`` says why.
            SampleError: the sample is not one of ours.
        """
        said = conversations_of(sample)
        if not self.turns and said[0] is not sample:
            raise UnfitError(
                f"medium {sample['id']}: {len(said)} conversations in turns, of which {self.trainer} takes one",
                reason="turns",
                hint="Stream with talk='one' or 'all'.",
            )
        for one in said:
            check_sample(one, self.targets)
            if self.check is not None:
                self.check(one)

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

    def boxes(self, options: Options) -> Boxes:
        """The convention of boxes, with what the trainer does to a picture before the model resizes it."""
        boxes = options.convention
        if self.resizes is None or boxes.resize is None or boxes.before is not None:
            return boxes
        return replace(boxes, before=self.resizes)

    def pairs(self, options: Options) -> bool:
        """Whether it reads videos as files, their frames in pairs; of a model that is not known the worst is taken."""
        families = self.paired if self.ready(options) == "file" else ()
        return bool(families) and (options.family is None or options.family in families)

    def timed(self, sample: Mapping[str, Any]) -> bool:
        """Whether a wrong rate of frames would make the answer wrong."""
        return self.clocked and get_task(sample["task"]).answer is AnswerKind.SECONDS

    def ready(self, options: Options) -> VideoForm:
        """Whether the trainer reads such records; the form that clips take.

        Raises:
            UnknownNameError: it does not read that form of video.
            SurgSigmaError: it has no place for a system prompt or for a separate trace, or does not fill placeholders
                of boxes.
        """
        if options.reasoning != "drop" and self.targets:
            raise SurgSigmaError(
                f"the format {self.name} has no place for a trace: its answers are media",
                hint="Choose the reasoning as drop.",
            )
        if options.reasoning == "separate" and self.thought is None:
            raise SurgSigmaError(
                f"{self.trainer} drops a trace that stands apart: it would not be trained",
                hint="Choose the reasoning as inline, or drop; the format trl keeps it apart.",
            )
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
