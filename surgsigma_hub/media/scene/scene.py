"""One frame of a drawn operation with its exact truth: a pure function of :class:`Spec` and the frame number."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import anatomy, light
from .anatomy import VIEWS, Patient, View
from .canvas import Canvas
from .script import NULL, Hand
from .story import Moment, Story, story
from .things import TISSUE, TISSUES, TOOL
from .tools import DRAW, Pose, Tool

SEEN = 0.002
"""Share of the picture from which a tissue or an instrument counts as seen."""
DEPTH_RANGE = (1.4, -1.2)
"""Heights that become depth 0 and depth 65535."""
PORTS = {"right": (0.42, 0.55), "left": (3.0, 0.45), "top": (-1.9, 0.5), "low": (1.95, 0.5)}
"""Direction (angle, spread) in which the shaft of each port leaves the picture."""


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
        tissues: Pixel rectangles of the tissues that are seen, by canonical id.
        criteria: Whether each criterion of the critical view is met, as drawn.
    """

    def __init__(self, spec: Spec, frame: int) -> None:
        self.spec, self.frame = spec, frame
        tale: Story = story(spec.seed, spec.video, spec.frames)
        self.moment: Moment = tale.moment(frame)
        self.shown, _, _ = light.lens(spec.seed, spec.video, spec.width, spec.height)
        self.patient: Patient = anatomy.patient(spec.seed, spec.video, 8 if spec.height < 100 else 16)
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
        tissue = self._tissue(seconds)
        hands = list(self.moment.hands)
        while True:
            self.canvas = tissue.copy()
            found = self._instruments(hands)
            hidden = [i.hand for i in found if i.pixels < SEEN * spec.width * spec.height]
            if not hidden:
                break
            hands = [h for h in hands if h not in hidden]  # what is not seen is not drawn
        self.instruments = tuple(found)
        self.tissues = self._extents()
        self.criteria = self._criteria()

    def _tissue(self, seconds: float) -> Canvas:
        canvas = Canvas(self.spec.width, self.spec.height)
        wall = canvas.xs * np.float32(-0.12) + canvas.ys * np.float32(-0.25) - np.float32(0.42)
        np.copyto(canvas.z, wall * np.float32(self.camera.zoom))
        bagging = any(h.instrument == "specimen_bag" for h in self.moment.hands)
        sway = math.sin(seconds * 0.9 + self.patient.drift[1])
        anatomy.draw(canvas, self.camera, self.patient, self.moment.state, sway, bagging)
        return canvas

    # ------------------------------------------------------------------------------------------ instruments

    def _instruments(self, hands: list[Hand]) -> list[Instrument]:
        canvas = self.canvas
        free = np.asarray(canvas.owners, np.uint8)[canvas.part]  # tissue alone
        placed: list[tuple[Hand, tuple[int, int]]] = []
        order = sorted(hands, key=lambda h: h.instrument != "specimen_bag")  # the bag lies under the others
        for n, hand in enumerate(order):
            rng = random.Random(f"{self.spec.seed}/{self.spec.video}/{self.moment.act_start}/{hand}")
            if hand.target == "specimen_bag":
                free = np.asarray(canvas.owners, np.uint8)[canvas.part]
            hand, x, y = self._contact(hand, free, rng)
            angle, spread = PORTS[hand.port]
            angle += rng.uniform(-spread, spread) / 2
            zoom = 0.75 + 0.25 * self.camera.zoom
            working = hand.verb not in (NULL, "irrigate")
            pose = Pose(
                x=x,
                y=y,
                z=self._surface(x, y) + (0.01 if working else 0.12) * self.camera.zoom,
                dx=math.cos(angle),
                dy=math.sin(angle),
                opening=self._opening(hand, rng),
                size=zoom * rng.uniform(0.95, 1.08),
                side=1.0 if math.sin(angle) < 0.3 else -1.0,
            )
            DRAW[hand.instrument](Tool(canvas, pose, TOOL + n))
            placed.append((hand, (int(x * self.spec.height), int(y * self.spec.height))))
        owners = self._owners()
        found = []
        for n, (hand, tip) in enumerate(placed):
            extent, pixels = _extent(owners == TOOL + n)
            found.append(Instrument(n + 1, hand, extent, pixels, tip))
        return found

    def _opening(self, hand: Hand, rng: random.Random) -> float:
        if hand.verb in ("grasp", "retract"):
            return 0.12
        wave = 0.5 + 0.5 * math.sin(self.frame / self.spec.fps * 1.7 + rng.uniform(0, 6.28))
        return 0.3 + 0.6 * wave

    def _surface(self, x: float, y: float) -> float:
        h = self.spec.height
        row, column = min(h - 1, max(0, int(y * h))), min(self.spec.width - 1, max(0, int(x * h)))
        return float(self.canvas.z[row, column])

    def _contact(self, hand: Hand, free: npt.NDArray[Any], rng: random.Random) -> tuple[Hand, float, float]:
        """Where the tip goes: onto the nearest shown pixel of the target; idle tips hover. Steady while an act lasts."""
        aspect, h = self.camera.aspect, self.spec.height
        t = self.frame / self.spec.fps
        wobble_x = 0.02 * math.sin(t * 1.3 + rng.uniform(0, 6.28))
        wobble_y = 0.02 * math.sin(t * 1.1 + rng.uniform(0, 6.28))
        if hand.instrument == "specimen_bag":
            x, y, _ = self.camera.at((-0.02, 0.16, 0.0))
            return hand, x + wobble_x, min(0.72, y + wobble_y)
        if hand.target == NULL:
            angle = PORTS[hand.port][0] + rng.uniform(-0.5, 0.5)
            far = rng.uniform(0.1, 0.28)
            return hand, aspect / 2 + math.cos(angle) * far + wobble_x, 0.5 + math.sin(angle) * far + wobble_y
        want = TOOL if hand.target == "specimen_bag" else TISSUE[hand.target]
        x, y, _ = self.camera.at(_aim(hand, rng))
        x, y = x + wobble_x, y + wobble_y
        rows, columns = np.nonzero((free == want) & self.shown)
        if not len(rows):
            return Hand(hand.instrument, NULL, NULL, hand.port), x, y
        if hand.target == "specimen_bag":
            x, y = float(columns.mean()) / h, float(rows.min()) / h + 0.05
        away = (columns + 0.5 - x * h) ** 2 + (rows + 0.5 - y * h) ** 2
        # Keep off the rim of the picture: a tip there would be hard to see.
        centre = (columns - aspect * h / 2) ** 2 + (rows - h / 2) ** 2
        best = int(np.argmin(away + np.maximum(centre - (0.36 * h) ** 2, 0) * 4))
        return hand, (columns[best] + 0.5) / h, (rows[best] + 0.5) / h

    # ------------------------------------------------------------------------------------------------ truth

    def _owners(self) -> npt.NDArray[np.uint8]:
        owners: npt.NDArray[np.uint8] = np.asarray(self.canvas.owners, np.uint8)[self.canvas.part]
        owners[~self.shown] = 255
        return owners

    @cached_property
    def owners(self) -> npt.NDArray[np.uint8]:
        """Owner of each pixel: tissue number, 40 for clips, 50 and up for instruments, 255 outside the lens."""
        return _frozen(self._owners())

    @cached_property
    def instances(self) -> npt.NDArray[np.uint8]:
        """Instance map: 0, or the number of the instrument seen at this pixel."""
        owners = self.owners
        return _frozen(np.where((owners >= TOOL) & (owners < 255), owners - (TOOL - 1), 0).astype(np.uint8))

    def _extents(self) -> dict[str, Extent]:
        owners = self.owners
        counts = np.bincount(owners.ravel(), minlength=256)
        least = SEEN * owners.size
        return {name: _extent(owners == n)[0] for n, name in enumerate(TISSUES) if counts[n] >= least}

    def _criteria(self) -> dict[str, bool] | None:
        """The verdicts, read off the drawing; None once duct or artery is divided or before there is anything to judge."""
        state = self.moment.state
        if self.moment.phase not in ("calot_triangle_dissection", "clipping_and_cutting"):
            return None
        if state.cut_duct > 0 or state.cut_artery > 0:
            return None
        duct = self._seen_along(anatomy.duct(state)[:4], "cystic_duct")
        artery = self._seen_along(anatomy.artery(state)[1:4], "cystic_artery")
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
        for a, b in zip(course, course[1:], strict=False):
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


