"""From labels frame by frame to segments: runs of equal labels that follow each other without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ..records import Fact, Label, Origin, Segment, VideoTimeline

Layer = Literal["action", "phase", "step"]


def runs(labels: Iterable[tuple[int, Label | None]], *, fps: float, layer: Layer) -> tuple[Segment, ...]:
    """The segments that labels frame by frame amount to.

    A run goes on while the index grows by one and the native name stays the same. Another name or None ends it, and
    that end is known. An index that is not there ends it too, but whether the label held on is not known: that end is
    open, as are the start of a run at the first index and the end of one at the last. Each segment ends one frame after
    its last index, so that runs that touch leave no hole.

    Args:
        labels: Index at ``fps`` and label of each labelled frame, indices strictly rising. None says that no label of
            the layer holds; a frame of which nothing is known must be left out.
        fps: Rate of the indices, in frames per second. Labels of every 35th second have ``fps=1 / 35`` and indices
            0, 1, 2, not 0, 35, 70.
        layer: Layer of every segment.

    Returns:
        Segments sorted by start, none of them overlapping.

    Raises:
        ValueError: an index does not rise, or ``fps`` is not above 0.

    >>> cut, tie = Label("cut"), Label("tie")
    >>> found = runs([(0, cut), (1, cut), (2, tie), (3, None), (4, tie), (8, tie)], fps=2, layer="action")
    >>> for s in found:
    ...     print(s.label.native, s.start_seconds, s.start_known, s.end_seconds, s.end_known)
    cut 0.0 False 1.0 True
    tie 1.0 True 1.5 True
    tie 2.0 True 2.5 False
    tie 4.0 False 4.5 False
    """
    if not fps > 0:
        raise ValueError(f"fps={fps}, expected a rate above 0")
    found: list[Segment] = []
    running: Label | None = None
    first, last = 0, -2
    start_known = False

    def close(*, known: bool) -> None:
        if running is not None:
            found.append(Segment(layer, running, first / fps, (last + 1) / fps, start_known, known))

    for index, label in labels:
        if index <= last:
            raise ValueError(f"index {index} follows {last}, expected rising indices")
        follows = index - 1 == last
        if not follows or running is None or label is None or label.native != running.native:
            close(known=follows)
            running, first, start_known = label, index, follows
        last = index
    close(known=False)
    return tuple(found)


def course_of(layers: Mapping[Layer, Mapping[int, str | None]], *, fps: float) -> VideoTimeline:
    """The course that labels frame by frame amount to: segments, sorted and marked as derived, and what is labelled.

    Args:
        layers: By layer, native name by index at ``fps``, as :attr:`.frame_tables.FrameRows.named`. A frame whose name
            is None is one of which nothing is known.
        fps: Rate of the indices, in frames per second. A table that was thinned to whole seconds is read as one of
            whole seconds.

    >>> made = course_of({"phase": {0: "cut", 1: "cut", 2: "tie", 3: None}}, fps=1)
    >>> [(s.label.native, s.start_seconds, s.end_seconds) for s in made.segments], made.labelled
    ([('cut', 0.0, 2.0), ('tie', 2.0, 3.0)], {'phase': ((0.0, 3.0),)})
    """
    segments: list[Segment] = []
    labelled: dict[Layer, tuple[tuple[float, float], ...]] = {}
    for layer, names in sorted(layers.items()):
        step = int(fps) if fps > 1 and fps == int(fps) and all(n % int(fps) == 0 for n in names) else 1
        known = {name: Label(name) for name in {*names.values()} if name is not None}
        labels = [(n // step, known[name]) for n, name in sorted(names.items()) if name is not None]
        segments += runs(labels, fps=fps / step, layer=layer)
        labelled[layer] = stretches([n for n, _ in labels], fps=fps / step)
    origins = {Fact(f"{layer}_segments"): Origin("derived") for layer in layers}
    return VideoTimeline(segments=tuple(segments), origins=origins, labelled=labelled)


def course_of_lists(layer: Layer, listed: Mapping[int, Sequence[str] | None], *, fps: float) -> VideoTimeline:
    """As :func:`course_of`, of lists of names frame by frame: segments of each name for itself, which may overlap.

    Args:
        layer: Layer of every segment.
        listed: Native names by index at ``fps``, rising, as :attr:`.frame_tables.FrameRows.listed`; a frame whose list
            is None is one of which nothing is known.
        fps: Rate of the indices, in frames per second.

    >>> made = course_of_lists("action", {0: ("cut",), 1: ("cut", "tie"), 2: ()}, fps=1)
    >>> [(s.label.native, s.start_seconds, s.end_seconds) for s in made.segments]
    [('cut', 0.0, 2.0), ('tie', 1.0, 2.0)]
    """
    known = {n: frozenset(names) for n, names in listed.items() if names is not None}
    every = dict.fromkeys(name for names in listed.values() for name in names or ())
    segments = [
        segment
        for name in every
        for segment in runs(
            ((n, Label(name) if name in names else None) for n, names in known.items()), fps=fps, layer=layer
        )
    ]
    return VideoTimeline(
        segments=tuple(sorted(segments, key=lambda s: s.start_seconds)),
        origins={Fact(f"{layer}_segments"): Origin("derived")},
        labelled={layer: stretches([*known], fps=fps)},
    )


def stretches(indices: Sequence[int], *, fps: float) -> tuple[tuple[float, float], ...]:
    """The times ``(start, end)`` in seconds that labelled frames cover without a gap; ``indices`` strictly rising.

    >>> stretches([0, 1, 2, 5, 8, 9], fps=1)
    ((0.0, 3.0), (5.0, 6.0), (8.0, 10.0))
    """
    starts = [n for k, n in enumerate(indices) if k == 0 or indices[k - 1] != n - 1]
    ends = [n for k, n in enumerate(indices) if k == len(indices) - 1 or indices[k + 1] != n + 1]
    return tuple((first / fps, (last + 1) / fps) for first, last in zip(starts, ends, strict=True))


def covered(intervals: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The times ``(start, end)`` that intervals cover together, those that touch or overlap as one.

    >>> covered([(5, 6), (0, 2), (2, 3), (1, 2.5)])
    ((0, 3), (5, 6))
    """
    found: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)
