"""``stream``: from arguments to a stream."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ShardError, SurgSigmaError
from ..shards.config_names import FRAMES
from ..shards.skipping import OnError
from .decode.decoder import Decode, Decoder, Frames
from .order.partition import Uneven
from .order.permutation import INTERLEAVE, Shuffle
from .sample import Settings
from .selection.catalog import find_wanted
from .selection.dataset import Config, Selection, StreamDataset, make_selection
from .selection.filters import Where, check_where
from .storage.options import RemoteOptions
from .storage.tree import TreeStorage, find_tree
from .stream import Stream

if TYPE_CHECKING:
    from .selection.talk_dataset import Talk
    from .turns import Turns

logger = logging.getLogger(__name__)

_MOST_THREADS = 8


def stream(
    tree: str | Path | None = None,
    config: Config = None,
    *,
    split: str = "train",
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool | Literal["full", "block", "none"] = True,
    rank: int | None = None,
    world_size: int | None = None,
    uneven: Uneven = "exact",
    where: Where | None = None,
    temperature: float | None = None,
    caps: Mapping[str, int] | int | None = None,
    talk: Talk | Turns | None = None,
    decode: Decode = "rgb",
    frames: Frames | None = None,
    verify: bool = False,
    on_error: OnError = "raise",
    max_errors_in_row: int = 32,
    threads: int | None = None,
    mapped: bool | None = None,
    interleave: int = INTERLEAVE,
    revision: str | None = None,
    remote: RemoteOptions | None = None,
) -> Stream:
    """Stream the samples of a tree in an order that depends on the data, the seed and the epoch, and on nothing else.

    Rank ``r`` of ``w`` takes positions ``r``, ``r + w``, ``r + 2w``, ... of that order, so what all ranks deliver, step
    by step, is the same list on any number of ranks, workers and threads.

    Args:
        tree: A folder with a built tree, ``ORG/NAME`` or ``ORG/NAME@REVISION`` on the Hub, ``hf://buckets/ORG/NAME``,
            or a URL: ``https://`` or any store that fsspec knows. None: ``./surgsigma``.
        config: A task, a source, ``<task>-<source>`` or ``all`` (also None); several; or a mixture ``{name: weight}``.
        split: One split, or several joined by ``+``.
        seed: Any integer.
        epoch: The epoch to begin with.
        shuffle: True: a full permutation for a folder, blocks from ``interleave`` places at a time for what is remote.
            False: the order of the shards.
        rank: Which process this is. None: from ``torch.distributed`` where it is up, else from ``RANK``, else 0.
        world_size: How many there are. None: as for ``rank``, from ``WORLD_SIZE``.
        uneven: ``exact``: every sample once an epoch, some ranks may take one more. ``drop`` and ``pad``: all ranks
            take equally many, the last samples are left out or the first ones come again.
        where: Keep samples by columns of the catalog: ``source``, ``task``, ``specialty``, ``procedure``, ``video``
            (canonical id), ``label``, ``label_origin``, ``license``, ``reasoning_level``, ``media`` (member). A list
            means any of its values; all names must fit. From elsewhere at most twice the bytes of these samples are
            read, and the columns of the catalog; of catalogs without offsets, whole blocks.
        temperature: Mix parts by ``samples ** (1 / temperature)``: the named configs or, for one config, its tasks.
        caps: Most samples of a part in an epoch, by name; one number: of every task.
        talk: For what is laid out by medium (``build --layout frames``): what an item is. ``one``: one conversation
            about each medium an epoch, chosen by the weights; ``all``: each conversation, where a picture is decoded
            once for all about it and its pixels cannot be written (copy them first); ``turns`` or :class:`Turns`: each
            medium once, ``sample["conversations"]`` in an order that seed and epoch give. None: the layout by task.
        decode: ``rgb``; :class:`Rgb` to resize; ``bytes``; or ``view``, memory of the shard without a copy, which
            cannot be sent to another process.
        frames: Which frames of clips to decode. None: clips stay bytes.
        verify: Compare each medium with the sha256 that its sample names, and its JSON with the schema (0.03 ms a
            sample). Without it, fields but for the version and the media are handed out unchecked (``record`` of a
            sample checks them), headers have checksums, a shard must be of its size and not change, and remotely one
            that is read in its order is compared with its sha256.
        on_error: ``raise``, or ``skip`` a sample that cannot be read and count it in ``.errors``.
        max_errors_in_row: With ``skip``, more bad samples than this, one after the other, are an error all the same.
        threads: Threads that decode. None: one a core, at most eight. 0, and always where there is nothing to decode or
            to compare and no disk to wait for: the caller's thread.
        mapped: For a folder. True maps the shards: the quickest way to get bytes, but a shard that is cut while it is
            read, or a disk that fails, ends the process. False reads them: such things are errors like others. None:
            mapped where nothing is decoded or compared and the folder is not on a network.
        interleave: Blocks that a block shuffle mixes; part of the order. World sizes that divide it read no block
            twice; of a mixture the ranks read up to all blocks each, unless they share a disk cache
            (``RemoteOptions(cache=...)``).
        revision: Branch, tag or commit of a dataset on the Hub.
        remote: Network options for remote trees: connections, timeouts, prefetch memory, disk cache.

    Raises:
        UnknownNameError: no such config, split or filter.
        ShardError: not a tree of ours, or one that is damaged.
        SurgSigmaError: arguments that make no sense or no sample left.
    """
    place = find_tree(tree, revision=revision, options=remote)
    listed = place.listed()
    if not listed:
        raise ShardError(f"{place.where}: no built data", hint="Run: surgsigma build --help")
    conditions = check_where(where) if where else {}
    if talk is not None and (temperature is not None or caps):
        raise SurgSigmaError("temperature and caps mix tasks, not talks", hint="Give weights by name, as the config.")
    if talk is None and any(m.task == FRAMES for m in listed):
        logger.warning("%s: what is laid out by medium is left out; talk= reads it (--talk)", place.where)
    data: StreamDataset
    if talk is None:
        choice = make_selection(listed, config, split, where=place.where, temperature=temperature, caps=caps)
        data = _by_task(place, choice, conditions)
    else:
        from .selection.talk_dataset import choose_talk  # here: a stream by task opens sooner without it

        data = choose_talk(place, listed, config, split, talk, conditions)
    decoder = Decoder(decode, frames=frames, verify=verify)
    rank, world_size = _rank(rank, world_size)
    if uneven not in ("exact", "drop", "pad") or on_error not in ("raise", "skip"):
        raise SurgSigmaError(
            f"uneven={uneven!r}, on_error={on_error!r}", hint="Expected exact, drop or pad, and raise or skip."
        )
    for name, value in (("threads", threads or 0), ("epoch", epoch), ("max_errors_in_row", max_errors_in_row)):
        if value < 0:
            raise SurgSigmaError(f"{name}={value}", hint="Expected 0 or more.")
    if interleave < 1:
        raise SurgSigmaError(f"interleave={interleave}", hint="Expected 1 or more.")
    works = decoder.pixels or verify
    if mapped is None:
        # Where there is more to do than to give bytes, a copy of them costs nothing that shows, and is safe.
        mapped = place.local and not works and place.mappable()
    if not (works or (place.local and not mapped)):
        threads = 0  # what neither computes nor waits for a disk is done sooner than handed over
    elif threads is None:
        threads = min(_MOST_THREADS, cores())
    settings = Settings(
        shuffle=_shuffle(shuffle, local=place.local),
        interleave=interleave,
        seed=seed,
        rank=rank,
        world=world_size,
        uneven=uneven,
        on_error=on_error,
        max_errors_in_row=max_errors_in_row,
        threads=threads,
        mapped=mapped,
    )
    return Stream(data, place, decoder, settings, epoch=epoch)


def _by_task(place: TreeStorage, choice: Selection, where: Mapping[str, Any]) -> StreamDataset:
    loaded = choice.load(place.load)
    kept = find_wanted(place, [m for part in loaded.parts for m in part], where) if where else None
    return StreamDataset(loaded, wanted=kept, where=where)


def _shuffle(shuffle: bool | str, *, local: bool) -> Shuffle:
    if shuffle is True:
        return "full" if local else "block"
    if shuffle is False:
        return "none"
    if shuffle not in ("full", "block", "none"):
        raise SurgSigmaError(f"unknown shuffle {shuffle!r}", hint="Expected True, False, 'full', 'block' or 'none'.")
    return shuffle  # type: ignore[return-value]


def _rank(rank: int | None, world: int | None) -> tuple[int, int]:
    if (rank is None) != (world is None):
        raise SurgSigmaError("rank and world_size belong together", hint="Give both or neither.")
    if rank is None or world is None:
        rank, world = _surroundings()
    if not 0 <= rank < world:
        raise SurgSigmaError(f"rank must be in [0, world_size); got rank={rank}, world_size={world}")
    return rank, world


def _surroundings() -> tuple[int, int]:
    torch = sys.modules.get("torch")  # a program that has a process group has imported it
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    try:
        return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    except ValueError:
        raise SurgSigmaError(
            "the variables RANK and WORLD_SIZE are no numbers", hint="Give rank and world_size."
        ) from None


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
