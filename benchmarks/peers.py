"""The loaders that ``stream.py`` is compared with: each gives the parsed JSON and the picture of every sample.

All get the same samples: webdataset, ``datasets`` and Energon read the tars of the tree, ``datasets`` also Parquet,
litdata and MosaicML Streaming formats of their own, written here once and left uncompressed. Stock peers decode with
Pillow as their manuals show it.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from peer_samples import Items, made, samples, tars


class Each:
    """An iterable that converts; DataLoader workers fork, so the function need not be pickled."""

    def __init__(self, data: Iterable[Any], convert: Callable[[Any], Any]) -> None:
        self.data, self.convert = data, convert

    def __iter__(self) -> Iterator[Any]:
        return map(self.convert, self.data)


def through_workers(data: Iterable[Any], workers: int) -> Items:
    """By itself, or behind a DataLoader whose workers share ``data`` out by its own rules."""
    if not workers:
        return lambda: data
    from torch.utils.data import DataLoader, IterableDataset

    class Wrapped(IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Iterator[Any]:
            return iter(data)

    wrapped = data if isinstance(data, IterableDataset) else Wrapped()
    return lambda: DataLoader(wrapped, batch_size=None, num_workers=workers, prefetch_factor=16)


def webdataset(work: str, tree: Path, workers: int, turbo: bool = False) -> Items:
    """Webdataset with its own Pillow decoding, or with our decoder handed to it."""
    import webdataset as wds

    data = wds.WebDataset(tars(tree), shardshuffle=False)
    return through_workers(Each(data, lambda s: made(work, s["json"], s["image.jpg"], turbo)), workers)


def hf(work: str, tree: Path, workers: int, form: str) -> Items:
    """``datasets`` streaming, pictures undecoded by it, so that all peers decode alike with Pillow."""
    import datasets

    if form == "webdataset":
        data = datasets.load_dataset("webdataset", data_files=tars(tree), split="train", streaming=True)
        data, member = data.cast_column("image.jpg", datasets.Image(decode=False)), "image.jpg"
    else:
        files = sorted(map(str, (tree / "parquet").glob("*.parquet")))
        data, member = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True), "image"
    return through_workers(Each(data, lambda s: made(work, s["json"], s[member])), workers)


def litdata(work: str, tree: Path, workers: int, turbo: bool = False) -> Items:
    """Litdata over chunks of about a shard's size."""
    from litdata import StreamingDataLoader, StreamingDataset
    from litdata.streaming.writer import BinaryWriter

    logging.disable(logging.INFO)
    folder = tree / "litdata"
    if not folder.is_dir():
        writer = BinaryWriter(str(folder), chunk_bytes=4 << 20)
        for number, (text, image) in enumerate(samples(tree)):
            writer.add_item(number, {"json": text, "image": image})
        writer.done()
        writer.merge(1)

    class Decoded(StreamingDataset):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> dict[str, Any]:
            found = super().__getitem__(index)
            return made(work, found["json"], found["image"], turbo)

    data = Decoded(str(folder), shuffle=False, drop_last=False)
    if not workers:
        return lambda: data
    loader = StreamingDataLoader(data, batch_size=1, num_workers=workers, prefetch_factor=16, collate_fn=first)
    return lambda: loader


def first(batch: list[Any]) -> Any:
    """The one sample of a batch; peers that cannot do without batches."""
    return batch[0]


def mosaic(work: str, tree: Path, workers: int) -> Items:
    """MosaicML Streaming over MDS shards."""
    from streaming import MDSWriter, StreamingDataset
    from streaming.base.util import clean_stale_shared_memory
    from torch.utils.data import DataLoader

    folder = tree / "mds"
    if not folder.is_dir():
        with MDSWriter(out=str(folder), columns={"json": "bytes", "image": "bytes"}, size_limit=4 << 20) as writer:
            for text, image in samples(tree):
                writer.write({"json": text, "image": image})
    clean_stale_shared_memory()

    class Decoded(StreamingDataset):  # type: ignore[misc]
        def __getitem__(self, at: Any) -> dict[str, Any]:
            found = super().__getitem__(at)
            return made(work, found["json"], found["image"])

    data = Decoded(local=str(folder), shuffle=False, batch_size=1)
    if not workers:
        return lambda: data
    loader = DataLoader(data, batch_size=1, num_workers=workers, prefetch_factor=16, collate_fn=first)
    return lambda: loader


def energon(work: str, tree: Path, workers: int) -> Items:
    """Energon over the tars."""
    import energon_peer

    return energon_peer.start(work, tree, workers)


OTHERS: dict[str, tuple[str, Callable[[str, Path, int], Items]]] = {
    "webdataset": ("webdataset", webdataset),
    "webdataset + our decoder": ("webdataset", lambda w, t, n: webdataset(w, t, n, turbo=True)),
    "datasets webdataset": ("datasets", lambda w, t, n: hf(w, t, n, "webdataset")),
    "datasets parquet": ("datasets", lambda w, t, n: hf(w, t, n, "parquet")),
    "litdata": ("litdata", litdata),
    "litdata + our decoder": ("litdata", lambda w, t, n: litdata(w, t, n, turbo=True)),
    "mosaicml-streaming": ("streaming", mosaic),
    "megatron-energon": ("megatron.energon", energon),
}
"""Peers by name: the module that must be there, and what starts a pass."""


def absent(module: str) -> str:
    """Why a peer cannot run here; empty where it can."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        importlib.import_module(module)
    except Exception as error:  # packages fail in their own ways where a part of theirs is missing
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:100] if str(error).strip() else ''}"
    return ""
