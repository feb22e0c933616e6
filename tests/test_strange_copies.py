"""Copies of every fixture as other systems leave them: nothing that is said may change."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.errors import BuildError, LayoutError
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.stills import StillsSource

import damage
import sources

APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(40)
"""How a file begins that archives of a Mac put beside each file."""


def capital_endings(root: Path) -> None:
    """Endings in capitals, as some cameras and copies write them."""
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_file() and path.suffix:
            path.rename(path.with_suffix(path.suffix.upper()))


def files_of_browsers(root: Path) -> None:
    """What archives and file browsers add: a shadow of each file, in place and in a tree of its own."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            shadow = root / "__MACOSX" / path.relative_to(root).with_name(f"._{path.name}")
            shadow.parent.mkdir(parents=True, exist_ok=True)
            shadow.write_bytes(APPLE)
            path.with_name(f"._{path.name}").write_bytes(APPLE)
    for folder in [root, *(p for p in root.rglob("*") if p.is_dir())]:
        (folder / ".DS_Store").write_bytes(APPLE)
        (folder / "Thumbs.db").write_bytes(APPLE)
        (folder / "SYNAPSE_METADATA_MANIFEST.tsv").write_text("path\tparent\tname\n")


def rows_of_nothing(root: Path) -> None:
    """Rows of delimiters alone below a table, as spreadsheets write them."""
    for path in root.rglob("*.csv"):
        data = path.read_bytes()
        lines = [line for line in damage.lines_of(data) if line.strip()]
        delimiter = next((d for d in (b";", b"\t", b",") if d in data), b",")
        columns = {line.count(delimiter) for line in lines}
        if len(columns) == 1 and columns != {0}:
            path.write_bytes(data.rstrip(b"\n") + b"\n\n" + 2 * (columns.pop() * delimiter + b"\n"))


def masks_of_four_channels(root: Path) -> None:
    """Masks with colours and an alpha channel, as viewers save them."""
    for path, numbers in masks(root):
        Image.fromarray(numbers).convert("RGBA").save(path)


def masks_of_a_palette(root: Path) -> None:
    """Masks with a palette whose colours are for the eye."""
    colours = np.random.default_rng(7).integers(0, 256, 768).tolist()
    for path, numbers in masks(root):
        image = Image.fromarray(numbers)
        image.putpalette(colours)
        image.save(path)


