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
    StepOptions,
    check_options,
    check_stated,
    parse_options,
    stated_of,
)
from .declared import DeclaredSource, VideoLabels
from .layout import Fields, Files, Films, Home, ImageFolders, hash_split, rate_for

__all__ = [
    "Access",
    "DeclaredSource",
    "Fields",
    "Files",
    "FilmOptions",
    "FilmOrImageOptions",
    "Films",
    "FootageOptions",
    "Home",
    "ImageFolders",
    "ImageOptions",
    "Options",
    "Redistribution",
    "Source",
    "SourceInfo",
    "StepOptions",
    "VideoLabels",
    "check_options",
    "check_stated",
    "hash_split",
    "parse_options",
    "rate_for",
    "stated_of",
]
