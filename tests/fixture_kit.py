"""What fixtures are made of: videos and images that carry their numbers, tables, documents, class masks.

A fixture is made by its committed script ``tests/fixtures/<source>.py``, a module with ``make(root)``, which writes the
native layout into an empty folder. ``tests/test_fixtures.py`` runs each script and compares with what is committed;
``python tests/fixture_kit.py <source>`` writes it anew. All pictures are drawn: see ``footage_files.numbered``.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from footage_files import SIZE, Pixels, numbered, write_film, write_image

FIXTURES = Path(__file__).parent / "fixtures"
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""


def image(path: Path, number: int, size: tuple[int, int] = SIZE) -> None:
    """One image that shows ``number`` (0..4095); the ending says its form.

    Args:
        path: Folders above it are made.
        number: What it shows.
        size: Width and height in pixels.
    """
    write_image(path, number, size)


def stills(folder: Path, names: str, shown: Iterable[int] | Mapping[int, int], size: tuple[int, int] = SIZE) -> None:
    """Numbered images.

    Args:
        folder: Made where it is missing.
        names: To be formatted with a number, such as ``{:06d}.png``.
        shown: Numbers of the images, which show these numbers; or what each number shows.
        size: Width and height in pixels.
    """
    pairs = shown.items() if isinstance(shown, Mapping) else ((n, n) for n in shown)
    for number, what in pairs:
        image(folder / names.format(number), what, size)


def video(path: Path, seconds: float, fps: float) -> None:
    """A small film (H.264, ``SIZE``) whose frames each show the number of the first frame of their second."""
    write_film(path, [round(int(n / fps) * fps) for n in range(round(seconds * fps))], fps)


def text(path: Path, content: str) -> None:
    """A text file as it stands (UTF-8)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())


def table(path: Path, rows: Iterable[Sequence[object]], *, head: Sequence[str] = (), delimiter: str = "\t") -> None:
    """Lines of cells.

    Args:
        path: Folders above it are made.
        rows: The cells of each line.
        head: Names of the columns; none writes no header.
        delimiter: What parts cells.
    """
    lines = [*([head] if head else []), *rows]
    text(path, "".join(delimiter.join(map(str, line)) + "\n" for line in lines))


def document(path: Path, value: object) -> None:
    """A JSON file."""
    text(path, json.dumps(value, indent=1) + "\n")


def mask(
    path: Path,
    regions: Mapping[Any, Box | Sequence[Box]],
    size: tuple[int, int] = SIZE,
    *,
    palette: Sequence[int] | None = None,
) -> None:
    """A mask with a rectangle or several for each class, as PNG; later ones lie over earlier ones.

    Args:
        path: Folders above it are made.
        regions: Boxes of each value: a number (one channel, 8 bits) or a colour (red, green, blue).
        size: Width and height in pixels.
        palette: Red, green, blue of each number in turn, for a mask with a palette.
    """
    colours = any(isinstance(value, tuple) for value in regions)
    pixels: Pixels = np.zeros((size[1], size[0], 3) if colours else (size[1], size[0]), np.uint8)
    for value, boxes in regions.items():
        for left, top, right, bottom in [boxes] if isinstance(boxes[0], int) else boxes:  # type: ignore[misc]
            pixels[top:bottom, left:right] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = Image.fromarray(pixels)
    if palette is not None:
        drawn.putpalette(list(palette))
    drawn.save(path)


def depth_map(path: Path, number: int, size: tuple[int, int] = SIZE) -> None:
    """A 16-bit depth map that rises to the right from ``1000 + number``, with nothing measured in its last rows.

    Args:
        path: Folders above it are made; the ending says its form, PNG or TIFF.
        number: Tells maps apart.
        size: Width and height in pixels.
    """
    values = np.tile(1000 + number + 500 * np.arange(size[0], dtype=np.uint16), (size[1], 1))
    values[-2:] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def run_lengths(box: Box, size: tuple[int, int] = SIZE) -> dict[str, Any]:
    """A rectangle as a COCO segmentation of packed run lengths.

    Args:
        box: Left, top, right, bottom.
        size: Width and height of the image.
    """
    left, top, right, bottom = box
    inside = np.zeros((size[0], size[1]), bool)  # columns first
    inside[left:right, top:bottom] = True
    changes = np.flatnonzero(np.diff(inside.ravel().astype(int))) + 1
    edges = [0, *([0] if inside[0, 0] else []), *changes.tolist(), inside.size]
    return {"size": [size[1], size[0]], "counts": packed([b - a for a, b in pairwise(edges)])}


def packed(lengths: Sequence[int]) -> str:
    """Run lengths as the COCO tools pack them: 5 bits a character, from the fourth on as differences."""
    text = ""
    for n, length in enumerate(lengths):
        number, more = (length - lengths[n - 2] if n > 2 else length), True
        while more:
            code = number & 31
            number >>= 5
            more = number != (-1 if code & 16 else 0)
            text += chr(48 + (code | 32 if more else code))
    return text


# ------------------------------------------------------------------------------------------------------- the scripts


def scripts() -> dict[str, Path]:
    """The script of each fixture that has one, by source."""
    return {path.stem: path for path in sorted(FIXTURES.glob("*.py"))}


def script(source: str) -> Any:
    """The script of a source as a module.

    Raises:
        KeyError: no script of that name.
    """
    spec = importlib.util.spec_from_file_location(f"fixture_{source}", scripts()[source])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(source: str, root: Path) -> None:
    """Write the fixture of a source into an empty folder.

    Raises:
        KeyError: no script of that name.
    """
    module = script(source)
    root.mkdir(parents=True, exist_ok=True)
    module.make(root)


def main(names: Sequence[str]) -> None:
    """Write the committed fixtures of these sources anew."""
    for name in names:
        shutil.rmtree(FIXTURES / name, ignore_errors=True)
        make(name, FIXTURES / name)


__all__ = [
    "Box",
    "document",
    "image",
    "make",
    "mask",
    "numbered",
    "packed",
    "run_lengths",
    "script",
    "scripts",
    "stills",
    "table",
    "text",
    "video",
]

if __name__ == "__main__":
    main(sys.argv[1:])
