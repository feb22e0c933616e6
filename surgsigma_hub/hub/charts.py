"""Charts of a card as SVG, drawn by matplotlib (extra ``charts``): small, legible in light, in dark and on a telephone.

The same numbers give the same bytes with the same matplotlib; cards that were drawn with another are not stale for it,
see :mod:`surgsigma_hub.hub.assets`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from ..errors import MissingExtraError
from ..visible import visible

_INK, _SOFT = "#1f2328", "#656d76"
_IN_DARK = {_INK: "#e6edf3", _SOFT: "#9198a1"}
"""Colours of texts and lines where the reader's screen is dark; those of bars are legible on both."""
_COLOURS = (
    "#2f7de1", "#d97706", "#0d9488", "#c0489f", "#7f9417", "#8b5cf6", "#dc5247", "#64809a", "#1aa5bd", "#a9702c",
)  # fmt: skip
_WIDE = 480
"""Points. A telephone of 390 px shows it at three quarters, so that letters of 14 are 10 there."""
_LETTERS, _ROW = 14, 26
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "surgsigma", "text.parse_math": False, "font.size": _LETTERS,
    "text.color": _INK, "axes.labelcolor": _SOFT, "xtick.color": _SOFT, "ytick.color": _INK, "axes.edgecolor": _SOFT,
    "axes.spines.top": False, "axes.spines.right": False, "xtick.labelsize": 12, "ytick.major.size": 0,
    "legend.frameon": False, "legend.fontsize": 12, "figure.dpi": 72, "savefig.transparent": True,
}  # fmt: skip


def bars(counted: Mapping[str, Mapping[str, int]]) -> bytes:
    """Horizontal bars in the order given; what makes one up lies end to end in it, and a legend names the parts.

    Args:
        counted: Counts by name of the bar and of the part.
    """
    parts = list(dict.fromkeys(part for by in counted.values() for part in by))
    height = (len(counted) + 1) * _ROW + (len(parts) > 1) * (20 * ((len(parts) + 1) // 2) + 10)
    with _axes(height) as (axes, data):
        places = range(len(counted))[::-1]
        ends = [0] * len(counted)
        for number, part in enumerate(parts):
            values = [by.get(part, 0) for by in counted.values()]
            axes.barh(places, values, left=ends, height=0.68, color=_colour(number), label=_words(part))
            ends = [end + value for end, value in zip(ends, values, strict=True)]
        for place, end in zip(places, ends, strict=True):
            axes.text(end, place, f" {end:,}", va="center", fontsize=12)
        axes.set_yticks(places, [_words(name) for name in counted])
        axes.set_xlim(0, max(ends, default=1) * 1.16 or 1)
        axes.set_ylim(-0.6, len(counted) - 0.4)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        if len(parts) > 1:
            _legend(axes, len(parts))
    return data.getvalue()


def timelines(videos: Mapping[str, Sequence[tuple[float, str]]]) -> bytes:
    """The phases of a few videos over their length, one line each, and a legend.

    Args:
        videos: By name, ``(seconds, phase)`` of moments in order; each lasts until the next, the last as long as most.
    """
    phases = list(dict.fromkeys(phase for moments in videos.values() for _, phase in moments))
    unit, seconds = ("minutes", 60) if max(moments[-1][0] for moments in videos.values()) > 180 else ("seconds", 1)
    with _axes((len(videos) + 2) * _ROW + 30 + 20 * ((len(phases) + 1) // 2)) as (axes, data):
        for number, phase in enumerate(phases):
            label: str | None = _words(phase)
            for place, moments in enumerate(list(videos.values())[::-1]):
                spans = [(start / seconds, length / seconds) for start, length, of in _spans(moments) if of == phase]
                axes.broken_barh(spans, (place - 0.34, 0.68), color=_colour(number), linewidth=0, label=label)
                label = None
        axes.set_yticks(range(len(videos)), [_words(name) for name in list(videos)[::-1]])
        axes.set_ylim(-0.6, len(videos) - 0.4)
        axes.autoscale(axis="x", tight=True)
        axes.set_xlabel(unit, fontsize=12)
        _legend(axes, len(phases))
    return data.getvalue()


def heat_map(cells: Sequence[Sequence[int]], *, unit: str) -> bytes:
    """How often each part of the picture is covered; full colour is the most, none is never.

    Args:
        cells: Counts by row and column of the picture.
        unit: What is counted, in the plural.
    """
    most = max((count for row in cells for count in row), default=0) or 1
    red, green, blue = (int(_COLOURS[0][n : n + 2], 16) / 255 for n in (1, 3, 5))
    with _axes(_WIDE * len(cells) // len(cells[0])) as (axes, data):
        axes.imshow([[(red, green, blue, count / most) for count in row] for row in cells], interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xlabel(f"full colour: {most:,} {unit}", fontsize=12)
    return data.getvalue()


def why_no_charts() -> str:
    """What is missing to draw charts, and how to get it; empty where nothing is."""
    return "" if find_spec("matplotlib") else str(_missing())


def _missing() -> MissingExtraError:
    return MissingExtraError("matplotlib", "charts", purpose="drawing the charts of a card")


@contextmanager
def _axes(height: int) -> Iterator[tuple[Any, io.BytesIO]]:
    """Empty axes of a height in points; what was drawn is in the second when the context ends."""
    if why_no_charts():
        raise _missing()
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDE / 72, max(height, 60) / 72), layout="constrained")
        FigureCanvasSVG(figure)
        data = io.BytesIO()
        yield figure.add_subplot(), data
        figure.savefig(data, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = _in_both_modes(data.getvalue().decode())
    data.seek(0)
    data.truncate()
    data.write(text.encode())


def _in_both_modes(text: str) -> str:
    """An SVG whose ink follows the reader's light or dark mode, in the reader's own letters."""
    light = "".join(f"--c{n}:{colour};" for n, colour in enumerate(_IN_DARK))
    dark = "".join(f"--c{n}:{colour};" for n, colour in enumerate(_IN_DARK.values()))
    for number, colour in enumerate(_IN_DARK):
        text = text.replace(colour, f"var(--c{number})")
    text = re.sub(r"(?<=px )'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", text)
    style = f"<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return re.sub(r"(<svg[^>]*>)", lambda m: m[1] + style, text, count=1)


def _spans(moments: Sequence[tuple[float, str]]) -> Iterator[tuple[float, float, str]]:
    """Start and length in seconds of each stretch of one phase."""
    gaps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(moments))
    usual = gaps[len(gaps) // 2] if gaps else 1.0
    first = moments[0][0]
    for (_, phase), (end, other) in zip(moments, [*moments[1:], (moments[-1][0] + usual, "")], strict=True):
        if other != phase:
            yield first, end - first, phase
            first = end


def _legend(axes: Any, entries: int) -> None:
    axes.figure.legend(loc="outside lower center", ncols=2 if entries > 1 else 1, handlelength=1, handleheight=1)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _words(name: str) -> str:
    said = visible(" ".join(name.replace("_", " ").split()), keep="")
    return said if len(said) <= 34 else f"{said[:33]}…"
