"""Samples per second of a stream against the bare decode loop and other loaders over the same samples.

Frames are drawn, 854 x 480 at quality 90 with sensor noise, about 55 kB, each with 1.3 kB of JSON, in 8 shards. W1
gives full-size RGB, W2 a short side of 336, W3 the bytes; the JSON is parsed in all. The limit is a loop over bytes in
memory with the same decoder and nothing else. Every contender runs in a process of its own; rounds are interleaved, the
first of each is not counted; in it each must give the same conversations and as many bytes of pictures as the others.
On a machine with other work the ratio of CPU time says more than that of wall time; it is given where there are no
worker processes. ``--peers`` adds litdata, MosaicML Streaming and Energon; what cannot run here is named.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import peer_samples
from peer_samples import Items, torch_resize
from peers import OTHERS, absent
from PIL import Image

SIZE = (854, 480)
SHARDS = 8


def make_tree(tree: Path, count: int) -> None:
    """Shards, manifest, and the same samples as Parquet files with 50 rows in a group."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from surgsigma_hub.registry import get_source
    from surgsigma_hub.shards.manifest import Manifest
    from surgsigma_hub.shards.writer import ShardWriter
    from surgsigma_hub.source import parse_options
    from surgsigma_hub.whole_files import write_atomic

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


# -- contenders: each gives a pass that counts samples, and the samples to look at ------------------------------------


@dataclass(frozen=True)
class Run:
    """``items`` starts a pass; ``count`` is the fastest way to make one and count it."""

    items: Items
    count: Callable[[], int]


def bare(work: str, tree: Path, threads: int) -> Run:
    """The limit: bytes in memory, the decoder, and for two threads a plain pool with chunks of four."""
    import simplejpeg

    data = list(peer_samples.samples(tree))

    def one(pair: tuple[bytes, bytes]) -> dict[str, Any]:
        sample = orjson.loads(pair[0])
        if work == "W3":
            return {"sample": sample, "image": bytes(memoryview(pair[1]))}
        pixels = simplejpeg.decode_jpeg(pair[1], "RGB", fastdct=False, fastupsample=False)
        return {"sample": sample, "image": torch_resize(pixels) if work == "W2" else pixels}

    def count(chunk: list[tuple[bytes, bytes]]) -> int:
        for pair in chunk:
            one(pair)  # dropped at once
        return len(chunk)

    if threads < 2 or work == "W3":
        return Run(lambda: map(one, data), lambda: count(data))
    pool = ThreadPoolExecutor(threads)
    chunks = [data[at : at + 4] for at in range(0, len(data), 4)]
    return Run(lambda: map(one, data), lambda: sum(pool.map(count, chunks)))


def ours(work: str, tree: Path, threads: int, workers: int = 0) -> Items:
    """This package, shuffled, as a user calls it."""
    import surgsigma_hub
    from surgsigma_hub.streaming import Rgb

    decode: Any = {"W1": "rgb", "W2": Rgb(short_side=336, kernel="torch"), "W3": "bytes"}[work]
    threads = 0 if threads == 1 or work == "W3" else threads  # one thread in all, as for the others
    stream = surgsigma_hub.stream(tree, decode=decode, threads=threads)
    if not workers:
        return lambda: stream
    from torch.utils.data import DataLoader

    return lambda: DataLoader(stream.torch(), batch_size=None, num_workers=workers, prefetch_factor=16)


def look(items: Iterable[Any]) -> str:
    """What a pass gave, whatever its order: samples, bytes of pictures, and a sum over the names of conversations."""
    count = size = names = 0
    for item in items:
        found = item if isinstance(item, dict) else {"sample": item.sample, "image": picture(item)}
        image = found["image"]
        size += image.nbytes if hasattr(image, "nbytes") else len(image)
        names += zlib.crc32(orjson.dumps([found["sample"]["id"], found["sample"]["messages"]]))
        count += 1
    return f"{count} samples, {size} bytes, names {names}"


def picture(item: Any) -> Any:
    """Of an item of ours, or of a peer's class."""
    return item.media["image.jpg"] if hasattr(item, "media") else item.image


def one_torch_thread() -> None:
    """Parallelism is what is compared; torch must not add its own."""
    import torch

    torch.set_num_threads(1)


