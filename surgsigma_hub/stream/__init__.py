"""Streaming a built tree to a trainer: one order on any cluster, exact resume, decoding in threads.

``order``, ``share``, ``mixture`` and ``state`` are pure; ``reading`` brings bytes from disk and from elsewhere,
``decode`` decodes, ``engine`` runs that in threads, ``core`` puts them together and ``opening`` makes a stream from
arguments.
"""

from __future__ import annotations

from ..callable_package import make_callable
from .core import Stream
from .decode import Frames
from .item import Errors, Item
from .opening import stream
from .reading.files import Remote
from .resize import Rgb

__all__ = ["Errors", "Frames", "Item", "Remote", "Rgb", "Stream", "stream"]

make_callable(__name__, "surgsigma_hub.stream.opening")
