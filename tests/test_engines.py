"""Units of a build on engines of others: the bytes are those of one process, whatever an engine does with the units."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building import frame_runs, slurm_engine, units
from surgsigma_hub.building.engines import chosen_engine
from surgsigma_hub.building.pool import run_jobs
from surgsigma_hub.errors import BuildError, LayoutError, MissingExtraError, UnknownNameError

import slurm_standin
from builds import digests

HOW: dict[str, Any] = {
    "options": {"videos": "4", "frames": "5", "width": "96", "height": "64"},
    "tasks": ["phase_recognition", "instrument_segmentation", "next_action_planning"],
    "layout": "frames",
    "shard_bytes": 20_000,
}
Progress = Callable[[int, int], None]


@pytest.fixture(autouse=True)
def in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every video is cut into runs of three pictures, or of one clip, which are units of their own."""
    monkeypatch.setattr(frame_runs, "FRAME_RUN", 3)
    monkeypatch.setattr(frame_runs, "MOST_AGAIN", 1e9)  # whatever drawn labels cost here and now


def runs_seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all parts that were made, as they are looked for."""
    seen: list[str] = []
    check = frame_runs.check_results
    monkeypatch.setattr(
        frame_runs, "check_results", lambda paths: seen.extend(path.parent.name for path in paths) or check(paths)
    )
    return seen


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tree that one process makes of whole videos."""
    out = tmp_path_factory.mktemp("one") / "surgsigma"
    build("synthetic", out=out, **HOW)
    return digests(out)


def refuse(path: Path, progress: Progress) -> None:
    raise LayoutError(f"{path.name} is not right", hint="look again")


class Careless:
    """An engine that sends units as bytes, in any order, twice, and both at once."""

    def run(self, work: Any, jobs: Sequence[Any], add: Progress) -> None:
        with ThreadPoolExecutor(2) as pool:
            for job in reversed(jobs):
                sent = pickle.dumps((work, job))
                both = [pool.submit(lambda sent=sent: (lambda w, j: w(j, add))(*pickle.loads(sent))) for _ in range(2)]
                for future in both:
                    future.result()


class Forgetful:
    """An engine whose nodes write somewhere else."""

    def run(self, work: Any, jobs: Sequence[Any], add: Progress) -> None: ...


def with_engine(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    monkeypatch.setattr("surgsigma_hub.building.engines.chosen_engine", lambda name, **_: engine)


def test_units_may_run_twice_and_in_any_order(
    one: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_engine(monkeypatch, Careless())
    monkeypatch.chdir(tmp_path)
    build("synthetic", out="surgsigma", **HOW)
    assert digests(tmp_path / "surgsigma") == one
    assert [p.name for p in tmp_path.iterdir()] == ["surgsigma"]


def test_a_disk_that_is_not_shared_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_PATIENCE", 0.0)
    with_engine(monkeypatch, Forgetful())
    with pytest.raises(BuildError, match=r"4 of 4 units have ended, but their results are not here"):
        build("synthetic", out=tmp_path / "surgsigma", **HOW)
    assert not list(tmp_path.rglob("*.tar"))


def test_what_is_no_engine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="unknown engine 'rai'"):
        build("synthetic", out=tmp_path / "t", engine="rai")
    with pytest.raises(BuildError, match="without an engine"):
        build("synthetic", out=tmp_path / "t", address="auto")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="--engine ray needs the package 'ray'"):
        build("synthetic", out=tmp_path / "t", engine="ray")


# -- Ray, on two nodes of this machine ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip(
        "ray", reason="ray is not installed: no cluster was built on (pip install 'surgsigma-hub[ray]')"
    )
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else its workers wait for whatever else this machine does
        small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=small)
        try:
            ray.init(address=made.address, log_to_driver=False)  # once for all tests: each takes seconds
            yield made
        finally:
            ray.shutdown()
            made.shutdown()


def more(cluster: Any) -> Any:
    node = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    return node


