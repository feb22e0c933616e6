"""Fabricated pictures, label files and TFRecords for the tests of the cholecystectomy sources."""

from __future__ import annotations

import io
import json
import shutil
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

PHASES_OF_TFRECORD = [
    "Preparation",
    "CalotTriangleDissection",
    "ClippingCutting",
    "GallbladderDissection",
    "GallbladderRetraction",
    "CleaningCoagulation",
    "GallbladderPackaging",
]


def picture(n: int, *, form: str = "PNG", size: tuple[int, int] = (32, 24)) -> bytes:
    """A small picture that differs with ``n``."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((17 * n % 256, 40, 200 - 5 * n % 200), (n % 20, 4, n % 20 + 8, 12))
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------- CholecT50


def vector(ivt: int, i: int, v: int, t: int, phase: int, box: Sequence[float] = (-1.0,) * 4) -> list[float]:
    """One native vector."""
    score = 1.0 if i >= 0 else -1
    return [ivt, i, score, *box, v, t, score, -1.0, -1.0, -1.0, -1.0, phase]


def label_file(folder: Path, video: str, annotations: Mapping[str, Any], **more: Any) -> Path:
    """A label file of one video in the form of the release, with pictures for none of its frames."""
    content = {"video": int(video[3:]), "fps": 1, "num_frames": len(annotations), "annotations": annotations, **more}
    path = folder / "labels" / f"{video}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "videos" / video).mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def pictures(folder: Path, video: str, frames: Sequence[int], *, suffix: str = "png") -> None:
    """The pictures of some frames of a video of CholecT50."""
    for n in frames:
        path = folder / "videos" / video / f"{n:06d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(n, form="PNG" if suffix == "png" else "JPEG"))


# -------------------------------------------------------------------------------------------------------- Cholec80


def as_films(source: Path, target: Path) -> Path:
    """The Cholec80 fixture with films (never opened by the loader) in place of pictures."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("frames"))
    (target / "videos").mkdir()
    for folder in sorted((source / "frames").iterdir()):
        (target / "videos" / f"{folder.name}.mp4").write_bytes(b"no film")
    return target


def as_records(source: Path, target: Path, *, first: int = 0, names: str = "{video}.tfrecord") -> Path:
    """The Cholec80 fixture as TFRecords, read from its text files by other means than the loader's."""
    target.mkdir(parents=True)
    for n, folder in enumerate(sorted((source / "frames").iterdir())):
        video = folder.name
        lines = (source / "phase_annotations" / f"{video}-phase.txt").read_text().split("\n")[1:]
        phase_of = dict(line.split("\t") for line in lines if line)
        rows = (source / "tool_annotations" / f"{video}-tool.txt").read_text().strip().split("\n")[1:]
        payloads = []
        for second, row in enumerate(rows):
            frame, *flags = row.split("\t")
            payloads.append(
                example(
                    {
                        "frame": [(folder / f"{video}_{second + 1:06d}.png").read_bytes()],
                        "video_id": [video.encode()],
                        "frame_id": [first + second],
                        "total_frames": [len(rows)],
                        "instruments": [int(flag) for flag in flags],
                        "phase": [PHASES_OF_TFRECORD.index(phase_of[frame])],
                    }
                )
            )
        (target / names.format(video=video, n=n)).write_bytes(tfrecord(payloads))
    return target


# ------------------------------------------------------------------------------------------- TFRecord, written anew


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, to hold against the reader's table."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def tfrecord(payloads: Sequence[bytes]) -> bytes:
    """Records one after the other, with both checksums."""
    out = b""
    for payload in payloads:
        length = struct.pack("<Q", len(payload))
        out += length + _masked(length) + payload + _masked(payload)
    return out


def varint(value: int) -> bytes:
    """A protobuf number."""
    value %= 2**64
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features: Mapping[str, Sequence[bytes] | Sequence[int] | Sequence[float]], *, packed: bool = True) -> bytes:
    """A ``tf.train.Example``."""
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            one = field(1, b"".join(field(1, v) for v in values if isinstance(v, bytes)))
        elif values and isinstance(values[0], float):
            floats = struct.pack(f"<{len(values)}f", *values)
            one = field(
                2,
                field(1, floats)
                if packed
                else b"".join(varint(1 << 3 | 5) + floats[i : i + 4] for i in range(0, len(floats), 4)),
            )
        else:
            numbers = [varint(int(v)) for v in values]
            one = field(3, field(1, b"".join(numbers)) if packed else b"".join(varint(1 << 3) + n for n in numbers))
        entries += field(1, field(1, name.encode()) + field(2, one))
    return field(1, entries)
