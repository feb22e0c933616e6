"""Samples by number: the same as in the order of the tree, in any order, in another process, and errors that name."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.streaming import StreamSample

from handmade import small_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "tree")


def told(items: Sequence[StreamSample]) -> list[tuple[object, ...]]:
    return [(i.key, i.sample, i.media, i.position) for i in items]


def test_a_view_holds_the_samples_in_the_order_of_the_tree(tree: Path) -> None:
    plain = list(surgsigma_hub.stream(tree, decode="bytes", shuffle=False))
    stream = surgsigma_hub.stream(tree, decode="bytes", seed=3, rank=1, world_size=2, epoch=4)
    state, view = stream.state_dict(), stream.view()
    assert len(view) == len(plain) and told(list(view)) == told(plain)
    assert told([view[n] for n in (3, 0, -1, 3)]) == told([plain[n] for n in (3, 0, -1, 3)])
    assert told([pickle.loads(pickle.dumps(view))[2]]) == told([plain[2]])
    assert stream.state_dict() == state, "the stream stays where it stands"


def test_what_is_not_there_is_told(tree: Path) -> None:
    view = surgsigma_hub.stream(tree, decode="bytes").view()
    for number in (len(view), -len(view) - 1):
        with pytest.raises(IndexError, match=f"sample {number} of {len(view)}"):
            view[number]
    with pytest.raises(SurgSigmaError, match="one sample at a time"):
        view[:2]  # type: ignore[index]


def test_a_damaged_sample_is_an_error_that_names_its_shard(tree: Path) -> None:
    view = surgsigma_hub.stream(tree, "phase_recognition", decode="bytes", verify=False).view()
    tar = next((tree / "data" / "phase_recognition" / "synthetic").glob("train-00000.tar"))
    data = tar.read_bytes()
    tar.write_bytes(data.replace(b'"format_version"', b'"format_verzion"', 1))
    with pytest.raises(ShardError, match="train-00000"):
        view[0]
    assert view[1].sample["task"] == "phase_recognition"
