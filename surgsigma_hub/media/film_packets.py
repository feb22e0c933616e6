"""An open video: its packets from any key frame on, known again after a jump by their time stamps."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .film_index import FilmIndex, Key, demuxed, is_counted, scan, video_stream
from .limits import MAX_PIXELS
from .mp4_boxes import check_counts

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BACK = (0, 2, 20)
"""Seconds to aim before a key frame. MPEG-TS has no index, and a search by time may end behind what is looked for."""
_LARGE = 8_000_000
"""Pixels of a frame from which on one thread decodes: every thread holds frames of its own."""


class AstrayError(Exception):
    """Reading from a key frame does not give what the film holds there; from an earlier one it may."""


class FilmPackets:
    """Reads the packets of one film; never decodes.

    Args:
        film: Path, or the film itself.
        name: For messages.

    Raises:
        MediaError: no film, or one of too many pixels.
        av.FFmpegError: not readable.
    """

    def __init__(self, film: str | Buffer, name: str) -> None:
        self._film, self._name = film, name
        with Path(film).open("rb") if isinstance(film, str) else io.BytesIO(film) as file:
            check_counts(file, Path(film).stat().st_size if isinstance(film, str) else memoryview(film).nbytes, name)
        self._open()

    def _open(self) -> None:
        import av

        self._container = av.open(
            self._film if isinstance(self._film, str) else io.BytesIO(self._film),
            # Bounds what is decoded to find out what the film is. PyAV 14.2 crashes on options for FLV and MPEG-PS.
            options={"max_pixels": str(MAX_PIXELS)} if int(av.__version__.split(".")[0]) >= 18 else {},
            metadata_errors="replace",  # titles of recorders are often Latin-1, and say nothing that is used
        )
        self.stream = video_stream(self._container, self._name)
        context = self.stream.codec_context
        alone = not isinstance(self._film, str)  # streams decode many films at a time, each in a thread
        if alone or is_counted(self._container) or context.width * context.height > _LARGE:
            context.thread_count = 1
        else:
            context.thread_type = "AUTO"

    def scan(self) -> FilmIndex:
        """See :func:`film_index.scan`."""
        return scan(self._container, self.stream, self._name)

    def since(self, key: Key, index: FilmIndex) -> Iterator[Any]:
        """The packets from ``key`` on, and an empty one at the end.

        Raises:
            AstrayError: other packets come than the index holds.
            av.FFmpegError: not readable.
        """
        return self._checked(self._jumped(key, index), key, index)

    def _checked(self, packets: Iterator[Any], key: Key, index: FilmIndex) -> Iterator[Any]:
        for number, packet in enumerate(packets, start=key.packet):
            if packet.size and (number >= len(index.order) or _stamp(packet, index) != index.order[number]):
                raise AstrayError("its packets come in another order than from the front")
            yield packet

    def _jumped(self, key: Key, index: FilmIndex) -> Iterator[Any]:
        import av

        wanted = int(index.order[key.packet])
        for back in _BACK:
            try:
                self._container.seek(key.seek - round(back / index.base), stream=self.stream)
            except av.FFmpegError:
                continue
            packets = demuxed(self._container, self.stream)
            for packet in packets:
                stamp = _stamp(packet, index)
                if stamp == wanted:
                    return chain((packet,), packets)
                if not packet.size or (packet.is_keyframe and stamp is not None and stamp > wanted):
                    break
        self._open()
        packets = demuxed(self._container, self.stream)
        for _ in range(key.packet):
            next((packet for packet in packets if packet.size), None)
        return packets


def _stamp(packet: Any, index: FilmIndex) -> int | None:
    stamp: int | None = packet.dts if index.counted else packet.pts
    return stamp
