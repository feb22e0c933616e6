"""The step that all formats share: a sample as turns, with boxes and reasoning where the options want them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..conformance import form_problem
from ..errors import SampleError, UnfitError, UnknownNameError
from ..reasoning.format import shortened, write_trace
from ..records import AnswerBox, Reasoning
from ..tasks import AnswerKind, all_tasks, get_task
from .box_text import boxes_in, message_text, trace_text
from .boxes import Boxes, Size
from .media import size_of

TAG = re.compile(r"<(image|video)>\n?")
_LEVELS = ("perceptual", "relational", "contextual")
_READ = ("id", "task", "source", "width", "height", "media", "messages", "answer", "reasoning", "license")
"""The fields that adapters and their reports look at."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says; ``<image>`` and ``<video>`` stand where media go.

    Attributes:
        thought: The trace, where it stands apart from the answer, ``""`` where there is none; None: not apart.
    """

    role: Literal["user", "assistant"]
    text: str
    thought: str | None = None


@dataclass(frozen=True, slots=True)
class Medium:
    """One thing to look at. ``value`` of a clip in frames is a list."""

    kind: Literal["image", "video", "mask", "depth"]
    member: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A sample on its way to a trainer.

    Attributes:
        id: Of the sample.
        task: Name of its task.
        system: The system prompt.
        turns: User and assistant in turn, the sample's own question last.
        media: What is looked at, in the order of the tags.
        target: The answer, where it is a medium.
        size: Width and height of the picture as it is given to the model.
        answer: The typed answer, boxes in shares of the frame.
        boxes: The convention of the boxes in ``turns``.
        sample: The whole sample.
    """

    id: str
    task: str
    system: str | None
    turns: tuple[Turn, ...]
    media: tuple[Medium, ...]
    size: Size | None
    answer: Mapping[str, Any]
    boxes: Boxes
    sample: Mapping[str, Any] = field(repr=False)
    target: Medium | None = None

    @property
    def prompt(self) -> str:
        """What is asked, without the places of media."""
        return TAG.sub("", self.turns[-2].text).strip()

    def images(self) -> list[Any]:
        """Pictures in order; the frames of a clip count as pictures where clips come in frames."""
        return [v for m in self.media for v in (m.value if isinstance(m.value, list) else [m.value])]

    def as_images(self) -> Conversation:
        """The same with every clip in frames as that many pictures, a tag for each."""
        if not any(m.kind == "video" for m in self.media):
            return self
        counts = iter([len(m.value) if isinstance(m.value, list) else 1 for m in self.media])
        turns = tuple(
            replace(t, text=TAG.sub(lambda m: "<image>" * next(counts) + _rest(m), t.text)) for t in self.turns
        )
        media = tuple(
            Medium("image", m.member, value)
            for m in self.media
            for value in (m.value if isinstance(m.value, list) else [m.value])
        )
        return replace(self, turns=turns, media=media)


def _rest(match: re.Match[str]) -> str:
    return "\n" if match.group().endswith("\n") else ""


def check_sample(sample: Mapping[str, Any], targets: Collection[str] = ()) -> None:
    """Refuses what is no sample, and a sample whose answer is of another kind than the format takes.

    Args:
        sample: Its JSON.
        targets: Kinds of media that the answer may be; none: it is a text.

    Raises:
        UnfitError: the answer is a medium, or none of ``targets``.
        SampleError: not a sample of ours.
    """
    if problem := form_problem(sample, _READ):
        given = sample.get("id") if isinstance(sample, Mapping) else None
        raise SampleError(
            f"sample {given if isinstance(given, str) else '(without an id)'}: {problem}",
            hint="Expected the JSON of a shard of this package.",
        )
    id, task = sample["id"], sample["task"]
    if task not in all_tasks():
        raise UnknownNameError("task", task, all_tasks(), where=f"sample {id}")
    found = [m for m in sample["media"] if m["role"] == "target"]
    if found and not targets:
        raise UnfitError(
            f"sample {id}: the answer of {task} is a medium ({found[0]['member']}), which a text cannot hold",
            reason="target",
            hint="Images go by the format diffusers, videos by cosmos, all by surgsigma_hub.stream(...).",
        )
    if targets and [m["kind"] in targets for m in found] != [True]:
        raise UnfitError(
            f"sample {id}: the answer of {task} is not a medium of these kinds: {', '.join(targets)}",
            reason="no_target",
            hint="Choose tasks whose answer is such a medium, or a format of conversations.",
        )