def contenders(threads: int, torch: bool, others: bool = True) -> dict[str, Callable[[str, Path], Run]]:
    """By name; ``threads`` is 1 or the number of threads of ours and of workers of the others."""

    def counted(make: Callable[[str, Path], Items]) -> Callable[[str, Path], Run]:
        def start(work: str, tree: Path) -> Run:
            items = make(work, tree)
            return Run(items, lambda: sum(1 for _ in items()))

        return start

    found: dict[str, Callable[[str, Path], Run]] = {
        "limit": lambda w, t: bare(w, t, threads),
        "surgsigma": counted(lambda w, t: ours(w, t, threads)),
    }
    workers = 0 if threads == 1 else threads
    if torch and workers:
        found["surgsigma in DataLoader"] = counted(lambda w, t: ours(w, t, 1, workers))
    if torch or not workers:
        for name, (_, make) in OTHERS.items():
            if others or name in ALWAYS:
                found[name] = counted(lambda w, t, make=make: make(w, t, workers))  # type: ignore[misc]
    return found


ALWAYS = ("webdataset", "webdataset + our decoder", "datasets webdataset", "datasets parquet")
"""Peers that are dependencies of the package; the others come with ``--peers``."""


def serve(name: str, work: str, tree: Path, threads: int) -> None:
    """A contender in its process: a line in starts a pass, a line out says samples and seconds."""
    if importlib.util.find_spec("torch"):
        one_torch_thread()
    run: Run | None = None
    for line in sys.stdin:
        # Not before it is asked: some write files that others read, and they are asked one by one.
        run = run or contenders(threads, bool(importlib.util.find_spec("torch")))[name](work, tree)
        if line.strip() == "look":
            print(f"result {look(run.items())}", flush=True)
            continue
        passes = 4 if work == "W3" and threads == 1 else 1  # a pass over bytes is short, starting workers is not
        start, cpu = time.perf_counter(), time.process_time()
        count = sum(run.count() for _ in range(passes)) // passes
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
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log(), text=True, env=environment
        )

    def _log(self) -> Any:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (a pipe that nobody reads would stop a talkative peer)
        return self._said

    def look(self) -> str:
        """What a pass gives, and the first pass, which is not counted."""
        return self._ask("look")

    def run(self, expected: int) -> tuple[float, float]:
        """Samples a second of one pass, and a second of CPU."""
        count, seconds, cpu = self._ask("go").split()
        assert int(count) == expected, f"{count} samples, expected {expected}"
        return expected / float(seconds), expected / float(cpu)

    def _ask(self, word: str) -> str:
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # what it said before it ended is told below
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("result "):
                return line.removeprefix("result ").strip()
        self._said.seek(0)
        raise RuntimeError(self._said.read()[-2000:])

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
    parser.add_argument("--peers", action="store_true", help="also litdata, MosaicML Streaming and Energon")
    parser.add_argument("--only", help="names of contenders, joined by commas")
    parser.add_argument("--tree", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.work, arguments.tree, int(arguments.threads))
        return
    missing = {
        name for name, (module, _) in OTHERS.items() if (arguments.peers or name in ALWAYS) and say_absent(name, module)
    }
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
                    n for n in contenders(threads, torch, arguments.peers)
                    if (not arguments.only or n in arguments.only.split(","))
                    and not (work == "W3" and "our" in n) and n not in missing
                ]  # fmt: skip
                running = {name: Contender(name, work, tree, threads) for name in names}
                rates: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
                seen = {name: contender.look() for name, contender in running.items()}
                different = {name: what for name, what in seen.items() if what != next(iter(seen.values()))}
                assert not different, f"not the same work: {seen}"
                for _ in range(arguments.rounds):
                    for name, contender in running.items():
                        rates[name].append(contender.run(arguments.samples))
                for contender in running.values():
                    contender.close()
                print(f"\n{work}, {threads} thread{'s or workers' if threads > 1 else ''}")
                for name, values in rates.items():
                    print(
                        row(name, values, rates.get("surgsigma", values), cpu=threads == 1 or name == "limit"),
                        flush=True,
                    )


def say_absent(name: str, module: str) -> bool:
    """Name a peer that cannot run here, and why."""
    reason = absent(module)
    if reason:
        print(f"absent: {name} ({reason})", flush=True)
    return bool(reason)


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
