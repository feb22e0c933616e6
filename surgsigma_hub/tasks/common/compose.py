"""From a draft to a sample: id, wording, provenance. Pure: media are described to it, not opened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from ...ontology.forms import forms, is_finding, view_of
from ...records import Fact, Frame, Media, Native, Origin, Provenance, Reasoning, Sample, Trace, Video
from ...schema import FORMAT_VERSION, MAX_KEY
from ...source import SourceInfo
from .base import TRAINING, Draft, Task
from .choices import vocabulary
from .dialogue import ALONE, DialoguePlan, messages, worded
from .further import is_further
from .question_kinds import PLAIN, Setting, Style
from .shipped import question_told
from .wording import with_article

NO_REASONING = Reasoning()


def moment_id(info: SourceInfo, video: Video, frame: Frame) -> str:
    """The part of an id that names the moment.

    The frame number is written with its rate where that is not 1, so that two rates cannot collide.
    """
    return _moment_id(info.name, video.id, frame.index, frame.fps, frame.variant)


@lru_cache(maxsize=64)
def _moment_id(source: str, video: str, index: int, fps: float, variant: str) -> str:
    rate = "" if fps == 1 else f"f{fps:g}".replace(".", "p")
    return "-".join(part for part in (source, video, f"{index:06d}{rate}", variant) if part)


def sample_id(task: Task, info: SourceInfo, video: Video, frame: Frame, draft: Draft) -> str:
    """The id of a sample: unique over all sources, stable between builds.

    A key that would make it too long, such as three labels of many letters, stands there as a hash.
    """
    stem = f"{moment_id(info, video, frame)}-{task.name}"
    if draft.key and len(stem) + 1 + len(draft.key) > MAX_KEY:
        return f"{stem}-{hashlib.blake2b(draft.key.encode(), digest_size=6).hexdigest()}"
    return f"{stem}-{draft.key}" if draft.key else stem


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
    talk: DialoguePlan = ALONE,
    reasoning: Reasoning | None = None,
    style: Style = Style.VARIED,
    before: str | None = None,
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
        style: Which kinds of question a training sample may ask.
        before: The phase before that of the moment, where it is known and may be given.
    """
    plain = style is Style.PAPER or video.split != TRAINING
    setting = PLAIN if plain else Setting(info.name, frame, before, plain=False)
    medium = "image" if draft.cut is None or draft.cut is draft.target else "video"
    slots = common_slots(info.procedure, info.modality, medium, info.name)
    pairs, template = worded(task, draft, id, talk, slots, setting)
    tags = "".join(f"<{m.kind}>" for m in media if m.role == "input" and m.kind in ("image", "video"))
    trace = frame.trace
    native_qa = frame.native_qa or (None if is_further(draft) else question_told(task, frame))
    cut = draft.cut
    origin = _origin(task, draft, frame, info)
    return Sample(
        format_version=FORMAT_VERSION,
        id=id,
        task=task.name,
        family=task.family,
        source=info.name,
        split=video.split,
        specialty=info.specialty.value,
        procedure=info.procedure.value,
        modality=info.modality.value,
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
        reasoning=_shipped(trace) if trace and not is_further(draft) else reasoning or NO_REASONING,
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


@cache
def common_slots(procedure: str, modality: str, medium: str, source: str = "") -> Mapping[str, str]:
    """Slots that every template may use: the procedure with and without its article, and the words of the modality.

    What tissue is called depends on the source: one that labels polyps does not label anatomy alone.
    """
    said, view = forms("procedure", procedure), view_of(modality)
    findings = any(map(is_finding, vocabulary(source, "target")))
    return {
        "procedure": said.name,
        "a_procedure": said.a,
        "medium": medium,
        "a_medium": with_article(medium),
        "view": view.view,
        "view_image": view.image,
        "organs": "structures and findings" if findings else "organs and tissues",
        "structures": "structures and findings" if findings else "anatomical structures",
    }


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
