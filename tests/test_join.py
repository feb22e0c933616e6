"""Annotation-only trees, and joining them with a copy: the bytes of a full build, or what is wrong with the copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest
import surgsigma_hub
from datasets import load_dataset
from PIL import Image
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BuildError, UnknownNameError
from surgsigma_hub.hub.terms import tree_terms
from surgsigma_hub.media.alignment import best_reading
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.source.terms import Part

from footage_files import cholect50_labels, numbered

pytest.importorskip("imagehash", reason="joining is not tested: pip install 'surgsigma-hub[join]'")

VIDEOS = {"VID01": 24, "VID06": 8}  # one to train on, one to test on
TASKS = ("phase_recognition", "video_captioning")
BUILD = {"tasks": TASKS, "seed": 7, "shard_bytes": 60_000, "max_quarantine": 1.0}


def make_copy(
    root: Path, shown: Callable[[int], int] = lambda second: second, size: tuple[int, int] = (96, 64)
) -> Path:
    """A copy of CholecT50 in which picture n shows moment ``shown(n)``."""
    for video, seconds in VIDEOS.items():
        cholect50_labels(root, video, range(seconds))
        folder = root / "videos" / video
        folder.mkdir(parents=True, exist_ok=True)
        for second in range(seconds):
            pixels = numbered((shown(second) + 3) * 1103 % 4096, size)  # far apart, and none dark
            Image.fromarray(pixels).save(folder / f"{second:06d}.png")
    return root


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A copy, the full tree that is built from it, and that tree without media."""
    base = tmp_path_factory.mktemp("join")
    copy, full, bare = make_copy(base / "copy"), base / "full", base / "bare" / "surgsigma"
    surgsigma_hub.build("cholect50", root=copy, out=full, **BUILD)
    surgsigma_hub.strip(full, out=bare)
    return copy, full, bare


def data(tree: Path) -> dict[str, bytes]:
    """Shards, manifests and catalogs by place."""
    found = [path for folder in ("data", "catalog") for path in (tree / folder).rglob("*") if path.is_file()]
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in found}


def test_joined_shards_are_those_of_a_full_build_byte_for_byte(trees: tuple[Path, Path, Path], tmp_path: Path) -> None:
    copy, full, bare = trees
    report = surgsigma_hub.join("cholect50", media=copy, annotations=bare, out=tmp_path / "again")
    assert data(tmp_path / "again") == data(full)
    assert report.identical == report.shards > 3 and report.recognised == 0
    assert (tmp_path / "again" / "README.md").read_bytes() == (full / "README.md").read_bytes()
    assert not (tmp_path / "again" / "join").exists() or not any((tmp_path / "again" / "join").iterdir())


