"""Cutting clips: the package beside a bare PyAV loop that does the same work, interleaved.

Both cut the same 10 s windows out of a drawn 854x480 film of 25 frames a second, keep every third frame and encode with
the same settings. Run: python benchmarks/clips.py [--clips N] [--rounds N]. Prints seconds, medians and their ratio.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from surgsigma_hub.media.clips import encode_clip
from surgsigma_hub.media.video import encode_video
from surgsigma_hub.records import Cut, Film
from surgsigma_hub.scene import Spec, scene

FPS, STEP, SECONDS = 25, 3, 10


def film(path: Path, seconds: int) -> None:
    """A film of drawn scenes; each is shown for a second, shifted a little from frame to frame."""

    def frames() -> Any:
        for n in range(seconds):
            picture = scene(Spec(0, 0, seconds, 1.0, 854, 480), n).picture
            for k in range(FPS):
                moved = picture.copy()
                moved[:, k:] = picture[:, : picture.shape[1] - k]
                yield moved

    encode_video(path, frames(), fps=FPS)


def bare(path: Path, start: int) -> int:
    """Seek, decode, keep, encode: nothing else."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        container.seek(int(start / float(stream.time_base)), stream=stream, backward=True)
        out = io.BytesIO()
        with av.open(out, "w", format="mp4") as target:
            to: Any = target.add_stream("libx264", rate=Fraction(FPS, STEP))
            to.width, to.height, to.pix_fmt, to.gop_size, to.thread_count = 854, 480, "yuv420p", 12, 1
            to.options = {"crf": "20", "preset": "veryfast"}
            kept = 0
            for frame in container.decode(stream):
                index = round(float(frame.pts * stream.time_base) * FPS)
                if index >= (start + SECONDS) * FPS:
                    break
                if index >= start * FPS and (index - start * FPS) % STEP == 0:
                    frame.pts, frame.time_base = kept, Fraction(STEP, FPS)
                    kept += 1
                    for packet in to.encode(frame):
                        target.mux(packet)
            for packet in to.encode():
                target.mux(packet)
        return kept


def ours(path: Path, start: int) -> int:
    """The same through the package, which also looks for frames without a surgical view."""
    return encode_clip(Cut(Film(path, FPS), start, start + SECONDS), max_fps=FPS / STEP, max_side=480).num_frames


def main() -> None:
    """Time both, in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=4, help="clips a round (default: 4)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(path, args.clips * 5 + SECONDS)
        seconds: dict[str, list[float]] = {"bare loop": [], "surgsigma": []}
        for _ in range(args.rounds):
            for name, cut in (("bare loop", bare), ("surgsigma", ours)):
                started = time.perf_counter()
                frames = [cut(path, n * 5) for n in range(args.clips)]
                seconds[name].append(time.perf_counter() - started)
                assert frames == [-(-FPS * SECONDS // STEP)] * args.clips, frames
        for name, taken in seconds.items():
            spread = f"{min(taken):.2f}..{max(taken):.2f}"
            print(f"{name}: median {statistics.median(taken):.2f} s for {args.clips} clips ({spread})")
        ratio = statistics.median(seconds["surgsigma"]) / statistics.median(seconds["bare loop"])
        print(f"surgsigma / bare loop: {ratio:.2f}")


if __name__ == "__main__":
    main()