def masks(root: Path) -> list[tuple[Path, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]:
    """Images of one channel, with their numbers."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() == ".png" and not path.name.startswith("._"):
            with Image.open(path) as image:
                if image.mode in ("L", "P", "1"):
                    found.append((path, np.array(image.convert("L") if image.mode == "1" else image)))
    return found


def said_of(name: str, root: Path, cache: Path) -> dict[str, tuple[object, ...]]:
    """What each video says, in words that do not depend on where the copy is or on capitals, and which files it has."""
    said = damage.said(sources.opened(name, cache, root))

    def words(one: object) -> str:
        there = re.sub(r"PosixPath\('([^']+)'\)", lambda path: f"{path[1]} {Path(path[1]).is_file()}", str(one))
        return there.replace(f"{root}/", "").lower()

    return {id: tuple(map(words, (*video.records, *video.defects))) for id, video in said.items()}


@pytest.mark.parametrize("name", sources.WITH_FILES)
def test_a_copy_from_another_system_says_the_same(name: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    whole = said_of(name, root, tmp_path / "cache")
    drawn = masks(root)
    masks_of_four_channels(root)
    rows_of_nothing(root)
    capital_endings(root)
    files_of_browsers(root)
    assert said_of(name, root, tmp_path / "cache2") == whole
    if drawn:
        shutil.rmtree(root)
        shutil.copytree(sources.FIXTURES / name, root)
        masks_of_a_palette(root)
        assert said_of(name, root, tmp_path / "cache3") == whole


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("dsad", "**/image*.png"),
        ("endovis2017", "**/left_frames/*.png"),
        ("glenda", "**/frames/*.jpg"),
        ("kvasir_seg", "images/*.jpg"),
    ],
)
def test_boxes_are_not_laid_over_images_of_another_shape(name: str, images: str, tmp_path: Path) -> None:
    """As where images were cropped and masks were not: shares of the one are elsewhere in the other."""
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    for path in root.glob(images):
        with Image.open(path) as image:
            image.resize((image.width, 2 * image.height)).save(path)
    with pytest.raises(BuildError, match="not a rescale"):
        build(name, root=root, out=tmp_path / "surgsigma", max_quarantine=1)


def told(name: str, root: Path, cache: Path) -> str:
    """What is told of a copy, in the order of its videos."""
    return "\n".join(
        str(defect) for video in damage.said(sources.opened(name, cache, root)).values() for defect in video.defects
    )


def as_jpeg(root: Path, pattern: str) -> None:
    """Images written anew as JPEG, by tools that know no masks."""
    for path in sorted(root.glob(pattern)):
        with Image.open(path) as image:
            image.convert("RGB").save(path.with_suffix(".jpg"))
        path.unlink()


@pytest.mark.parametrize(
    ("name", "pattern", "said"),
    [
        ("autolaparo", "**/masks/*.png", "have no PNG of their name in masks/"),
        ("sar_rarp50", "**/segmentation/*.png", "masks are JPEG, which blurs their numbers"),
    ],
)
def test_masks_that_became_jpeg_are_told(name: str, pattern: str, said: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    as_jpeg(root, pattern)
    assert said in told(name, root, tmp_path / "cache")


def test_images_of_hsdb_without_their_file_are_told_and_two_files_of_a_split_refused(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "hsdb_instrument", tmp_path / "copy"))
    (train,), (val,) = (list(root.rglob(f"gastric_real_{split}.json")) for split in ("train", "val"))
    val.unlink()
    assert "gastric_real_val.json is missing" in told("hsdb_instrument", root, tmp_path / "cache")
    (root / "again").mkdir()
    shutil.copy(train, root / "again")
    with pytest.raises(LayoutError, match="are the same split; keep one of them"):
        told("hsdb_instrument", root, tmp_path / "cache2")


def test_numbers_of_actions_that_a_spreadsheet_wrote_are_read(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "sar_rarp50", tmp_path / "copy"))
    whole = said_of("sar_rarp50", root, tmp_path / "cache")
    for path in root.rglob("action_*.txt"):
        path.write_text(re.sub("([0-9]+)", r"\1.0", path.read_text()))
    assert said_of("sar_rarp50", root, tmp_path / "cache2") == whole


@pytest.mark.parametrize("name", [n for n in sources.WITH_FILES if getattr(get_source(n), "labelled", ())])
def test_a_mask_whose_image_is_missing_is_told(name: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    source = sources.opened(name, tmp_path / "cache", root)
    assert isinstance(source, StillsSource)
    still = source.stills_of(source.videos()[0])[0]
    still.path.unlink()
    assert "the image that this file labels is not there" in told(name, root, tmp_path / "cache2")


@pytest.mark.parametrize(
    ("name", "gone", "said"),
    [
        ("autolaparo", "**/clips/*.mp4", "1 clips of this table, the first is 3, are neither in clips/ nor have masks"),
        (
            "surgsigma_v01",
            "**/seg/CholecT50/VID02/000009.png",
            "1 of 2 frames have no file of seg; the first is 000009",
        ),
    ],
)
def test_what_only_a_list_or_a_twin_still_names_is_told(name: str, gone: str, said: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    for path in list(root.glob(gone)):
        path.unlink()
    assert said in told(name, root, tmp_path / "cache")


def test_an_image_of_several_organs_that_lost_its_masks_is_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "dsad", tmp_path / "copy"))
    for path in list(root.glob("multilabel/*/mask*")):
        path.unlink()
    assert "no mask00_<organ>.png beside the image" in told("dsad", root, tmp_path / "cache")


def test_a_table_that_was_cut_while_its_twin_was_not_is_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "heichole", tmp_path / "copy"))
    path = next(root.glob("**/Hei-Chole1_Annotation_Instrument.csv"))
    path.write_bytes(b"".join(damage.lines_of(path.read_bytes())[:40]))
    assert "its last row is of frame 39, another table goes on to" in told("heichole", root, tmp_path / "cache")


def test_a_table_of_either_kind_that_holds_nothing_costs_its_own_facts(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "cataracts", tmp_path / "copy"))
    (root / "CATARACTS_2018" / "micro_test_gt" / "test02.csv").write_bytes(b"")
    assert "the table holds nothing" in told("cataracts", root, tmp_path / "cache")


def test_a_list_of_conversations_that_holds_none_is_refused_by_name(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "copesd", tmp_path / "copy"))
    next(root.glob("**/smllm_test.json")).write_text("[]")
    with pytest.raises(LayoutError, match=r"smllm_test.json: no row names an image"):
        told("copesd", root, tmp_path / "cache")


@pytest.mark.parametrize("name", ["cholec80_vqa", "endovis2018", "ssg_vqa"])
def test_files_that_a_browser_downloaded_twice_say_nothing_new(name: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    whole = said_of(name, root, tmp_path / "cache")
    for path in [p for p in root.rglob("*") if p.is_file()]:
        shutil.copy(path, path.with_name(f"{path.stem} (1){path.suffix}"))
    again = said_of(name, root, tmp_path / "cache2")
    assert {id: [re.sub(r" \(1\)", "", str(one)) for one in said] for id, said in again.items()} == {
        id: [*said] for id, said in whole.items()
    }


def test_a_box_that_was_saved_twice_is_no_second_polyp(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "kvasir_seg", tmp_path / "copy"))
    whole = build("kvasir_seg", root=root, dry_run=True, max_quarantine=1)
    path = next(root.glob("*.json"))
    entries = json.loads(path.read_text())
    for entry in entries.values():
        entry["bbox"] *= 2
    path.write_text(json.dumps(entries))
    again = build("kvasir_seg", root=root, dry_run=True, max_quarantine=1)
    assert again.rows == whole.rows
    assert again.quarantined.get("duplicate_id", 0) == sum(bool(entry["bbox"]) for entry in entries.values())
