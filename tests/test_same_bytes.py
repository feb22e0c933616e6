"""Real clips and a whole tree: the same bytes on every machine and in every heap, as far as one can play others."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.media.clips import encode_clip
from surgsigma_hub.records import Cut, Film

from builds import SMALL, digests
from machines import MACHINES, Machine


def real_clips(folder: str) -> list[str]:
    """sha256 of clips out of the films in ``folder``."""
    cuts = [Cut(Film(path, 25.0), 5, 9) for path in sorted(Path(folder).glob("*.mp4"))]
    return [hashlib.sha256(encode_clip(cut, max_fps=10, max_side=480).data).hexdigest() for cut in cuts]


@pytest.fixture(scope="module")
def real_here(real: Path) -> list[str]:
    return real_clips(str(real / "cholect50" / "clips"))


@pytest.mark.parametrize("machine", MACHINES[::3], ids=lambda m: m.name)
def test_clips_of_real_films(machine: Machine, real: Path, real_here: list[str]) -> None:
    assert machine.run("test_same_bytes:real_clips", str(real / "cholect50" / "clips")) == real_here


def tree() -> dict[str, str]:
    """Digests of a small tree of every task, with rendered smoke."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "surgsigma"
        build("synthetic", out=out, options={**SMALL, "videos": "2"}, smoke=0.2, shard_bytes=40_000)
        return digests(out)


def test_a_whole_tree() -> None:
    assert Machine("0", heap=170, used=True).run("test_same_bytes:tree") == tree()
