"""Class masks: numbers, palettes and colours give the same regions; what is unknown is told by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers.class_masks import ClassMask, MaskCodes, read_class_mask, read_instance_mask
from surgsigma_hub.records import Box, Defect, FileImage, Reason

WIDTH, HEIGHT = 20, 10
NUMBERS = MaskCodes.of({1: "liver", 50: "fat"}, 0, 255)
COLOURS = MaskCodes.of({(0, 255, 0): "liver", (9, 0, 9): "fat"}, (0, 0, 0))


def drawn() -> npt.NDArray[np.uint8]:
    """Liver in the left quarter, fat in a strip of the right half, a border of 255."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[:, :5], pixels[5:7, 10:] = 1, 50
    pixels[0] = 255
    return pixels


def coloured(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    made = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    made[pixels == 1], made[pixels == 50] = (0, 255, 0), (9, 0, 9)
    return made


def save(folder: Path, pixels: npt.NDArray[np.uint8], mode: str = "") -> FileImage:
    path = folder / "mask.png"
    image = Image.fromarray(pixels)
    if mode == "P":
        image.putpalette([n % 256 for n in range(768)])
    elif mode == "RGBA":
        image = image.convert("RGB")
        image.putalpha(128)
    elif mode:
        image = image.convert(mode)
    image.save(path)
    return FileImage(path)


def read(ref: FileImage, codes: MaskCodes = NUMBERS) -> tuple[ClassMask, tuple[Defect, ...]]:
    mask, defects = read_class_mask(ref, "a/mask.png", codes)
    assert mask is not None, defects
    return mask, defects


@pytest.mark.parametrize("mode", ["", "P", "RGB", "RGBA"])
def test_numbers_of_any_mode(tmp_path: Path, mode: str) -> None:
    mask, defects = read(save(tmp_path, drawn(), mode))
    assert not defects and mask.complete and (mask.width, mask.height) == (WIDTH, HEIGHT)
    assert {name: (r.box, r.pixels) for name, r in mask.regions.items()} == {
        "liver": (Box(0, 0.1, 0.25, 1), 45),
        "fat": (Box(0.5, 0.5, 1, 0.7), 20),
    }
    for name, value in (("liver", 1), ("fat", 50)):
        assert np.array_equal(render([mask.regions[name].mask], width=WIDTH, height=HEIGHT) > 0, drawn() == value)


@pytest.mark.parametrize("mode", ["", "RGBA"])
def test_colours_with_and_without_transparency(tmp_path: Path, mode: str) -> None:
    mask, defects = read(save(tmp_path, coloured(drawn()), mode), COLOURS)
    assert not defects and {name: r.pixels for name, r in mask.regions.items()} == {"liver": 45, "fat": 20}
    assert np.array_equal(render([mask.regions["fat"].mask], width=WIDTH, height=HEIGHT) > 0, drawn() == 50)


def test_colours_in_a_palette_are_colours(tmp_path: Path) -> None:
    image = Image.fromarray(coloured(drawn())).convert("P", palette=Image.Palette.ADAPTIVE)
    image.save(tmp_path / "mask.png")
    assert list(read(FileImage(tmp_path / "mask.png"), COLOURS)[0].regions) == ["liver", "fat"]


def test_each_unknown_value_is_told_by_name_and_the_mask_is_not_complete(tmp_path: Path) -> None:
    pixels = drawn()
    pixels[8, 10:13], pixels[9, 10] = 7, 8
    mask, defects = read(save(tmp_path, pixels))
    assert not mask.complete and list(mask.regions) == ["liver", "fat"]
    assert [(d.reason, d.where, d.detail) for d in defects] == [
        (Reason.LABEL_UNKNOWN, "a/mask.png", "value 7 of 3 pixels is none of the known ones"),
        (Reason.LABEL_UNKNOWN, "a/mask.png", "value 8 of 1 pixels is none of the known ones"),
    ]
    made = coloured(drawn())
    made[9, 15] = (1, 2, 3)
    _, (defect,) = read(save(tmp_path, made), COLOURS)
    assert defect.detail == "colour (1, 2, 3) of 1 pixels is none of the known ones"


def test_thousands_of_unknown_values_are_counted_in_the_last_defect(tmp_path: Path) -> None:
    pixels = drawn()
    pixels[9, :] = range(100, 100 + WIDTH)
    _, defects = read(save(tmp_path, pixels))
    assert len(defects) == 9 and defects[-1].detail == "12 further unknown values of 12 pixels"


def test_a_mask_of_another_encoding_is_refused(tmp_path: Path) -> None:
    for pixels, codes, words in (
        (coloured(drawn()), NUMBERS, "no mask of numbers"),
        (np.full((HEIGHT, WIDTH), 77, np.uint8), NUMBERS, "most values are unknown, the first value 77"),
    ):
        mask, (defect,) = read_class_mask(save(tmp_path, pixels), "a/mask.png", codes)
        assert mask is None and defect.reason is Reason.LABEL_CORRUPT and words in defect.detail


def test_a_file_that_is_no_picture_and_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"")
    for path, reason in ((tmp_path / "mask.png", Reason.MEDIA_UNREADABLE), (tmp_path / "b.png", Reason.MEDIA_MISSING)):
        for mask, (defect,) in (
            read_class_mask(FileImage(path), "a.png", NUMBERS),
            read_instance_mask(FileImage(path), "a.png"),
        ):
            assert mask is None and defect.reason is reason and str(tmp_path) not in defect.detail


