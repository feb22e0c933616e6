"""Streaming a built tree to a trainer: one order on any cluster, exact resume, decoding in threads.

``order`` and ``selection`` say what comes when, ``storage`` brings bytes from disk and from elsewhere, ``decode``
decodes, ``thread_pool`` runs that in threads, ``stream`` puts them together and ``open`` makes one
from arguments.
"""

from __future__ import annotations

from ..shards.skipping import Skipped
from .decode.decoder import Frames
from .decode.resize import Rgb
from .open import stream
from .sample import StreamSample
from .storage.options import RemoteOptions
from .stream import Stream
from .turns import Turns

__all__ = ["Frames", "RemoteOptions", "Rgb", "Skipped", "Stream", "StreamSample", "Turns", "stream"]
