"""One small shard of each kind of media, made from samples that are fixed here, and its sha256 in ``golden.json``.

Two machines are compared by it, not only two runs. The pictures are patterns of whole numbers and the texts are fixed,
so that a change of wordings or of drawn scenes (which have a shard of their own, ``drawn``) leaves the others alone;
the media go through the store of the build and the tar through its writer, as in any tree.

    python tests/golden.py            # what this machine makes
    python tests/golden.py --write    # and keep it: after a change that is meant to change bytes, or newer libraries
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, features
from surgsigma_hub.building.media import MediaStore
from surgsigma_hub.building.parts import PartWriter
from surgsigma_hub.building.plan import Settings
from surgsigma_hub.media.smoke import smoked
from surgsigma_hub.records import Answer, Cut, Drawn, FileImage, ImageRef, LabeledMask, MaskImage, Polygons, Stills
from surgsigma_hub.scene import Spec, scene
from surgsigma_hub.shards.writer import ShardWriter
from surgsigma_hub.tasks.common.base import DepthMap, Draft, Masks

FILE = Path(__file__).parent / "golden.json"
REFRESH = "python tests/golden.py --write"
WIDTH, HEIGHT = 200, 152

Fixed = tuple[Draft, ImageRef | None]
"""A draft and the picture of its frame."""


def pattern(n: int) -> npt.NDArray[np.uint8]:
    """Picture ``n``: soft waves in the colours of tissue that slide with hard edges and grain; whole numbers only."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.abs(((x + n) * 3 + y * 2) % 120 - 60)
    edge = ((x + n) // 23 + y // 17) % 2 * 25
    grain = ((x + n) * 7919 + y * 104729) % 9
    return np.stack([130 + wave + edge + grain, 40 + wave // 2 + edge + grain, 30 + wave // 3 + grain], 2).astype(
        np.uint8
    )


def picture(n: int) -> Drawn:
    """A reference to it."""
    return Drawn(f"pattern {n}", partial(pattern, n))


def stills(folder: Path) -> Iterator[Fixed]:
    """Pixels and a PNG to encode, and a JPEG with private segments that are cut out."""
    png, jpeg = folder / "still.png", folder / "still.jpg"
    Image.fromarray(pattern(1)).save(png)
    plain = io.BytesIO()
    Image.fromarray(pattern(2)).save(plain, "JPEG", quality=80, comment=b"private")
    jpeg.write_bytes(plain.getvalue())
    for ref in (picture(0), FileImage(png), FileImage(jpeg)):
        yield Draft(answer=Answer("")), ref


def clips(folder: Path) -> Iterator[Fixed]:
    """Clips that are scaled and that are not, to look at and to make, long enough for B-pictures and two key frames."""
    for count, fps in ((40, 8.0), (25, 1.0)):
        footage = Stills(tuple(picture(n) for n in range(count)), fps)
        yield Draft(answer=Answer(""), inputs=(Cut(footage, 0, count / fps),)), None
    yield Draft(answer=Answer(""), target=Cut(footage, 3, 9)), picture(3)


def masks(folder: Path) -> Iterator[Fixed]:
    """A polygon, and a value of a picture of labels."""
    triangle = Polygons((((0.1, 0.2), (0.83, 0.31), (0.47, 0.9)),))
    labels = Drawn("labels", lambda: (pattern(0)[:, :, 0] // 40).astype(np.uint8))
    for region in (triangle, MaskImage(labels, 4)):
        yield Draft(answer=Answer(""), target=Masks((LabeledMask(None, region),))), picture(0)


def depths(folder: Path) -> Iterator[Fixed]:
    """Depth of 8 and of 16 bits."""
    for scale, kind in ((1, np.uint8), (257, np.uint16)):
        values = (pattern(0)[:, :, 0].astype(np.uint32) * scale).astype(kind)
        yield Draft(answer=Answer(""), target=DepthMap(Drawn("depth", partial(np.asarray, values)))), picture(0)


def smoke(folder: Path) -> Iterator[Fixed]:
    """Smoke over a whole picture, and over the round view of an endoscope."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    outside = (x - WIDTH // 2) ** 2 + (y - HEIGHT // 2) ** 2 > (HEIGHT * 11 // 20) ** 2
    rimmed = np.where(outside[:, :, None], np.uint8(0), pattern(4))
    for clean in (picture(4), Drawn("rimmed", partial(np.asarray, rimmed))):
        smoky, _ = smoked(clean, seed=f"golden {clean.name}")
        yield Draft(answer=Answer(""), inputs=(smoky,), target=clean), None


def drawn(folder: Path) -> Iterator[Fixed]:
    """Scenes of the synthetic source."""
    for n in range(0, 24, 8):
        yield Draft(answer=Answer("")), Drawn(f"scene {n}", partial(_scene, n))


def _scene(n: int) -> npt.NDArray[np.uint8]:
    return scene(Spec(0, 1, 24, 1.0, WIDTH, HEIGHT), n).picture


@dataclass(frozen=True, slots=True)
class Kind:
    """A shard: its samples, and what its bytes depend on besides this package."""

    samples: Callable[[Path], Iterator[Fixed]]
    made_by: tuple[str, ...]


_JPEG, _PNG = ("machine", "pillow", "libjpeg-turbo"), ("machine", "pillow", "zlib-ng", "libjpeg-turbo")
KINDS = {
    "still": Kind(stills, _JPEG),
    "clip": Kind(clips, (*_JPEG, "av", "ffmpeg")),
    "mask": Kind(masks, _PNG),
    "depth": Kind(depths, _PNG),
    "smoke": Kind(smoke, (*_JPEG, "numpy")),
    "drawn": Kind(drawn, (*_JPEG, "numpy")),
}


def versions() -> dict[str, str]:
    """What can change the bytes: libraries, and the family of processors, whose compilers may fuse operations."""
    return {
        "machine": platform.machine(),
        "av": version("av"),
        "ffmpeg": ".".join(map(str, av.library_versions["libavcodec"])),
        "numpy": version("numpy"),
        "pillow": version("pillow"),
        "libjpeg-turbo": str(features.version("libjpeg_turbo")),
        "zlib-ng": str(features.version("zlib_ng") or f"none, zlib {features.version('zlib')}"),
    }


def sums() -> dict[str, str]:
    """Kind to sha256 of its shard, as this process makes it."""
    return {name: hashlib.sha256(shard(name)).hexdigest() for name in KINDS}


def shard(kind: str) -> bytes:
    """The tar of a kind."""
    settings = Settings(
        source="synthetic", root=None, tasks=(), splits=(), options={}, seed=0, jpeg_quality=92, shard_bytes=1 << 20,
        clip_fps=10, clip_side=96,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = PartWriter(folder, seed=0)
        store = MediaStore(part, settings)
        made = [store.members(draft, image) for draft, image in KINDS[kind].samples(folder)]
        part.close()
        media = (folder / "media.bin").read_bytes()
        path = folder / "golden-00000.tar"
        with ShardWriter(path) as writer:
            for n, stored in enumerate(made):
                members = [(s.blob.member, media[s.blob.offset : s.blob.offset + s.blob.length]) for s in stored]
                text = json.dumps(
                    [[s.media.member, s.media.kind, s.media.role, s.media.sha256, s.size] for s in stored]
                )
                writer.add(f"golden-{n}", [("json", text.encode()), *members])
            writer.close()
        return path.read_bytes()


if __name__ == "__main__":
    now = {"made_with": versions(), "shards": sums()}
    text = json.dumps(now, indent=2) + "\n"
    if "--write" in sys.argv[1:]:
        FILE.write_text(text)
    sys.stdout.write(text)
