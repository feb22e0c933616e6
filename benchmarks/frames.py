"""The layout ``frames`` against the layout by task: disk, build, upload and stream, as ratios of one run.

Both of a pair are built, and both are read, in turn within one run; medians of the rounds are compared. Of streams,
conversations a second are counted, pictures at short side 336, videos as bytes. Beside each ratio stands the mark that
it should reach. ``decoding alone`` is what would be reached if nothing but pictures took time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from peer_samples import tars, to_pixels
from surgsigma_hub.api import build, matrix
from surgsigma_hub.media.image import to_jpeg
from surgsigma_hub.media.video import open_video
from surgsigma_hub.records import Drawn
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.streaming import Rgb, Turns, stream

TARGETS = ("depth_estimation", "desmoking", "instrument_segmentation", "next_frame_generation", "video_generation")
SIDE = 336
QUALITY = 92  # of a build that says nothing
EVERY = Turns(most=1 << 20, apart=frozenset())
MARKS = {
    "bytes": "<= 0.18",
    "build time": "<= 0.5",
    "bytes sent by hf-xet": "<= 0.20",
    "all / today, 1 thread": ">= 6.0",
    "all / today, 2 threads": ">= 6.0",
    "turns / webdataset, 1 thread": ">= 7.0",
    "side 448 / full, bytes": "<= 0.2",
    "side 448 / full, samples a second": ">= 5.0",
}


def timed_build(out: Path, **how: Any) -> float:
    """Seconds of one processor that a build takes: other programs do not count."""
    shutil.rmtree(out, ignore_errors=True)
    started = time.process_time()
    build(out=out, max_quarantine=1, **how)
    return time.process_time() - started


def held(tree: Path) -> dict[str, int]:
    """Conversations, stored samples and bytes of a tree."""
    manifests = load_tree(tree)
    return {
        "conversations": sum(m.rows for m in manifests),
        "samples": sum(m.samples for m in manifests),
        "bytes": sum(m.bytes for m in manifests),
    }


def sent(tree: Path, store: Path) -> int:
    """Bytes that hf-xet sends of the tars of a tree to an empty store, one file a commit."""
    import hf_xet

    total = 0
    for path in tars(tree):
        commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
        commit.start_upload_file(path, sha256=hf_xet.SKIP_SHA256)
        total += commit.wait_to_finish().dedup_metrics.total_bytes_uploaded
    return total


Clock = Callable[[], float]


def rate(open_stream: Callable[[], Any], clock: Clock) -> float:
    """Conversations a second of one epoch, from the first item on."""
    with open_stream() as source:
        iterator = iter(source)
        next(iterator)
        started = clock()
        count = sum(len(item.sample.get("conversations", (0,))) for item in iterator)
        return count / (clock() - started)


def rate_webdataset(tree: Path, turbo: bool, clock: Clock) -> float:
    """Conversations a second by webdataset, with our decoder and resize where ``turbo``."""
    import webdataset as wds

    iterator = iter(wds.WebDataset(tars(tree), shardshuffle=False))
    next(iterator)
    started, count = clock(), 0
    for sample in iterator:
        orjson.loads(sample["json"])
        if "image.jpg" in sample:
            to_pixels("W2", sample["image.jpg"], turbo)
        count += 1
    return count / (clock() - started)


def medians(rounds: int, contenders: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each, after one pass that does not count."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, measure in contenders.items():
            value = measure()
            if turn:
                found[name].append(value)
    return {name: statistics.median(values) for name, values in found.items()}


def layouts(folder: Path, rounds: int, turbo: bool, clock: Clock, **how: Any) -> dict[str, float]:
    """Everything about the two layouts of one source's text tasks."""
    tasks, frames = folder / "tasks", folder / "frames"
    builds = medians(
        rounds,
        {
            "tasks": lambda: timed_build(tasks, layout="tasks", **how),
            "frames": lambda: timed_build(frames, layout="frames", **how),
        },
    )
    before, after = held(tasks), held(frames)
    assert before["conversations"] == after["conversations"]
    small = {"decode": Rgb(short_side=SIDE), "shuffle": "full", "rank": 0, "world_size": 1}
    reads = medians(
        rounds,
        {
            **{f"today, {n}": lambda n=n: rate(lambda: stream(tasks, threads=n, **small), clock) for n in (1, 2)},
            **{
                f"{talk}, {n}": lambda n=n, asked=asked: rate(
                    lambda: stream(frames, talk=asked, threads=n, **small), clock
                )
                for talk, asked in (("all", "all"), ("turns", EVERY), ("turns by default", "turns"))
                for n in (1, 2)
            },
            "webdataset": lambda: rate_webdataset(tasks, turbo, clock),
        },
    )
    upload = {name: sent(tree, folder / f"store {name}") for name, tree in (("tasks", tasks), ("frames", frames))}
    pictures = [
        sum(1 for item in stream(tree, decode="view", threads=0, talk=talk) if "image.jpg" in item.media)
        for tree, talk in ((tasks, None), (frames, "turns"))
    ]
    return {
        "conversations a medium": before["conversations"] / after["samples"],
        "pictures decoded, frames / tasks (decoding alone)": pictures[0] / pictures[1],
        "bytes": after["bytes"] / before["bytes"],
        "bytes sent by hf-xet": upload["frames"] / upload["tasks"],
        "build time": builds["frames"] / builds["tasks"],
        "all / today, 1 thread": reads["all, 1"] / reads["today, 1"],
        "all / today, 2 threads": reads["all, 2"] / reads["today, 2"],
        "turns / webdataset, 1 thread": reads["turns, 1"] / reads["webdataset"],
        "turns, 2 threads / webdataset": reads["turns, 2"] / reads["webdataset"],
        "turns of tasks that may stand together / webdataset, 1 thread": reads["turns by default, 1"]
        / reads["webdataset"],
    }


