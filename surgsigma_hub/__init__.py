"""Build, publish and stream surgical multimodal conversations as a Hugging Face dataset.

Names are imported on first use, so that ``import surgsigma_hub`` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .version import __version__

_HOME = {
    "build": "surgsigma_hub.api",
    "enrich_tree": "surgsigma_hub.api",
    "list_sources": "surgsigma_hub.api",
    "list_tasks": "surgsigma_hub.api",
    "load_dataset": "surgsigma_hub.hub.loading",
    "register": "surgsigma_hub.hub.loading",
    "join": "surgsigma_hub.api",
    "repack": "surgsigma_hub.api",
    "stream": "surgsigma_hub.streaming.open",
    "strip": "surgsigma_hub.api",
}
__all__ = [
    "__version__",
    "build",
    "enrich_tree",
    "join",
    "list_sources",
    "list_tasks",
    "load_dataset",
    "register",
    "repack",
    "stream",
    "strip",
]

if TYPE_CHECKING:
    from .api import build, enrich_tree, join, list_sources, list_tasks, repack, strip
    from .hub.loading import load_dataset, register
    from .streaming.open import stream


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
