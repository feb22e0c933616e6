"""Sources: what a loader declares and what every loader has."""

from __future__ import annotations

from .base import (
    Access,
    FilmOptions,
    FilmOrImageOptions,
    FootageOptions,
    ImageOptions,
    Options,
    Source,
    SourceInfo,
    check_stated,
    parse_options,
    stated_of,
)
from .terms import Condition, Part, Redistribute, SourceTerms, terms_of

__all__ = [
    "Access",
    "Condition",
    "FilmOptions",
    "FilmOrImageOptions",
    "FootageOptions",
    "ImageOptions",
    "Options",
    "Part",
    "Redistribute",
    "Source",
    "SourceInfo",
    "SourceTerms",
    "check_stated",
    "parse_options",
    "stated_of",
    "terms_of",
]
