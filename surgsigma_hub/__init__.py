"""Build, publish and stream surgical multimodal conversations as a Hugging Face dataset.

Names are imported on first use, so that ``import surgsigma_hub`` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "build": "surgsigma_hub.api",
    "enrich": "surgsigma_hub.api",
    "load_dataset": "surgsigma_hub.hub.loading",
    "register": "surgsigma_hub.hub.loading",
    "stream": "surgsigma_hub.stream.opening",
    "sources": "surgsigma_hub.api",
    "tasks": "surgsigma_hub.api",
}
__all__ = ["__version__", "build", "enrich", "load_dataset", "register", "sources", "stream", "tasks"]

if TYPE_CHECKING:
    from .api import build, enrich, sources, tasks
    from .hub.loading import load_dataset, register
    from .stream import stream


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
