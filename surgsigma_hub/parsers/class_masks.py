"""Class masks: images whose pixel values name classes, by number (also of a palette or a watershed) or by colour.

Pixels are read by ``media.image``, which bounds them. A region is a reference to the file and what of it is meant: no
pixels are held after a mask was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadRowError, MediaError
from ..media.image import load_stored
from ..records import (
    Box,
    Coverage,
    Defect,
    Drawn,
    Fact,
    FileImage,
    FileSlice,
    Label,
    LabeledBox,
    LabeledMask,
    MaskImage,
    Origin,
    Reason,
)

Colour = tuple[int, int, int]
Value = int | Colour
Encoded = FileImage | FileSlice
_Numbers = npt.NDArray[np.uint8]

_TOLD = 8
"""Unknown values that get a defect each; a mask saved as JPEG has thousands, which the last defect counts."""
_UNKNOWN = 255
"""Number of a pixel whose value is not known; classes count from 1, 0 is none."""
_SMOOTH = 0.1
"""Share of edges that run through a value between those on both sides, above which a mask was smoothed: of real masks
of 36 classes at most 0.002, scaled down by nearest neighbours 0.006, scaled with smoothing 0.30 and more."""
_FEW_EDGES = 40
"""Edges below which that share says nothing."""
_SMOOTHED = (
    "edges run through values between those on both sides: it was scaled or saved with smoothing, which makes up "
)
_MOST_INSTANCES = 100
"""More instances than that in one image are no instances: the largest count that a release states is 7."""


@dataclass(frozen=True, slots=True)
class MaskCodes:
    """What the values of a mask mean.

    Attributes:
        names: Class by value: all numbers (one channel, or three equal ones) or all colours (red, green, blue).
        ignored: Values that stand for no class: background, borders between regions.
        least: For masks of one class: every pixel with a channel of that value or more is of it. ``names`` is then the
            class by any one value.
    """

    names: tuple[tuple[Value, str], ...]
    ignored: frozenset[Value] = frozenset({0})
    least: int | None = None

    @classmethod
    def of(cls, names: Mapping[Any, str], *ignored: Value) -> MaskCodes:
        """Codes of classes, and the values that stand for none.

        >>> MaskCodes.of({50: "liver", 11: "fat"}, 0, 255).classes
        ('liver', 'fat')
        """
        if not names or len(set(names.values())) >= _UNKNOWN:
            raise ValueError(f"{len(names)} classes, expected 1 to {_UNKNOWN - 1}")
        return cls(tuple(names.items()), frozenset(ignored))

    @classmethod
    def two_levels(cls, name: str, *, least: int = 1) -> MaskCodes:
        """Codes of a mask of one class: black is none, ``least`` and brighter is the class.

        Args:
            name: The class.
            least: 1..255; 128 for a mask that was saved with loss.
        """
        return cls(((255, name),), frozenset(), least)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, each once."""
        return tuple(dict.fromkeys(name for _, name in self.names))

    @property
    def by_colour(self) -> bool:
        """Whether values are colours."""
        return isinstance(self.names[0][0], tuple)


@dataclass(frozen=True, slots=True)
class Region:
    """The pixels of one class or instance in one image.

    Attributes:
        mask: Where they are.
        box: The smallest box around all of them, 0..1 of the mask.
        pixels: How many.
    """

    mask: MaskImage
    box: Box
    pixels: int


@dataclass(frozen=True, slots=True)
class ClassMask:
    """What a mask says.

    Attributes:
        width: In pixels; ``height`` likewise.
        regions: By class, in the order of the codes; a class without a pixel is not in it.
        complete: Whether every pixel has a known value. Else a class that no code names may be in view.
    """

    width: int
    height: int
    regions: Mapping[str, Region]
    complete: bool


