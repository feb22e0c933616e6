"""Work in this process and in workers: results, failures, and workers that die."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from surgsigma_hub.building.pool import run_jobs
from surgsigma_hub.errors import BuildError, LayoutError, MediaError

Progress = Callable[[int, int], None]


def touch(path: Path, progress: Progress) -> None:
    path.write_text("done")
    progress(1, 4)


def refuse(path: Path, progress: Progress) -> None:
    raise LayoutError(f"{path.name} is not right", hint="look again")


def damaged(path: Path, progress: Progress) -> None:
    raise MediaError("cut", reason="media_missing")


def full(path: Path, progress: Progress) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die(path: Path, progress: Progress) -> None:
    os._exit(9)


def run(work: Callable[[Path, Progress], None], folder: Path, workers: int) -> list[Path]:
    jobs = [folder / str(n) for n in range(3)]
    run_jobs(work, jobs, workers=workers, title="map", progress=False)
    return jobs


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done(tmp_path: Path, workers: int) -> None:
    assert all(p.read_text() == "done" for p in run(touch, tmp_path, workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_home_whole(tmp_path: Path, workers: int) -> None:
    with pytest.raises(LayoutError, match="is not right") as caught:
        run(refuse, tmp_path, workers)
    assert caught.value.hint == "look again"
    with pytest.raises(MediaError) as media:
        run(damaged, tmp_path, workers)
    assert media.value.reason == "media_missing"
    with pytest.raises(BuildError, match="no space left"):
        run(full, tmp_path, workers)


def test_a_worker_that_dies_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="a worker was killed"):
        run(die, tmp_path, 2)
