"""What a user sees who loads the wrong state, reads a tree with holes, or asks for threads where they do not help."""

from __future__ import annotations

import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.errors import MediaError, ShardError, SurgSigmaError
from surgsigma_hub.streaming import Stream
from surgsigma_hub.streaming.storage.local_file import ShardFile, keeps_its_pages

from handmade import small_tree

FOLDER = "data/phase_recognition/synthetic"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path)


def open_stream(tree: Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(tree, **{"config": "phase_recognition", "decode": "rgb", "threads": 0, **more})


@pytest.mark.parametrize(
    "state, message",
    [
        (None, "not the state of a stream, but of type NoneType"),
        ([1], "not the state of a stream, but of type list"),
        ({"model": 1}, "data, samples, shuffle, interleave, seed, epoch, position, order missing"),
        ({"stream": {}, "taken": 3}, "the state of a loader, not of a stream"),
    ],
)
def test_what_is_no_state(tree: Path, state: Any, message: str) -> None:
    with pytest.raises(SurgSigmaError, match=message):
        open_stream(tree).load_state_dict(state)


def test_a_state_of_other_data_names_both(tree: Path) -> None:
    state = open_stream(tree).state_dict()
    other = surgsigma_hub.stream(tree, "instrument_segmentation", decode="bytes")
    with pytest.raises(
        SurgSigmaError, match=f"another tree, build.*filter.*{state['data']}.*{other.state_dict()['data']}"
    ):
        other.load_state_dict(state)
    with pytest.raises(SurgSigmaError, match=r"another interleaving \(interleave 16, here 3\)"):
        open_stream(tree, shuffle="block", interleave=3).load_state_dict(
            open_stream(tree, shuffle="block").state_dict()
        )


@pytest.mark.parametrize("state", [None, {"stream": {}}, {"stream": {}, "taken": 1}])
@pytest.mark.torch
def test_what_is_no_state_of_a_loader(tree: Path, state: Any) -> None:
    pytest.importorskip("torch")
    with pytest.raises(SurgSigmaError, match="not the state of a loader"):
        open_stream(tree).torch().load_state_dict(state)


@pytest.mark.parametrize("uneven, expected", [("exact", None), ("drop", 1), ("pad", 1)])
@pytest.mark.parametrize("last", [False, True])
def test_a_bad_picture_at_the_edge_of_an_epoch(tree: Path, uneven: str, expected: int | None, last: bool) -> None:
    path = tree / FOLDER / ("train-00001.tar" if last else "train-00000.tar")
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        pictures = [entry for entry in tar if entry.name.endswith("image.jpg")]
    entry = pictures[-1 if last else 0]
    data[entry.offset_data : entry.offset_data + entry.size] = b"x" * entry.size
    path.write_bytes(data)
    with pytest.raises(MediaError, match=rf"{path.name}: {entry.name}: not a readable image"):
        list(open_stream(tree, shuffle=False))
    with open_stream(tree, shuffle=False, on_error="skip", uneven=uneven) as stream:
        positions = [item.position for item in stream]
        assert stream.errors.count == 1 and stream.state_dict()["epoch"] == 1
    good = [0, 1, 2, 3, 4] if last else [1, 2, 3, 4, 5]
    assert positions == (good if expected is None else [*good, 4] if last else [5, *good])


def test_a_missing_shard(tree: Path) -> None:
    (tree / FOLDER / "train-00001.tar").unlink()
    with pytest.raises(ShardError, match=rf"{FOLDER}/train-00001.tar: shard named .* is missing\n  Build or"):
        list(open_stream(tree))
    with open_stream(tree, on_error="skip") as stream:
        assert len(list(stream)) == 4 and stream.errors.count == 2


def test_threads_are_started_where_they_help(tree: Path) -> None:
    """Handing bytes over costs more than reading them; hashing, decoding and waiting for a disk are worth it."""
    for more, expected in (
        ({"decode": "bytes"}, 0), ({"decode": "view"}, 0), ({"decode": "bytes", "verify": True}, 2),
        ({"decode": "bytes", "mapped": False}, 2), ({"decode": "rgb"}, 2),
    ):  # fmt: skip
        before = threading.active_count()
        with open_stream(tree, **{**more, "threads": 2}) as stream:
            assert len(list(stream)) == 6
            assert threading.active_count() - before == expected, more


def test_pixels_are_never_decoded_from_a_map(tree: Path) -> None:
    for more, kind in (({}, "ShardFile"), ({"decode": "bytes"}, "MappedFile"), ({"verify": True}, "ShardFile")):
        with open_stream(tree, **more) as stream:
            next(iter(stream))
            assert [type(f).__name__ for f in stream._shards._open.values()] == [kind]  # type: ignore[union-attr]


def test_which_disks_are_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    assert isinstance(keeps_its_pages(tmp_path), bool)
    device = tmp_path.stat().st_dev
    row = f"1 1 {os.major(device)}:{os.minor(device)} / /data rw shared:1 - %s server:/data rw\n"
    for kind, expected in (("nfs4", False), ("fuse.sshfs", False), ("lustre", False), ("ext4", True)):
        monkeypatch.setattr(Path, "read_text", lambda *_, kind=kind: row % kind)
        assert keeps_its_pages(tmp_path) is expected


def test_a_file_that_is_a_folder(tree: Path) -> None:
    with pytest.raises(ShardError, match=r"x: (holds|cannot be)"):
        ShardFile(tree, "x", 5).read(0, 5)
