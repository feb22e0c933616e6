"""Trees and shards written by hand with nothing but ``tarfile``, so that tests do not lean on the code they test."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from PIL import Image, ImageDraw
from surgsigma_hub import records as r
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import Manifest, Shard

SIZE = (64, 48)
Entry = tuple[str, bytes]
"""A tar member: full name and content."""


def jpeg(colour: tuple[int, int, int] = (150, 60, 50), size: tuple[int, int] = SIZE, **save: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=90, **save)
    return out.getvalue()


def mask(box: tuple[int, int, int, int] = (16, 12, 48, 36), size: tuple[int, int] = SIZE) -> bytes:
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=255)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def sample(
    n: int = 0,
    *,
    task: str = "phase_recognition",
    source: str = "synthetic",
    split: str = "train",
    video: str = "",
    media: Sequence[tuple[str, r.MediaKind, r.MediaRole, bytes]] | None = None,
    answer: r.Answer | None = None,
    question: str = "Which phase is this?",
    size: tuple[int, int] = SIZE,
) -> tuple[r.Sample, dict[str, bytes]]:
    """A valid sample and its media members by name."""
    video = video or f"op{n // 4}-{split}"
    media = [("image.jpg", "image", "input", jpeg(size=size))] if media is None else media
    tags = "".join(f"<{kind}>" for _, kind, role, _ in media if role == "input")
    asked = f"{tags}\n{question}" if tags else question
    made = r.Sample(
        format_version=FORMAT_VERSION,
        id=f"{source}-{video}-{n:06d}-{task}",
        task=task,
        family="reasoning",
        source=source,
        split=split,
        specialty="general surgery",
        procedure="cholecystectomy",
        modality="laparoscopy",
        video_id=video,
        canonical_video_id=f"{source}/{video}",
        frame_index=n,
        fps=1.0,
        start_seconds=float(n),
        end_seconds=None,
        width=size[0],
        height=size[1],
        media=tuple(r.Media(m, kind, role, hashlib.sha256(data).hexdigest()) for m, kind, role, data in media),
        messages=(r.Message("user", asked), r.Message("assistant", "Preparation.")),
        answer=answer or r.Answer(text="preparation", labels=("preparation",)),
        reasoning=r.Reasoning(),
        native=r.Native(labels=("Preparation",)),
        provenance=r.Provenance("synthetic", None, f"{task}/default/0+default/0", ()),
        license="cc0-1.0",
    )
    return made, {m: data for m, _, _, data in media}


def entries(made: r.Sample, media: Mapping[str, bytes], /, **changes: Any) -> list[Entry]:
    """Tar members of a sample; ``changes`` overwrite top-level fields of its JSON."""
    doc = {**orjson.loads(orjson.dumps(made)), **changes}
    return [(f"{made.id}.json", orjson.dumps(doc)), *((f"{made.id}.{m}", data) for m, data in media.items())]


def tar_bytes(members: Iterable[Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_part(tree: Path, shards: Sequence[Sequence[tuple[r.Sample, Mapping[str, bytes]]]]) -> Manifest:
    """Shards and manifest of one task, source and split."""
    first = shards[0][0][0]
    folder = tree / "data" / first.task / first.source
    folder.mkdir(parents=True, exist_ok=True)
    listed: list[Shard] = []
    for n, samples in enumerate(shards):
        data = tar_bytes(e for made, media in samples for e in entries(made, media))
        path = folder / f"{first.split}-{n:05d}.tar"
        path.write_bytes(data)
        listed.append(Shard(path.name, hashlib.sha256(data).hexdigest(), len(data), len(samples), ((0, 0),)))
    everything = [pair for samples in shards for pair in samples]
    manifest = Manifest(
        task=first.task,
        source=first.source,
        split=first.split,
        samples=len(everything),
        bytes=sum(s.bytes for s in listed),
        media_bytes=sum(len(data) for _, media in everything for data in media.values()),
        members=tuple(sorted({m for _, media in everything for m in media})),
        videos=tuple(sorted({made.canonical_video_id for made, _ in everything})),
        options={"seed": 0},
        shards=tuple(listed),
    )
    save(tree, manifest)
    return manifest


def save(tree: Path, manifest: Manifest) -> None:
    (tree / manifest.path).write_bytes(manifest.dumps())


def small_tree(tree: Path) -> Path:
    """Two tasks, two splits, five shards; valid."""
    for split in ("train", "test"):
        write_part(tree, [[sample(n, split=split) for n in range(0, 4)], [sample(n, split=split) for n in range(4, 6)]])
    segmented = [("image.jpg", "image", "input", jpeg()), ("target.png", "mask", "target", mask())]
    write_part(tree, [[sample(n, task="instrument_segmentation", media=segmented) for n in range(3)]])  # type: ignore[arg-type]
    return tree


def rewrite(tree: Path, members: Iterable[Entry] | bytes, *, samples: int | None = None) -> Path:
    """Replace the first training shard and make its manifest agree, so that only the defect inside is left."""
    folder = tree / "data" / "phase_recognition" / "synthetic"
    path = folder / "train-00000.tar"
    data = members if isinstance(members, bytes) else tar_bytes(members)
    path.write_bytes(data)
    raw = orjson.loads((folder / "train.manifest.json").read_bytes())
    shards = [Shard(**s) for s in raw.pop("shards")]
    count = samples if samples is not None else shards[0].samples
    shards[0] = replace(shards[0], sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), samples=count)
    totals = {"bytes": sum(s.bytes for s in shards), "samples": sum(s.samples for s in shards)}
    save(tree, Manifest(**{**raw, **totals, "shards": tuple(shards)}))
    return path


def part(tree: Path, split: str = "train") -> list[tuple[r.Sample, dict[str, bytes]]]:
    """The samples of the first shard of :func:`small_tree`."""
    return [sample(n, split=split) for n in range(0, 4)]
