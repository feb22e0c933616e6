"""From labels frame by frame to segments: runs of equal labels that follow each other without a gap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..records import Label, Segment


def runs(
    labels: Iterable[tuple[int, Label | None]], *, fps: float, layer: Literal["action", "phase", "step"]
) -> tuple[Segment, ...]:
    """The segments that labels frame by frame amount to.

    A run goes on while the index grows by one and the native name stays the same; None, another name or a gap in the
    indices ends it. Each segment ends one frame after its last index, so that runs that touch leave no hole.

    Args:
        labels: Index at ``fps`` and label of each frame, indices strictly rising; None is a frame without a label.
        fps: Rate of the indices, in frames per second. Labels of every 35th second have ``fps=1 / 35`` and indices
            0, 1, 2, not 0, 35, 70.
        layer: Layer of every segment.

    Returns:
        Segments sorted by start, none of them overlapping.

    Raises:
        ValueError: an index does not rise, or ``fps`` is not above 0.

    >>> cut, tie = Label("cut"), Label("tie")
    >>> found = runs([(0, cut), (1, cut), (2, tie), (3, None), (4, tie), (8, tie)], fps=2, layer="action")
    >>> [(s.label.native, s.start_seconds, s.end_seconds) for s in found]
    [('cut', 0.0, 1.0), ('tie', 1.0, 1.5), ('tie', 2.0, 2.5), ('tie', 4.0, 4.5)]
    """
    if not fps > 0:
        raise ValueError(f"fps={fps}, expected a rate above 0")
    found: list[Segment] = []
    running: Label | None = None
    first = 0
    last: int | None = None

    def close() -> None:
        if running is not None and last is not None:
            found.append(Segment(layer, running, first / fps, (last + 1) / fps))

    for index, label in labels:
        if last is not None and index <= last:
            raise ValueError(f"index {index} follows {last}, expected rising indices")
        goes_on = running is not None and label is not None and label.native == running.native
        if not goes_on or index - 1 != last:
            close()
            running, first = label, index
        last = index
    close()
    return tuple(found)
