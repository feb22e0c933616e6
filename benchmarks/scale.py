"""A tree of ten thousand shards and six million samples: what opening it costs, and how soon the first sample comes.

The tree is a manifest and one real shard that all the others are links to. Run with::

    python benchmarks/scale.py

Each figure is of a fresh process, from before the import to the first sample; medians of five.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SHARDS, SAMPLES = 10_000, 600
OPEN = """
import re, resource, sys, time
start, cpu = time.perf_counter(), time.process_time()
import surgsigma_hub
stream = surgsigma_hub.stream(sys.argv[1], decode="bytes", shuffle=sys.argv[2])
opened = time.perf_counter() - start
next(iter(stream))
try:  # getrusage would count what the parent held when it forked
    memory = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
except (OSError, TypeError):  # no such file, or no such line in it
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(opened, time.perf_counter() - start, time.process_time() - cpu, memory)
"""


def make_tree(tree: Path, *, shards: int = SHARDS, samples: int = SAMPLES) -> None:
    """Shards with an index of blocks, all of them one file."""
    import orjson
    from surgsigma_hub.shards.manifest import Manifest
    from surgsigma_hub.shards.writer import ShardWriter
    from surgsigma_hub.whole_files import write_atomic

    folder = tree / "data" / "phase_recognition" / "synthetic"
    folder.mkdir(parents=True)
    with ShardWriter(folder / "train-00000.tar") as writer:
        for n in range(samples):
            medium = {"member": "image.jpg", "kind": "image", "role": "input", "sha256": "0" * 64}
            text = orjson.dumps({"format_version": "1.0", "id": f"s{n:06d}", "media": [medium]})
            writer.add(f"s{n:06d}", [("json", text), ("image.jpg", bytes(500))])
        first = writer.close()
    listed = [first]
    for n in range(1, shards):
        name = f"train-{n:05d}.tar"
        os.link(folder / first.name, folder / name)
        listed.append(type(first)(name, f"{n:064x}", first.bytes, first.samples, first.blocks))
    manifest = Manifest(
        task="phase_recognition", source="synthetic", split="train", samples=shards * samples,
        bytes=shards * first.bytes, media_bytes=1, members=("image.jpg",), videos=("v",), options={},
        shards=tuple(listed),
    )  # fmt: skip
    write_atomic(tree / manifest.path, manifest.dumps())
    (tree / "README.md").write_text(
        "---\nconfigs:\n- config_name: phase_recognition-synthetic\n"
        "  data_files: [{split: train, path: data/phase_recognition/synthetic/train-*.tar}]\n---\n"
    )


def first_sample(tree: str, shuffle: str) -> tuple[float, float, float, int]:
    """Seconds to the open stream and to the first sample, CPU seconds, and the largest memory in bytes."""
    done = subprocess.run([sys.executable, "-c", OPEN, tree, shuffle], capture_output=True, text=True, check=True)
    opened, first, cpu, memory = done.stdout.split()
    return float(opened), float(first), float(cpu), int(memory) * 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", help="also over this URL, which serves --tree")
    parser.add_argument("--tree", type=Path, help="an empty folder to make the tree in; kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        tree = arguments.tree or Path(made) / "tree"
        if not (tree / "data").exists():
            make_tree(tree)
        print(f"{SHARDS} shards, {SHARDS * SAMPLES} samples")
        for place in [str(tree), *([arguments.url] if arguments.url else [])]:
            for shuffle in ("full", "block", "none"):
                found = [first_sample(place, shuffle) for _ in range(arguments.rounds)]
                opened, first, cpu, memory = (statistics.median(values) for values in zip(*found, strict=True))
                print(
                    f"  {'folder' if place == str(tree) else 'http':7} {shuffle:6} open {opened:.2f} s, first sample "
                    f"{first:.2f} s (CPU {cpu:.2f} s), {memory / 1e6:.0f} MB"
                )


if __name__ == "__main__":
    main()
