"""The build as a curator meets it: bytes, kills, bad surroundings, second sources."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building.parts import INDEX, shuffle_key
from surgsigma_hub.building.shuffle import shard_jobs
from surgsigma_hub.errors import BuildError, LayoutError, ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.records import Defect, Frame, Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import load_manifest, load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.source import Source

from builds import SMALL, digests


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build") / "surgsigma"
    report = build("synthetic", out=out, options=SMALL, shard_bytes=40_000)
    assert report.ok and report.committed and not report.quarantined
    return out


FEW = ["instrument_segmentation", "next_action_planning", "phase_recognition", "triplet_recognition"]
"""Tasks with an image, a clip and a target: enough for what does not depend on the task."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("few") / "surgsigma"
    build("synthetic", out=out, options=SMALL, tasks=FEW, shard_bytes=20_000)
    return out


def test_what_the_report_says_is_in_the_tree(tree: Path) -> None:
    manifests = load_tree(tree)
    assert not (tree / ".build").exists()
    for manifest in manifests:
        ids: set[str] = set()
        for shard in manifest.shards:
            path = tree / manifest.folder / shard.name
            with path.open("rb") as file:
                samples = list(read_shard(file, where=shard.name))
            assert (len(samples), path.stat().st_size) == (shard.samples, shard.bytes)
            for key, members in samples:
                sample = orjson.loads(members.pop("json"))
                assert sample["id"] == key and {m["member"] for m in sample["media"]} == set(members)
                ids.add(key)
        assert len(ids) == manifest.samples
    several = [m for m in manifests if len(m.shards) > 1]
    assert several, "the small shards of this test should give more than one shard somewhere"


def test_blocks_of_the_manifest_point_at_samples(tree: Path) -> None:
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            data = (tree / manifest.folder / shard.name).read_bytes()
            for offset, _ in shard.blocks:
                name = data[offset : offset + 100].rstrip(b"\0").decode()
                assert name.endswith(".json")


def test_order_is_shuffled_over_videos_and_follows_the_seed(tree: Path, tmp_path: Path) -> None:
    def order(folder: Path) -> list[str]:
        keys: list[str] = []
        for path in sorted((folder / "data" / "phase_recognition" / "synthetic").glob("*-train-*.tar")):
            with path.open("rb") as file:
                keys += [key for key, _ in read_shard(file, where=path.name)]
        return keys

    first = order(tree)
    assert first == sorted(first, key=lambda k: shuffle_key(0, k)) != sorted(first)
    build("synthetic", out=tmp_path / "t", options=SMALL, seed=1, tasks=["phase_recognition"])
    assert sorted(order(tmp_path / "t")) == sorted(first) and order(tmp_path / "t") != first


@pytest.mark.parametrize("workers", [2, 3])
def test_bytes_do_not_depend_on_workers(few: Path, tmp_path: Path, workers: int) -> None:
    """That all tasks give the same bytes in another process is a part of the contract of sources."""
    build("synthetic", out=tmp_path / "surgsigma", options=SMALL, tasks=FEW, shard_bytes=20_000, workers=workers)
    assert digests(tmp_path / "surgsigma") == digests(few)


_CHILD = f"""
import sys
from surgsigma_hub.api import build
if __name__ == "__main__":
    options = dict(a.split("=") for a in sys.argv[3:])
    build("synthetic", out=sys.argv[1], workers=int(sys.argv[2]), options=options, tasks={FEW}, shard_bytes=20_000)
"""


def child(tmp_path: Path, out: Path, workers: int = 1, **kwargs: object) -> subprocess.Popen[bytes]:
    script = tmp_path / "child.py"
    script.write_text(_CHILD)
    options = [f"{k}={v}" for k, v in SMALL.items()]
    return subprocess.Popen(
        [sys.executable, str(script), str(out), str(workers), *options], stderr=subprocess.PIPE, **kwargs
    )


@pytest.mark.slow
def test_killed_at_five_random_moments_and_run_again(few: Path, tmp_path: Path) -> None:
    """Moments of work done, not of the clock: after so many parts and shards, and a random moment more."""
    out = tmp_path / "surgsigma"
    rng = random.Random(5)
    kills = 0
    for n, units in enumerate((1, 2, 4, 12, 30)):
        process = child(tmp_path, out, workers=1 + n % 2, start_new_session=True)
        while process.poll() is None and _units(out) < units:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.02))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)  # the parent alone: its workers have to notice by themselves
            process.wait()
            kills += 1
    assert kills >= 3, f"only {kills} kills hit a running build"
    time.sleep(1.0)  # longer than a worker takes to notice that its parent is gone
    assert child(tmp_path, out).wait() == 0
    assert digests(out) == digests(few)


def _units(out: Path) -> int:
    """Finished units of work: parts, and shards in staging."""
    try:
        return len(list(out.rglob("part.json"))) + len(list(out.rglob("staging/data/*/*/*.json")))
    except FileNotFoundError:  # a folder was renamed while it was looked at
        return 0


