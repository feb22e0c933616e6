"""Units of H.264 and HEVC packets: whether a key frame is one after which nothing older is needed."""

from __future__ import annotations

from collections.abc import Iterator

_START = b"\x00\x00\x01"
_IDR = 5
"""H.264: all that came before is forgotten. Other key frames are recovery points, which promise less."""
_IRAP = range(16, 22)
"""HEVC: pictures from which on decoding is right for all that is shown later."""


def starts_anew(codec: str, packet: memoryview, extradata: bytes) -> bool:
    r"""Whether a key frame is, by its format, one from which on every later frame is decoded as from the front.

    Args:
        codec: FFmpeg's name. Of all but H.264 and HEVC every key frame is such a one.
        packet: The coded frame.
        extradata: The head of the stream, which says how units are told apart.

    >>> starts_anew("h264", memoryview(b"\0\0\0\1\x67..\0\0\1\x65.."), b"")
    True
    >>> starts_anew("h264", memoryview(b"\0\0\0\4\x06...\0\0\0\4\x41..."), b"\1...\xff...")
    False
    """
    if codec == "h264":
        return any(head & 31 == _IDR for head in _heads(packet, extradata, 4))
    if codec == "hevc":
        return any(head >> 1 & 63 in _IRAP for head in _heads(packet, extradata, 21))
    return True


def _heads(packet: memoryview, extradata: bytes, at: int) -> Iterator[int]:
    """The first byte of each unit; ``at`` is where the head says how many bytes hold a unit's length."""
    if extradata[:1] == b"\x01" and len(extradata) > at:
        wide, place = (extradata[at] & 3) + 1, 0
        while place + wide < len(packet):
            yield packet[place + wide]
            place += wide + int.from_bytes(packet[place : place + wide])
        return
    data = bytes(packet)
    place = data.find(_START)
    while 0 <= place < len(data) - 3:
        yield data[place + 3]
        place = data.find(_START, place + 3)
