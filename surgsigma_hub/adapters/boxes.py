"""Conventions of boxes: what the four numbers of a box mean to a family of models.

Samples hold boxes in shares of the frame with three decimals. A convention says what a model prints instead; the way
back is :meth:`Boxes.parse`. The words around the numbers are for :mod:`.phrases`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import SurgSigmaError, UnfitError, UnknownNameError
from ..media.boxes import whole_ends
from ..records import Answer, AnswerBox, Box
from ..tasks import get_task
from ..tasks.common.base import Space

Convention = Literal["unit", "norm1000", "pixels", "objects"]
Size = tuple[int, int]
"""Width and height in pixels."""

_SPACES: Mapping[Convention, Space] = {"unit": "unit", "norm1000": "thousand", "pixels": "pixel", "objects": "unit"}


Corners = Box | AnswerBox
"""A box in shares of the frame."""


def _check_bounds(least: int, most: int, known: str) -> None:
    """Refuses bounds between which no image lies."""
    if not 0 < least <= most:
        raise SurgSigmaError(
            f"images of at least {least:,} and at most {most:,} pixels: expected 0 < min_pixels <= max_pixels",
            hint=f"Give both bounds (--min-pixels, --max-pixels), as {known}.",
        )


@dataclass(frozen=True, slots=True)
class SmartResize:
    """The resize of the Qwen-VL image processors, by its definition in ``transformers`` (``smart_resize``, qwen2_vl).

    Both sides become multiples of ``patch * merge``; the area comes into ``min_pixels``..``max_pixels`` with the shape
    kept as far as multiples allow. The bounds must be those that training and inference use; the defaults are those of
    the published processors of Qwen2.5-VL.
    """

    patch: int = 14
    merge: int = 2
    min_pixels: int = 56 * 56
    max_pixels: int = 12_845_056

    def __post_init__(self) -> None:
        if self.patch < 1 or self.merge < 1:
            raise SurgSigmaError(
                f"patches of {self.patch} pixels, merged by {self.merge}: expected 1 or more of both",
                hint="Take the values of the model's preprocessor_config.json.",
            )
        _check_bounds(self.min_pixels, self.max_pixels, "the model's preprocessor_config.json has them")

    def __call__(self, size: Size) -> Size:
        """Width and height that the model sees.

        Raises:
            UnfitError: one side is more than 200 times the other, which the models refuse.

        >>> SmartResize()((1920, 1080)), SmartResize(max_pixels=1003520)((1920, 1080)), SmartResize()((20, 30))
        ((1932, 1092), (1316, 728), (56, 84))
        """
        width, height = size
        if max(size) > 200 * min(size):
            raise UnfitError(f"an image of {width} x {height} is too long for the model", reason="size")
        factor = self.patch * self.merge
        wide, high = round(width / factor) * factor, round(height / factor) * factor
        if wide * high > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            wide = max(factor, math.floor(width / shrink / factor) * factor)
            high = max(factor, math.floor(height / shrink / factor) * factor)
        elif wide * high < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            wide = math.ceil(width * grow / factor) * factor
            high = math.ceil(height * grow / factor) * factor
        return wide, high


@dataclass(frozen=True, slots=True)
class TrainerResize:
    """The resize of LLaMA-Factory, which comes before that of the model (0.9.5: ``_preprocess_image``, mm_plugin.py).

    Its sides are cut to whole pixels, which are multiples of nothing: the model then rounds them once more. The bounds
    are its arguments ``image_max_pixels`` and ``image_min_pixels``, the defaults its own.
    """

    max_pixels: int = 768 * 768
    min_pixels: int = 32 * 32
    shortest: int = 28

    def __post_init__(self) -> None:
        if self.shortest < 1:
            raise SurgSigmaError(f"a shortest side of {self.shortest} pixels", hint="Expected 1 or more.")
        _check_bounds(self.min_pixels, self.max_pixels, "the trainer gets them")

    def __call__(self, size: Size) -> Size:
        """Width and height that the processor of the model gets.

        Raises:
            UnfitError: within the bounds one side would have no pixel left, on which the trainer ends.

        >>> TrainerResize()((1920, 1080)), TrainerResize()((854, 480)), TrainerResize()((20, 30))
        ((1024, 576), (854, 480), (28, 39))
        """
        width, height = size
        for bound, beyond in ((self.max_pixels, int.__gt__), (self.min_pixels, int.__lt__)):
            if beyond(width * height, bound):
                factor = math.sqrt(bound / (width * height))
                width, height = int(width * factor), int(height * factor)
                if not width or not height:
                    shown = f"{size[0]} x {size[1]} within {self.min_pixels:,} to {self.max_pixels:,} pixels"
                    raise UnfitError(f"an image of {shown} has no pixel left on one side", reason="size")
        width, height = max(width, self.shortest), max(height, self.shortest)
        if width / height > 200:
            width = height * 180
        if height / width > 200:
            height = width * 180
        return width, height


@dataclass(frozen=True, slots=True)
class Boxes:
    """What the numbers of boxes are.

    Attributes:
        convention: ``unit``: shares of width and height with three decimals, as stored. ``norm1000``: whole numbers,
            0..1000. ``pixels``: whole pixels of the picture that the model sees. ``objects``: placeholders that the
            trainer fills with what its model expects; for the format ``swift`` alone.
        resize: How the model resizes a picture before it looks; None: not at all. For ``pixels`` only.
        before: What the trainer does to a picture before the model resizes it; None: nothing. With ``resize`` only.
    """

    convention: Convention = "unit"
    resize: SmartResize | None = None
    before: TrainerResize | None = None

    def __post_init__(self) -> None:
        if self.convention not in _SPACES:
            raise UnknownNameError("convention of boxes", self.convention, _SPACES)
        if self.resize is not None and self.convention != "pixels":
            raise SurgSigmaError(f"boxes as {self.convention} do not depend on a resize")
        if self.before is not None and self.resize is None:
            raise SurgSigmaError("a resize of the trainer comes before one of the model, and none is given")

    @property
    def space(self) -> Space:
        """What ``parse`` of a task calls the convention."""
        return _SPACES[self.convention]

    def seen(self, size: Size) -> Size:
        """Width and height of the picture that the numbers refer to, of a picture of ``size``."""
        if self.before is not None:
            size = self.before(size)
        return size if self.resize is None else self.resize(size)

    def numbers(self, box: Corners, size: Size | None) -> tuple[float, ...]:
        """The four numbers of a box.

        Rounded to the nearest; a box that would be empty then is one unit wide.

        Args:
            box: In shares of the frame.
            size: Of the picture as it is given to the model; for ``pixels`` only.

        Raises:
            UnfitError: pixels of a picture whose size is not known.
        """
        width, height = self._units(size)
        (x1, x2), (y1, y2) = whole_ends(box.x1, box.x2, width), whole_ends(box.y1, box.y2, height)
        return (x1 / 1000, y1 / 1000, x2 / 1000, y2 / 1000) if self.space == "unit" else (x1, y1, x2, y2)

    def text(self, box: Corners, size: Size | None) -> str:
        """A box as it is written.

        >>> from surgsigma_hub.records import Box
        >>> box = Box(0.2, 0.5, 0.4007, 0.75)
        >>> [Boxes(c).text(box, (1920, 1080)) for c in ("unit", "norm1000", "pixels")]
        ['[0.200, 0.500, 0.401, 0.750]', '[200, 500, 401, 750]', '[384, 540, 769, 810]']
        """
        form = ".3f" if self.space == "unit" else ".0f"
        return f"[{', '.join(format(n, form) for n in self.numbers(box, size))}]"

    def parse(self, task: str, text: str, *, size: Size | None = None, question: str | None = None) -> Answer:
        """The typed answer, boxes in shares of the frame, of what a model printed in this convention.

        Args:
            task: Name of the task.
            text: With or without reasoning and tags.
            size: Of the picture as it was given to the model; for ``pixels`` only.
            question: What was asked; without it a letter or a bare yes cannot be read.

        Raises:
            BadAnswerError: the text does not read as an answer of the task.
            UnfitError: pixels of a picture whose size is not known.
        """
        seen = self._units(size) if self.convention == "pixels" else None
        return get_task(task).parse(text, size=seen, space=self.space, question=question)

    def _units(self, size: Size | None) -> Size:
        if self.convention != "pixels":
            return 1000, 1000
        if size is None:
            raise UnfitError("boxes in pixels need the size of the image", reason="size")
        return self.seen(size)


FAMILIES: Mapping[str, Boxes] = {
    "internvl": Boxes("norm1000"),
    "llava": Boxes("unit"),
    "qwen2_5_vl": Boxes("pixels", SmartResize()),
    "qwen2_vl": Boxes("norm1000"),
    "qwen3_vl": Boxes("norm1000"),
}
"""Families of models and the boxes that they were trained on."""


def find_boxes(name: Boxes | str) -> Boxes:
    """A convention by its own name or by that of a family of models.

    Raises:
        UnknownNameError: neither.
    """
    if isinstance(name, Boxes):
        return name
    if name in _SPACES:
        return Boxes(name)  # type: ignore[arg-type]
    if name in FAMILIES:
        return FAMILIES[name]
    raise UnknownNameError("convention of boxes or family of models", name, [*_SPACES, *FAMILIES])
