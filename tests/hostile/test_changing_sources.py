"""Files of a source that go, shrink or turn into something else while it is built: counted, or an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.errors import BuildError, SurgSigmaError
from surgsigma_hub.records import Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.validate import validate

FIXTURES = Path(__file__).parent.parent / "fixtures"


def gone(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [gone, cut, fifo])
@pytest.mark.parametrize("which", ["pictures", "labels"])
@pytest.mark.parametrize(("source", "labels"), [("cholec80", "*.txt"), ("cholect50", "*.json")])
def test_a_source_that_changes_while_it_is_built(
    source: str, labels: str, which: str, change: Callable[[Path], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    root = Path(shutil.copytree(FIXTURES / source, tmp_path / "source"))
    kind = get_source(source)
    honest, seen = kind.frames, 0

    def frames(self: object, video: object) -> Iterator[object]:
        nonlocal seen
        for found in honest(self, video):  # type: ignore[arg-type]
            yield found
            seen += 1
            if seen == 2:
                for path in sorted(root.rglob("*.png" if which == "pictures" else labels)):
                    change(path)

    monkeypatch.setattr(kind, "frames", frames)
    out = tmp_path / "tree"
    try:
        report = surgsigma_hub.build(source, root=root, out=out, max_quarantine=1.0)
    except SurgSigmaError as error:
        assert str(root) in str(error) or source in str(error), error
        assert not list(out.rglob("*.manifest.json")), "nothing half-built counts"
    else:
        assert report.quarantined and validate(out).ok


def again(path: Path) -> None:
    """Another file of as many bytes and with the same time in its place."""
    stat, other = path.stat(), path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [gone, cut, again])
def test_a_file_of_a_video_that_is_exchanged_while_it_is_read_ends_the_build(
    change: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(FIXTURES / "cholect50", tmp_path / "source"))
    kind = get_source("cholect50")
    honest, changed = kind.frames, list[Path]()

    def frames(self: object, video: Video) -> Iterator[object]:
        yield from honest(self, video)  # type: ignore[arg-type]
        if not changed:
            changed.append(video.files[0])
            change(video.files[0])

    monkeypatch.setattr(kind, "frames", frames)
    with pytest.raises(BuildError, match=r"was (changed|removed) while \w+ was built from it"):
        surgsigma_hub.build("cholect50", root=root, out=tmp_path / "tree", max_quarantine=1.0)
    assert not list((tmp_path / "tree").rglob("*.manifest.json"))
