"""A small but valid tree written by hand, with nothing of the build: three sources, three tasks, up to three splits.

Inside a tar the JSON member of a sample comes first, its media after it.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image
from surgsigma_hub.records import (
    Answer,
    AnswerBox,
    Fact,
    Media,
    Message,
    Native,
    Provenance,
    Reasoning,
    Sample,
)
from surgsigma_hub.schema import FORMAT_VERSION, sample_bytes
from surgsigma_hub.shards.manifest import Manifest, Shard, write_atomic
from surgsigma_hub.source import Access, Redistribution, SourceInfo

SIZE = (32, 24)


@dataclass(frozen=True)
class Part:
    """What one manifest holds: samples per shard, and the canonical ids of its videos in turn."""

    task: str
    source: str
    split: str
    shards: tuple[int, ...]
    videos: tuple[str, ...]


# alpha/v2 is in alpha's test and in beta's train: the leak that the card has to find.
PARTS = (
    Part("phase_recognition", "alpha", "train", (3, 2), ("alpha/v1",)),
    Part("phase_recognition", "alpha", "train_extra", (1,), ("alpha/v4",)),
    Part("phase_recognition", "alpha", "test", (2,), ("alpha/v2",)),
    Part("phase_recognition", "beta", "train", (2, 2), ("alpha/v2", "alpha/v3")),
    Part("phase_recognition", "toys", "test", (1,), ("toys/v1",)),
    Part("instrument_segmentation", "toys", "train", (2, 1), ("toys/v2", "toys/v3")),
    Part("instrument_segmentation", "toys", "test", (1,), ("toys/v1",)),
    Part("video_question_answering", "beta", "train", (2,), ("alpha/v3",)),
)
MEMBERS = {
    "phase_recognition": ("image.jpg",),
    "instrument_segmentation": ("image.jpg", "target.png"),
    "video_question_answering": ("video.mp4",),
}


def _info(name: str, license: str, access: Access, redistribution: Redistribution) -> SourceInfo:
    synthetic = access is Access.SYNTHETIC
    return SourceInfo(
        name=name,
        title=f"The {name} set",
        specialty="general surgery",
        procedure="cholecystectomy",
        modality="laparoscopy",
        license=license,
        access=access,
        access_steps=f"Ask the makers of {name}.",
        homepage=f"https://example.org/{name}",
        layout="<root>/",
        facts=frozenset({Fact.PHASE}),
        split_schemes={"default": ("train", "test")},
        redistribution=redistribution,
        label_origin="synthetic" if synthetic else "expert",
        needs_root=not synthetic,
    )


SOURCES = {
    "alpha": _info("alpha", "cc-by-nc-sa-4.0", Access.REQUEST, Redistribution(False, False, False)),
    "beta": _info("beta", "cc-by-4.0", Access.OPEN, Redistribution(True, True, True)),
    "toys": _info("toys", "cc-by-4.0", Access.SYNTHETIC, Redistribution(True, True, True)),
}


def _picture(form: str, seed: int, mode: str) -> bytes:
    shape = (SIZE[1], SIZE[0], 3) if mode == "RGB" else (SIZE[1], SIZE[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    if mode == "L":
        pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form)
    return out.getvalue()


def _film(seed: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for step in range(3):
            pixels = np.full((SIZE[1], SIZE[0], 3), 40 * step + seed, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


def make_sample(part: Part, number: int) -> tuple[Sample, dict[str, bytes]]:
    """Sample ``number`` of a part and its media."""
    canonical = part.videos[number % len(part.videos)]
    video = canonical.rpartition("/")[2]
    id = f"{part.source}-{video}-{part.split}-{number:06d}-{part.task}"
    seed = int.from_bytes(hashlib.sha256(id.encode()).digest()[:2], "big") % 100
    data = {
        "image.jpg": lambda: _picture("JPEG", seed, "RGB"),
        "target.png": lambda: _picture("PNG", seed, "L"),
        "video.mp4": lambda: _film(seed),
    }
    files = {member: data[member]() for member in MEMBERS[part.task]}
    kinds = {"image.jpg": "image", "target.png": "mask", "video.mp4": "video"}
    media = tuple(
        Media(
            member,
            kinds[member],  # type: ignore[arg-type]
            "target" if member.startswith("target") else "input",
            hashlib.sha256(content).hexdigest(),
            3 if member.endswith("mp4") else None,
            5.0 if member.endswith("mp4") else None,
        )
        for member, content in files.items()
    )
    boxed = part.task == "instrument_segmentation"
    sample = Sample(
        format_version=FORMAT_VERSION,
        id=id,
        task=part.task,
        family="understanding",
        source=part.source,
        split=part.split,
        specialty="general surgery",
        procedure="cholecystectomy",
        modality="laparoscopy",
        video_id=video,
        canonical_video_id=canonical,
        frame_index=number,
        fps=1.0,
        start_seconds=float(number),
        end_seconds=None,
        width=SIZE[0],
        height=SIZE[1],
        media=media,
        messages=(
            Message("user", f"<{'video' if part.task.startswith('video') else 'image'}>\nWhat is shown?"),
            Message("assistant", f"Answer {number}."),
        ),
        answer=Answer(
            f"Answer {number}.",
            labels=("preparation",),
            boxes=(AnswerBox("hook", 0.25, 0.25, 0.5, 0.75),) if boxed else (),
        ),
        reasoning=Reasoning(1, perceptual="A hook is seen.") if number else Reasoning(),
        native=Native(labels=("Preparation",)),
        provenance=Provenance(SOURCES[part.source].label_origin, None, f"{part.task}/default/0+default/0", ()),
        license=SOURCES[part.source].license,
    )
    return sample, files


def tar_bytes(samples: list[tuple[Sample, dict[str, bytes]]]) -> bytes:
    """A tar as the build writes it: ``<id>.json``, then the media of that sample."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for sample, files in samples:
            for member, content in {"json": sample_bytes(sample), **files}.items():
                entry = tarfile.TarInfo(f"{sample.id}.{member}")
                entry.size, entry.mtime, entry.mode = len(content), 0, 0o644
                tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def write_part(tree: Path, part: Part) -> Manifest:
    """The tars and the manifest of one part."""
    shards: list[Shard] = []
    number, media_bytes = 0, 0
    for index, count in enumerate(part.shards):
        samples = [make_sample(part, number + n) for n in range(count)]
        number += count
        media_bytes += sum(len(content) for _, files in samples for content in files.values())
        data = tar_bytes(samples)
        name = f"{part.split}-{index:05d}.tar"
        write_atomic(tree / "data" / part.task / part.source / name, data)
        shards.append(Shard(name, hashlib.sha256(data).hexdigest(), len(data), count, ((0, 0),)))
    manifest = Manifest(
        task=part.task,
        source=part.source,
        split=part.split,
        samples=number,
        bytes=sum(s.bytes for s in shards),
        media_bytes=media_bytes,
        members=MEMBERS[part.task],
        videos=tuple(sorted(part.videos)),
        options={"seed": 0, "jpeg_quality": 90},
        shards=tuple(shards),
    )
    write_atomic(tree / manifest.path, manifest.dumps())
    return manifest


