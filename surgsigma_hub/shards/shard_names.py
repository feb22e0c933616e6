"""Names of shards, unique in a tree: caches of other libraries know a file by the last part of its path alone.

webdataset 1.0.2 and wids 0.1.11 silently serve the samples of another task from such a cache where two shards have one
name (``findings/wids-same-shard-name.sh``). Trees of format version 1.0 called them ``<split>-NNNNN.tar``; these are
read as they are, and a source that is built again gets the new names.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:(?P<folders>[a-z0-9_]+-[a-z0-9_]+)-)?(?P<split>[a-z0-9_]+)-[0-9]{5}\.tar")


def shard_name(task: str, source: str, split: str, number: int) -> str:
    """The name of a shard.

    >>> shard_name("phase_recognition", "cholect50", "train", 7)
    'phase_recognition-cholect50-train-00007.tar'
    """
    return f"{task}-{source}-{split}-{number:05d}.tar"


def shard_form(task: str, source: str, split: str) -> str:
    """A regular expression of the names that the shards of a split may have, those of 1.0 among them."""
    return rf"(?:{task}-{source}-)?{split}-[0-9]{{5}}\.tar"


def shard_glob(task: str, source: str, split: str, *, short: bool) -> str:
    """A glob of the shards of a split below the root of a tree; ``*`` for any task or source.

    Args:
        task: Name or ``*``.
        source: Name or ``*``.
        split: Name.
        short: Whether they are named as in 1.0.

    >>> shard_glob("*", "cholect50", "train", short=False), shard_glob("*", "*", "train", short=True)
    ('data/*/cholect50/*-cholect50-train-*.tar', 'data/*/*/train-*.tar')
    """
    return f"data/{task}/{source}/{'' if short else f'{task}-{source}-'}{split}-*.tar"


def is_short(name: str) -> bool:
    """Whether a name is one of 1.0, which says its split alone."""
    found = _NAME.fullmatch(name)
    return found is not None and found["folders"] is None


def split_of(place: str) -> str | None:
    """The split of a shard, by its name or path; None where it is not named as shards are.

    >>> split_of("a/b/train-00003.tar"), split_of("a-b-train-00003.tar"), split_of("train-3.tar")
    ('train', 'train', None)
    """
    found = _NAME.fullmatch(place.rpartition("/")[2])
    return found["split"] if found is not None else None
