"""Duplicates: the same picture in two sources or splits is found, also encoded anew, and different ones are not."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from surgsigma_hub.api import build
from surgsigma_hub.cli import main
from surgsigma_hub.hub.duplicates import Duplicate, Seen, compare, find_duplicates, near_pairs
from surgsigma_hub.media.perceptual import picture_hash

from builds import digests
from sources import root_of

TRAIN, TEST, OTHER = ("one", "train"), ("one", "test"), ("two", "test")


def seen(place: tuple[str, str], surgery: str, sample: str, value: int) -> dict[tuple[str, str], Seen]:
    return {place: Seen(place, surgery, sample, value)}


def drawn(number: int) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 256, (9, 16, 3), np.uint8)
    return Image.fromarray(noise).resize((320, 180)).filter(ImageFilter.GaussianBlur(3))


def encoded(image: Image.Image, quality: int) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 16), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_no_near_pair_is_missed_and_none_is_made_up(hashes: list[int], bits: int, rng: random.Random) -> None:
    for _ in range(min(5, len(hashes))):  # neighbours of some, at and beyond the threshold
        flipped = rng.sample(range(64), rng.randint(0, bits + 2))
        hashes.append(rng.choice(hashes) ^ sum(1 << bit for bit in flipped))
    groups = [rng.randint(0, 2) for _ in hashes]
    expected = [
        (a, b)
        for b in range(len(hashes))
        for a in range(b)
        if groups[a] != groups[b] and (hashes[a] ^ hashes[b]).bit_count() <= bits
    ]
    assert near_pairs(hashes, groups, bits) == sorted(expected)


def test_a_picture_encoded_anew_is_found_and_another_picture_is_not() -> None:
    first, small = picture_hash(encoded(drawn(1), 92)), picture_hash(encoded(drawn(1).resize((160, 90)), 50))
    media = {
        "a": seen(TRAIN, "one/v1", "one-a", first),
        "b": seen(OTHER, "two/x", "two-b", small),
        "c": seen(OTHER, "two/x", "two-c", picture_hash(encoded(drawn(2), 92))),
    }
    assert compare(media) == (Duplicate(TRAIN, OTHER, 0, 1, False, (("one-a", "two-b"),)),)
    assert compare(media)[0].leaks


def test_equal_media_are_told_apart_from_those_that_look_alike_and_known_surgeries_from_others() -> None:
    same = {**seen(TRAIN, "one/v1", "one-a", 5), **seen(TEST, "one/v1", "one-b", 5)}
    blank = {**seen(TRAIN, "one/v1", "one-k", 0), **seen(OTHER, "one/v1", "two-k", 0)}
    found = {(d.one, d.other): d for d in compare({"a": same, "k": blank, "z": seen(TEST, "one/v2", "one-z", 0)})}
    assert found[TEST, TRAIN].exact == 1 and found[TEST, TRAIN].near == 0 and found[TEST, TRAIN].known
    assert found[TRAIN, OTHER].exact == 1, "black frames are compared byte for byte"
    assert (TEST, OTHER) not in found, "and are not alike because both show nothing"


def test_a_tree_whose_splits_share_pictures_is_named_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The films of the fixture show their numbers, so that those of training and test begin alike."""
    out = tmp_path / "surgsigma"
    build("m2cai16_workflow", root=root_of("m2cai16_workflow"), out=out, tasks=["phase_recognition"], max_quarantine=1)
    before = digests(out)
    (found,) = find_duplicates(out).found
    assert (found.one, found.other) == (("m2cai16_workflow", "test"), ("m2cai16_workflow", "train"))
    assert found.exact >= 4 and found.leaks and not found.known
    assert main(["duplicates", str(out)]) == 1
    printed = capsys.readouterr().out
    assert "not known to be one surgery" in printed and "Nothing was removed" in printed
    assert digests(out) == before
