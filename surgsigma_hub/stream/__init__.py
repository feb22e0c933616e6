"""Streaming a built tree to a trainer: one order on any cluster, exact resume, decoding in threads.

``order``, ``share``, ``mixture`` and ``state`` are pure; ``local`` and ``remote`` read, ``decode`` decodes, ``engine``
runs that in threads, ``core`` puts them together and ``opening`` makes a stream from arguments.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .core import Errors, Item, Stream
from .decode import Frames
from .opening import stream
from .remote import Remote
from .resize import Rgb

__all__ = ["Errors", "Frames", "Item", "Remote", "Rgb", "Stream", "stream"]


class _CallableModule(ModuleType):
    """Python binds a package's name in its parent once it was imported, over the function of the same name there."""

    def __call__(self, *args: Any, **kwargs: Any) -> Stream:
        return stream(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