def converse(
    sample: Mapping[str, Any],
    media: Mapping[str, Any],
    *,
    boxes: Boxes,
    clips: bool = True,
    reasoning: Literal["drop", "inline", "separate"],
    traces: Literal["long", "short"] = "long",
    system: str | None = None,
) -> Conversation:
    """A sample as a conversation.

    Args:
        sample: Its JSON, which :func:`check_sample` has seen.
        media: Its inputs by member, in the form that the record shall hold; and its target, for formats that take it.
        boxes: Convention of the boxes.
        clips: Whether clips come to the trainer as clips, not as so many pictures.
        reasoning: Where the trace goes.
        traces: Its form; only what rules wrote is made short, and no trace of a description.
        system: System prompt.

    Raises:
        UnfitError: boxes cannot be put in the convention, or lie in a clip of a size that nobody knows.
        SampleError: its messages do not tag the media that it has.
    """
    id, task = sample["id"], get_task(sample["task"])
    described, said, answer, trace = (sample[k] for k in ("media", "messages", "answer", "reasoning"))
    inputs = tuple(Medium(m["kind"], m["member"], media[m["member"]]) for m in described if m["role"] == "input")
    tags = [kind for message in said for kind in TAG.findall(message["content"])]
    if tags != [m.kind for m in inputs]:
        shown = f"{tags[:8]}{f' and {len(tags) - 8} more' if len(tags) > 8 else ''}"
        raise SampleError(f"sample {id}: tags {shown} for the media {[m.member for m in inputs]}")
    stored = (sample["width"], sample["height"]) if sample["width"] and sample["height"] else None
    size = next((s for m in inputs if (s := size_of(m.value)) is not None), stored)
    known = tuple(AnswerBox(b["label"], b["x1"], b["y1"], b["x2"], b["y2"]) for b in answer["boxes"] or ())
    asks = task.answer is AnswerKind.BOXES
    turns = [Turn(m["role"], message_text(m["content"], boxes, size=size, known=known, asks=asks)) for m in said]
    if reasoning == "separate":
        turns[-1] = replace(turns[-1], thought="")  # records of one file must have the same keys
    if reasoning != "drop" and trace["level"]:
        levels = [trace[name] for name in _LEVELS]
        sized = boxes.resize is not None or boxes.convention == "objects"
        if sized and clips and any(m.kind == "video" for m in inputs):
            _refuse_boxes(id, levels)
        made = Reasoning(trace["level"], *(_level(t, boxes, size=size, stored=stored, known=known) for t in levels))
        if traces == "short" and task.answer is not AnswerKind.TEXT and sample["provenance"]["model"] is None:
            made = shortened(made)
        last = turns[-1]
        written = write_trace(made, last.text)
        if reasoning == "inline":
            turns[-1] = Turn(last.role, written)
        else:
            turns[-1] = Turn(last.role, last.text, written[len("<think>") : written.index("</think>")])
    aimed = [Medium(m["kind"], m["member"], media[m["member"]]) for m in described if m["role"] == "target"]
    return Conversation(
        id=id,
        task=task.name,
        system=system,
        turns=tuple(turns),
        media=inputs,
        size=size,
        answer=answer,
        boxes=boxes,
        sample=sample,
        target=aimed[0] if aimed else None,
    )


def _refuse_boxes(id: str, levels: Iterable[str | None]) -> None:
    """Refuses boxes in pixels of a clip, which is seen at a size that depends on its length and on the trainer."""
    if any(boxes_in(text or "") for text in levels):
        raise UnfitError(
            f"sample {id}: the trace holds boxes of a video, and how large the model sees it is not known",
            reason="video_boxes",
            hint="Leave the traces out with reasoning='drop', or write videos as frames.",
        )


def _level(
    text: str | None, boxes: Boxes, *, size: Size | None, stored: Size | None, known: Iterable[AnswerBox]
) -> str | None:
    return trace_text(text, boxes, size=size, stored=stored, known=tuple(known)) if text else None
