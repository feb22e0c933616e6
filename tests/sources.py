"""The sources under test and how each is opened: found by the registry, with the fixture of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surgsigma_hub.api import list_sources
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Source, parse_options

from builds import SMALL

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(list_sources())
WITH_FILES = [name for name in NAMES if list_sources()[name].needs_root]


def root_of(name: str) -> Path | None:
    """The fixture of a source; None where it makes its own data."""
    return FIXTURES / name if name in WITH_FILES else None


def options_of(name: str) -> dict[str, str]:
    """Options under which a source is small and still shows each of its facts."""
    return {**SMALL, "frames": "30"} if name == "synthetic" else {}  # enough time for acts that follow each other


def opened(name: str, cache: Path, root: Path | None = None, **options: Any) -> Source:
    """A source on its fixture, or on a copy of it."""
    kind = get_source(name)
    return kind(root or root_of(name), parse_options(kind, {**options_of(name), **options}), cache_dir=cache)