def _aim(hand: Hand, rng: random.Random) -> anatomy.Point:
    """Where in the patient this instrument goes for, before it is moved to the nearest pixel of its target."""
    spots: dict[str, tuple[float, float]] = {
        "gallbladder": {"top": (-0.15, -0.24), "left": (-0.02, 0.02), "right": (0.07, 0.0), "low": (0.02, 0.1)}[
            hand.port
        ],
        "liver": {"left": (-0.35, -0.02), "low": (0.3, 0.02), "right": (0.33, -0.05), "top": (0.2, -0.2)}[hand.port],
        "cystic_plate": (0.1, 0.0),
        "cystic_duct": (0.31, 0.295),
        "cystic_artery": (0.31, 0.145),
        "cystic_pedicle": (0.28, 0.2),
        "peritoneum": (0.3, 0.2),
        "omentum": (-0.1, 0.4),
        "gut": (0.4, 0.4),
        "fluid": (0.1, 0.33),
        "blood_vessel": (0.41, 0.25),
        "adhesion": (-0.13, 0.18),
        "abdominal_wall_cavity": (0.6, 0.3),
        "specimen_bag": (0.0, 0.2),
    }
    x, y = spots[hand.target]
    return (x + rng.uniform(-0.03, 0.03), y + rng.uniform(-0.03, 0.03), 0.0)


def _extent(mask: npt.NDArray[np.bool_]) -> tuple[Extent, int]:
    pixels = int(np.count_nonzero(mask))
    if not pixels:
        return Extent(0, 0, 0, 0), 0
    rows, columns = mask.any(axis=1), mask.any(axis=0)
    top, left = int(rows.argmax()), int(columns.argmax())
    return Extent(left, top, len(columns) - int(columns[::-1].argmax()), len(rows) - int(rows[::-1].argmax())), pixels


def _frozen(values: Any) -> Any:
    values.flags.writeable = False
    return values


@lru_cache(maxsize=4)
def scene(spec: Spec, frame: int) -> Scene:
    """The scene of one frame; the last few are kept, any other is drawn again when asked for."""
    return Scene(spec, frame)
