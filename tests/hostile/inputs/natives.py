"""Files in the native formats of sources, and cards, each with one thing that no reader expects."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import chole_files
from handmade import tar_bytes

from ..guard import Sandbox
from ..registry import Maker, hostile

_CARD = {
    "surgsigma": {"format_version": "1.0", "pointer": "a/b@c"},
    "configs": [{"config_name": "all", "data_files": [{"split": "train", "path": "hf://datasets/a/b@c/data/*.tar"}]}],
    "dataset_info": [{"config_name": "all", "splits": [{"name": "train", "num_examples": 1, "num_bytes": 1}]}],
}


def _as_card(**changes: Any) -> bytes:
    return f"---\n{json.dumps({**_CARD, **changes})}\n---\n".encode()


def _named(name: bytes) -> bytes:
    """A tar whose one member has this name, its checksum right."""
    head = bytearray(tar_bytes([("a", b"x")]))
    head[:100] = name.ljust(100, b"\0")[:100]
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head)


def _sized(field: bytes) -> bytes:
    head = bytearray(tar_bytes([("a.png", b"x")]))
    head[124:136] = field
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head)


def _release(**image: Any) -> bytes:
    path = {"id": 1, "image path": "CholecT50/videos/VID02/000001.png", **image}
    return json.dumps(
        {"images": [path], "annos": [{"id": 1, "images": [1], "task type": [1], "gt label": "x"}]}
    ).encode()


def _record(length: int) -> bytes:
    head = struct.pack("<Q", length)
    crc = chole_files.crc32c(head)
    return head + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32) + b"payload"


_SHAPE = {"label": "hook", "points": [[0, 0], [1, 0], [1, 1]], "group_id": 1, "shape_type": "polygon"}
_NOTE = {"id": 1, "image_id": 1, "image_name": "CASE001/00001.jpg", "category_id": 1, "bbox": [0, 0, 9, 9],
         "actions": [1], "phase": 1, "step": 1}  # fmt: skip
_IMAGE = {"id": 1, "file_name": "CASE001/00001.jpg", "width": 10, "height": 10}


def _keyframes(note: dict[str, Any], image: dict[str, Any]) -> bytes:
    names = ("phase_categories", "step_categories", "action_categories", "categories")
    vocabularies = {name: [{"id": 1, "name": "x"}] for name in names}
    return json.dumps({"images": [{**_IMAGE, **image}], "annotations": [{**_NOTE, **note}], **vocabularies}).encode()


def _labelme(**changes: Any) -> bytes:
    return json.dumps({"shapes": [{**_SHAPE, **changes}], "imageWidth": 10, "imageHeight": 10}).encode()


def _coco(note: dict[str, Any], image: dict[str, Any]) -> bytes:
    return json.dumps({"images": [{**_IMAGE, **image}], "annotations": [{**_NOTE, **note}],
                       "categories": [{"id": 1, "name": "hook"}]}).encode()  # fmt: skip


def _lengths(size: Any, counts: Any) -> bytes:
    return _coco({"segmentation": {"size": size, "counts": counts}}, {})


def _png(pixels: bytes, *, width: int, height: int) -> bytes:
    """An RGB PNG that states this size, whatever its pixels are."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


FILES: dict[str, bytes] = {
    "card/not-utf8": b"---\nsurgsigma: \xff\xfe\n---\n",
    "card/info-true": _as_card(dataset_info=True),
    "card/count-text": _as_card(
        dataset_info=[{"config_name": "all", "splits": [{"name": "train", "num_examples": "x", "num_bytes": 1}]}]
    ),
    "card/count-infinite": b"---\n"
    + json.dumps(_CARD).replace('"num_bytes": 1', '"num_bytes": .inf').encode()
    + b"\n---\n",
    "card/climbs": _as_card(configs=[{"config_name": "all", "data_files": [{"split": "train", "path": "../x"}]}]),
    "card/splits-list": _as_card(configs=[{"config_name": "all", "data_files": [["train", "data/*.tar"]]}]),
    "archive/name-not-utf8": _named(b"\xff\xfe.png"),
    "archive/name-climbs": _named(b"a/../../secret.txt"),
    "archive/name-absolute": _named(b"/etc/hostname"),
    "archive/size-negative": _sized(b"\xff" * 12),
    "archive/size-huge": _sized(b"\x80" + b"\x7f" * 11),
    "archive/size-over": _sized(b"77777777777\0"),
    "release/number-long": _release(**{"image path": f"CholecT50/videos/VID{'9' * 5000}/1.png"}),
    "release/digits-of-others": _release(**{"image path": "CholecT50/videos/VID٢/1.png"}),
    "release/images-text": b'{"images": "x", "annos": []}',
    "tfrecord/length-huge": _record(2**64 - 1),
    "tfrecord/length-over": _record(1 << 40),
    "keyframes/box-huge": _keyframes({"bbox": [10**4000, 0, 1, 1]}, {}),
    "keyframes/size-huge": _keyframes({}, {"width": 10**4000}),
    "keyframes/box-nan": _keyframes({"bbox": [float("nan"), 0, 1, 1]}, {}),
    "labelme/point-huge": _labelme(points=[[2**63, 0], [1, 0], [1, 1]]),
    "labelme/group-nested": _labelme(group_id=[[1]]),
    "graph/box-nan": b'{"scenes": [{"objects": [{"type": "anatomy", "component": "liver", "bbox": [NaN, 0, 1, 1]}]}]}',
    "graph/scenes-text": b'{"scenes": "x"}',
    "questions/no-answer": b"what is it?\n",
    "questions/binary": b"what is it?|\x00\xff\xfe\n",
    "questions/deep": b"[" * 100_000,
    "questions/columns": b"q,a\nwhat?,hook\n",
    "questions/number": b'[{"question": 1, "answer": {}}]',
    "questions/parquet-cut": b"PAR1" * 9,
    "coco/size-huge": _coco({}, {"width": 10**9}),
    "coco/box-huge": _coco({"bbox": [0, 0, 10**18, 1]}, {}),
    "coco/polygon-far": _coco({"segmentation": [[0, 0, 9, 9, 900, 1]]}, {}),
    "coco/lengths-bomb": _lengths([2**31, 2**31], "0" * 9),
    "coco/lengths-over": _lengths([10, 10], [0, 10**30]),
    "coco/lengths-short": _lengths([10, 10], [1, 2]),
    "coco/lengths-endless": _lengths([10, 10], "o" * 1000),
    "coco/lengths-far": _lengths([10, 10], "oooooo0"),
    "mask/size-bomb": _png(b"", width=60_000, height=60_000),
    "mask/cut": _png(b"\0" * 9, width=8, height=8),
    "mask/many-colours": _png(b"".join(b"\0" + bytes(range(n, n + 24)) for n in range(8)), width=8, height=8),
    "pickle/code": pickle.dumps(print),
    "pickle/cut": pickle.dumps({"a": [1] * 100})[:-20],
}


def _file(data: bytes) -> Maker:
    def make(box: Sandbox) -> Path:
        folder = box.inside / "card"
        folder.mkdir()
        (folder / "README.md").write_bytes(data)  # a card is read in its folder, all else as a file
        return folder / "README.md"

    return make


for name, data in FILES.items():
    hostile(name)(_file(data))
