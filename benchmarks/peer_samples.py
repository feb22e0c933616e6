"""What every peer of ``stream.py`` reads and makes: the shards, and the pixels of a sample by one of two decoders."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image

SHORT = (598, 336)
Items = Callable[[], Iterable[Any]]
"""Starts a pass over the samples: dicts with ``sample`` and ``image``, or items of a stream."""


def tars(tree: Path) -> list[str]:
    """All shards."""
    return sorted(str(p) for p in tree.glob("data/*/*/*.tar"))


def to_pixels(work: str, data: bytes, turbo: bool = False) -> Any:
    """What the work asks for, by Pillow or by the decoder and resize that this package uses."""
    if work == "W3":
        return data
    if turbo:
        import simplejpeg

        pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False)
        return torch_resize(pixels) if work == "W2" else pixels
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.array(image.resize(SHORT, Image.Resampling.BICUBIC) if work == "W2" else image)


def torch_resize(pixels: Any) -> Any:
    """The resize of this package in one call of torch, as anybody would write it."""
    import torch

    tensor = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
    made = torch.nn.functional.interpolate(tensor, size=SHORT[::-1], mode="bicubic", antialias=True)
    return made[0].permute(1, 2, 0).numpy()


def made(work: str, text: Any, image: Any, turbo: bool = False) -> dict[str, Any]:
    """A sample as a trainer gets it."""
    sample = text if isinstance(text, dict) else orjson.loads(text)
    data = image["bytes"] if isinstance(image, dict) else image
    return {"sample": sample, "image": to_pixels(work, data, turbo)}


def samples(tree: Path) -> Iterator[tuple[bytes, bytes]]:
    """JSON and picture of every sample, for formats that must be written first."""
    import webdataset as wds

    for sample in wds.WebDataset(tars(tree), shardshuffle=False):
        yield sample["json"], sample["image.jpg"]
