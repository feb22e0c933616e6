"""Damage inside a block: what is delivered is what was written there, at its own number, or an error; never a shift."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.tar_index import layout, members, span
from surgsigma_hub.shards.tar_salvage import SalvagedBlock
from surgsigma_hub.shards.writer import ShardWriter
from surgsigma_hub.streaming import RemoteOptions, Stream

from handmade import CARD, entries, jpeg, mask, noise, rewrite, sample, write_part
from webserver import serve

COUNT = 9
NAME = "data/phase_recognition/synthetic/train-00000.tar"
Places = list[dict[str, tuple[int, int]]]


class Block(NamedTuple):
    """Bytes of a shard of one block, and where the content of each member of each sample lies."""

    data: bytes
    places: Places

    def __repr__(self) -> str:
        return "Block"  # failing cases are printed


def make_sample(n: int) -> Any:
    media: Any = [("image.jpg", "image", "input", noise("JPEG", n, (40, 30)))]
    if n % 3 == 1:
        media.append(("target.png", "mask", "target", mask()))
    return sample(n, media=media)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Block:
    """As the package writes it."""
    path = tmp_path_factory.mktemp("shard") / "train-00000.tar"
    places: Places = []
    at = 0
    with ShardWriter(path) as writer:
        for n in range(COUNT):
            made = entries(*make_sample(n))
            writer.add(made[0][0].partition(".")[0], [(name.partition(".")[2], data) for name, data in made])
            places.append({})
            for name, data in made:
                places[-1][name.partition(".")[2]] = (at + 512, len(data))
                at += 512 + len(data) + -len(data) % 512
        writer.close()
    return Block(path.read_bytes(), places)


def found_in(data: bytes, count: int = COUNT) -> tuple[dict[int, dict[str, bytes]], str]:
    """Members by number, of the samples that can be read and lie under their own key."""
    found = layout(data, 0, len(data), count, where="x.tar")
    kept: dict[int, dict[str, bytes]] = {}
    for turn in range(count):
        try:
            begin, end = span(found, turn)
            got = members(data, memoryview(data), begin, end, where="x.tar")
            if orjson.loads(got.json)["id"] != got.key:  # as a stream does
                continue
        except (ShardError, orjson.JSONDecodeError, KeyError):
            continue
        kept[turn] = {"json": bytes(got.json), **{name: bytes(m) for name, m in got.media.items()}}
    return kept, found.reason if isinstance(found, SalvagedBlock) else ""


def check(data: bytes, places: Places, kept: dict[int, dict[str, bytes]]) -> None:
    """Each member that was found is the one that lies there."""
    for turn, got in kept.items():
        for name, content in got.items():
            at, size = places[turn][name]
            assert content == data[at : at + size], (turn, name)


def test_a_damaged_header_costs_its_sample(shard: Block) -> None:
    data, places = shard
    assert len(found_in(data)[0]) == COUNT
    for turn, where in enumerate(places):
        for name, (at, _) in where.items():
            for byte in (-512, -480, -512 + 124, -512 + 150, -512 + 156, -512 + 400):
                damaged = bytearray(data)
                damaged[at + byte] ^= 0x15
                kept, reason = found_in(bytes(damaged))
                check(damaged, places, kept)
                assert reason and len(kept) >= COUNT - 1
                # A sample whose medium is lost is read, and then found to lack it by its own JSON.
                assert (turn not in kept) or set(kept[turn]) == set(where) - {name}


damages = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 2**30), st.integers(1, 255)),
        st.tuples(st.just("header"), st.integers(0, 2**30), st.integers(1, 255)),
        st.tuples(st.just("zero"), st.integers(0, 2**30), st.sampled_from([1, 512, 4096, 20_000])),
        st.tuples(st.just("noise"), st.integers(0, 2**30), st.sampled_from([100, 512, 4096, 20_000])),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def harm(data: bytes, places: Places, how: list[tuple[str, int, int]]) -> tuple[bytes, set[int]]:
    """Damaged bytes and which those are; a header is hit by at most one flip, which its checksum always shows."""
    out, hit = bytearray(data), set[int]()
    heads = sorted(at - 512 for where in places for at, _ in where.values())
    for kind, place, much in how:
        if kind in ("flip", "header"):
            at = place % len(data) if kind == "flip" else heads[place % len(heads)] + place // len(heads) % 512
            if at // 512 in {h // 512 for h in hit}:
                continue
            out[at] ^= much
            hit.add(at)
            continue
        at = place % (len(data) // 512) * 512
        span = range(at, min(len(data), at + much))
        if kind == "zero":
            out[at : span.stop] = bytes(len(span))
        elif kind == "noise":
            out[at : span.stop] = random.Random(place).randbytes(len(span))
        else:  # a write that went to another place of the same file
            other = (place // 7) % (len(data) // 512 - 10) * 512
            out[at : span.stop] = data[other : other + len(span)].ljust(len(span), b"\0")
        hit.update(span)
    return bytes(out), hit


@settings(max_examples=300)
@given(how=damages)
def test_never_a_shift(shard: Block, how: list[tuple[str, int, int]]) -> None:
    data, places = shard
    damaged, hit = harm(data, places, how)
    kept, _ = found_in(damaged)
    check(damaged, places, kept)
    whole = [min(at for at, _ in where.values()) - 512 for where in places] + [len(data) - 1024]
    for turn in range(COUNT):
        if hit and (whole[turn + 1] <= min(hit) or whole[turn] > max(hit)):
            assert turn in kept  # what lies before or behind all damage is certain


@settings(max_examples=100)
@given(place=st.integers(0, 2**20), much=st.sampled_from([512, 1024, 4096]))
def test_a_write_to_a_wrong_place(shard: Block, place: int, much: int) -> None:
    """Old headers where they do not belong."""
    damaged, _ = harm(*shard, [("move", place, much)])
    for turn, got in found_in(damaged)[0].items():
        assert orjson.loads(got["json"])["id"] == make_sample(turn)[0].id


def test_a_tail_of_zeros_hides_samples(shard: Block) -> None:
    """A cut and filled file: what is missing is missing at the end, and no other sample takes its number."""
    data, places = shard
    at = min(at for at, _ in places[5].values()) - 512
    kept, _ = found_in(data[:at] + bytes(len(data) - at))
    assert sorted(kept) == [0, 1, 2, 3, 4]
    # One that is hidden in the middle, and a tail that may hide it just as well: nothing behind is certain.
    at, end = (min(at for at, _ in places[n].values()) - 512 for n in (3, 4))
    kept, _ = found_in(data[:at] + bytes(end - at) + data[end:] + bytes(9216))
    assert sorted(kept) == [0, 1, 2]
    assert sorted(found_in(data[:at] + bytes(end - at) + data[end:])[0]) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_an_index_that_is_wrong_is_no_damage(shard: Block) -> None:
    for count in (COUNT - 1, COUNT + 1):
        kept, reason = found_in(shard[0], count)
        assert not kept and f"{COUNT} samples between bytes" in reason


def open_stream(place: str | Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(
        place, **{"decode": "bytes", "shuffle": False, "verify": True, "remote": RemoteOptions(timeout=5.0), **more}
    )


@pytest.fixture(scope="module")
def made(shard: Block, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("made")
    write_part(tree, [[make_sample(n) for n in range(COUNT)], [sample(n) for n in range(COUNT, COUNT + 3)]])
    (tree / "README.md").write_text(CARD)
    rewrite(tree, shard[0])
    return tree


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("options", [{}, {"mapped": False, "threads": 2}, {"decode": "rgb"}])
def test_streams_of_damaged_shards(
    made: Path, shard: Block, remote: bool, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any bytes of headers and media, many at a time: a sample is what it was, or an error that names the shard."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    data, places = shard
    jsons = {b for where in places for b in range(where["json"][0], sum(where["json"]))}
    rewrite(made, data)
    with open_stream(made, **options) as stream:  # closed before the file is written again
        good = {i.position: (i.key, i.sample, len(i.media)) for i in stream}
    seen = 0
    with serve(made) as web:
        for seed in range(12):
            draw = random.Random(seed)
            damaged = bytearray(data)
            for _ in range(draw.choice([1, 2, 5, 30])):
                at = draw.randrange(len(data))
                damaged[at] ^= 0 if at in jsons else draw.randrange(1, 256)
            for head in draw.sample([at - 512 for where in places for at, _ in where.values()], draw.randrange(3)):
                for _ in range(draw.choice([1, 2, 9])):
                    damaged[head + draw.randrange(512)] ^= draw.randrange(1, 256)
            rewrite(made, bytes(damaged))
            with open_stream(web.url if remote else made, on_error="skip", **options) as stream:
                got = {i.position: (i.key, i.sample, len(i.media)) for i in stream}
                assert got.items() <= good.items() and len(got) + stream.errors.count == len(good)
                assert all(error.startswith(NAME) for error in stream.errors.last)
                seen += stream.errors.count
                bad = stream.errors.count
            if bad:
                with (
                    open_stream(web.url if remote else made, **options) as stream,
                    pytest.raises(ShardError, match=NAME),
                ):
                    list(stream)
    assert 12 <= seen <= 12 * COUNT / 2


def test_a_sample_under_another_key(made: Path, shard: Block) -> None:
    data, places = shard
    one, two = (places[n]["json"][0] - 512 for n in (2, 5))
    damaged = data[:one] + data[two : two + 512] + data[one + 512 :]  # a header that was written to a wrong place
    rewrite(made, damaged)
    with open_stream(made, on_error="skip") as stream:
        assert {i.position for i in stream} >= {9, 10, 11}
        assert stream.errors.count >= 1


# -- files that change under the reader ------------------------------------------------------------------------------

CUTTER = """
import itertools, os, random, sys, threading, time, surgsigma_hub
from pathlib import Path
tree, decode, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
tar = tree / "data/phase_recognition/synthetic/train-00000.tar"
data, draw, seen = tar.read_bytes(), random.Random(seed), 0
for turn in range(int(sys.argv[4])):
    other = tar.with_suffix(".new")
    other.write_bytes(data)
    other.replace(tar)
    stream = surgsigma_hub.stream(tree, decode=decode, mapped=False, threads=draw.choice([0, 2]))
    length = draw.choice([0, 512, len(data) // 2, len(data) - 2000])
    timer = threading.Timer(draw.random() * 0.02, os.truncate, (tar, length))
    timer.start()
    try:
        for epoch in range(200):
            for item in stream:
                pass
    except surgsigma_hub.errors.ShardError as error:
        assert "was changed while it was read" in str(error) or "the manifest says" in str(error), error
        seen += 1
    timer.join()
    stream.close()
print(seen)
"""


@pytest.mark.parametrize("decode", ["rgb", "bytes"])
def test_a_file_that_is_cut_ends_no_process(tmp_path: Path, decode: str) -> None:
    write_part(tmp_path, [[sample(n) for n in range(40)]])
    done = subprocess.run(
        [sys.executable, "-c", CUTTER, str(tmp_path), decode, "1", "25"], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, "25\n"), done.stderr


def _over(tar: Path) -> None:
    with tar.open("r+b") as file:
        file.write(bytes(100))


def _cut(tar: Path) -> None:
    with tar.open("r+b") as file:
        file.truncate(5000)


@pytest.mark.parametrize("change", [_over, _cut])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_file_that_is_written_in_place(
    tmp_path: Path, change: Callable[[Path], None], mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surgsigma_hub.streaming.storage.local_file._CHECK_SECONDS", 0.0)
    write_part(tmp_path, [[sample(n) for n in range(40)]])
    with open_stream(tmp_path, mapped=mapped, verify=False, threads=0) as stream:
        rows = iter(stream)
        next(rows)
        change(tmp_path / NAME)
        with pytest.raises(ShardError, match="was changed while it was read"):
            next(rows)
    with open_stream(tmp_path, mapped=mapped, verify=False, on_error="skip", max_errors_in_row=99) as stream:
        expected = 0 if change is _cut else 39  # the first sample was written over
        assert len(list(stream)) == expected and stream.errors.count == 40 - expected


@pytest.mark.parametrize("mapped", [False, True])
def test_a_file_that_is_replaced_goes_on_as_it_was(tmp_path: Path, mapped: bool) -> None:
    write_part(tmp_path, [[sample(n) for n in range(40)]])
    expected = [i.key for i in open_stream(tmp_path)]
    rows = iter(open_stream(tmp_path, mapped=mapped))
    first = next(rows).key
    other = tmp_path / "other"
    other.write_bytes(jpeg())
    other.replace(tmp_path / NAME)
    assert [first, *(i.key for i in rows)] == expected
    with pytest.raises(ShardError, match="the manifest says"):
        list(open_stream(tmp_path, mapped=mapped))


def test_a_disk_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    write_part(tmp_path, [[sample(n) for n in range(4)]])

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fails)
    with pytest.raises(ShardError, match=r"train-00000.tar: cannot be read at byte 0 \(Input/output error\)"):
        list(open_stream(tmp_path, mapped=False))
