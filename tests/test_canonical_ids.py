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
def ids(name: str) -> frozenset[str]:
    """The canonical ids of a source's fixture."""
    with TemporaryDirectory() as folder:
        return frozenset(video.canonical_id for video in opened(name, Path(folder)).videos())


def is_id_of(name: str, canonical: str) -> bool:
    """Whether a canonical id is of the form of a source's own: the same words, and numbers padded alike."""
    own = {one for one in ids(name) if one.startswith(f"{name}/")}
    padded = any(re.search(r"(?<![0-9])0[0-9]", one) for one in own)

    def form(text: str) -> str:
        return re.sub("[0-9]+", lambda found: "0" * min(2, len(found[0])) if padded else "0", text)

    return form(canonical) in map(form, own)


@pytest.mark.parametrize("name", WITH_FILES)
def test_recordings_of_another_source_have_its_ids(name: str) -> None:
    for canonical in ids(name):
        other = canonical.partition("/")[0]
        assert other == name or other not in WITH_FILES or is_id_of(other, canonical), f"{canonical} is none of {other}"


def upstream(name: str) -> set[str]:
    """The sources whose pixels a source shows, and those whose these are."""
    direct = list_sources()[name].terms.upstream if name in list_sources() else ()
    return {*direct, *(far for one in direct for far in upstream(one))}


@pytest.mark.parametrize("name", [name for name in WITH_FILES if upstream(name)])
def test_a_source_whose_terms_name_the_pixels_of_another_has_its_ids(name: str) -> None:
    assert {canonical.partition("/")[0] for canonical in ids(name)} & upstream(name)
