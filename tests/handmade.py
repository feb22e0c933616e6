"""Trees and shards written by hand with nothing but ``tarfile``, so that tests do not lean on the code they test.

:func:`small_tree` is one source with two tasks, for looking into shards; :func:`write_tree` writes ``PARTS``: three
sources, three tasks, up to three splits, among them the same surgery on both sides of a split, for cards and configs.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image, ImageDraw
from surgsigma_hub import records as r
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import Manifest, Shard
from surgsigma_hub.shards.problems import Problem, ValidationReport
from surgsigma_hub.source import About, Access, Modality, Procedure, SourceInfo, SourceTerms, Specialty
from surgsigma_hub.source.terms import free_terms, no_terms
from surgsigma_hub.whole_files import write_atomic

SIZE = (64, 48)
Entry = tuple[str, bytes]
"""A tar member: full name and content."""
CARD = """---
configs:
- config_name: phase_recognition-synthetic
  data_files: [{split: train, path: data/phase_recognition/synthetic/train-*.tar}]
---
"""
"""The card of a tree with that one part: what reading from a URL begins with."""


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


def noise(form: str, seed: int, size: tuple[int, int], *, mask: bool = False) -> bytes:
    """A picture that no other seed makes; black and white where it is a mask."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.where(pixels[..., 0] > 127, 255, 0).astype(np.uint8) if mask else pixels).save(out, form)
    return out.getvalue()


def film(colours: Sequence[tuple[int, int, int]], size: tuple[int, int] = SIZE, fps: int = 5) -> bytes:
    """One frame of each colour as an mp4."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for colour in colours:
            pixels = np.broadcast_to(np.array(colour, np.uint8), (size[1], size[0], 3))
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
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


def write_part(
    tree: Path,
    shards: Sequence[Sequence[tuple[r.Sample, Mapping[str, bytes]]]],
    *,
    videos: Sequence[str] | None = None,
) -> Manifest:
    """Shards and manifest of one task, source and split; ``videos`` are those of the samples unless given."""
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
        videos=tuple(sorted(videos or {made.canonical_video_id for made, _ in everything})),
        options={"seed": 0, "jpeg_quality": 90},
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
    data = members if isinstance(members, bytes) else tar_bytes(members)
    return rewrite_first(tree, "data/phase_recognition/synthetic/train.manifest.json", data, samples=samples)


def rewrite_first(tree: Path, manifest: str, data: bytes, *, samples: int | None = None) -> Path:
    """As :func:`rewrite`, the first shard of any manifest."""
    raw = orjson.loads((tree / manifest).read_bytes())
    shards = [Shard(**s) for s in raw.pop("shards")]
    path = (tree / manifest).parent / shards[0].name
    path.write_bytes(data)
    count = samples if samples is not None else shards[0].samples
    shards[0] = replace(shards[0], sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), samples=count)
    totals = {"bytes": sum(s.bytes for s in shards), "samples": sum(s.samples for s in shards)}
    save(tree, Manifest(**{**raw, **totals, "shards": tuple(shards)}))
    return path


def part(tree: Path, split: str = "train") -> list[tuple[r.Sample, dict[str, bytes]]]:
    """The samples of the first shard of :func:`small_tree`."""
    return [sample(n, split=split) for n in range(0, 4)]


# ------------------------------------------------------------------------------------------- a tree of many parts


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
SMALL = (32, 24)
"""Size of the pictures of ``PARTS``."""


def _info(name: str, license: str, access: Access, terms: SourceTerms) -> SourceInfo:
    synthetic = access is Access.SYNTHETIC
    return SourceInfo(
        name=name,
        about=About(title=f"The {name} set", license=license, homepage=f"https://example.org/{name}"),
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=access,
        access_steps=f"Ask the makers of {name}.",
        layout="<root>/",
        facts=frozenset({r.Fact.PHASE}),
        split_schemes={"default": ("train", "test")},
        stated_terms=terms,
        label_origin="synthetic" if synthetic else "expert",
        needs_root=not synthetic,
    )


SOURCES = {
    "alpha": _info("alpha", "cc-by-nc-sa-4.0", Access.REQUEST, no_terms("alpha")),
    "beta": _info("beta", "cc-by-4.0", Access.OPEN, free_terms("beta")),
    "toys": _info("toys", "cc-by-4.0", Access.SYNTHETIC, free_terms("toys")),
}


def make_sample(part: Part, number: int) -> tuple[r.Sample, dict[str, bytes]]:
    """Sample ``number`` of a part and its media."""
    canonical = part.videos[number % len(part.videos)]
    video = canonical.rpartition("/")[2]
    id = f"{part.source}-{video}-{part.split}-{number:06d}-{part.task}"
    seed = int.from_bytes(hashlib.sha256(id.encode()).digest()[:2], "big") % 100
    data: dict[str, tuple[r.MediaKind, r.MediaRole, Callable[[], bytes]]] = {
        "image.jpg": ("image", "input", lambda: noise("JPEG", seed, SMALL)),
        "target.png": ("mask", "target", lambda: noise("PNG", seed, SMALL, mask=True)),
        "video.mp4": ("video", "input", lambda: film([(40 * n + seed,) * 3 for n in range(3)], SMALL)),
    }
    media = [(m, data[m][0], data[m][1], data[m][2]()) for m in MEMBERS[part.task]]
    boxed = part.task == "instrument_segmentation"
    answer = r.Answer(
        f"Answer {number}.",
        labels=("preparation",),
        boxes=(r.AnswerBox("hook", 0.25, 0.25, 0.5, 0.75),) if boxed else (),
    )
    made, files = sample(
        number, task=part.task, source=part.source, split=part.split, video=video, media=media, answer=answer,
        question="What is shown?", size=SMALL,
    )  # fmt: skip
    info = SOURCES[part.source] if part.source in SOURCES else get_source(part.source).info
    origin = r.Provenance(info.label_origin, None, f"{part.task}/default/0+default/0", ())
    made = replace(
        made,
        id=id,
        family="understanding",
        canonical_video_id=canonical,
        media=tuple(replace(m, num_frames=3, fps=5.0) if m.kind == "video" else m for m in made.media),
        messages=(made.messages[0], r.Message("assistant", f"Answer {number}.")),
        reasoning=r.Reasoning(1, perceptual="A hook is seen.") if number else r.Reasoning(),
        provenance=origin,
        license=info.license,
    )
    return made, files


def shards_of(part: Part) -> list[list[tuple[r.Sample, dict[str, bytes]]]]:
    """The samples of a part, shard by shard."""
    starts = [sum(part.shards[:n]) for n in range(len(part.shards))]
    return [
        [make_sample(part, start + n) for n in range(count)] for start, count in zip(starts, part.shards, strict=True)
    ]


def write_tree(tree: Path, parts: tuple[Part, ...] = PARTS) -> list[Manifest]:
    """All parts; no card."""
    return [write_part(tree, shards_of(part), videos=part.videos) for part in parts]


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


SHARD = "data/phase_recognition/synthetic/train-00000.tar"
"""The first shard of :func:`small_tree`."""


def only(report: ValidationReport, kind: str) -> Problem:
    """The one problem of that kind."""
    found = [p for p in report.problems if p.kind == kind]
    assert len(found) == 1, report.problems
    return found[0]
