"""One surgery has one canonical id, whichever source shows it: who shows the recordings of another uses its ids."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from surgsigma_hub.api import list_sources

from sources import WITH_FILES, opened


@cache
def shapes(name: str) -> frozenset[str]:
    """The canonical ids of a source's fixture, each number as ``0`` and of as many digits as are always there."""
    with TemporaryDirectory() as folder:
        return frozenset(shape(video.canonical_id) for video in opened(name, Path(folder)).videos())


def shape(canonical: str) -> str:
    return re.sub(r"[0-9]+", lambda found: "0" * min(2, len(found[0])), canonical.partition("/")[2])


def namespaces(name: str) -> dict[str, set[str]]:
    """Of each source that a source's canonical ids name, their shapes."""
    found: dict[str, set[str]] = {}
    with TemporaryDirectory() as folder:
        for video in opened(name, Path(folder)).videos():
            found.setdefault(video.canonical_id.partition("/")[0], set()).add(shape(video.canonical_id))
    return found


def is_id_of(name: str, one: str) -> bool:
    """Whether a shape is one of a source's; where none of its ids is padded, whatever the number of digits."""
    known = shapes(name)
    if any("00" in other for other in known):
        return one in known
    return re.sub("0+", "0", one) in known


@pytest.mark.parametrize("name", WITH_FILES)
def test_recordings_of_another_source_have_its_ids(name: str) -> None:
    known = list_sources()
    for other, found in namespaces(name).items():
        if other == name or other not in known:
            continue
        assert all(is_id_of(other, one) for one in found), f"{name} writes {found}, {other} writes {shapes(other)}"


def upstream(name: str) -> set[str]:
    """The sources whose pixels a source shows, and those whose these are."""
    direct = list_sources()[name].terms.upstream if name in list_sources() else ()
    return {*direct, *(far for one in direct for far in upstream(one))}


@pytest.mark.parametrize("name", [name for name in WITH_FILES if upstream(name)])
def test_a_source_whose_terms_name_the_pixels_of_another_has_its_ids(name: str) -> None:
    assert set(namespaces(name)) & upstream(name)