def test_two_nodes_of_ray_make_the_tree_of_one_process(
    cluster: Any, one: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, seen = more(cluster), runs_seen(monkeypatch)
    build("synthetic", out=tmp_path / "surgsigma", engine="ray", address=cluster.address, **HOW)
    assert digests(tmp_path / "surgsigma") == one
    assert sum("+" in name for name in seen) >= 4, f"no video was cut into runs: {seen}"
    with pytest.raises(LayoutError, match="is not right") as caught:
        engine = chosen_engine("ray", address=cluster.address, folder=tmp_path)
        run_jobs(refuse, [tmp_path / "x"], workers=1, title="map", progress=False, engine=engine)
    assert caught.value.hint == "look again"
    cluster.remove_node(node)


@pytest.mark.parametrize("name", ["*", "*+*"], ids=["a video", "a later run of a video"])
def test_a_node_that_is_killed_changes_nothing(cluster: Any, one: dict[str, str], tmp_path: Path, name: str) -> None:
    node = more(cluster)
    out = tmp_path / "surgsigma"
    made: list[Path] = []

    def kill() -> None:
        until = time.monotonic() + 120
        while not made and time.monotonic() < until:
            made.extend(out.glob(f".build/*/parts/{name}/part.json"))
            time.sleep(0.005)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    build("synthetic", out=out, engine="ray", address=cluster.address, **HOW)
    killer.join()
    assert made, "the node was not killed in the middle"
    assert digests(out) == one and not (out / ".build").exists()


def test_no_cluster_is_told(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed: no cluster was looked for")
    ray.shutdown()  # of the tests before
    with pytest.raises(BuildError, match=r"no cluster of Ray at"):
        build("synthetic", out=tmp_path / "t", engine="ray", address="127.0.0.1:1", **HOW)


# -- Slurm, by datatrove -----------------------------------------------------------------------------------------------

SMALL = {**HOW, "tasks": ["phase_recognition"], "options": {**HOW["options"], "videos": "2"}}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands of a queue that runs its tasks here, before all others."""
    pytest.importorskip("datatrove", reason="datatrove is not installed: nothing was queued (extra slurm)")
    commands = slurm_standin.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(slurm_engine, "_POLL", 0.1)
    monkeypatch.setattr(slurm_engine, "_PATIENCE", 0.3)
    return commands


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tree of :data:`SMALL` that one process makes."""
    out = tmp_path_factory.mktemp("small") / "surgsigma"
    build("synthetic", out=out, **SMALL)
    return digests(out)


def test_array_tasks_make_the_tree_of_one_process_though_one_is_killed(
    queue: Path, small: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "surgsigma", runs_seen(monkeypatch)
    (queue / "kill").touch()
    build("synthetic", out=out, engine="slurm", address="cpu,tasks=2,time=00:10:00,memory=2", **SMALL)
    assert not (queue / "kill").exists(), "no task was killed"
    assert sum("+" in name for name in seen) >= 2, f"both videos were to be cut into runs: {seen}"
    assert digests(out) == small and not (out / ".build").exists()
    script = (queue / "1.sh").read_text("utf-8")
    assert "--partition=cpu" in script and "--time=00:10:00" in script and "--mem-per-cpu=2G" in script
    assert "merge_stats" not in "".join(path.read_text("utf-8") for path in queue.glob("*.sh"))


def test_tasks_of_datatrove_on_this_machine_make_the_tree_of_one_process(
    queue: Path, small: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = runs_seen(monkeypatch)
    build("synthetic", out=tmp_path / "surgsigma", engine="slurm", address="local,tasks=2", **SMALL)
    assert digests(tmp_path / "surgsigma") == small
    assert sum("+" in name for name in seen) >= 2, f"both videos were to be cut into runs: {seen}"
    assert not list(queue.glob("*.job"))


def test_an_error_of_a_unit_comes_back_as_it_was_and_the_job_is_cancelled(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = chosen_engine("slurm", address="cpu,tasks=1", folder=tmp_path / "engine")
    with pytest.raises(LayoutError, match="x is not right") as caught:
        run_jobs(refuse, [tmp_path / "x", tmp_path / "y"], workers=1, title="map", progress=False, engine=engine)
    assert caught.value.hint == "look again"
    monkeypatch.delenv("PYTHONPATH")
    with pytest.raises(BuildError, match=r"a node cannot read the units .*test_engines"):
        run_jobs(refuse, [tmp_path / "x"], workers=1, title="map", progress=False, engine=engine)


def test_what_slurm_cannot_do_is_told(queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(address: str | None = "cpu") -> None:
        build("synthetic", out=tmp_path / "t", engine="slurm", address=address, **SMALL)

    for address in (None, "", "cpu,nodes=3", "cpu,tasks=0", "cpu,tasks=2000", "cpu,time=$(x)", "a b"):
        with pytest.raises(BuildError, match="of Slurm"):
            tried(address)
    (queue / "sbatch").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(BuildError, match=r"sbatch refused the job \(exit code 3\)"):
        tried()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(BuildError, match="no Slurm here: sbatch is not found"):
        tried()
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")
    with pytest.raises(BuildError, match="a task of Slurm already"):
        tried()
    monkeypatch.setitem(sys.modules, "datatrove.executor", None)
    with pytest.raises(MissingExtraError, match="--engine slurm needs the package 'datatrove'"):
        tried()
