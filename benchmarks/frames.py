"""The layout ``frames`` against the layout by task, and frames at the size that trains against those at full size.

Both of a pair are built, and both are read, in turn within one run, and ratios are printed: bytes of all text tasks,
time of the build, and samples a second of a stream at short side 336 of full and of bounded frames.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surgsigma_hub.api import build, matrix
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.streaming import Rgb, stream

TARGETS = ("depth_estimation", "desmoking", "instrument_segmentation", "next_frame_generation", "video_generation")
SIDE = 336


def timed_build(out: Path, **how: Any) -> float:
    """Seconds that a build takes."""
    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    build(out=out, max_quarantine=1, **how)
    return time.perf_counter() - started


def held(tree: Path) -> dict[str, int]:
    """Conversations, stored samples and bytes of a tree."""
    manifests = load_tree(tree)
    return {
        "conversations": sum(sum(m.counts.values()) for m in manifests),
        "samples": sum(m.samples for m in manifests),
        "bytes": sum(m.bytes for m in manifests),
    }


def layouts(folder: Path, rounds: int, **how: Any) -> dict[str, float]:
    """Ratios ``frames`` / ``tasks`` of bytes and of the time of the build."""
    seconds: dict[str, list[float]] = {"tasks": [], "frames": []}
    for _ in range(rounds):
        for layout, taken in seconds.items():
            taken.append(timed_build(folder / layout, layout=layout, **how))
    tasks, frames = held(folder / "tasks"), held(folder / "frames")
    assert tasks["conversations"] == frames["conversations"]
    return {
        "conversations a medium": tasks["conversations"] / frames["samples"],
        "bytes, frames / tasks": frames["bytes"] / tasks["bytes"],
        "build time, frames / tasks": statistics.median(seconds["frames"]) / statistics.median(seconds["tasks"]),
    }


def rate(tree: Path, threads: int) -> float:
    """Samples a second of one epoch at short side 336."""
    with stream(tree, decode=Rgb(short_side=SIDE), threads=threads, shuffle="none") as source:
        iterator = iter(source)
        next(iterator)
        started = time.perf_counter()
        count = sum(1 for _ in iterator)
        return count / (time.perf_counter() - started)


def sides(folder: Path, rounds: int, threads: int, **how: Any) -> dict[str, float]:
    """Ratios of a tree with frames of short side 448 to the same tree in full size."""
    for name, side in (("full", None), ("bounded", 448)):
        timed_build(folder / name, frame_side=side, **how)
    rates: dict[str, list[float]] = {"full": [], "bounded": []}
    for _ in range(rounds):
        for name, found in rates.items():
            found.append(rate(folder / name, threads))
    return {
        "bytes, side 448 / full": held(folder / "bounded")["bytes"] / held(folder / "full")["bytes"],
        "samples a second, side 448 / full": statistics.median(rates["bounded"]) / statistics.median(rates["full"]),
    }


def text_tasks(source: str) -> Sequence[str]:
    """Tasks of a source whose answer is no medium."""
    return [task for task in matrix()[source] if task not in TARGETS]


def main() -> None:
    """Print the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cholect50", type=Path, help="a folder with CholecT50; drawn frames as well without it")
    parser.add_argument("--frames", type=int, default=24, help="drawn frames of each of four operations")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = {"videos": "4", "frames": str(args.frames)}
        wide = {**drawn, "width": "1920", "height": "1080"}
        sizes = {**drawn, "width": "854", "height": "480"}
        if args.cholect50:
            tasks = text_tasks("cholect50")
            found["cholect50"] = layouts(folder, args.rounds, source="cholect50", root=args.cholect50, tasks=tasks)
        found["drawn, 854 x 480"] = layouts(
            folder, args.rounds, source="synthetic", options=sizes, tasks=text_tasks("synthetic")
        )
        found["drawn, 1920 x 1080"] = sides(
            folder, args.rounds, args.threads, source="synthetic", options=wide, tasks=["phase_recognition"]
        )
    print(json.dumps({k: {n: round(v, 3) for n, v in one.items()} for k, one in found.items()}, indent=2))


if __name__ == "__main__":
    main()
