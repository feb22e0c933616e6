"""How the tests of CholecT50 read a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surgsigma_hub.records import Defect, Frame, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Options

from chole_files import label_file, pictures, vector
from conftest import FIXTURES
from footage_files import seen

CholecT50 = get_source("cholect50")
ROOT = FIXTURES / "cholect50"
GRASP = vector(17, 0, 1, 0, 1)  # grasper, retract, gallbladder, in phase 1


def read(root: Path, video: str, scheme: str = "") -> tuple[dict[int, Frame], list[Defect]]:
    """Frames by index and defects of one video."""
    source = CholecT50(root, Options(split_scheme=scheme))
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    return {f.index: f for f in frames}, [d for d in items if isinstance(d, Defect)]


def one(folder: Path, annotations: dict[str, Any], **more: Any) -> tuple[dict[int, Frame], list[Defect]]:
    """Frames and defects of a VID01 made of ``annotations``, all its pictures present."""
    label_file(folder, "VID01", annotations, **more)
    pictures(folder, "VID01", [int(k) for k in annotations if k.isdigit()])
    return read(folder, "VID01")


def course(root: Path, video: str) -> VideoTimeline | None:
    """The course of one video."""
    source = CholecT50(root)
    (found,) = (v for v in source.videos() if v.id == video)
    return seen(source, found).course()
