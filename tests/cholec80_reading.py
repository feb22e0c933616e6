"""How the tests of Cholec80 read a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surgsigma_hub.records import Defect, Frame, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from footage_files import seen

Cholec80 = get_source("cholec80")
ROOT = FIXTURES / "cholec80"


def opened(root: Path, **options: str) -> Any:
    """The source over ``root``."""
    return Cholec80(root, parse_options(Cholec80, options))


def read(root: Path, video: str, **options: str) -> tuple[list[Frame], list[Defect]]:
    """Frames and defects of one video."""
    source = opened(root, **options)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    return frames, [d for d in items if isinstance(d, Defect)]


def facts(frames: list[Frame]) -> list[tuple[int, str | None, list[str] | None]]:
    """Number, phase and instruments of each frame."""
    return [
        (f.index, f.phase and f.phase.native, None if f.instruments is None else [x.native for x in f.instruments])
        for f in frames
    ]


def course(root: Path, video: str, **options: str) -> VideoTimeline | None:
    """The course of one video."""
    source = opened(root, **options)
    (found,) = (v for v in source.videos() if v.id == video)
    return seen(source, found).course()
