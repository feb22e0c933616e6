"""``stream(..., talk=)``: what is laid out by medium, as one conversation, as all of them, or as turns."""

from __future__ import annotations

import json
import logging
import pickle
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.streaming import RemoteOptions, Turns
from surgsigma_hub.streaming.decode.decoder import Decoder
from surgsigma_hub.streaming.selection.dataset import LoadedSelection, Selection, StreamDataset
from surgsigma_hub.streaming.turns import gives_away, lots, pick_one
from surgsigma_hub.tasks import all_tasks

from packed import write_packed, write_talks
from talks import EVERYTHING, MEDIA, SHARDS, TALKS, A, B, C, D, medium_of, name, names, open_stream, tree
from test_stream_model import dealt, manifest, order, shuffled
from webserver import serve

__all__ = ["tree"]


@pytest.fixture(scope="module")
def url(tree: Path) -> Iterator[str]:
    with serve(tree) as web, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        yield web.url


# -- the order, against a model of it ----------------------------------------------------------------------------------


def all_model(kept: list[list[Any]], media: list[int], kind: str, seed: int, epoch: int, lanes: int) -> list[Any]:
    """The conversations of an epoch: media in their order, dealt to lanes, those of each shuffled, a lane in turn."""
    if kind == "none":
        return [talk for medium in media for talk in kept[medium]]
    numbers = {medium: n for n, medium in enumerate(sorted(media))}
    rows = [
        [kept[medium][k] for medium in media[lane::lanes]
         for k in shuffled(len(kept[medium]), f"inside/{seed}/{epoch}", numbers[medium])]
        for lane in range(min(lanes, len(media)))
    ]  # fmt: skip
    longest = max(map(len, rows))
    return [row[at] for at in range(longest) for row in rows if at < len(row)]