def sides(folder: Path, rounds: int, threads: int, clock: Clock, **how: Any) -> dict[str, float]:
    """Ratios of a tree with frames of short side 448 to the same tree in full size."""
    for name, side in (("full", None), ("bounded", 448)):
        timed_build(folder / name, frame_side=side, **how)
    small = {"decode": Rgb(short_side=SIDE), "threads": threads, "rank": 0, "world_size": 1}
    rates = medians(
        rounds,
        {name: lambda name=name: rate(lambda: stream(folder / name, **small), clock) for name in ("full", "bounded")},
    )
    return {
        "side 448 / full, bytes": held(folder / "bounded")["bytes"] / held(folder / "full")["bytes"],
        "side 448 / full, samples a second": rates["bounded"] / rates["full"],
    }


def bytes_by_noise(pictures: Sequence[npt.NDArray[np.uint8]]) -> dict[str, float]:
    """Bytes of pictures at short side 448 against full size, and bits a pixel, with and without noise of a sensor."""
    rng = np.random.default_rng(0)
    found: dict[str, float] = {}
    for sigma in (0, 2, 4, 8):
        sizes = {None: 0, 448: 0}
        pixels = dict.fromkeys(sizes, 0)
        for n, picture in enumerate(pictures):
            noisy = np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)
            for side in sizes:
                made = to_jpeg(Drawn(f"{n}", lambda noisy=noisy: noisy), quality=QUALITY, side=side)
                sizes[side] += len(made.data)
                pixels[side] += made.width * made.height
        bits = ", ".join(f"{8 * sizes[side] / pixels[side]:.2f}" for side in sizes)
        found[f"noise of {sigma}: side 448 / full, bytes (bits a pixel, full and 448: {bits})"] = (
            sizes[448] / sizes[None]
        )
    return found


def spread(path: Path, count: int = 8) -> list[npt.NDArray[np.uint8]]:
    """Frames of a video, evenly spread."""
    video = open_video(path)
    return [video.frame(n * len(video) // count) for n in range(count)]


def text_tasks(source: str) -> Sequence[str]:
    """Tasks of a source whose answer is no medium."""
    return [task for task in matrix()[source] if task not in TARGETS]


def reached(value: float, mark: str) -> bool:
    """Whether a ratio is as large, or as small, as its mark says."""
    sign, bound = mark.split()
    return value >= float(bound) if sign == ">=" else value <= float(bound)


def main() -> None:
    """Print the ratios as JSON, and after each that has a mark, whether it is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cholect50", type=Path, help="a folder with CholecT50; drawn frames as well without it")
    parser.add_argument("--video", type=Path, help="a video of 1080p, whose frames are encoded at both sizes")
    parser.add_argument("--only-video", action="store_true", help="nothing but that")
    parser.add_argument("--frames", type=int, default=16, help="drawn frames of each of four operations")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="for pictures of 1080p")
    parser.add_argument("--cpu", action="store_true", help="seconds of processors, where other programs run beside it")
    args = parser.parse_args()
    clock = time.process_time if args.cpu else time.perf_counter
    turbo = True
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        turbo = False  # both sides resize by Pillow
    found: dict[str, dict[str, float]] = {}
    if args.video:
        found[args.video.name] = bytes_by_noise(spread(args.video))
    if args.only_video:
        print(json.dumps({title: {n: round(v, 3) for n, v in one.items()} for title, one in found.items()}, indent=2))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = {"videos": "4", "frames": str(args.frames)}
        wide = {**drawn, "width": "1920", "height": "1080"}
        sizes = {**drawn, "width": "854", "height": "480"}
        if args.cholect50:
            tasks = text_tasks("cholect50")
            found["cholect50"] = layouts(
                folder / "c", args.rounds, turbo, clock, source="cholect50", root=args.cholect50, tasks=tasks
            )
        found["drawn, 854 x 480"] = layouts(
            folder / "d",
            args.rounds,
            turbo,
            clock,
            source="synthetic",
            options=sizes,
            tasks=text_tasks("synthetic"),
        )
        found["drawn, 1920 x 1080"] = sides(
            folder, args.rounds, args.threads, clock, source="synthetic", options=wide, tasks=["triplet_recognition"]
        )
    shown = {
        title: {
            n: f"{v:.3f} (mark {MARKS[n]}{'' if reached(v, MARKS[n]) else ', not reached'})"
            if n in MARKS
            else round(v, 3)
            for n, v in one.items()
        }
        for title, one in found.items()
    }
    print(json.dumps({"resized by": "torch" if turbo else "Pillow", **shown}, indent=2))


if __name__ == "__main__":
    main()
