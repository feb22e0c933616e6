"""A tree of the size of SurgΣ-DB: 5.98 million conversations over 1.8 million pictures, of 12 pretended sources.

Conversations and pictures are drawn: those of a small real build, told again of as many moments as it takes, with a
small picture of its own for each moment. Shards, records, catalogs, manifests and cards are written by the units of the
build itself, in both layouts, each in a tree of its own. Run again after a stop, it goes on at the shard where it was.
By default a fiftieth of that size is written; ``--share 1`` takes some hours and 25 GB. Figures are CPU time and memory
of each step in a process of its own, for a tenth of the share and for all of it, so that what grows faster than its
work shows.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.building.catalog import merge
from surgsigma_hub.building.commit import staged_manifest
from surgsigma_hub.building.pool import run_jobs
from surgsigma_hub.building.shuffle import Ready, catalog_path, record_path, write_shard
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.by_medium import joined, samples_of
from surgsigma_hub.shards.config_names import FRAMES
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.shard_names import shard_name
from surgsigma_hub.source.base import about_source
from surgsigma_hub.whole_files import write_atomic

MEDIA, SOURCES, SHARD, VIDEO = 1_800_000, 12, 5_000, 500
TALKS = (3, 3, 3, 4)  # conversations about a picture, in turn: 5.85 million of 1.8 million
TASKS = ("phase_recognition", "instrument_recognition", "triplet_recognition", "instrument_localization")

STEPS = {
    "read all manifests": "from surgsigma_hub.shards.manifest import load_tree; load_tree(Path(tree))",
    "read the card": (
        "from surgsigma_hub.shards.frontmatter import read_card, split_card; "
        "split_card(read_card(Path(tree) / 'README.md', where=tree), where=tree)"
    ),
    "stream, one task": "next(iter(stream(tree, TASK, decode='bytes', **HOW)))",
    "stream, mixture": "next(iter(stream(tree, {TASK: 2.0, OTHER: 1.0}, decode='bytes', **HOW)))",
    "stream, everything": "next(iter(stream(tree, decode='bytes', **HOW)))",
    "stream, by a filter": "next(iter(stream(tree, where={'source': SOURCE}, decode='bytes', **HOW)))",
    "resume in the middle": (
        "s = stream(tree, decode='bytes', **HOW); "
        "s.load_state_dict({**s.state_dict(), 'position': s.samples // 2 + 7}); next(iter(s))"
    ),
    "datasets, streaming": (
        "import datasets; next(iter(datasets.load_dataset(tree, CONFIG, split='train', streaming=True)))"
    ),
    "info": "main(['info', tree, '--json'])",
    "info --answers": "main(['info', tree, '--answers', '--json'])",
    "validate --quick": "main(['validate', tree, '--quick'])",
    "validate --workers 2": "main(['validate', tree, '--workers', '2'])",
    "cards, after a source more": (
        "from surgsigma_hub.hub.cards import refresh; from surgsigma_hub.registry import get_source; "
        "from dataclasses import replace; from surgsigma_hub.source.base import about_source; "
        "info = get_source('synthetic').info; "
        "refresh(Path(tree), sources={n: replace(info, name=n, about=about_source('synthetic')) "
        "for n in {p.name for p in Path(tree).glob('data/*/*')}})"
    ),
}
CHILD = """
import re, sys, time, os, contextlib
from pathlib import Path
tree, layout = sys.argv[1:3]
TASK, OTHER, SOURCE = "phase_recognition", "triplet_recognition", "pretended03"
HOW = {"rank": 0, "world_size": 1, **({"talk": sys.argv[3]} if layout == "frames" else {})}
CONFIG = "frames" if layout == "frames" else TASK
from surgsigma_hub import stream
from surgsigma_hub.cli import main
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    STEP
print(sum(os.times()[:4]), re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@dataclass(frozen=True)
class Shard:
    """One shard of pretended moments: by medium, or of one task."""

    path: Path
    models: Path
    source: str
    task: str
    first: int
    last: int

    def samples(self) -> Iterator[Ready]:
        """See ``building.shuffle.Job``."""
        models = orjson.loads(self.models.read_bytes())
        for n in range(self.first, self.last):
            asked = TASKS[: TALKS[n % len(TALKS)]]
            if self.task not in (FRAMES, *asked):
                continue
            data = picture(self.source, n)
            digest = hashlib.sha256(data).hexdigest()
            wanted = asked if self.task == FRAMES else (self.task,)
            mine = [self._told(models[task][n % len(models[task])], n, digest) for task in wanted]
            if self.task == FRAMES:
                medium = joined(mine)
                yield Ready(medium["id"], orjson.dumps(medium), [("image.jpg", data)], list(samples_of(medium)))
            else:
                yield Ready(mine[0]["id"], orjson.dumps(mine[0]), [("image.jpg", data)], mine)

    def _told(self, model: dict[str, Any], n: int, digest: str) -> dict[str, Any]:
        video = f"{self.source}-{n // VIDEO:05d}"
        return {
            **model, "id": f"{video}-{n:07d}-{model['task']}", "source": self.source, "split": "train",
            "video_id": video, "canonical_video_id": f"{self.source}/{video}", "frame_index": n % VIDEO,
            "start_seconds": float(n % VIDEO), "media": [{**model["media"][0], "sha256": digest}],
        }  # fmt: skip


def picture(source: str, n: int) -> bytes:
    """A small JPEG that no other moment has."""
    pixels = np.frombuffer(f"{source}{n:08d}".encode().ljust(24, b"."), np.uint8).reshape(2, 4, 3)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((32, 24)).save(out, "JPEG", quality=80)
    return out.getvalue()


def models(folder: Path) -> Path:
    """The conversations to tell again: those of a small real build about still pictures."""
    place = folder / "models.json"
    if not place.exists():
        small = folder / "small"
        options = {"videos": "3", "frames": "12", "width": "96", "height": "64"}
        build("synthetic", out=small, tasks=TASKS, splits=["train"], options=options, joint=0, explained=0)
        found: dict[str, list[Any]] = {}
        for manifest in load_tree(small):
            for shard in manifest.shards:
                with (small / manifest.folder / shard.name).open("rb") as file:
                    for _, members in read_shard(file, where=shard.name):
                        doc = orjson.loads(members["json"])
                        if [m["member"] for m in doc["media"]] == ["image.jpg"] and not doc["id"][-1].isdigit():
                            found.setdefault(doc["task"], []).append(plain(doc))
        place.write_bytes(orjson.dumps(found))
        shutil.rmtree(small)
    return place


def plain(doc: dict[str, Any]) -> dict[str, Any]:
    """The same about any picture: what it shares with others about one moment is equal in all of them."""
    return {**doc, "width": 32, "height": 24, "fps": 1.0, "end_seconds": None}


def write_tree(folder: Path, layout: str, media: int, workers: int) -> tuple[Path, float]:
    """The tree of so many media, and how long writing what was missing took."""
    tree, model, started = folder / f"{layout}-{media}", models(folder), time.perf_counter()
    each = media // SOURCES
    names = [f"pretended{n:02d}" for n in range(1, SOURCES + 1)]
    parts: dict[tuple[str, str], list[Shard]] = {}
    for source in names:
        for task in (FRAMES,) if layout == "frames" else TASKS:
            parts[task, source] = [
                Shard(tree / "data" / task / source / shard_name(task, source, "train", n), model, source, task, at,
                      min(each, at + SHARD))
                for n, at in enumerate(range(0, each, SHARD))
            ]  # fmt: skip
    run_jobs(
        write_shard,
        [s for some in parts.values() for s in some],
        workers=workers,
        title="write",
        progress=sys.stderr.isatty(),
    )
    (tree / "catalog").mkdir(exist_ok=True)
    for (task, source), shards in parts.items():
        manifest = staged_manifest([s.path for s in shards], task=task, source=source, split="train", options={})
        merge([catalog_path(s.path) for s in shards], tree / manifest.catalog)
        write_atomic(tree / manifest.path, manifest.dumps())
    info = get_source("synthetic").info
    refresh(tree, sources={name: replace(info, name=name, about=about_source(info.name)) for name in names})
    return tree, time.perf_counter() - started


def cleaned(tree: Path) -> None:
    """Without the records that a run that goes on needs: they are no part of a tree."""
    for shard in tree.glob("data/*/*/*.tar"):
        for path in (record_path(shard), catalog_path(shard)):
            path.unlink(missing_ok=True)


def sizes(tree: Path) -> dict[str, float]:
    """Megabytes of what describes a tree, and of its shards."""
    of = {"shards": "data/*/*/*.tar", "manifests": "data/*/*/*.json", "catalogs": "catalog/*", "README.md": "README.md"}
    return {name: sum(p.stat().st_size for p in tree.glob(glob)) / 1e6 for name, glob in of.items()}


def measured(tree: Path, layout: str, step: str, talk: str = "one") -> tuple[float, float]:
    """CPU seconds and megabytes of one step in a new process, imports included."""
    code = CHILD.replace("STEP", step)
    done = subprocess.run([sys.executable, "-c", code, str(tree), layout, talk], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{step}: {done.stderr[-600:]}")
    took, memory = done.stdout.split()[-2:]
    return float(took), int(memory) / 1e3


def figures(tree: Path, layout: str, skip: list[str]) -> dict[str, tuple[float, float]]:
    """Every step but those to skip; those that stream by medium for each way to talk."""
    found: dict[str, tuple[float, float]] = {}
    for name, step in STEPS.items():
        if name in skip:
            continue
        by_talk = layout == "frames" and "stream(" in step
        for talk in ("one", "all", "turns") if by_talk else ("one",):
            if "mixture" in name and talk == "all":
                continue  # every conversation once: there are no weights
            found[f"{name}, {talk}" if by_talk else name] = measured(tree, layout, step, talk)
    return found


def main() -> None:
    """Write, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.02, help="of 1.8 million pictures (default: 0.02)")
    parser.add_argument("--folder", type=Path, help="where the trees are made and kept, so that a stop costs little")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--skip", action="append", default=[], choices=STEPS, help="a step not to measure; repeat")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for layout in ("tasks", "frames"):
            small, large = (int(MEDIA * args.share * part) // SOURCES * SOURCES for part in (0.1, 1.0))
            trees, rates = [], []
            for media in (small, large):
                tree, seconds = write_tree(folder, layout, media, args.workers)
                trees.append(tree)
                rates.append(seconds)
            talks = sum(m.rows for m in load_tree(trees[1]))
            print(f"\n{layout}: {talks:,} conversations about {large:,} pictures; a tenth of them | all of them")
            print(f"  written in {rates[0]:.1f} | {rates[1]:.1f} s, {talks / max(rates[1], 1e-9):,.0f} conversations/s")
            for name, (a, b) in {n: (sizes(trees[0])[n], v) for n, v in sizes(trees[1]).items()}.items():
                print(f"  {name:32} {a:10.2f} | {b:10.2f} MB")
            before, after = (figures(tree, layout, args.skip) for tree in trees)
            for name, (took, memory) in after.items():
                (first, less), label = before[name], f"  {name:32}"
                print(f"{label} {first:10.2f} | {took:10.2f} CPU s   {less:6.0f} | {memory:6.0f} MB")


if __name__ == "__main__":
    main()