def test_killed_in_the_middle_of_the_commit(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "surgsigma"
    moves = 0
    real_replace = Path.replace

    class Killed(BaseException):
        pass

    def replace(self: Path, target: Path) -> Path:
        nonlocal moves
        if "staging" in self.parts and "data" in Path(target).relative_to(out).parts[:1]:
            moves += 1
            if moves == 3:
                raise Killed
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Killed):
        build("synthetic", out=out, options=SMALL, tasks=FEW, shard_bytes=20_000)
    monkeypatch.undo()
    for path in out.glob("data/*/*/*.manifest.json"):  # whatever is there already is whole
        manifest = load_manifest(path)
        assert all((out / manifest.folder / s.name).stat().st_size == s.bytes for s in manifest.shards)
    build("synthetic", out=out, options=SMALL, tasks=FEW, shard_bytes=20_000)
    assert digests(out) == digests(few)


def test_a_build_of_some_tasks_leaves_the_others(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    for task in ("phase_recognition", "triplet_recognition"):
        build("synthetic", out=out, options=SMALL, tasks=[task], shard_bytes=40_000)
    build("synthetic", out=out, options=SMALL, tasks=["phase_recognition"], shard_bytes=40_000)
    ours, all_tasks = digests(out), digests(tree)
    tars = {p for p in all_tasks if p.endswith(".tar") and ("phase_rec" in p or "triplet_rec" in p)}
    assert {p for p in ours if p.endswith(".tar")} == tars and all(ours[p] == all_tasks[p] for p in tars)


def test_other_settings_of_a_source_are_refused(tree: Path) -> None:
    before = digests(tree)
    with pytest.raises(BuildError, match="other settings: seed is 0 there, 7 now\n"):
        build("synthetic", out=tree, options=SMALL, shard_bytes=40_000, seed=7)
    assert {k: v for k, v in digests(tree).items() if not k.startswith(".build")} == before


def test_two_builds_into_one_tree_at_once(tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "t" / ".build").mkdir(parents=True)
    with FileLock(tmp_path / "t" / ".build" / "lock"), pytest.raises(BuildError, match="another build"):
        build("synthetic", out=tmp_path / "t", options=SMALL)


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am no folder")
    with pytest.raises(BuildError, match="cannot write into"):
        build("synthetic", out=tmp_path / "file", options=SMALL)
    with pytest.raises(BuildError, match="cannot write into"):
        build("synthetic", out="/proc/surgsigma", options=SMALL)


def test_disk_full_is_said_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # every larger file fails to grow
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = child(tmp_path, out, preexec_fn=limit)
    error = process.communicate()[1].decode()
    assert process.returncode != 0 and "no space left" in error and "run the same command again" in error
    assert not list(out.rglob("*.tar")) and not (out / "data").exists()
    assert child(tmp_path, out).wait() == 0


def test_a_tree_of_a_newer_format_is_left_alone(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    build("synthetic", out=out, options=SMALL, tasks=["phase_recognition"], splits=["test"])
    path = out / "data/phase_recognition/synthetic/test.manifest.json"
    path.write_text(path.read_text().replace(f'"format_version": "{FORMAT_VERSION}"', '"format_version": "9.0"'))
    before = digests(out / "data")
    with pytest.raises(ShardError, match=r"9\.0.*1\.1"):
        build("synthetic", out=out, options=SMALL)
    assert digests(out / "data") == before


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"source": "sinthetic"}, UnknownNameError, "Did you mean 'synthetic'"),
        ({"tasks": ["phase_recogniton"]}, UnknownNameError, "Did you mean 'phase_recognition'"),
        ({"splits": ["tset"]}, UnknownNameError, "Did you mean 'test'"),
        ({"options": {"video": "3"}}, UnknownNameError, "Did you mean 'videos'"),
        ({"options": {"videos": "many"}}, SurgSigmaError, "is not a int"),
        ({"workers": 0}, SurgSigmaError, "expected 1"),
        ({"source": "cholect50"}, LayoutError, "--root"),
        ({"source": "cholect50", "root": "/nowhere"}, LayoutError, "Access:"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: dict, error: type[SurgSigmaError], says: str) -> None:
    source = arguments.pop("source", "synthetic")
    with pytest.raises(error) as caught:
        build(source, out=tmp_path / "t", **arguments)
    assert says in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_shards_share_samples_evenly_and_in_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    index = np.zeros(1000, dtype=INDEX)
    index["order"] = rng.integers(0, 2**63, 1000)
    index["offset"], index["length"], index["bytes"] = np.arange(1000) * 10, 10, 100
    np.save(tmp_path / "t.npy", index)
    for shard_bytes, count in ((10**6, 1), (20_000, 5), (10_000, 16)):
        jobs = shard_jobs([tmp_path], task="t", split="train", folder=tmp_path, shard_bytes=shard_bytes)
        sizes = [len(j.rows) for j in jobs]
        assert len(jobs) == count and sum(sizes) == 1000 and max(sizes) - min(sizes) <= 1
        offsets = np.concatenate([j.rows["offset"] for j in jobs])
        assert np.array_equal(offsets, index["offset"][np.argsort(index["order"], kind="stable")])


