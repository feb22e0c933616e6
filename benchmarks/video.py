"""Eight frames of a 10 s clip: the stream beside bare loops of the libraries that decode, interleaved.

Clips are drawn, 854 x 480 with noise, cut and encoded as the package does it (every third frame of 25 a second, a key
frame every 12). Every contender gets the same bytes in memory and gives the same frames, which is checked; the stream
also reads its tar, parses JSON and puts frames in one array. With ``--short-side`` all resize by the same kernel of
torch. A contender that is not installed is named. Figures are clips a second, and the ratio to the bare loop of the
library that the stream uses. Readers other than PyAV are compared with it on each clip before they are used: their
figures hold that.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import surgsigma_hub
from surgsigma_hub.media.clips import encode_clip
from surgsigma_hub.media.video import BACKEND_VARIABLE, encode_video
from surgsigma_hub.records import Cut, Film
from surgsigma_hub.shards.manifest import Manifest
from surgsigma_hub.shards.writer import ShardWriter
from surgsigma_hub.streaming import Frames, Rgb
from surgsigma_hub.whole_files import write_atomic

SIZE, FPS, SECONDS = (854, 480), 25, 10
Frame = Callable[[bytes, list[int]], np.ndarray]


def make_tree(tree: Path, count: int) -> list[bytes]:
    """A shard of clips, and the clips."""
    from surgsigma_hub.scene import Spec, scene

    rng = np.random.default_rng(0)
    film = tree / "film.mp4"
    drawn = scene(Spec(0, 0, 4, 1.0, *SIZE), 1).picture

    def frames() -> Any:
        for n in range((count + SECONDS) * FPS):
            noise = rng.normal(0, 1.3, (SIZE[1], SIZE[0], 1))
            yield np.clip(np.roll(drawn, n, axis=1) + noise, 0, 255).astype(np.uint8)

    encode_video(film, frames(), fps=FPS)
    clips = [encode_clip(Cut(Film(film, FPS), n, n + SECONDS), max_fps=10, max_side=480).data for n in range(count)]
    film.unlink()
    folder = tree / "data" / "action_recognition" / "synthetic"
    folder.mkdir(parents=True)
    with ShardWriter(folder / "train-00000.tar") as writer:
        for n, clip in enumerate(clips):
            text = {
                "format_version": "1.0", "id": f"s{n:06d}", "messages": [],
                "media": [{"member": "video.mp4", "kind": "video", "role": "input", "sha256": "0" * 64}],
            }  # fmt: skip
            writer.add(f"s{n:06d}", [("json", orjson.dumps(text)), ("video.mp4", clip)])
        shard = writer.close()
    manifest = Manifest(
        task="action_recognition", source="synthetic", split="train", samples=count, bytes=shard.bytes, media_bytes=1,
        members=("video.mp4",), videos=("v",), options={}, shards=(shard,),
    )  # fmt: skip
    write_atomic(tree / manifest.path, manifest.dumps())
    print(f"{count} clips of {SECONDS} s, {sum(map(len, clips)) / count / 1000:.0f} kB each", flush=True)
    return clips


# -- bare loops: the library as its manual shows it, one thread of its own --------------------------------------------


def by_decord(clip: bytes, indices: list[int]) -> np.ndarray:
    """A reader, one batch."""
    import decord

    made: np.ndarray = decord.VideoReader(io.BytesIO(clip), num_threads=1).get_batch(indices).asnumpy()
    return made


def by_av(clip: bytes, indices: list[int]) -> np.ndarray:
    """All pictures decoded, those asked for converted."""
    import av

    wanted = set(indices)
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return np.stack([f.to_ndarray(format="rgb24") for n, f in enumerate(container.decode(stream)) if n in wanted])


def by_torchcodec(clip: bytes, indices: list[int]) -> np.ndarray:
    """A decoder, one batch."""
    from torchcodec.decoders import VideoDecoder

    made: np.ndarray = VideoDecoder(clip, dimension_order="NHWC").get_frames_at(indices).data.numpy()
    return made


BARE: dict[str, tuple[str, Frame]] = {
    "decord": ("decord", by_decord),
    "av": ("av", by_av),
    "torchcodec": ("torchcodec.decoders", by_torchcodec),
}


def resized(pixels: np.ndarray, short: int) -> np.ndarray:
    """All frames in one call of torch."""
    import torch

    width, height = Rgb(short_side=short).size(pixels.shape[2], pixels.shape[1])
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    made = torch.nn.functional.interpolate(tensor, size=(height, width), mode="bicubic", antialias=True)
    done: np.ndarray = made.permute(0, 2, 3, 1).numpy()
    return done


def bare(name: str, clips: list[bytes], count: int, threads: int, short: int | None) -> Callable[[], dict[int, int]]:
    """A pass over the clips: a check sum of each."""
    read = BARE[name][1]

    def one(clip: bytes) -> np.ndarray:
        pixels = read(clip, Frames(count=count).choose(LENGTH, 25 / 3))
        return resized(pixels, short) if short else pixels

    if threads < 2:
        return lambda: {n: check(one(clip)) for n, clip in enumerate(clips)}
    pool = ThreadPoolExecutor(threads)
    return lambda: {n: check(pixels) for n, pixels in enumerate(pool.map(one, clips))}


def ours(name: str, tree: Path, count: int, threads: int, short: int | None) -> Callable[[], dict[int, int]]:
    """The same by a stream."""
    decode: Any = Rgb(short_side=short, kernel="torch") if short else "rgb"
    stream = surgsigma_hub.stream(
        tree, decode=decode, frames=Frames(count=count), threads=threads if threads > 1 else 0
    )

    def run() -> dict[int, int]:
        os.environ[BACKEND_VARIABLE] = name
        return {int(item.key[1:]): check(item.media["video.mp4"]) for item in stream}

    return run


def check(pixels: np.ndarray) -> int:
    """A number that other frames would not give; takes no time beside decoding."""
    return int(pixels[:, ::40, ::40].astype(np.int64).sum()) + pixels.size


LENGTH = -(-FPS * SECONDS // 3)


def main() -> None:
    """Time them, in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=18)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--short-side", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.short_side:
        import torch

        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        clips = make_tree(Path(folder), args.clips)
        runs: dict[str, Callable[[], dict[int, int]]] = {}
        for name, (module, _) in BARE.items():
            try:
                importlib.import_module(module)
            except (ImportError, OSError, RuntimeError) as error:
                print(f"absent: {name} ({str(error).strip().splitlines()[0][:80]})")
                continue
            runs[f"bare {name}"] = bare(name, clips, args.frames, args.threads, args.short_side)
            runs[f"stream by {name}"] = ours(name, Path(folder), args.frames, args.threads, args.short_side)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        sums = [run() for run in runs.values()]
        assert all(one == sums[0] for one in sums), "contenders gave other frames"
        for _ in range(args.rounds):
            for name, run in runs.items():
                wall, cpu = time.perf_counter(), time.process_time()
                run()
                taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        print(f"{args.frames} frames of a clip, {args.threads} thread{'s' if args.threads > 1 else ''}")
        for name, values in taken.items():
            base = taken[f"bare {name.split()[-1]}"]
            wall, cpu = (statistics.median(b[n] / v[n] for b, v in zip(base, values, strict=True)) for n in range(2))
            rates = sorted(len(clips) / v[0] for v in values)
            print(
                f"  {name:22} {statistics.median(rates):7.1f} clips/s ({rates[0]:.1f} to {rates[-1]:.1f})"
                f"   of the bare loop: {wall:.2f}, by CPU time {cpu:.2f}"
            )


if __name__ == "__main__":
    main()