def write_tree(tree: Path, parts: tuple[Part, ...] = PARTS) -> list[Manifest]:
    """All parts; no card."""
    return [write_part(tree, part) for part in parts]


def counts(parts: tuple[Part, ...] = PARTS) -> dict[str, dict[str, int]]:
    """Samples by config and split, counted from ``PARTS`` without any of the package's code."""
    found: dict[str, dict[str, int]] = {}
    for part in parts:
        for name in (part.task, part.source, f"{part.task}-{part.source}", "all"):
            splits = found.setdefault(name, {})
            splits[part.split] = splits.get(part.split, 0) + sum(part.shards)
    return found


def add_strays(tree: Path) -> None:
    """Things that may lie in a tree and must break no config."""
    for path, data in {
        "reports/build.json": b"{}",
        "reports/defects.jsonl": b"{}\n",
        "catalog/part-00000.parquet": b"not parquet",
        "assets/picture.png": b"not a picture",
        ".build/phase_recognition/part.tar": b"unfinished",
        "data/phase_recognition/alpha/.train-00009.tar.123-ab.tmp": b"unfinished",
        "data/phase_recognition/gamma/train-00000.tar": b"an interrupted build: tar without manifest",
        "data/phase_recognition/beta/train-00007.tar": b"left by an earlier, larger build",
    }.items():
        write_atomic(tree / path, data)