def read_class_mask(ref: Encoded, where: str, codes: MaskCodes) -> tuple[ClassMask | None, tuple[Defect, ...]]:
    """The classes of one mask.

    Args:
        ref: The mask.
        where: Its place for messages, relative to the root.
        codes: What its values mean.

    Returns:
        The mask, None where it cannot be read or is of another encoding; and what was left out: a defect for each
        value that no code names.
    """
    try:
        stored = load_stored(ref, colours=codes.by_colour)
        numbers, unknown = _numbers(stored, codes)
    except MediaError as error:
        return None, (Defect(Reason(error.reason), where, error.message),)
    except BadRowError as error:
        return None, (Defect(Reason.LABEL_CORRUPT, where, error.message),)
    defects = tuple(_unknown_values(stored, unknown, where, codes)) if unknown.any() else ()
    if 2 * int(unknown.sum()) > unknown.size:
        told = Defect(
            Reason.LABEL_CORRUPT, where, f"most values are unknown, the first {_first(defects)}: nothing read"
        )
        return None, (told,)
    counted = not codes.by_colour and codes.least is None and not defects  # what lies between is known, or it is told
    if counted and _smoothed(_one_channel(stored)):
        return None, (Defect(Reason.LABEL_CORRUPT, where, f"{_SMOOTHED}classes: nothing read"),)
    image = Drawn(where, _Coded(ref, codes))
    regions = {name: _region(image, numbers, n) for n, name in enumerate(codes.classes, 1)}
    found = {name: region for name, region in regions.items() if region is not None}
    return ClassMask(numbers.shape[1], numbers.shape[0], found, not defects), defects


def read_instance_mask(ref: Encoded, where: str) -> tuple[tuple[Region, ...] | None, tuple[Defect, ...]]:
    """The instances of a mask in which every value but 0 is one, whatever the number; as :func:`read_class_mask`."""
    try:
        numbers = _one_channel(load_stored(ref))
    except MediaError as error:
        return None, (Defect(Reason(error.reason), where, error.message),)
    except BadRowError as error:
        return None, (Defect(Reason.LABEL_CORRUPT, where, error.message),)
    values = [int(v) for v in np.unique(numbers) if v]
    if len(values) > _MOST_INSTANCES:
        detail = f"{len(values)} values, expected at most {_MOST_INSTANCES} instances"
        return None, (Defect(Reason.LABEL_CORRUPT, where, detail),)
    if _smoothed(numbers):
        return None, (Defect(Reason.LABEL_CORRUPT, where, f"{_SMOOTHED}instances: nothing read"),)
    image = Drawn(where, _Channel(ref))
    found = (_region(image, numbers, value) for value in values)
    return tuple(region for region in found if region is not None), ()


def size_of(masks: Iterable[ClassMask]) -> tuple[int, int] | None:
    """Width and height that all masks of one image have; None without any.

    Raises:
        BadRowError: they differ, so that one at least is of another image.
    """
    sizes = sorted({(mask.width, mask.height) for mask in masks})
    if len(sizes) > 1:
        raise BadRowError(f"masks of {sizes[0][0]}x{sizes[0][1]} and {sizes[1][0]}x{sizes[1][1]} for one image")
    return sizes[0] if sizes else None


def facts_in(
    mask: ClassMask, *, instruments: Collection[str], left_out: Collection[str] = frozenset()
) -> dict[str, Any]:
    """What a mask says of a frame, as fields of :class:`Frame`: instruments with masks, tissues with boxes, its size.

    Lists of a mask with unknown values are not complete, whatever the source states.

    Args:
        mask: As read.
        instruments: Classes that are instruments.
        left_out: Classes that are neither instrument nor tissue; all others are tissues.
    """
    tools = {name: region for name, region in mask.regions.items() if name in instruments}
    tissues = {name: r for name, r in mask.regions.items() if name not in instruments and name not in left_out}
    lists = (Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.TISSUES, Fact.TISSUE_BOXES)
    return {
        "size": (mask.width, mask.height),
        "instruments": tuple(map(Label, tools)),
        "instrument_masks": tuple(LabeledMask(Label(name), region.mask) for name, region in tools.items()),
        "tissues": tuple(map(Label, tissues)),
        "tissue_boxes": tuple(LabeledBox(Label(name), region.box) for name, region in tissues.items()),
        "origins": {Fact.TISSUE_BOXES: Origin("derived", note="bounds of all pixels of a class")},
        "coverage": {} if mask.complete else dict.fromkeys(lists, Coverage.ANNOTATED_ONLY),
    }


# ---------------------------------------------------------------------------------------------------------- pixels


