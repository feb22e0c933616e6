"""The typed records of the package: annotations (what a loader yields) and samples (what a shard holds).

Annotations are imported on first use: a reader of shards does without their two dozen records.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .footage import (
    Cut,
    Drawn,
    FileImage,
    FileSlice,
    Film,
    FilmFile,
    Footage,
    ImageRef,
    NumberedImages,
    Recording,
    Stated,
    Stills,
    VideoFrame,
)
from .samples import (
    Answer,
    AnswerBox,
    AnswerCriterion,
    AnswerTriplet,
    Conversation,
    Family,
    LabelOrigin,
    Media,
    MediaKind,
    MediaRole,
    MediumSample,
    Message,
    Native,
    Provenance,
    Reasoning,
    Role,
    Sample,
    without_tags,
)

if TYPE_CHECKING:
    from .annotations import (
        Act,
        Box,
        BoxExtent,
        Check,
        Coverage,
        Defect,
        Fact,
        Frame,
        Label,
        LabeledBox,
        LabeledMask,
        MaskImage,
        MaskRef,
        NativeQA,
        Origin,
        Polygons,
        Reason,
        Segment,
        Trace,
        Triplet,
        Verdict,
        Video,
        VideoTimeline,
    )

__all__ = [
    "Act",
    "Answer",
    "AnswerBox",
    "AnswerCriterion",
    "AnswerTriplet",
    "Box",
    "BoxExtent",
    "Check",
    "Conversation",
    "Coverage",
    "Cut",
    "Defect",
    "Drawn",
    "Fact",
    "Family",
    "FileImage",
    "FileSlice",
    "Film",
    "FilmFile",
    "Footage",
    "Frame",
    "ImageRef",
    "Label",
    "LabelOrigin",
    "LabeledBox",
    "LabeledMask",
    "MaskImage",
    "MaskRef",
    "Media",
    "MediaKind",
    "MediaRole",
    "MediumSample",
    "Message",
    "Native",
    "NativeQA",
    "NumberedImages",
    "Origin",
    "Polygons",
    "Provenance",
    "Reason",
    "Reasoning",
    "Recording",
    "Role",
    "Sample",
    "Segment",
    "Stated",
    "Stills",
    "Trace",
    "Triplet",
    "Verdict",
    "Video",
    "VideoFrame",
    "VideoTimeline",
    "without_tags",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.annotations"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
