"""A z-buffer for smooth bodies: ellipsoids and tapering tubes, seen straight from above.

Coordinates: the picture is 1 high and ``width / height`` wide, x to the right, y down, z towards the camera. Array code
uses only ``+ - * /`` and ``sqrt``, which IEEE 754 fixes, so that a scene is the same on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
FAR = -10.0
_ZERO, _ONE = np.float32(0), np.float32(1)


class Canvas:
    """What is nearest at each pixel: its height ``z`` and the number of the body (``part``; 0 is the background).

    Args:
        width: Picture width in pixels.
        height: Picture height in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.xs: Floats = ((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(height))[None, :]
        self.ys: Floats = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height))[:, None]
        self.z: Floats = np.full((height, width), FAR, np.float32)
        self.part: npt.NDArray[np.uint16] = np.zeros((height, width), np.uint16)
        self.owners: list[int] = [0]  # thing that each part belongs to
        self.materials: list[int] = [0]

    def copy(self) -> Canvas:
        """The same bodies, to draw on."""
        other = object.__new__(Canvas)
        other.width, other.height, other.xs, other.ys = self.width, self.height, self.xs, self.ys
        other.z, other.part = self.z.copy(), self.part.copy()
        other.owners, other.materials = self.owners.copy(), self.materials.copy()
        return other

    def _window(self, x1: float, y1: float, x2: float, y2: float) -> tuple[int, int, int, int] | None:
        h = self.height
        left, right = max(0, int(x1 * h)), min(self.width, int(x2 * h) + 1)
        top, bottom = max(0, int(y1 * h)), min(h, int(y2 * h) + 1)
        return (left, top, right, bottom) if left < right and top < bottom and x2 > 0 and y2 > 0 else None

    def _put(self, window: tuple[int, int, int, int], inside: Any, z: Any, owner: int, material: int) -> None:
        """Lay a body down where ``inside`` is positive and ``z`` is nearer than what is there."""
        left, top, right, bottom = window
        there = self.z[top:bottom, left:right]
        nearer = (z > there) & (inside > 0)
        self.owners.append(owner)
        self.materials.append(material)
        np.copyto(there, z, where=nearer)
        np.copyto(self.part[top:bottom, left:right], len(self.owners) - 1, where=nearer)

    def ellipsoid(
        self,
        x: float,
        y: float,
        z: float,
        radii: tuple[float, float, float],
        owner: int,
        material: int,
        turn: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        """An ellipsoid at ``(x, y, z)``; ``turn`` is the direction of its first radius in the picture."""
        a, b, c = radii
        cos, sin = turn
        reach_x, reach_y = (
            (a, b)
            if sin == 0
            else ((a * a * cos * cos + b * b * sin * sin) ** 0.5, (a * a * sin * sin + b * b * cos * cos) ** 0.5)
        )
        window = self._window(x - reach_x, y - reach_y, x + reach_x, y + reach_y)
        if window is None:
            return
        left, top, right, bottom = window
        px, py = self.xs[:, left:right] - x, self.ys[top:bottom] - y
        if sin == 0:
            inside = (1 - (px / a) ** 2) - (py / b) ** 2
        else:
            u, v = px * (cos / a) + py * (sin / a), py * (cos / b) - px * (sin / b)
            inside = 1 - u * u - v * v
        self._put(window, inside, np.sqrt(np.abs(inside)) * c + z, owner, material)

    def stain(
        self,
        x: float,
        y: float,
        radii: tuple[float, float],
        turn: tuple[float, float],
        on: int,
        owner: int,
        material: int,
    ) -> None:
        """An elliptic patch on what is drawn so far of the thing ``on``: the surface keeps its shape, not its name."""
        reach = max(radii)
        window = self._window(x - reach, y - reach, x + reach, y + reach)
        if window is None:
            return
        left, top, right, bottom = window
        px, py = self.xs[:, left:right] - x, self.ys[top:bottom] - y
        (a, b), (cos, sin) = radii, turn
        u, v = px * (cos / a) + py * (sin / a), py * (cos / b) - px * (sin / b)
        there = self.part[top:bottom, left:right]
        is_on = np.asarray([o == on for o in self.owners], np.bool_)[there]
        self.owners.append(owner)
        self.materials.append(material)
        np.copyto(there, len(self.owners) - 1, where=(u * u + v * v < 1) & is_on)

    def tube(
        self,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        radius: float,
        owner: int,
        material: int,
        end_radius: float | None = None,
        flat: bool = False,
        depth: float = 1.0,
    ) -> None:
        """A tube with round ends (or cut ends when ``flat``); ``depth`` squeezes (<1) or bulges its height."""
        (ax, ay, az), (bx, by, bz) = start, end
        r1 = radius if end_radius is None else end_radius
        big = max(radius, r1)
        window = self._window(min(ax, bx) - big, min(ay, by) - big, max(ax, bx) + big, max(ay, by) + big)
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        if window is None:
            return
        if length2 < 1e-8:
            self.ellipsoid(ax, ay, max(az, bz), (big, big, big * depth), owner, material)
            return
        left, top, right, bottom = window
        px, py = self.xs[:, left:right] - ax, self.ys[top:bottom] - ay
        along = px * (dx / length2) + py * (dy / length2)
        t = np.minimum(np.maximum(along, _ZERO), _ONE)
        ex, ey = px - t * dx, py - t * dy
        ex *= ex
        ey *= ey
        ex += ey
        if radius == r1:
            inside = radius * radius - ex
        else:
            # Past its thin end the cone goes on, so that tubes of one chain join without a ring.
            r = np.minimum(np.maximum(along * (r1 - radius) + radius, _ZERO), np.float32(big))
            inside = r * r - ex
        if flat:
            inside = np.where(along == t, inside, np.float32(-1))
        top_z = np.sqrt(np.abs(inside))  # only where it is positive will it count
        if depth != 1.0:
            top_z *= depth
        top_z += along * (bz - az) + az
        self._put(window, inside, top_z, owner, material)

    def chain(
        self,
        points: list[tuple[float, float, float]],
        radii: list[float],
        owner: int,
        material: int,
        depth: float = 1.0,
    ) -> None:
        """Tubes from point to point, with a radius at each point."""
        for i in range(len(points) - 1):
            self.tube(points[i], points[i + 1], radii[i], owner, material, radii[i + 1], depth=depth)
