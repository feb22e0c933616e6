"""What a build read, by digest: every file of the source, no path of this machine, and in the pin of a push."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub.hub.pin import pin
from surgsigma_hub.shards.manifest import load_tree

from footage_files import cholect50_labels, write_image

TASKS = ["phase_recognition", "video_captioning"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of CholecT50: one video of images."""
    copy = tmp_path / "copy"
    cholect50_labels(copy, "VID01", range(12))
    for second in range(12):
        write_image(copy / "videos" / "VID01" / f"{second:06d}.png", second)
    (copy / "notes.txt").write_text("read by nobody")
    return copy


def inputs(tree: Path, source: str) -> dict[str, str]:
    found: dict[str, str] = orjson.loads((tree / "reports" / f"{source}.inputs.json").read_bytes())
    return found


def test_every_file_that_was_read_has_its_digest_and_no_other(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    surgsigma_hub.build("cholect50", root=root, out=out, tasks=TASKS, max_quarantine=1)
    found = inputs(out, "cholect50")
    assert set(found) == {"labels/VID01.json", "videos/VID01/*.png"}
    assert found["labels/VID01.json"] == hashlib.sha256((root / "labels" / "VID01.json").read_bytes()).hexdigest()
    lines = [
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for path in sorted((root / "videos" / "VID01").iterdir())
    ]
    assert found["videos/VID01/*.png"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    pinned = pin(out, load_tree(out), version="v1")
    assert pinned["sources"]["cholect50"]["inputs"] == found and str(tmp_path) not in str(pinned)


def test_another_picture_gives_another_digest(root: Path, tmp_path: Path) -> None:
    surgsigma_hub.build("cholect50", root=root, out=tmp_path / "a", tasks=TASKS[:1], max_quarantine=1)
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    surgsigma_hub.build("cholect50", root=moved, out=tmp_path / "b", tasks=TASKS[:1], max_quarantine=1)
    assert inputs(tmp_path / "a", "cholect50") == inputs(tmp_path / "b", "cholect50")
    write_image(moved / "videos" / "VID01" / "000003.png", 77)
    surgsigma_hub.build("cholect50", root=moved, out=tmp_path / "c", tasks=TASKS[:1], max_quarantine=1)
    one, other = inputs(tmp_path / "a", "cholect50"), inputs(tmp_path / "c", "cholect50")
    assert {place for place in one if one[place] != other[place]} == {"videos/VID01/*.png"}
