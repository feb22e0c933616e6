"""Joining an annotation-only tree with a copy, beside a full build of the same: CPU seconds of one process.

Run: python benchmarks/join.py [--seconds N] [--rounds N] [--other]. The copy has the form of CholecT50, of drawn frames
in PNG that both encode as JPEG; with --other, the copy that is joined shows the same in other bytes. Prints CPU seconds
by round, one after the other, and the median of build / join: 1 is as fast.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import surgsigma_hub
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from footage_files import cholect50_labels, numbered

TASKS = ("phase_recognition", "instrument_recognition", "action_recognition", "triplet_recognition")


def make_copy(root: Path, seconds: int, *, lighter: int = 0) -> Path:
    """A copy of CholecT50 of two videos, each as long as that, whose pixels are that much lighter."""
    for video in ("VID01", "VID06"):
        cholect50_labels(root, video, range(seconds))
        folder = root / "videos" / video
        folder.mkdir(parents=True)
        for second in range(seconds):
            pixels = numbered((second + 3) * 1103 % 4096, (854, 480)).astype(np.int16) + lighter
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{second:06d}.png", compress_level=1)
    return root


def cpu(step: Callable[[], object]) -> float:
    """CPU seconds of this process that a step takes."""
    begin = time.process_time()
    step()
    return time.process_time() - begin


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=100, help="frames of each of two videos (default: 100)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--other", action="store_true", help="join a copy that shows the same in other bytes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="surgsigma-join-") as place:
        base = Path(place)
        copy = make_copy(base / "copy", args.seconds)
        own = make_copy(base / "own", args.seconds, lighter=3) if args.other else copy

        def build(out: Path) -> object:
            return surgsigma_hub.build("cholect50", root=copy, out=out, tasks=TASKS, max_quarantine=1.0)

        def join(out: Path) -> object:
            return surgsigma_hub.join("cholect50", media=own, annotations=base / "bare", out=out)

        build(base / "full")
        surgsigma_hub.strip(base / "full", out=base / "bare")
        ratios = []
        for number in range(args.rounds):
            built = cpu(partial(build, base / f"full-{number}"))
            joined = cpu(partial(join, base / f"joined-{number}"))
            ratios.append(built / joined)
            print(f"build {built:6.2f} s   join {joined:6.2f} s   build / join {ratios[-1]:.2f}", flush=True)
        print(f"median of build / join: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