@settings(max_examples=30)
@given(
    kind=st.sampled_from(["full", "block", "none"]), seed=st.integers(0, 9), epoch=st.integers(0, 3),
    lanes=st.integers(1, 6), only=st.sets(st.sampled_from([A, B, C, D]), min_size=1), rare=st.booleans(),
    world=st.integers(1, 3), uneven=st.sampled_from(["exact", "drop", "pad"]), at=st.floats(0, 1),
    other=st.integers(1, 3), threads=st.sampled_from([0, 2]), talk=st.sampled_from(EVERYTHING),
)  # fmt: skip
def test_streams_follow_the_model(
    tree: Path, kind: str, seed: int, epoch: int, lanes: int, only: set[str], rare: bool, world: int, uneven: Any,
    at: float, other: int, threads: int, talk: Any,
) -> None:  # fmt: skip
    how: dict[str, Any] = {"shuffle": kind, "seed": seed, "interleave": lanes, "uneven": uneven, "threads": threads}
    if rare:
        how["where"] = {"label": "rare"}
    kept = [
        [(n, k) for k, task in enumerate(sorted(tasks)) if task in only and not (rare and n % 3)]
        for n, tasks in enumerate(MEDIA)
    ]  # fmt: skip
    edges = np.cumsum([0, *map(len, SHARDS)]).tolist()
    blocks = [[n for n in range(a, b) if kept[n]] for a, b in pairwise(edges)]
    blocks = [block for block in blocks if block]
    # Lanes of a block order are as many as there are blocks, those of conversations as there are media.
    media = order(blocks, kind, seed, epoch, lanes)
    if kind == "full" and talk == "all":  # media are the blocks of a block order
        numbers = sorted(media)
        media = [numbers[n] for n in shuffled(len(numbers), f"blocks/{seed}/{epoch}")]
    whole: list[Any] = media if talk != "all" else all_model(kept, media, kind, seed, epoch, lanes)

    if talk == "all":  # two conversations of one task have one place in the model: their ids are compared below
        whole = [(n, sorted(MEDIA[n])[k]) for n, k in whole]
        key = lambda item: (medium_of(item), item.sample["task"])  # noqa: E731
    else:
        key = medium_of
    config = sorted(only)
    steps = int(at * (len(whole) // world))
    states, got = [], []
    for rank in range(world):
        with open_stream(tree, talk, config=config, epoch=epoch, **{**how, "rank": rank, "world_size": world}) as mine:
            assert mine.samples == len(whole)
            rows = iter(mine)
            first = [next(rows) for _ in range(steps)]
            states.append(json.dumps(mine.state_dict()))
            items = [*first, *rows]
            got += [name(item) for item in items]
            assert [key(item) for item in items] == dealt(whole, 0, rank, world, uneven)
            assert mine.state_dict()["epoch"] == epoch + 1
            for item in items:
                tasks = [one["task"] for one in item.sample.get("conversations", [item.sample])]
                assert tasks and set(tasks) <= only
    if uneven == "exact":
        assert len(set(got)) == len(got) == len(whole)
    if steps < len(dealt(whole, 0, world - 1, world, uneven)) or not steps:
        assert len(set(states)) == 1
        for rank in range(other):
            with open_stream(tree, talk, config=config, **{**how, "rank": rank, "world_size": other}) as mine:
                mine.load_state_dict(json.loads(states[0]))
                assert [key(item) for item in mine] == dealt(whole, steps * world, rank, other, uneven)


@pytest.mark.parametrize("talk", EVERYTHING, ids=str)
@pytest.mark.parametrize("shuffle", ["full", "block", "none"])
def test_ranks_threads_and_places_do_not_matter(tree: Path, url: str, talk: Any, shuffle: str) -> None:
    """Items in full, turns and their order included."""
    whole = names(open_stream(tree, talk, shuffle=shuffle))
    remote = RemoteOptions(timeout=5.0, connections=2)
    assert names(open_stream(url, talk, shuffle=shuffle, remote=remote)) == whole
    assert names(pickle.loads(pickle.dumps(open_stream(tree, talk, shuffle=shuffle, threads=3)))) == whole
    for world in (2, 3):
        rows = [names(open_stream(tree, talk, shuffle=shuffle, rank=r, world_size=world)) for r in range(world)]
        assert [rows[p % world][p // world] for p in range(len(whole))] == whole


def test_what_an_item_is(tree: Path) -> None:
    one, every, turns = (list(open_stream(tree, talk, config="all")) for talk in ("one", "all", "turns"))
    assert [len(one), len(every), len(turns)] == [len(MEDIA), TALKS, len(MEDIA)]
    assert len({item.key for item in every}) == TALKS
    stored = {item.key: item.sample for item in every}
    for item in one:
        assert item.sample == stored[item.key] and item.record.task == item.sample["task"]
    for item in turns:
        assert item.record.conversations and item.key.startswith("synthetic-medium-")
        tasks = [talk["task"] for talk in item.sample["conversations"]]
        assert not any((a, b) in gives_away() for a in tasks for b in tasks)
        for talk in item.sample["conversations"]:
            assert stored[talk["id"]]["messages"] == talk["messages"]
    assert {tuple(item.media) for item in [*one, *every, *turns]} == {("image.jpg",)}


def test_a_picture_is_decoded_once_for_all_about_it(tree: Path, url: str) -> None:
    class Counting(Decoder):
        def __init__(self) -> None:
            super().__init__("rgb")
            self.read: Counter[str] = Counter()

        def sample(self, raw: Any) -> Any:
            self.read[raw.key] += 1
            return super().sample(raw)

    for place, threads, world in ((tree, 0, 1), (tree, 3, 3), (url, 2, 1)):
        for rank in range(world):
            counting = Counting()
            how = {"rank": rank, "world_size": world, "threads": threads, "shuffle": "block", "decode": "rgb"}
            made = open_stream(place, "all", **how).measured(lambda at: at, lambda _, c=counting: c)  # type: ignore[misc]
            seen = defaultdict(set)
            with made as stream:
                for item in stream:
                    pixels = item.media["image.jpg"]
                    seen[medium_of(item)].add(id(pixels.base if pixels.base is not None else pixels))
                    with pytest.raises(ValueError, match="read-only"):
                        pixels[0] = 0
            most = max(counting.read.values())
            assert most == 1 if world == 1 else most <= 2, "but for the end of an epoch, where lanes have run out"
    turns = next(iter(open_stream(tree, "turns", decode="rgb")))
    turns.media["image.jpg"][0] = 0  # one item has it: it may be written


def test_weights_choose_in_one(tree: Path) -> None:
    found: Counter[str] = Counter()
    both = [n for n, tasks in enumerate(MEDIA) if {A, C} <= set(tasks)]
    with open_stream(tree, "one", config={A: 3.0, C: 1.0}, threads=0) as stream:
        while stream.epoch < 200:
            found.update(item.sample["task"] for item in stream if medium_of(item) in both)
    assert set(found) == {A, C} and abs(found[A] / found.total() - 0.75) < 0.07
    assert {i.sample["task"] for i in open_stream(tree, "one", config={A: 1.0, C: 0.0})} == {A}
    # Overlapping names add up, as the union of names counts once.
    assert len(open_stream(tree, "all", config=["frames", A, f"{A}-synthetic"])) == TALKS


def test_turns_come_in_another_order_each_epoch_and_every_conversation_comes(tree: Path) -> None:
    seen: set[str] = set()
    epochs = []
    for epoch in range(40):
        epochs.append(names(open_stream(tree, Turns(most=2), epoch=epoch)))
        for one in epochs[-1]:
            ids = one.split("+")[1:]
            assert 1 <= len(ids) <= 2
            seen |= set(ids)
    assert len(seen) == TALKS and len({tuple(e) for e in epochs}) == 40
    assert (
        names(open_stream(tree, Turns(most=2), epoch=7))
        == epochs[7]
        != names(open_stream(tree, Turns(most=2), epoch=7, seed=4))
    )
    free = list(open_stream(tree, Turns(most=99, apart=frozenset())))
    assert sum(len(item.sample["conversations"]) for item in free) == TALKS


def test_pairs_that_give_each_other_away_are_tasks_of_ours_with_words() -> None:
    tasks = all_tasks()
    for pair in gives_away():
        assert pair[0] != pair[1] and set(pair) <= set(tasks)
        assert pair[::-1] not in gives_away(), "either order is meant already"
    assert Turns().choose([A, C], [1, 1], [0.9, 0.8]) == [0] and Turns().choose([A, C], [0, 1], [0.9, 0.8]) == [1]
    assert Turns(apart=frozenset({(C, C)})).choose([C, C], [1, 1], [0.9, 0.8]) == [0, 1], (
        "one task may stand with itself"
    )


def test_lots_are_even_and_ones_own() -> None:
    many = np.array([lots(1, 2, n, 11) for n in range(400)])
    assert many.shape == (400, 11) and len(np.unique(many)) == many.size and abs(many.mean() - 0.5) < 0.02
    assert lots(1, 2, 3, 20)[:5] == lots(1, 2, 3, 5) != lots(1, 3, 3, 5) != lots(2, 3, 3, 5)
    assert [pick_one([0, 1, 1, 0], lot) for lot in (0.0, 0.49, 0.5, 1.0)] == [1, 1, 2, 2]


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_few_bytes_are_read_for_a_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    write_talks(tmp_path, [[[A, B, C]] * 40] * 3, size=30_000)
    with serve(tmp_path) as web:
        how = {"remote": RemoteOptions(timeout=5.0, connections=2), "where": {"label": "rare"}}
        kept = names(open_stream(web.url, "turns", config=C, **how))
        assert len(kept) == 40 and 40 * 30_000 < sum(web.asked()) < 2 * 40 * 36_000
    assert kept == names(open_stream(tmp_path, "turns", config=C, where={"label": "rare"}, shuffle="block"))


def test_both_layouts_in_one_tree(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_talks(tmp_path, SHARDS, source="cholect50")
    write_packed(tmp_path, [[100] * 5])
    with caplog.at_level(logging.WARNING):
        assert len(surgsigma_hub.stream(tmp_path, "phase_recognition", decode="bytes")) == 5
    assert "laid out by medium is left out; talk= reads it" in caplog.text
    assert len(open_stream(tmp_path, "all", config="phase_recognition")) == sum(C in tasks for tasks in MEDIA)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"config": "phase_recognition"}, r"no config 'phase_recognition' by task; .* read with talk="),
        ({"config": "frames"}, "'frames' .* is laid out by medium: say what an item is"),
        ({"talk": "two"}, "unknown talk 'two'"),
        ({"talk": "all", "config": {A: 2, B: 1}}, "which gives every conversation once"),
        ({"talk": "one", "config": {A: -2}}, "make no shares"),
        ({"talk": "one", "config": {A: 0.0}}, "make no shares"),
        ({"talk": "one", "config": []}, "no config was named"),
        ({"talk": "one", "temperature": 2.0}, "temperature and caps"),
        ({"talk": "one", "caps": 3}, "temperature and caps"),
        ({"talk": "one", "where": {"label": "nowhere"}}, "no sample is left"),
    ],
)
def test_what_cannot_be_is_told(tree: Path, how: dict[str, Any], says: str) -> None:
    with pytest.raises(SurgSigmaError, match=says):
        surgsigma_hub.stream(tree, **how)
    for wrong in ({"config": "video_captioning"}, {"split": "dev"}):
        with pytest.raises(UnknownNameError):
            open_stream(tree, "one", **wrong)
    with pytest.raises(SurgSigmaError, match="most=0"):
        Turns(most=0)


def test_a_tree_without_media_says_how_to_make_one(tmp_path: Path) -> None:
    write_packed(tmp_path, [[100] * 5])
    with pytest.raises(SurgSigmaError, match=r"nothing is laid out by medium(.|\n)*repack TREE --layout frames"):
        open_stream(tmp_path, "all")


def test_states_belong_to_their_talk(tree: Path) -> None:
    states = {}
    for talk in EVERYTHING:
        with open_stream(tree, talk) as stream:
            states[str(talk)] = orjson.dumps(stream.state_dict())
    assert len(set(states.values())) == len(EVERYTHING)
    with pytest.raises(SurgSigmaError, match="the state belongs to other data"):
        open_stream(tree, "turns").load_state_dict(json.loads(states["one"]))
    with pytest.raises(SurgSigmaError, match="the state belongs to other data"):
        open_stream(tree, "one", config={A: 2, B: 1}).load_state_dict(
            open_stream(tree, "one", config={A: 1, B: 2}).state_dict()
        )


def test_states_of_the_layout_by_task_are_what_they_were() -> None:
    """A change here loses the place of every run in progress."""
    parts = (manifest("a", [[3, 4], [2]]),), (manifest("b", [[5]]),)
    plain = LoadedSelection(Selection(("all",), (sum(parts, ()),)), (sum(parts, ()),))
    mixed = LoadedSelection(Selection(("a", "b"), parts, (1.0, 3.0), mixed=True), parts)
    found = [StreamDataset(one, where={"label": ["x"]}).fingerprint for one in (plain, mixed)]
    assert found == ["1e79924b1b1a909c689bcbd2", "140060ebc08bc50ff8bb5729"]


@pytest.mark.torch
@pytest.mark.parametrize("talk", EVERYTHING, ids=str)
def test_a_loader_with_workers_gives_the_same(tree: Path, talk: Any) -> None:
    torch_data = pytest.importorskip("torch.utils.data", reason="torch is not installed: loaders were not run")
    whole = names(open_stream(tree, talk))
    for workers in (0, 2):
        with open_stream(tree, talk, decode="rgb", threads=0) as stream:
            loader = torch_data.DataLoader(stream.torch(4), batch_size=4, num_workers=workers, collate_fn=list)
            items = list(chain(*loader))
            assert [name(item) for item in items] == whole
            for item in items:
                item.media["image.jpg"] += 1  # a tensor cannot be kept from being written: it is one's own