def test_two_levels_of_any_brightness_and_of_a_picture_saved_with_loss(tmp_path: Path) -> None:
    inside = drawn() == 1
    for white in (1, 255):
        ref = save(tmp_path, np.where(inside, np.uint8(white), np.uint8(0)))
        assert read(ref, MaskCodes.two_levels("polyp"))[0].regions["polyp"].pixels == 45
    Image.fromarray(np.kron(inside, np.ones((7, 7))).astype(np.uint8) * 255).save(tmp_path / "m.jpg", quality=60)
    lossy = FileImage(tmp_path / "m.jpg")
    assert read(lossy, MaskCodes.two_levels("polyp", least=128))[0].regions["polyp"].pixels == pytest.approx(2205, 0.02)
    assert read(lossy, MaskCodes.two_levels("polyp", least=1))[0].regions["polyp"].pixels > 2300


def test_instances_by_any_number(tmp_path: Path) -> None:
    regions, defects = read_instance_mask(save(tmp_path, drawn()), "a.png")
    assert not defects and regions is not None and [r.pixels for r in regions] == [45, 20, 20]
    assert render([regions[0].mask], width=WIDTH, height=HEIGHT)[:, :5].sum() == 45 * 255
    noise = np.arange(200, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    assert read_instance_mask(save(tmp_path, noise), "a.png")[0] is None
    assert read_instance_mask(save(tmp_path, np.zeros((HEIGHT, WIDTH), np.uint8)), "a.png") == ((), ())


def test_codes_need_a_class() -> None:
    with pytest.raises(ValueError, match="0 classes"):
        MaskCodes.of({})


@pytest.mark.parametrize(("way", "read"), [(Image.Resampling.NEAREST, True), (Image.Resampling.BILINEAR, False)])
def test_a_mask_that_was_scaled_with_smoothing_is_refused(tmp_path: Path, way: Image.Resampling, read: bool) -> None:
    """Between class 1 and class 9 lie seven others, of which nothing is in view."""
    numbers = np.zeros((120, 160), np.uint8)
    numbers[20:90, 30:120], numbers[50:110, 60:150] = 9, 4
    Image.fromarray(numbers).resize((97, 71), way).save(tmp_path / "a.png")
    ref = FileImage(tmp_path / "a.png")
    for found, defects in (
        read_class_mask(ref, "a.png", MaskCodes.of({n: f"class {n}" for n in range(10)})),
        read_instance_mask(ref, "a.png"),
    ):
        assert (found is not None) == read
        assert [d.reason for d in defects] == ([] if read else [Reason.LABEL_CORRUPT])
        assert read or "with smoothing" in defects[0].detail
