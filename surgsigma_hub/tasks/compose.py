"""From a draft to a sample: id, wording, provenance. Pure: media are described to it, not opened."""

from __future__ import annotations

from collections.abc import Sequence

from ..ontology import concept
from ..records import Fact, Frame, Media, Native, Origin, Provenance, Reasoning, Sample, Trace, Video
from ..schema import FORMAT_VERSION
from ..source import SourceInfo
from .base import Draft, Task
from .dialogue import ALONE, Talk, messages, worded

NO_REASONING = Reasoning()


def sample_id(task: Task, info: SourceInfo, video: Video, frame: Frame, draft: Draft) -> str:
    """The id of a sample: unique over all sources, stable between builds.

    The frame number is written with its rate where that is not 1, so that two rates cannot collide.
    """
    rate = "" if frame.fps == 1 else f"f{frame.fps:g}".replace(".", "p")
    parts = [info.name, video.id, f"{frame.index:06d}{rate}", frame.variant, task.name, draft.key]
    return "-".join(p for p in parts if p)


def compose(
    task: Task,
    draft: Draft,
    *,
    id: str,
    info: SourceInfo,
    video: Video,
    frame: Frame,
    media: Sequence[Media],
    size: tuple[int, int],
    talk: Talk = ALONE,
    reasoning: Reasoning | None = None,
) -> Sample:
    """The finished sample.

    Args:
        task: The task of the draft.
        draft: Typed answer and wording groups.
        id: As made by :func:`sample_id`.
        info: The source.
        video: The surgery.
        frame: The annotated moment, labels resolved.
        media: The members stored beside the JSON, inputs first.
        size: Width and height of the input in pixels, as stored; of the target where there is no input.
        talk: Whether other questions are asked with it, and whether the answer is explained.
        reasoning: Made from the facts; a trace that the source ships goes before it.
    """
    pairs, template = worded(task, draft, id, talk, {"procedure": concept("procedure", info.procedure).name})
    tags = "".join(f"<{m.kind}>" for m in media if m.role == "input" and m.kind in ("image", "video"))
    trace = frame.trace
    native_qa = frame.native_qa
    cut = draft.cut
    origin = _origin(task, draft, frame, info)
    return Sample(
        format_version=FORMAT_VERSION,
        id=id,
        task=task.name,
        family=task.family,
        source=info.name,
        split=video.split,
        specialty=info.specialty,
        procedure=info.procedure,
        modality=info.modality,
        video_id=video.id,
        canonical_video_id=video.canonical_id,
        frame_index=frame.index,
        fps=float(frame.fps),
        start_seconds=frame.seconds if cut is None else cut.start_seconds,
        end_seconds=None if cut is None else cut.end_seconds,
        width=size[0],
        height=size[1],
        media=tuple(media),
        messages=messages(pairs, tags),
        answer=draft.answer,
        reasoning=_shipped(trace) if trace else reasoning or NO_REASONING,
        native=Native(
            draft.native.labels,
            native_qa.question if native_qa else draft.native.question,
            native_qa.answer if native_qa else draft.native.answer,
        ),
        provenance=Provenance(
            origin.label_origin,
            trace.model if trace else origin.model,
            template,
            (*talk.augmentation, *(() if origin.note is None else (origin.note,))),
        ),
        license=info.license,
    )


def _origin(task: Task, draft: Draft, frame: Frame, info: SourceInfo) -> Origin:
    """Where the answer comes from: the source, unless a fact that it was made of has an origin of its own."""
    if not frame.origins:
        return Origin(info.label_origin)
    if draft.cut is not None:
        used = next((need for need in task.needs if Fact.FOOTAGE in need), frozenset())
    else:
        held = frame.facts()
        used = next((need for need in task.needs if need <= held), frozenset())
    return next((frame.origins[fact] for fact in sorted(used) if fact in frame.origins), Origin(info.label_origin))


def _shipped(trace: Trace) -> Reasoning:
    levels = (trace.perceptual, trace.relational, trace.contextual)
    return Reasoning(max((n for n, text in enumerate(levels, 1) if text), default=0), *levels)