# ------------------------------------------------------------------------------- bad files inside a good source

CHOLECT50 = Path(__file__).parent / "fixtures" / "cholect50"


def spoil_picture(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "huge":
        from PIL import Image

        Image.new("1", (20_000, 20_000)).save(path)
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "text": b"404"}[how])


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("empty", "media_unreadable"),
        ("cut", "media_unreadable"),
        ("text", "media_unreadable"),
        ("huge", "media_too_large"),
        ("gone", "media_missing"),
    ],
)
def test_a_bad_picture_is_left_out_and_counted(tmp_path: Path, how: str, reason: str) -> None:
    root = Path(shutil.copytree(CHOLECT50, tmp_path / "root"))
    tasks = ["triplet_recognition"]  # which looks at pictures alone: a clip would be left out for its own sake
    whole = build("cholect50", root=root, out=tmp_path / "whole", tasks=tasks, max_quarantine=1)
    video = next(v for v in sorted((root / "videos").iterdir()))
    spoiled = next(p for p in sorted(video.glob("*.png")) if p.stem.isdigit())
    spoil_picture(spoiled, how)
    report = build("cholect50", root=root, out=tmp_path / "out", tasks=tasks, max_quarantine=1)
    assert report.quarantined.get(reason, 0) == whole.quarantined.get(reason, 0) + 1
    assert any(video.name in found["video"] for found in report.examples[reason])
    samples = [sum(r.samples for r in made.rows) for made in (whole, report)]
    assert samples[1] == samples[0] - 1


def test_above_the_limit_nothing_is_written(tmp_path: Path) -> None:
    root = Path(shutil.copytree(CHOLECT50, tmp_path / "root"))
    for path in (root / "videos").glob("*/*.png"):
        path.write_bytes(b"")
    report = build("cholect50", root=root, out=tmp_path / "out", max_quarantine=0.05)
    assert not report.ok and not report.committed and not (tmp_path / "out" / "data").exists()
    assert sum(report.quarantined.values()) > 0
    with pytest.raises(BuildError, match="no sample came out"):
        build("cholect50", root=root, out=tmp_path / "out", max_quarantine=1)
    assert not (tmp_path / "out" / "data").exists()


def test_a_second_sample_of_one_id_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = get_source("cholect50")
    frames = kind.frames

    def twice(self: Source, video: Video) -> Iterator[Frame | Defect]:
        for found in frames(self, video):
            yield found
            yield found

    tasks = ["triplet_recognition", "instrument_localization"]
    whole = build("cholect50", root=CHOLECT50, out=tmp_path / "whole", tasks=tasks, max_quarantine=1)
    monkeypatch.setattr(kind, "frames", twice)
    report = build("cholect50", root=CHOLECT50, out=tmp_path / "out", tasks=tasks, max_quarantine=1)
    assert report.quarantined["duplicate_id"] == sum(r.samples for r in whole.rows)
    assert [r.samples for r in report.rows] == [r.samples for r in whole.rows]


def test_a_video_id_that_cannot_be_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = get_source("cholect50")
    videos = kind.videos
    monkeypatch.setattr(kind, "videos", lambda self: [replace(v, id=f"{v.id}.v1") for v in videos(self)])
    with pytest.raises(BuildError, match=r"'VID\d+\.v1'.*letters, digits"):
        build("cholect50", root=CHOLECT50, out=tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not a film" * 500])
def test_a_damaged_film_is_left_out_and_counted(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("av")
    root = tmp_path / "cholec80"
    for name in ("phase_annotations", "tool_annotations"):
        shutil.copytree(Path(__file__).parent / "fixtures" / "cholec80" / name, root / name)
    (root / "videos").mkdir()
    for path in sorted((root / "phase_annotations").glob("video*-phase.txt")):
        (root / "videos" / path.name.replace("-phase.txt", ".mp4")).write_bytes(content)
    with pytest.raises(BuildError, match="no sample came out") as caught:
        build("cholec80", root=root, out=tmp_path / "out", max_quarantine=1)
    assert "media_unreadable" in str(caught.value)
    assert not (tmp_path / "out" / "data").exists()


def test_a_forced_reader_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from surgsigma_hub.errors import SurgSigmaError
    from surgsigma_hub.media.video import BACKEND_VARIABLE, open_video

    monkeypatch.setitem(sys.modules, "decord", None)  # as if it were not installed
    monkeypatch.setenv(BACKEND_VARIABLE, "decord")
    film = tmp_path / "a.mp4"
    film.write_bytes(b"x")
    with pytest.raises(SurgSigmaError, match=r"decord.*not installed"):
        open_video(film)