@dataclass(frozen=True, slots=True)
class _Coded:
    """Draws the number of each pixel's class, 0 where it has none."""

    ref: Encoded
    codes: MaskCodes

    def __call__(self) -> _Numbers:
        numbers, unknown = _numbers(load_stored(self.ref, colours=self.codes.by_colour), self.codes)
        return np.where(unknown, np.uint8(0), numbers)


@dataclass(frozen=True, slots=True)
class _Channel:
    """Draws the numbers of a mask, of equal channels the first."""

    ref: Encoded

    def __call__(self) -> npt.NDArray[Any]:
        return _one_channel(load_stored(self.ref))


def _one_channel(stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if stored.ndim == 2:
        return stored.astype(np.uint8) if stored.dtype == bool else stored
    if not ((stored[..., 0] == stored[..., 1]) & (stored[..., 0] == stored[..., 2])).all():
        raise BadRowError("it shows colours, expected one number a pixel: this is no mask of numbers")
    return stored[..., 0]


def _numbers(stored: npt.NDArray[Any], codes: MaskCodes) -> tuple[_Numbers, npt.NDArray[np.bool_]]:
    """The number of each pixel's class (0 for none, 255 for unknown), and which are unknown."""
    if codes.least is not None:
        lit = (stored if stored.ndim == 2 else stored.max(axis=2)) >= (codes.least if stored.dtype != bool else 1)
        return lit.astype(np.uint8), np.zeros(lit.shape, bool)
    values: npt.NDArray[Any] = _packed(stored) if codes.by_colour else _one_channel(stored)
    table = _table(codes)
    numbers: _Numbers = table[np.clip(values, 0, len(table) - 1)]
    return numbers, numbers == _UNKNOWN


def _smoothed(numbers: npt.NDArray[Any]) -> bool:
    """Whether interpolation left its traces at edges: see :data:`_SMOOTH`."""
    edges = between = 0
    for lines in (numbers, numbers.T):
        before, here, after = lines[:, :-2], lines[:, 1:-1], lines[:, 2:]
        edges += int((lines[:, 1:] != lines[:, :-1]).sum())
        between += int((((before < here) & (here < after)) | ((before > here) & (here > after))).sum())
    return edges >= _FEW_EDGES and between > _SMOOTH * edges


def _packed(stored: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    wide = stored.astype(np.uint32)
    return (wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]).astype(np.uint32, copy=False)


@lru_cache(maxsize=4)
def _table(codes: MaskCodes) -> _Numbers:
    """Number of the class by value; the last entry is of larger ones. 16 MB for colours."""
    table = np.full((1 << 24) if codes.by_colour else (1 << 16) + 1, _UNKNOWN, np.uint8)
    for value in codes.ignored:
        if isinstance(value, tuple) == codes.by_colour:
            table[_key(value)] = 0
    for value, name in codes.names:
        table[_key(value)] = codes.classes.index(name) + 1
    return table


def _key(value: Value) -> int:
    return value if isinstance(value, int) else value[0] << 16 | value[1] << 8 | value[2]


def _region(image: Drawn, numbers: npt.NDArray[Any], value: int) -> Region | None:
    inside = numbers == value
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    height, width = numbers.shape
    box = Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    return Region(MaskImage(image, value), Box(*map(float, (box.x1, box.y1, box.x2, box.y2))), int(inside.sum()))


def _unknown_values(
    stored: npt.NDArray[Any], unknown: npt.NDArray[np.bool_], where: str, codes: MaskCodes
) -> Iterator[Defect]:
    values = (_packed(stored) if codes.by_colour else _one_channel(stored))[unknown]
    found, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    for value, count in zip(found[order][:_TOLD].tolist(), counts[order][:_TOLD].tolist(), strict=True):
        said = f"colour {(value >> 16, value >> 8 & 255, value & 255)}" if codes.by_colour else f"value {value}"
        yield Defect(Reason.LABEL_UNKNOWN, where, f"{said} of {count} pixels is none of the known ones")
    if len(found) > _TOLD:
        detail = f"{len(found) - _TOLD} further unknown values of {int(counts[order][_TOLD:].sum())} pixels"
        yield Defect(Reason.LABEL_UNKNOWN, where, detail)


def _first(defects: tuple[Defect, ...]) -> str:
    return defects[0].detail.split(" is none")[0]
