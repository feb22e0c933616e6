"""How often a line's delay is paid, that no connection stands idle, and what several ranks read twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.streaming import RemoteOptions, Stream

from packed import write_packed
from webserver import Web, serve

TASKS = ("phase_recognition", "step_recognition", "image_captioning")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tasks with twelve blocks each."""
    root = tmp_path_factory.mktemp("trips") / "tree"
    for task in TASKS:
        write_packed(root, [[2000] * 256] * 3, task=task, labels=["a"] * 50 + ["b"])
    return root


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = {"connections": 4, **more.pop("how", {})}
    given = {"config": TASKS[0], "decode": "bytes", "threads": 0, "remote": RemoteOptions(**how), **more}
    return surgsigma_hub.stream(place, **given)


def first_of(web: Web, **more: Any) -> None:
    web.delay = 0.3
    with open_stream(web.url, **more) as stream:
        next(iter(stream))


@pytest.mark.parametrize("shuffle", ["block", "none", "full"])
@pytest.mark.parametrize("threads", [0, 2])
def test_the_first_sample_comes_within_three_trips(tree: Path, shuffle: str, threads: int) -> None:
    with serve(tree) as web:
        first_of(web, shuffle=shuffle, threads=threads, config=None)
        assert web.trips() == 3  # the card; the manifests, side by side; the first blocks, side by side
        assert web.times[0][0] == "README.md"
        assert sum(path.endswith("manifest.json") for path, _, _ in web.times) == 3


def test_a_filter_costs_one_trip_more(tree: Path) -> None:
    with serve(tree) as web:
        first_of(web, where={"label": "b"})
        assert web.trips() == 4


def test_no_connection_stands_idle_at_the_start(tree: Path) -> None:
    with serve(tree) as web:
        web.delay = 0.3  # longer than a busy machine needs to begin six requests
        first_of(web, shuffle="none", how={"connections": 6})
        tars = [(begin, answer) for path, begin, answer in web.times if path.endswith(".tar")]
        first_answer = min(answer for _, answer in tars)
        assert sum(begin < first_answer for begin, _ in tars) == 6


def test_connections_are_used_again(tree: Path) -> None:
    with serve(tree) as web, open_stream(web.url, how={"connections": 3}) as stream:
        assert len(list(stream)) == 768
        made = web.connections
    assert made <= 3


def total(tree: Path, tasks: tuple[str, ...]) -> int:
    return sum(p.stat().st_size for task in tasks for p in tree.glob(f"data/{task}/*/*.tar"))


def read_by_ranks(tree: Path, world: int, **more: Any) -> int:
    with serve(tree) as web:
        for rank in range(world):
            with open_stream(web.url, rank=rank, world_size=world, shuffle="block", interleave=4, **more) as stream:
                list(stream)
        return sum(web.asked())


def test_what_ranks_read_twice(tree: Path, tmp_path: Path) -> None:
    """One config: nothing. A mixture: much, for its steps and those of its parts are not in the same lanes."""
    assert read_by_ranks(tree, 1) == total(tree, TASKS[:1])
    assert read_by_ranks(tree, 2) == read_by_ranks(tree, 4) == total(tree, TASKS[:1])
    mixture = {"config": {TASKS[0]: 1.0, TASKS[1]: 1.3, TASKS[2]: 0.7}}
    alone = read_by_ranks(tree, 1, **mixture)
    assert 1.5 < read_by_ranks(tree, 2, **mixture) / alone < 2
    assert 2.5 < read_by_ranks(tree, 4, **mixture) / alone < 4
    shared = {"cache": tmp_path / "cache", "cache_bytes": 10**9}  # ranks of one machine may share what they read
    assert read_by_ranks(tree, 4, **mixture, how=shared) == alone
