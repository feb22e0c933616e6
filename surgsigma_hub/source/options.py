"""Options of sources: what a user may choose or state, parsed and held to the bounds in their metadata."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from ..errors import SurgSigmaError, UnknownNameError
from ..records import Stated


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a source; a loader subclasses this, or mixes those below.

    Every field has a default and in its metadata a ``help``; where it is bounded, ``least`` and ``most`` (numbers) or
    ``choices`` (texts), which the base class checks.
    """

    split_scheme: str = field(default="", metadata={"help": "split scheme by name; empty takes the source's default"})


_N = TypeVar("_N", int, float)
_ONE_VIDEO = "; VIDEO:VALUE,... for some videos only"


@dataclass(frozen=True, kw_only=True)
class FootageOptions(Options):
    """What a user may state of footage of her own; a loader takes those that its footage can need."""

    starts_at: str = field(
        default="", metadata={"help": "second of the recording at which the footage begins" + _ONE_VIDEO}
    )


@dataclass(frozen=True, kw_only=True)
class ImageOptions(FootageOptions):
    """Options of sources whose footage is numbered images."""

    image_fps: str = field(
        default="", metadata={"help": "numbers per second in the names of images, such as 25" + _ONE_VIDEO}
    )
    image_base: str = field(default="", metadata={"help": "number of the first image, such as 0" + _ONE_VIDEO})


@dataclass(frozen=True, kw_only=True)
class FilmOptions(FootageOptions):
    """Options of sources whose footage is films."""

    video_fps: str = field(
        default="",
        metadata={"help": "frames per second at which videos show the frames of the release" + _ONE_VIDEO},
    )


@dataclass(frozen=True, kw_only=True)
class FilmOrImageOptions(FilmOptions, ImageOptions):
    """Options of sources whose footage is either."""


@dataclass(frozen=True, kw_only=True)
class StepOptions(Options):
    """Options of sources that label every second."""

    step_seconds: int = field(default=1, metadata={"help": "take one moment every so many seconds", "least": 1})


def check_options(options: Options, where: str) -> None:
    """Check options against the bounds in their metadata.

    Args:
        options: To be checked.
        where: Name of the source, for messages.

    Raises:
        SurgSigmaError: a number out of its bounds.
        UnknownNameError: a text that is none of the choices.
    """
    for option in fields(options):
        value, bounds = getattr(options, option.name), option.metadata
        least, most = bounds.get("least", value), bounds.get("most", value)
        if not least <= value <= most:
            expected = f"{least} or more" if "most" not in bounds else f"{least} to {most}"
            raise SurgSigmaError(f"{where}: {option.name}={value}, expected {expected}")
        if value not in bounds.get("choices", (value,)):
            raise UnknownNameError(option.name, value, bounds["choices"], where=where)


def stated_of(options: Options, video: str) -> Stated:
    """What ``options`` state of the footage of one video.

    Raises:
        SurgSigmaError: a value that does not parse.
    """
    return Stated(
        starts_at=_value(options, "starts_at", video, _second),
        video_fps=_value(options, "video_fps", video, _rate),
        image_fps=_value(options, "image_fps", video, _rate),
        image_base=_value(options, "image_base", video, int),
    )


def _second(text: str) -> float:
    second = float(text)
    if not math.isfinite(second):
        raise ValueError(text)
    return second


def _rate(text: str) -> float:
    """A rate above 0; of those that television writes in short, such as 29.97, the exact one."""
    rate = float(text)
    exact = round(rate * 1001 / 1000) * 1000 / 1001
    if not 0 < rate < 10_000:
        raise ValueError(text)
    return exact if rate != round(rate) and abs(rate - exact) < 0.005 else rate


def _value(options: Options, name: str, video: str, kind: Callable[[str], _N]) -> _N | None:
    text = str(getattr(options, name, ""))
    if not text:
        return None
    try:
        parsed = {key: kind(value) for key, value in by_video(text).items()}
    except (ValueError, ZeroDivisionError, OverflowError):
        raise SurgSigmaError(
            f"option {name}={text!r}: expected one number, or a number for each video, such as {name}=video01:2",
        ) from None
    return parsed.get(video, parsed.get(""))


def by_video(text: str) -> dict[str, str]:
    """The value of each video, and under an empty name that of all others.

    Raises:
        ValueError: two values for one video.
    """
    entries = [entry.strip().rpartition(":") for entry in text.split(",")]
    values = {key.strip(): value.strip() for key, _, value in entries}
    if len(values) != len(entries):
        raise ValueError(text)
    return values


def parsed_options(kind: type[Options], pairs: Mapping[str, str], where: str) -> Options:
    """Turn ``key=value`` strings into options; types follow the fields' defaults.

    Args:
        kind: The options of a source.
        pairs: By name, as the user wrote them.
        where: Name of the source, for messages.

    Raises:
        UnknownNameError: no such option.
        SurgSigmaError: a value that does not parse.
    """
    known = {f.name: f for f in fields(kind)}
    values: dict[str, Any] = {}
    for key, text in pairs.items():
        if key not in known:
            raise UnknownNameError("option", key, known, where=f"source {where}")
        default: Any = known[key].default
        try:
            if isinstance(default, bool):
                values[key] = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
            else:
                values[key] = type(default)(text)
        except (KeyError, ValueError):
            raise SurgSigmaError(
                f"option {key}={text!r} of source {where!r} is not a {type(default).__name__}"
            ) from None
    return kind(**values)
