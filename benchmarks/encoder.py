"""What byte-exact films cost: the encoder as the package sets it, beside other settings, on the same frames in turn.

Frames are drawn, or come from films given with --film (their first seconds). Prints, for each setting, the median
seconds, their spread and the bytes, and ratios to the setting without any x264 option. Run:
python benchmarks/encoder.py [--rounds N] [--film PATH ...].
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
from surgsigma_hub.media import video
from surgsigma_hub.scene import Spec, scene

FRAMES = 120
SHIPPED = video.ENCODER["x264-params"]
SETTINGS = ("", SHIPPED, "mbtree=0", "bframes=0")


def drawn() -> list[Any]:
    """Drawn scenes of 854x480, each shown for eight frames and moved a little between them."""
    pictures = [scene(Spec(0, 0, FRAMES, 1.0, 854, 480), n).picture for n in range(0, FRAMES, 8)]
    return [np.roll(pictures[n // 8], 2 * (n % 8), axis=1) for n in range(FRAMES)]


def read(path: Path) -> list[Any]:
    """Every third frame from the front of a film."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="rgb24") for frame in itertools.islice(container.decode(video=0), 0, FRAMES * 3, 3)
        ]


def main() -> None:
    """Time all settings, in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--film", type=Path, action="append", default=[], help="a film to take frames from; repeat")
    args = parser.parse_args()
    films = [read(path) for path in args.film] or [drawn()]
    seconds: dict[str, list[float]] = {params: [] for params in SETTINGS}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        for _ in range(args.rounds):
            for params in SETTINGS:
                video.ENCODER["x264-params"] = params
                started = time.perf_counter()
                sizes[params] = 0
                for frames in films:
                    video.encode_video(path, frames, fps=25 / 3)
                    sizes[params] += path.stat().st_size
                seconds[params].append(time.perf_counter() - started)
    plain = statistics.median(seconds[""])
    for params, taken in seconds.items():
        median = statistics.median(taken)
        mark = " (this package)" if params == SHIPPED else ""
        spread = f"{min(taken):.2f}..{max(taken):.2f}"
        print(
            f"{params or 'no option'}{mark}: {median:.2f} s ({spread}), {sizes[params]:,} bytes; "
            f"time x {median / plain:.3f}, bytes x {sizes[params] / sizes['']:.3f}"
        )


if __name__ == "__main__":
    main()
