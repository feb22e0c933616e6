"""One frame of a drawn operation with its exact truth: a pure function of :class:`Spec` and the frame number."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from . import anatomy, light
from .anatomy import Patient, View
from .canvas import Canvas
from .grip import place
from .script import Hand
from .story import Moment, Story, story
from .things import TISSUE, TISSUES, TOOL, Material
from .tissue import Body
from .tools import DRAW, Tool

SEEN = 0.002
"""Share of the picture from which a tissue or an instrument counts as seen."""
FINE_FROM = 100
"""Picture height from which fine detail is worth drawing."""
DEPTH_RANGE = (1.4, -1.2)
"""Heights that become depth 0 and depth 65535."""

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


@dataclass(frozen=True, slots=True)
class Spec:
    """What a film is a function of."""

    seed: int
    video: int
    frames: int
    fps: float
    width: int
    height: int


class Extent(NamedTuple):
    """Pixel rectangle, right and bottom edge excluded."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument that is seen: ``number`` is its value in the instance map; ``tip`` is a pixel (x, y)."""

    number: int
    hand: Hand
    extent: Extent
    pixels: int
    tip: tuple[int, int]


class Scene:
    """A drawn frame. Bodies are laid out at once, colours only when asked for.

    Attributes:
        moment: What happens.
        instruments: The instruments that are seen.
        owners: Owner of each pixel: tissue number, 40 for clips, 50 and up for instruments, 255 outside the lens.
        tissues: Pixel rectangles of the tissues that are seen, by canonical id.
        criteria: Whether each criterion of the critical view is met, as drawn.
    """

    def __init__(self, spec: Spec, frame: int) -> None:
        self.spec, self.frame = spec, frame
        tale: Story = story(spec.seed, spec.video, spec.frames)
        self.moment: Moment = tale.moment(frame)
        self.shown, _, _ = light.lens(spec.seed, spec.video, spec.width, spec.height)
        self.patient: Patient = anatomy.patient(spec.seed, spec.video, spec.height >= FINE_FROM)
        names = [p.name for p in tale.phases]
        at = names.index(self.moment.phase)
        seconds = frame / spec.fps
        self.camera: View = anatomy.view(
            self.patient,
            self.moment.phase,
            names[max(0, at - 1)],
            self.moment.phase_progress,
            seconds,
            spec.width / spec.height,
        )
        tissue = self._tissue()
        hands = list(self.moment.hands)
        while True:
            found = self._instruments(hands, tissue, seconds)
            hidden = {i.hand.port for i in found if i.pixels < SEEN * spec.width * spec.height}
            if not hidden:
                break
            hands = [h for h in hands if h.port not in hidden]  # what is not seen is not drawn
        self.instruments = tuple(found)
        self.tissues = self._extents()
        self.criteria = self._criteria()

    def _tissue(self) -> Canvas:
        canvas = Canvas(self.spec.width, self.spec.height)
        bagging = any(h.instrument == "specimen_bag" for h in self.moment.hands)
        sway = math.sin(self.frame / self.spec.fps * 0.9 + self.patient.drift[1])
        Body(canvas, self.camera, self.patient, self.spec.height >= FINE_FROM).draw(self.moment.state, sway, bagging)
        return canvas

    def _instruments(self, hands: list[Hand], tissue: Canvas, seconds: float) -> list[Instrument]:
        """Draw the instruments over a copy of ``tissue``, which becomes the canvas of this scene."""
        self.canvas = canvas = tissue.copy()
        placed: list[tuple[Hand, tuple[int, int]]] = []
        # The bag comes first: it lies under the others, and may be what they touch.
        for n, hand in enumerate(sorted(hands, key=lambda h: h.instrument != "specimen_bag")):
            rng = random.Random(f"{self.spec.seed}/{self.spec.video}/{self.moment.act_start}/{hand}")
            below = canvas if hand.target == "specimen_bag" else tissue
            hand, pose = place(hand, rng, seconds, self.camera, below, self.shown)
            DRAW[hand.instrument](Tool(canvas, pose, TOOL + n))
            placed.append((hand, (int(pose.x * self.spec.height), int(pose.y * self.spec.height))))
        self.owners = self._owners(canvas)
        found = []
        for n, (hand, tip) in enumerate(placed):
            extent, pixels = _extent(self.owners == TOOL + n)
            found.append(Instrument(n + 1, hand, extent, pixels, tip))
        return found

    # ------------------------------------------------------------------------------------------------ truth

    def bare(self) -> npt.NDArray[np.uint8]:
        """``owners`` as they would be without any instrument, drawn anew: to check what an instrument covers."""
        return self._owners(self._tissue())

    def _owners(self, canvas: Canvas) -> npt.NDArray[np.uint8]:
        owners: npt.NDArray[np.uint8] = np.asarray(canvas.owners, np.uint8).take(canvas.part)
        owners[~self.shown] = 255
        owners.flags.writeable = False
        return owners

    @cached_property
    def instances(self) -> npt.NDArray[np.uint8]:
        """Instance map: 0, or the number of the instrument seen at this pixel."""
        owners = self.owners
        return _frozen(np.where((owners >= TOOL) & (owners < 255), owners - (TOOL - 1), 0).astype(np.uint8))

    @cached_property
    def parts(self) -> npt.NDArray[np.uint8]:
        """Part map: 1 shaft, 2 working end of an instrument, 0 elsewhere. A specimen bag has neither."""
        numbers = np.array([0, *(i.hand.instrument != "specimen_bag" for i in self.instruments)], bool)
        shaft = np.asarray(self.canvas.materials, np.uint8).take(self.canvas.part) == Material.SHAFT
        return _frozen(np.where(numbers.take(self.instances), np.where(shaft, 1, 2), 0).astype(np.uint8))

    def _extents(self) -> dict[str, Extent]:
        owners = self.owners
        counts = np.bincount(owners.ravel(), minlength=256)
        least = SEEN * owners.size
        return {name: _extent(owners == n)[0] for n, name in enumerate(TISSUES) if counts[n] >= least}

    def _criteria(self) -> dict[str, bool] | None:
        """The verdicts, read off the drawing; None outside the phases that judge them, or once a cut has begun."""
        state = self.moment.state
        if self.moment.phase not in ("calot_triangle_dissection", "clipping_and_cutting"):
            return None
        if state.cut_duct > 0 or state.cut_artery > 0:
            return None
        duct = self._seen_along(anatomy.DUCT[1:4], "cystic_duct")
        artery = self._seen_along(anatomy.ARTERY[1:4], "cystic_artery")
        spots = [self._owner_at(p) for p in anatomy.TRIANGLE]
        cover = (TISSUE["cystic_pedicle"], TISSUE["peritoneum"])
        clear = sum(s not in cover and s < TOOL for s in spots) / len(spots)
        return {
            "two_structures": duct >= 0.5 and artery >= 0.5,
            "hepatocystic_triangle": clear >= 0.7,
            "cystic_plate": "cystic_plate" in self.tissues,
        }

    def _owner_at(self, p: anatomy.Point) -> int:
        x, y, _ = self.camera.at(p)
        column, row = int(x * self.spec.height), int(y * self.spec.height)
        if not (0 <= row < self.spec.height and 0 <= column < self.spec.width):
            return 255
        return int(self.owners[row, column])

    def _seen_along(self, course: list[anatomy.Point], tissue: str) -> float:
        hits = total = 0
        for a, b in itertools.pairwise(course):
            for t in (0.1, 0.4, 0.7):
                p = (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, 0.0)
                hits += self._owner_at(p) == TISSUE[tissue]
                total += 1
        return hits / total

    # ---------------------------------------------------------------------------------------------- pixels

    @cached_property
    def clean(self) -> npt.NDArray[np.uint8]:
        """The picture without smoke."""
        return _frozen(light.paint(self.canvas, self.camera, self.spec.seed, self.spec.video, self.frame))

    @cached_property
    def picture(self) -> npt.NDArray[np.uint8]:
        """The picture as the endoscope shows it."""
        if not self.moment.smoke:
            return self.clean
        s = self.spec
        return _frozen(light.smoke(self.clean, self.moment.smoke, s.seed, s.video, self.frame))

    @cached_property
    def depth(self) -> npt.NDArray[np.uint16]:
        """Relative depth, larger is farther; 65535 outside the lens."""
        near, far = DEPTH_RANGE
        depth = (near - self.canvas.z) * np.float32(65535 / (near - far))
        depth = np.where(self.shown, np.clip(depth, 0, 65535), 65535)
        return _frozen(depth.astype(np.uint16))


def _extent(mask: npt.NDArray[np.bool_]) -> tuple[Extent, int]:
    pixels = int(np.count_nonzero(mask))
    if not pixels:
        return Extent(0, 0, 0, 0), 0
    rows, columns = np.logical_or.reduce(mask, axis=1), np.logical_or.reduce(mask, axis=0)
    top, left = int(rows.argmax()), int(columns.argmax())
    return Extent(left, top, len(columns) - int(columns[::-1].argmax()), len(rows) - int(rows[::-1].argmax())), pixels


def _frozen(values: _Array) -> _Array:
    values.flags.writeable = False
    return values


@lru_cache(maxsize=4)
def scene(spec: Spec, frame: int) -> Scene:
    """The scene of one frame; the last few are kept, any other is drawn again when asked for."""
    return Scene(spec, frame)