def test_without_media_a_tree_has_the_same_configs_and_features_and_is_valid(
    trees: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    _, full, bare = trees
    assert sorted(data(full)) == sorted(data(bare)) and validate(bare).ok
    assert not [m for m in load_tree(bare) if m.media_bytes] and len(list((bare / "join").iterdir())) == 4
    loaded = [
        load_dataset(str(tree), "phase_recognition", streaming=True, split="train", cache_dir=str(tmp_path))
        for tree in (full, bare)
    ]
    assert loaded[0].features == loaded[1].features
    whole, without = (next(iter(one)) for one in loaded)
    assert whole["image.jpg"] is not None and without["image.jpg"] is None
    assert without["json"] == {**whole["json"], "media": []}
    streamed = next(iter(surgsigma_hub.stream(bare, "phase_recognition", shuffle=False)))
    assert streamed.sample["id"] == whole["json"]["id"] and not streamed.media
    parts = {one.part for one in tree_terms(load_tree(bare)).held}
    assert parts == {Part.ANNOTATIONS, Part.QUESTIONS}


def test_what_is_laid_out_by_medium_is_stripped_and_joined_too(trees: tuple[Path, Path, Path], tmp_path: Path) -> None:
    copy, full, bare = trees
    by_medium, less, again = tmp_path / "by-medium", tmp_path / "less", tmp_path / "again"
    surgsigma_hub.repack(full, out=by_medium, layout="frames")
    surgsigma_hub.strip(by_medium, out=less)
    assert validate(less).ok and not [m for m in load_tree(less) if m.media_bytes]
    (row, *_) = surgsigma_hub.load_dataset(str(less), "frames", streaming=True, cache_dir=str(tmp_path / "c"))["train"]
    assert row["images"] == [] and len(row["texts"]) >= 1
    talks = {item.key for item in surgsigma_hub.stream(less, "all", talk="all", decode="bytes")}
    assert talks == {item.key for item in surgsigma_hub.stream(full, list(TASKS), decode="bytes")}
    report = surgsigma_hub.join("cholect50", media=copy, annotations=less, out=again)
    assert data(again) == data(by_medium) and report.identical == report.shards > 0
    for tree, layout in ((less, "tasks"), (bare, "frames")):
        with pytest.raises(BuildError, match="holds cholect50 without media"):
            surgsigma_hub.repack(tree, out=tmp_path / "other", layout=layout)


def test_pictures_in_other_bytes_are_recognised(trees: tuple[Path, Path, Path], tmp_path: Path) -> None:
    copy, full, bare = trees
    own = shutil.copytree(copy, tmp_path / "own")
    for path in (own / "videos").rglob("*.png"):
        pixels = np.asarray(Image.open(path)).astype(np.int16) + 3
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    report = surgsigma_hub.join("cholect50", media=own, annotations=bare, out=tmp_path / "joined")
    assert report.identical == 0 and report.recognised == report.samples
    assert validate(tmp_path / "joined").ok
    assert sorted(data(tmp_path / "joined")) == sorted(data(full))


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        ({"shown": lambda second: second + 1}, "1 early"),
        ({"shown": lambda second: second - 2}, "2 late"),
        ({"shown": lambda second: second * 2}, r"0\.5 times as many images"),
        ({"shown": lambda second: second + 700}, "no shift or rate fits"),
        ({"size": (192, 128)}, "192x128, expected 96x64"),
    ],
)
def test_a_copy_that_shows_other_moments_is_refused_with_what_would_fit(
    copy: dict, said: str, trees: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    wrong = make_copy(tmp_path / "copy", **copy)
    with pytest.raises(BuildError, match=said) as told:
        surgsigma_hub.join("cholect50", media=wrong, annotations=trees[2], out=tmp_path / "joined")
    assert "VID01" in str(told.value) and not (tmp_path / "joined").exists()


def test_what_a_copy_lacks_is_told(
    trees: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, full, bare = trees
    less = shutil.copytree(copy, tmp_path / "less")
    (less / "videos" / "VID06" / "000003.png").unlink()
    line = ["join", "cholect50", "--media", str(less), "--annotations", str(bare), "--out", str(tmp_path / "joined")]
    assert main(line) == 2
    assert "are missing in the copy (first: cholect50-VID06" in capsys.readouterr().err
    with pytest.raises(UnknownNameError, match="without media"):
        surgsigma_hub.join("cholect50", media=copy, annotations=full, out=tmp_path / "joined")


def test_the_command_strips_and_joins(
    trees: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, full, _ = trees
    bare, again = tmp_path / "bare", tmp_path / "again"
    assert main(["repack", str(full), "--annotations-only", "cholect50", "--out", str(bare), "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["sources"] == ["cholect50"]
    assert main(["join", "cholect50", "--media", str(copy), "--annotations", str(bare), "--out", str(again)]) == 0
    assert "byte for byte" in capsys.readouterr().out


def test_a_reading_needs_pictures_that_can_be_told_apart() -> None:
    hashes = {number: number * 0x9E3779B97F4A7C15 % 2**64 for number in range(60)}
    assert best_reading(hashes, hashes).plain  # type: ignore[union-attr]
    late = best_reading(hashes, {number + 1: hash for number, hash in hashes.items()})
    assert late is not None and (late.ratio, late.shift, late.apart) == (1, 1, 0)
    thick = best_reading({n: hashes[n] for n in range(0, 50)}, {n * 25: h for n, h in hashes.items()})
    assert thick is not None and thick.ratio == 25
    still = dict.fromkeys(range(60), 5)
    assert best_reading(still, still).plain and best_reading(hashes, {}) is None  # type: ignore[union-attr]
