"""Sources: what a loader declares and what every loader has."""

from __future__ import annotations

from .base import (
    Access,
    FilmOptions,
    FilmOrImageOptions,
    FootageOptions,
    ImageOptions,
    Options,
    Redistribution,
    Source,
    SourceInfo,
    check_stated,
    parse_options,
    stated_of,
)

__all__ = [
    "Access",
    "FilmOptions",
    "FilmOrImageOptions",
    "FootageOptions",
    "ImageOptions",
    "Options",
    "Redistribution",
    "Source",
    "SourceInfo",
    "check_stated",
    "parse_options",
    "stated_of",
]
