"""Rows per second of the flat columns against the WebDataset builder of ``datasets``, over the same tree, decode off.

The tree is built from drawn frames of 854 x 480 at quality 90. Passes take turns in one process; the first of each is
not counted. Medians and spread of wall and CPU time are printed, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = "phase_recognition"


def make_tree(tree: Path, count: int) -> None:
    """A tree with a card."""
    import surgsigma_hub

    options = {"videos": "4", "frames": str(-(-count // 4)), "width": "854", "height": "480"}
    surgsigma_hub.build("synthetic", out=tree, options=options, tasks=[CONFIG], jpeg_quality=90, shard_bytes=8_000_000)


def contenders(tree: Path) -> dict[str, Callable[[], Any]]:
    """What gives the rows of a pass."""
    import datasets
    import surgsigma_hub

    plain = datasets.load_dataset(str(tree), CONFIG, split="train", streaming=True).decode(False)
    flat = surgsigma_hub.load_dataset(tree, CONFIG, split="train", streaming=True).decode(False)
    skip = surgsigma_hub.load_dataset(tree, CONFIG, split="train", streaming=True, on_error="skip").decode(False)
    return {
        "datasets, packaged WebDataset": lambda: plain,
        "surgsigma_hub.load_dataset": lambda: flat,
        "the same, on_error=skip": lambda: skip,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "surgsigma"
        make_tree(tree, args.samples)
        known = contenders(tree)
        wall: dict[str, list[float]] = {name: [] for name in known}
        cpu: dict[str, list[float]] = {name: [] for name in known}
        for number in range(args.rounds + 1):
            for name, start in known.items():
                begin, begin_cpu = time.perf_counter(), time.process_time()
                count = sum(1 for _ in start())
                if number:
                    wall[name].append(count / (time.perf_counter() - begin))
                    cpu[name].append(count / (time.process_time() - begin_cpu))
        print(f"{count} rows, medians of {args.rounds} rounds (spread), rows/s; ratios to the first line")
        first = next(iter(known))
        for name in known:
            median, by_cpu = statistics.median(wall[name]), statistics.median(cpu[name])
            print(
                f"{name:32} {median:8.0f} ({min(wall[name]):.0f}-{max(wall[name]):.0f})  cpu {by_cpu:8.0f}"
                f"  ratio {median / statistics.median(wall[first]):.2f}"
                f"  cpu {by_cpu / statistics.median(cpu[first]):.2f}"
            )


if __name__ == "__main__":
    main()
