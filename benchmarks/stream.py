"""Samples per second of a stream against the bare decode loop and other loaders over the same samples.

Frames are drawn, 854 x 480 at quality 90 with sensor noise, about 55 kB, each with 1.3 kB of JSON, in 8 shards. W1
gives full-size RGB, W2 a short side of 336, W3 the bytes; the JSON is parsed in all. The limit is a loop over bytes in
memory with the same decoder and nothing else. Every contender runs in a process of its own; rounds are interleaved, the
first of each is not counted. On a machine with other work the ratio of CPU time says more than that of wall time; it is
given where there are no worker processes. Peers that are not installed are named.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image

SIZE = (854, 480)
SHARDS = 8
SHORT = (598, 336)


def make_tree(tree: Path, count: int) -> None:
    """Shards, manifest, and the same samples as Parquet files with 50 rows in a group."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from surgsigma_hub.shards.manifest import Manifest, write_atomic
    from surgsigma_hub.shards.writer import ShardWriter
    from surgsigma_hub.source import get_source, parse_options

    kind = get_source("synthetic")
    options = {"videos": "1", "frames": "16", "width": str(SIZE[0]), "height": str(SIZE[1])}
    source = kind(None, parse_options(kind, options))
    drawn = [f.image.draw() for f in source.frames(next(iter(source.videos())))]
    rng = np.random.default_rng(0)
    folder = tree / "data" / "phase_recognition" / "synthetic"
    folder.mkdir(parents=True)
    (tree / "parquet").mkdir()
    listed = []
    for shard in range(SHARDS):
        rows: dict[str, list[Any]] = {"image": [], "json": []}
        with ShardWriter(folder / f"train-{shard:05d}.tar") as writer:
            for n in range(shard * count // SHARDS, (shard + 1) * count // SHARDS):
                noisy = np.roll(drawn[n % len(drawn)], n, axis=1) + rng.normal(0, 1.3, (SIZE[1], SIZE[0], 1))
                out = io.BytesIO()
                Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
                text = document(n)
                writer.add(f"s{n:06d}", [("json", text), ("image.jpg", out.getvalue())])
                rows["image"].append(out.getvalue())
                rows["json"].append(text.decode())
            listed.append(writer.close())
        pq.write_table(pa.table(rows), tree / "parquet" / f"train-{shard:05d}.parquet", row_group_size=50)
    manifest = Manifest(
        task="phase_recognition",
        source="synthetic",
        split="train",
        samples=count,
        bytes=sum(s.bytes for s in listed),
        media_bytes=1,
        members=("image.jpg",),
        videos=("v",),
        options={},
        shards=tuple(listed),
    )
    write_atomic(tree / manifest.path, manifest.dumps())
    print(f"{count} samples, {sum(s.bytes for s in listed) / count / 1000:.1f} kB each in the tar", flush=True)


def document(n: int) -> bytes:
    """A sample's JSON of about 1.3 kB."""
    words = "The grasper retracts the gallbladder while the hook dissects the triangle of Calot. "
    return orjson.dumps(
        {
            "format_version": "1.0", "id": f"s{n:06d}", "task": "phase_recognition", "source": "synthetic",
            "media": [{"member": "image.jpg", "kind": "image", "role": "input", "sha256": "0" * 64}],
            "messages": [
                {"role": "user", "content": "<image>\n" + words * 4}, {"role": "assistant", "content": words * 6},
            ],
            "answer": {"text": "preparation", "labels": ["preparation"], "boxes": []},
        }
    )  # fmt: skip


# -- contenders: each gives a function that runs one pass and counts samples -----------------------------------------


def bare(work: str, tree: Path, threads: int) -> Callable[[], int]:
    """The limit: bytes in memory, the decoder, and for two threads a plain pool with chunks of four."""
    import simplejpeg
    import webdataset as wds

    data = [(s["image.jpg"], s["json"]) for s in wds.WebDataset(tars(tree), shardshuffle=False)]
    resize = torch_resize() if work == "W2" else None

    def one(pair: tuple[bytes, bytes]) -> int:
        sample = orjson.loads(pair[1])
        if work == "W3":
            return len(bytes(memoryview(pair[0]))) and 1
        pixels = simplejpeg.decode_jpeg(pair[0], "RGB", fastdct=False, fastupsample=False)
        return 1 if (resize(pixels) if resize else pixels) is not None and sample else 0

    if threads < 2 or work == "W3":
        return lambda: sum(map(one, data))
    pool = ThreadPoolExecutor(threads)
    chunks = [data[at : at + 4] for at in range(0, len(data), 4)]
    return lambda: sum(pool.map(lambda chunk: sum(map(one, chunk)), chunks))


def ours(work: str, tree: Path, threads: int, workers: int = 0) -> Callable[[], int]:
    """This package, shuffled, as a user calls it."""
    import surgsigma_hub
    from surgsigma_hub.stream import Rgb

    decode: Any = {"W1": "rgb", "W2": Rgb(short_side=336, kernel="torch"), "W3": "bytes"}[work]
    if work == "W2":
        one_torch_thread()
    threads = 0 if threads == 1 else threads  # one thread in all, as for the others
    stream = surgsigma_hub.stream(tree, decode=decode, threads=threads if work != "W3" else 0)
    if not workers:
        return lambda: sum(1 for _ in stream)
    from torch.utils.data import DataLoader

    data = stream.torch()
    loader = DataLoader(data, batch_size=None, num_workers=workers, prefetch_factor=16)
    return lambda: sum(1 for _ in loader)


def webdataset(work: str, tree: Path, workers: int, turbo: bool = False) -> Callable[[], int]:
    """Webdataset with its own Pillow decoding, or with our decoder handed to it."""
    import webdataset as wds

    def convert(sample: dict[str, Any]) -> dict[str, Any]:
        return {"sample": orjson.loads(sample["json"]), "image": to_pixels(work, sample["image.jpg"], turbo)}

    one_torch_thread()
    data = wds.WebDataset(tars(tree), shardshuffle=False).map(convert)
    return counted(data, workers)


def hf(work: str, tree: Path, workers: int, form: str) -> Callable[[], int]:
    """``datasets`` streaming, pictures undecoded by it, so that all peers decode alike with Pillow."""
    import datasets

    one_torch_thread()
    if form == "webdataset":
        features = datasets.Features(
            {
                "image.jpg": datasets.Image(decode=False),
                "json": datasets.Value("binary"),
                "__key__": datasets.Value("string"),
            }
        )
        del features  # json comes parsed from the packaged builder
        data = datasets.load_dataset("webdataset", data_files=tars(tree), split="train", streaming=True)
        data = data.cast_column("image.jpg", datasets.Image(decode=False))
        member = "image.jpg"
    else:
        files = sorted(map(str, (tree / "parquet").glob("*.parquet")))
        data = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
        member = "image"

    def convert(sample: dict[str, Any]) -> dict[str, Any]:
        image = sample[member]
        text = sample["json"]
        pixels = to_pixels(work, image["bytes"] if isinstance(image, dict) else image, False)
        return {"sample": orjson.loads(text) if isinstance(text, str) else text, "image": pixels}

    return counted((convert(s) for s in data) if not workers else Mapped(data, convert), workers, again=(data, convert))


class Mapped:
    """An iterable for DataLoader workers; forked, so the function need not be pickled."""

    def __init__(self, data: Any, convert: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.data, self.convert = data, convert

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self.convert, self.data)


def counted(data: Any, workers: int, again: Any = None) -> Callable[[], int]:
    """Counts a pass over ``data``, by itself or behind a DataLoader."""
    if not workers:
        return (lambda: sum(1 for _ in map(again[1], again[0]))) if again else (lambda: sum(1 for _ in data))
    from torch.utils.data import DataLoader, IterableDataset

    class Wrapped(IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Iterator[Any]:
            return iter(data)

    loader = DataLoader(Wrapped(), batch_size=None, num_workers=workers, prefetch_factor=16)
    return lambda: sum(1 for _ in loader)


def to_pixels(work: str, data: bytes, turbo: bool) -> Any:
    """What the work asks for, by Pillow or by the decoder that this package uses."""
    if work == "W3":
        return data
    if turbo:
        import simplejpeg

        pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False)
        return torch_resize()(pixels) if work == "W2" else pixels
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.array(image.resize(SHORT, Image.Resampling.BICUBIC) if work == "W2" else image)


def torch_resize() -> Callable[[Any], Any]:
    """The resize of this package in one call of torch, as anybody would write it."""
    import torch

    def resize(pixels: Any) -> Any:
        tensor = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
        made = torch.nn.functional.interpolate(tensor, size=SHORT[::-1], mode="bicubic", antialias=True)
        return made[0].permute(1, 2, 0).numpy()

    one_torch_thread()
    return resize


def one_torch_thread() -> None:
    """Parallelism is what is compared; torch must not add its own."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)


def tars(tree: Path) -> list[str]:
    """All shards."""
    return sorted(str(p) for p in tree.glob("data/*/*/*.tar"))


def contenders(threads: int, torch: bool) -> dict[str, Callable[[str, Path], Callable[[], int]]]:
    """By name; ``threads`` is 1 or the number of threads of ours and of workers of the others."""
    made: dict[str, Callable[[str, Path], Callable[[], int]]] = {
        "limit": lambda w, t: bare(w, t, threads),
        "surgsigma": lambda w, t: ours(w, t, threads),
    }
    workers = 0 if threads == 1 else threads
    if torch and workers:
        made["surgsigma in DataLoader"] = lambda w, t: ours(w, t, 1, workers)
    if torch or not workers:
        made["webdataset"] = lambda w, t: webdataset(w, t, workers)
        made["webdataset + our decoder"] = lambda w, t: webdataset(w, t, workers, turbo=True)
        made["datasets webdataset"] = lambda w, t: hf(w, t, workers, "webdataset")
        made["datasets parquet"] = lambda w, t: hf(w, t, workers, "parquet")
    return made


def serve(name: str, work: str, tree: Path, threads: int) -> None:
    """A contender in its process: a line in starts a pass, a line out says samples and seconds."""
    run = contenders(threads, bool(importlib.util.find_spec("torch")))[name](work, tree)
    for _ in sys.stdin:
        passes = 4 if work == "W3" else 1  # a pass over bytes is short
        start, cpu = time.perf_counter(), time.process_time()
        count = sum(run() for _ in range(passes)) // passes
        seconds, cpu = (time.perf_counter() - start) / passes, (time.process_time() - cpu) / passes
        print(f"result {count} {seconds} {cpu}", flush=True)


class Contender:
    """The other end of :func:`serve`."""

    def __init__(self, name: str, work: str, tree: Path, threads: int) -> None:
        environment = {**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HOME": str(tree / "home")}
        command = [
            sys.executable,
            __file__,
            "--serve",
            name,
            "--work",
            work,
            "--tree",
            str(tree),
            "--threads",
            str(threads),
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def run(self, expected: int) -> tuple[float, float]:
        """Samples a second of one pass, and a second of CPU."""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("result "):
                count, seconds, cpu = line.split()[1:]
                assert int(count) == expected, f"{count} samples, expected {expected}"
                return expected / float(seconds), expected / float(cpu)
        raise RuntimeError(self._process.stderr.read()[-2000:])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default="W1,W2,W3")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", help="names of contenders, joined by commas")
    parser.add_argument("--tree", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.work, arguments.tree, int(arguments.threads))
        return
    for module, name in (("litdata", "litdata"), ("streaming", "MosaicML Streaming"), ("megatron.energon", "Energon")):
        if not (importlib.util.find_spec(module.split(".")[0])):
            print(f"absent: {name} is not installed")
    torch = bool(importlib.util.find_spec("torch"))
    if not torch:
        print("absent: torch; no W2, no DataLoader rows")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        make_tree(tree, arguments.samples)
        for work in arguments.work.split(","):
            for threads in map(int, arguments.threads.split(",")):
                if work == "W2" and not torch:
                    continue
                names = [
                    n for n in contenders(threads, torch)
                    if (not arguments.only or n in arguments.only.split(",")) and not (work == "W3" and "our" in n)
                ]  # fmt: skip
                running = {name: Contender(name, work, tree, threads) for name in names}
                rates: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
                for round_number in range(arguments.rounds + 1):
                    for name, contender in running.items():
                        rate = contender.run(arguments.samples)
                        if round_number:
                            rates[name].append(rate)
                for contender in running.values():
                    contender.close()
                print(f"\n{work}, {threads} thread{'s or workers' if threads > 1 else ''}")
                for name, values in rates.items():
                    print(
                        row(name, values, rates.get("surgsigma", values), cpu=threads == 1 or name == "limit"),
                        flush=True,
                    )


def row(name: str, values: list[tuple[float, float]], mine: list[tuple[float, float]], *, cpu: bool) -> str:
    """One line of the table."""
    wall = sorted(v[0] for v in values)
    ratios = [statistics.median(a[n] / b[n] for a, b in zip(mine, values, strict=True)) for n in range(2)]
    return (
        f"  {name:26} {statistics.median(wall):8.0f} samples/s ({wall[0]:.0f} to {wall[-1]:.0f})"
        f"   surgsigma / this: {ratios[0]:.2f}" + (f", by CPU time {ratios[1]:.2f}" if cpu else "")
    )


if __name__ == "__main__":
    main()
