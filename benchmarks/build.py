"""Frames per second of a build against a bare loop over the same frames with the same libraries and processes.

Inputs are drawn, 854 x 480, and laid out as Cholec80 (PNG frames, mp4) and CholecT50 (JPEG frames). The build makes one
task, so that a frame is a sample; everything a user would get (shards, hashes, catalog, cards) is in its time.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import io
import json
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.media.video import encode_video, open_video
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

QUALITY = 92
SIZE = (854, 480)
VIDEOS = (1, 2, 4, 5)  # numbers that both layouts know


def scenes(count: int) -> list[np.ndarray]:
    """Distinct drawn scenes."""
    kind = get_source("synthetic")
    options = {"videos": "1", "frames": str(count), "width": str(SIZE[0]), "height": str(SIZE[1])}
    source = kind(None, parse_options(kind, options))
    return [f.image.draw() for f in source.frames(next(iter(source.videos())))]


def make_inputs(root: Path, frames: int, layouts: set[str]) -> None:
    """Write the layouts; frames repeat a few scenes with a shift, so that no two are equal."""
    drawn = scenes(16)
    each = frames // len(VIDEOS)
    for layout in {"png", "mp4"} & layouts:
        (root / layout / "phase_annotations").mkdir(parents=True)
        (root / layout / "tool_annotations").mkdir(parents=True)
    tools = "Frame\tGrasper\tBipolar\tHook\tScissors\tClipper\tIrrigator\tSpecimenBag\n"
    for n in VIDEOS:
        pictures = [np.roll(drawn[(i + n) % len(drawn)], i + n, axis=1) for i in range(each)]
        for layout in {"png", "mp4"} & layouts:
            # Two tools in turn: a task with one answer is not built.
            rows = "".join(f"{25 * i}\t{i % 2}\t{1 - i % 2}\t0\t0\t0\t0\t0\n" for i in range(each))
            (root / layout / "tool_annotations" / f"video{n:02d}-tool.txt").write_text(tools + rows)
            rows = "".join(f"{i}\tPreparation\n" for i in range(25 * (each - 1) + 1))
            (root / layout / "phase_annotations" / f"video{n:02d}-phase.txt").write_text("Frame\tPhase\n" + rows)
        if "png" in layouts:
            folder = root / "png" / "frames" / f"video{n:02d}"
            folder.mkdir(parents=True)
            for i, picture in enumerate(pictures):
                Image.fromarray(picture).save(folder / f"video{n:02d}_{i + 1:06d}.png", compress_level=4)
        if "mp4" in layouts:
            (root / "mp4" / "videos").mkdir(exist_ok=True)
            # 25 frames a second, of which the build reads every 25th.
            film = (pictures[i // 25] for i in range(25 * (each - 1) + 1))
            encode_video(root / "mp4" / "videos" / f"video{n:02d}.mp4", film, fps=25)
        if "jpg" in layouts:
            folder = root / "jpg" / "videos" / f"VID{n:02d}"
            folder.mkdir(parents=True)
            for i, picture in enumerate(pictures):
                Image.fromarray(picture).save(folder / f"{i:06d}.jpg", quality=QUALITY)
            vector = [-1, -1, -1, -1.0, -1.0, -1.0, -1.0, -1, -1, -1, -1.0, -1.0, -1.0, -1.0, 0]
            (root / "jpg" / "labels").mkdir(exist_ok=True)
            label = {"video": n, "fps": 1, "num_frames": each, "annotations": {str(i): [vector] for i in range(each)}}
            (root / "jpg" / "labels" / f"VID{n:02d}.json").write_text(json.dumps(label))


TASK = {"cholec80": "instrument_recognition", "cholect50": "triplet_recognition"}
"""Tasks of pictures alone: one sample a frame, no clips."""


def bare_png(job: tuple[Path, Path]) -> None:
    """Decode and encode every PNG of a folder."""
    folder, out = job
    with out.open("wb") as file:
        for path in sorted(folder.iterdir()):
            buffer = io.BytesIO()
            Image.open(io.BytesIO(path.read_bytes())).convert("RGB").save(buffer, "JPEG", quality=QUALITY)
            file.write(buffer.getvalue())


def bare_mp4(job: tuple[Path, Path]) -> None:
    """Decode every 25th frame of a film and encode it."""
    film, out = job
    reader = open_video(film)
    with out.open("wb") as file:
        for index in range(0, len(reader), 25):
            buffer = io.BytesIO()
            Image.fromarray(reader.frame(index)).save(buffer, "JPEG", quality=QUALITY)
            file.write(buffer.getvalue())


def bare_jpg(job: tuple[Path, Path]) -> None:
    """Copy every JPEG of a folder."""
    folder, out = job
    with out.open("wb") as file:
        for path in sorted(folder.iterdir()):
            file.write(path.read_bytes())


def timed(work: Callable[[], None]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["png", "mp4", "jpg"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        layouts = {arguments.only} if arguments.only else {"png", "mp4", "jpg"}
        print(f"drawing {arguments.frames} frames ...", flush=True)
        make_inputs(root, arguments.frames, layouts)
        cases = {
            "png": ("cholec80", bare_png, "frames"),
            "mp4": ("cholec80", bare_mp4, "videos"),
            "jpg": ("cholect50", bare_jpg, "videos"),
        }
        for name, (source, bare, place) in cases.items():
            if name not in layouts:
                continue
            inputs = sorted((root / name / place).iterdir())
            seconds: dict[str, list[float]] = {"build": [], "bare": []}

            def run_build(name: str = name, source: str = source) -> None:
                shutil.rmtree(root / "out", ignore_errors=True)
                report = build(
                    source,
                    root=root / name,
                    out=root / "out",
                    tasks=[TASK[source]],
                    workers=arguments.workers,
                    jpeg_quality=QUALITY,
                )
                pictures = sum(r.samples for r in report.rows if r.task == TASK[source])
                assert pictures == arguments.frames // len(VIDEOS) * len(VIDEOS), report

            def run_bare(bare: Callable[[tuple[Path, Path]], None] = bare, inputs: list[Path] = inputs) -> None:
                context = multiprocessing.get_context("spawn")
                jobs = [(path, root / f"bare-{path.stem}") for path in inputs]
                if arguments.workers == 1:
                    for job in jobs:
                        bare(job)
                    return
                with concurrent.futures.ProcessPoolExecutor(arguments.workers, mp_context=context) as pool:
                    list(pool.map(bare, jobs))

            for round_number in range(arguments.rounds + 1):  # the first warms the page cache and is not counted
                for label, work in (("build", run_build), ("bare", run_bare)):
                    taken = timed(work)
                    if round_number:
                        seconds[label].append(taken)
            for label, values in seconds.items():
                rates = sorted(arguments.frames / v for v in values)
                spread = f"(min {rates[0]:.1f}, max {rates[-1]:.1f})"
                print(f"{name} {label:5}  {statistics.median(rates):9.1f} frames/s  {spread}")
            ratio = statistics.median(b / a for a, b in zip(seconds["build"], seconds["bare"], strict=True))
            print(f"{name} build / bare = {ratio:.3f}  ({arguments.workers} processes)", flush=True)


if __name__ == "__main__":
    main()
