"""Samples by medium: what the conversations about one picture or clip share is said once, and taken apart again.

Two samples are about one medium when all of their shared fields are equal: the same bytes, at the same moment of the
same video, in the same split of the same source. Pictures that only look alike stay apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from ..errors import ShardError
from ..records import Conversation, MediumSample, Sample
from ..schema import FORMAT_VERSION, Layout

_OWN = tuple(f.name for f in fields(Conversation))
_OWN_SET = frozenset(_OWN)
_SHARED = tuple(f.name for f in fields(MediumSample) if f.name not in ("format_version", "id", "conversations"))
_ORDER = tuple(f.name for f in fields(Sample))


def is_about_one_medium(roles: Sequence[str]) -> bool:
    """Whether a sample with media of these roles fits the layout: it looks at a medium and answers in words alone."""
    return bool(roles) and all(role == "input" for role in roles)


def layout_of(sample: Mapping[str, Any]) -> Layout:
    """The layout that the JSON of a sample is of."""
    return "frames" if "conversations" in sample else "tasks"


def medium_hash(sample: Mapping[str, Any]) -> int:
    """Names the medium of a sample: 64 bits, never 0, of all that it shares with the other samples about it."""
    shared = orjson.dumps([sample[name] for name in _SHARED])
    return int.from_bytes(hashlib.blake2b(shared, digest_size=8).digest(), "big") or 1


def medium_id(source: str, medium: int) -> str:
    """Id of a medium, which is its key in the tar.

    >>> medium_id("cholect50", 255)
    'cholect50-medium-00000000000000ff'
    """
    return f"{source}-medium-{medium:016x}"


def joined(samples: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON of a medium, from that of all samples about it; by task, then by id, whatever their order.

    Raises:
        ShardError: the samples are not about one medium.
    """
    found = sorted(samples, key=lambda sample: (sample["task"], sample["id"]))
    first = found[0]
    for other in found[1:]:
        for name in _SHARED:
            if other[name] != first[name]:
                raise ShardError(
                    f"{first['id']} and {other['id']} are not about one medium: {name} differs",
                    hint="Two different media have one name, which chance does not do. Build the tree again.",
                )
    return {
        "format_version": FORMAT_VERSION,
        "id": medium_id(first["source"], medium_hash(first)),
        **{name: first[name] for name in _SHARED},
        "conversations": [{name: sample[name] for name in _OWN} for sample in found],
    }


def samples_of(medium: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The samples that :func:`joined` has made into one, each as JSON with its fields in their order."""
    for talk in medium["conversations"]:
        yield sample_of(medium, talk)


def conversations_in(document: dict[str, Any], layout: Layout) -> list[dict[str, Any]]:
    """The samples that the JSON of one sample of a shard stands for: itself, or those about the medium."""
    return list(samples_of(document)) if layout == "frames" else [document]


class MediumSamples:
    """The samples of one medium one by one: what they share is looked up once, for whoever takes several.

    Raises:
        KeyError: the medium or one of its conversations lacks a field.
    """

    __slots__ = ("_shared", "_talks")

    def __init__(self, medium: Mapping[str, Any]) -> None:
        talks: Sequence[Mapping[str, Any]] = medium["conversations"]
        self._talks = [talk if talk.keys() == _OWN_SET else {name: talk[name] for name in _OWN} for talk in talks]
        self._shared = {name: None if name in _OWN_SET else medium[name] for name in _ORDER}

    def sample(self, number: int) -> dict[str, Any]:
        """As :func:`sample_of` gives it; fields that are shared are the same objects in each."""
        made: dict[str, Any] = self._shared.copy()
        made.update(self._talks[number])
        return made


def sample_of(medium: Mapping[str, Any], talk: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of one sample of a medium, given one of its conversations."""
    both = {**medium, **talk}
    return {name: both[name] for name in _ORDER}
