"""How far the hashes of one picture, encoded anew, lie apart, and how near those of different films come.

Says whether the threshold of ``surgsigma duplicates`` fits pictures of yours::

    python benchmarks/near_duplicates.py FOLDER [FOLDER ...]

Every folder is a film: pictures (png, jpg) lie in it, or films (mp4) of which every 25th frame is taken.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image
from surgsigma_hub.cli.output import say, table
from surgsigma_hub.media.perceptual import bits_apart, picture_hash


def pictures(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    """The pictures of a folder, each with the name of its film."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".png", ".jpg", ".jpeg"}:
            with Image.open(path) as image:
                yield str(folder), image.convert("RGB")
        elif path.suffix.lower() == ".mp4":
            import av

            with av.open(str(path)) as film:
                yield from ((str(path), f.to_image()) for n, f in enumerate(film.decode(video=0)) if n % 25 == 0)


def encoded(image: Image.Image, quality: int | None = None) -> bytes:
    """As JPEG of a quality, or without loss."""
    data = io.BytesIO()
    image.save(data, **({"format": "PNG"} if quality is None else {"format": "JPEG", "quality": quality}))
    return data.getvalue()


def variants(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """The same picture as others may publish it."""
    width, height = image.size
    for quality in (92, 75, 50, 30):
        yield f"JPEG {quality}", encoded(image, quality)
    for part in (2, 4):
        yield f"1/{part} of the size", encoded(image.resize((width // part, height // part), Image.Resampling.LANCZOS))
    for share in (0.02, 0.05):
        x, y = round(width * share), round(height * share)
        yield f"{share:.0%} cropped at each side", encoded(image.crop((x, y, width - x, height - y)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    films, hashes = [], []
    apart: dict[str, list[int]] = {}
    for folder in parser.parse_args().folders:
        for film, image in pictures(folder):
            own = picture_hash(encoded(image))
            if own:
                films.append(film)
                hashes.append(own)
                for name, data in variants(image):
                    apart.setdefault(name, []).append(bits_apart(own, picture_hash(data)))
    for (film, one), (other_film, other) in combinations(zip(films, hashes, strict=True), 2):
        apart.setdefault("another film" if film != other_film else "the same film", []).append(bits_apart(one, other))
    rows = [
        (name, len(found), min(found), f"{np.percentile(found, 99):.0f}", max(found)) for name, found in apart.items()
    ]
    say(f"{len(hashes)} pictures of {len({*films})} films; bits of 64 in which hashes differ:\n")
    say(table(("a picture and", "pairs", "least", "99 %", "most"), rows))


if __name__ == "__main__":
    main()
