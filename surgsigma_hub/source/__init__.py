"""Sources: what a loader declares and what every loader has."""

from __future__ import annotations

from .base import (
    About,
    Access,
    Modality,
    Procedure,
    Source,
    SourceInfo,
    Specialty,
    check_stated,
    parse_options,
)
from .declared import DeclaredSource, VideoLabels
from .layout import Fields, Files, Films, Home, ImageFolders, hash_split, rate_for
from .many_files import FilePerFrame
from .options import (
    FilmOptions,
    FilmOrImageOptions,
    FootageOptions,
    ImageOptions,
    Options,
    StepOptions,
    check_options,
    stated_of,
)
from .stills import Still, StillsSource
from .terms import Condition, Part, Redistribute, SourceTerms, terms_of

__all__ = [
    "About",
    "Access",
    "Condition",
    "DeclaredSource",
    "Fields",
    "FilePerFrame",
    "Files",
    "FilmOptions",
    "FilmOrImageOptions",
    "Films",
    "FootageOptions",
    "Home",
    "ImageFolders",
    "ImageOptions",
    "Modality",
    "Options",
    "Part",
    "Procedure",
    "Redistribute",
    "Source",
    "SourceInfo",
    "SourceTerms",
    "Specialty",
    "StepOptions",
    "Still",
    "StillsSource",
    "VideoLabels",
    "check_options",
    "check_stated",
    "hash_split",
    "parse_options",
    "rate_for",
    "stated_of",
    "terms_of",
]
