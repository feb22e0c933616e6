"""Reading the fixture of SurgSigma-DB v0.1 as a build would, for the tests of its loader."""

from __future__ import annotations

import pickle
from pathlib import Path

from surgsigma_hub.records import Defect, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from footage_files import seen

FIXTURE = Path(__file__).parent / "fixtures" / "surgsigma_v01"
KIND = get_source("surgsigma_v01")


def load(root: Path, *, cache: Path | None = None, **options: str) -> dict[str, list[Frame | Defect]]:
    planned = KIND(root, parse_options(KIND, options), cache_dir=cache)
    videos = pickle.loads(pickle.dumps(list(planned.videos())))
    # a worker makes a source of its own for each video
    return {v.id: list(seen(KIND(root, parse_options(KIND, options), cache_dir=cache), v).frames()) for v in videos}


def frames(found: list[Frame | Defect]) -> dict[tuple[int, str], Frame]:
    return {(f.index, f.variant): f for f in found if isinstance(f, Frame)}


def defects(found: list[Frame | Defect]) -> list[Defect]:
    return [d for d in found if isinstance(d, Defect)]
