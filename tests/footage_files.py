"""Footage that carries its numbers: films and folders of images of any rate, base and length, and labels for them.

Each picture shows the number of the recording's frame that it was taken from, so that a test reads off a built sample
which moment its label landed on.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from PIL import Image
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.media.video import open_video_bytes
from surgsigma_hub.records import Video
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.source import Source
from surgsigma_hub.source.numbered_files import is_film

Pixels = npt.NDArray[np.uint8]
SIZE = (96, 64)
"""Width and height."""
_ACROSS, _DOWN = 4, 3
_DARK, _BRIGHT = (120, 30, 25), (235, 160, 130)
"""As warm as tissue, so that pictures pass for a view of an operation."""


def numbered(number: int, size: tuple[int, int] = SIZE) -> Pixels:
    """A picture of ``number`` (0..4095) as twelve dark or bright blocks, which survive lossy coding and scaling."""
    rows, columns = np.arange(size[1]) * _DOWN // size[1], np.arange(size[0]) * _ACROSS // size[0]
    bits = (number >> (rows[:, None] * _ACROSS + columns[None, :])) & 1
    pixels = np.where(bits[..., None] == 1, np.array(_BRIGHT), np.array(_DARK)).astype(np.uint8)
    pixels[: size[1] // 12, ::2] = (200, 90, 60)  # never of one colour, which counts as no view
    return pixels


def number_of(pixels: Pixels) -> int:
    """The number that a picture shows."""
    height, width = pixels.shape[:2]
    found = 0
    for bit in range(_ACROSS * _DOWN):
        y, x = (bit // _ACROSS * 2 + 1) * height // (2 * _DOWN), (bit % _ACROSS * 2 + 1) * width // (2 * _ACROSS)
        shade = float(pixels[y - 3 : y + 3, x - 3 : x + 3].mean())
        assert not 85 < shade < 150, "neither dark nor bright: a picture of two frames at once"
        found |= int(shade > 117) << bit
    return found


def write_image(path: Path, number: int, size: tuple[int, int] = SIZE) -> None:
    """One picture; the ending says its form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    form = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    Image.fromarray(numbered(number, size)).save(out, form, **({"quality": 90} if form == "JPEG" else {}))
    path.write_bytes(out.getvalue())


def write_images(folder: Path, names: str, shown: Mapping[int, int]) -> Path:
    """A folder of pictures.

    Args:
        folder: Made where it is missing.
        names: To be formatted with a number, such as ``{:06d}.png``.
        shown: What each number shows.
    """
    for number, frame in shown.items():
        write_image(folder / names.format(number), frame)
    return folder


def write_film(path: Path, shown: Sequence[int], fps: float, *, times: Iterable[float] | None = None) -> Path:
    """A film of pictures that show ``shown``, at a steady rate or at ``times`` (seconds, rising)."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(fps).limit_denominator(1001)
    # An AVI counts frames, not times: at a finer base it would hold an empty frame for every tick.
    base = 1 / rate if path.suffix == ".avi" and times is None else Fraction(1, 90_000)
    seconds = [n / rate for n in range(len(shown))] if times is None else [Fraction(t) for t in times]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "26", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = base
        for number, at in zip(shown, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(numbered(number), "rgb24")
            frame.pts, frame.time_base = round(at / base), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def at_rate(frames: int, rate: float, fps: float = 25.0) -> list[int]:
    """What a recording of ``frames`` frames at ``fps`` shows when it is encoded anew at another rate."""
    return [min(frames - 1, round(n * fps / rate)) for n in range(round(frames * rate / fps))]


# --------------------------------------------------------------------------------------------------- what was read


def seen(source: Source, video: Video) -> Seen:
    """A video with its footage, which is looked at unless its film is a stand-in of a few bytes."""
    films = [p for p in video.files if is_film(p)]
    return Seen(source, video, look=all(p.stat().st_size > 1000 for p in films))


# --------------------------------------------------------------------------------------------------- what was built


def samples(tree: Path, task: str) -> Iterator[tuple[dict[str, Any], Mapping[str, bytes]]]:
    """The samples of a task with their members."""
    for manifest in load_tree(tree):
        for shard in manifest.shards if manifest.task == task else ():
            with (tree / manifest.folder / shard.name).open("rb") as file:
                for _, members in read_shard(file, where=shard.name):
                    yield orjson.loads(members["json"]), members


def landed(tree: Path, task: str = "phase_recognition") -> dict[str, dict[float, int]]:
    """By video, for the second of each sample the number that its picture shows."""
    found: dict[str, dict[float, int]] = {}
    for sample, members in samples(tree, task):
        if "image.jpg" in members:
            image = np.asarray(Image.open(io.BytesIO(members["image.jpg"])).convert("RGB"))
            found.setdefault(sample["video_id"], {})[sample["start_seconds"]] = number_of(image)
    return {video: dict(sorted(seen.items())) for video, seen in sorted(found.items())}


def clips(tree: Path, task: str = "phase_recognition") -> list[tuple[str, float, float, list[int]]]:
    """Of each clip its video, the second of its first moment, its rate, and what its frames show."""
    found: list[tuple[str, float, float, list[int]]] = []
    for sample, members in samples(tree, task):
        if "video.mp4" in members:
            reader = open_video_bytes(members["video.mp4"], sample["id"])
            numbers = [number_of(reader.frame(n)) for n in range(len(reader))]
            start = sample["frame_index"] / sample["fps"]
            found.append((sample["video_id"], start, sample["media"][0]["fps"], numbers))
    return found


def report_of(tree: Path, source: str) -> dict[str, Any]:
    """The report in a tree."""
    found: dict[str, Any] = orjson.loads((tree / "reports" / f"{source}.json").read_bytes())
    return found


# ---------------------------------------------------------------------------------------------------- label files


def cholec80_labels(root: Path, video: str, seconds: int, *, rows: int | None = None) -> None:
    """Phase rows at 25 a second and tool rows of each second; the phase changes every 5 s, the tools every 7."""
    phases = ("Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection")
    tools = ("Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag")
    count = 25 * seconds if rows is None else rows
    path = root / "phase_annotations" / f"{video}-phase.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Frame\tPhase\n" + "".join(f"{n}\t{phases[n // 125 % 4]}\n" for n in range(count)))
    path = root / "tool_annotations" / f"{video}-tool.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    present = "".join(
        "\t".join([str(25 * s), *(str(int(s // 7 % 7 == tool)) for tool in range(7))]) + "\n" for s in range(seconds)
    )
    path.write_text("\t".join(["Frame", *tools]) + "\n" + present)


def cholect50_labels(root: Path, video: str, seconds: Iterable[int], **more: Any) -> None:
    """One triplet in each of the seconds."""
    rows = {str(s): [[17, 0, 1, -1, -1, -1, -1, 1, 0, 1, -1, -1, -1, -1, s // 5 % 7]] for s in seconds}
    path = root / "labels" / f"{video}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    (root / "videos").mkdir(exist_ok=True)
    last = max(map(int, rows))
    path.write_text(
        json.dumps({"video": int(video[3:]), "fps": 1, "num_frames": last + 1, **more, "annotations": rows})
    )


def cataract101_labels(root: Path, number: int, frames: int, *, fps: int = 25) -> None:
    """A phase from the first second on and another from the middle on, for a film of so many frames."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "videos.csv").write_text(f"VideoID;Frames;FPS;Surgeon;Experience\n{number};{frames};{fps};1;1\n")
    (root / "annotations.csv").write_text(f"VideoID;FrameNo;Phase\n{number};{fps};1\n{number};{frames // 2};3\n")


def multibypass140_labels(root: Path, video: str, milliseconds: int) -> None:
    """Two phases of equal length, from 2 s on; each has the step cavity exploration."""
    middle = 2000 + (milliseconds - 2000) // 2
    spans = [(2000, middle, "preparation", 0), (middle, milliseconds, "omentum_division", 2)]
    phases = [{"start": a, "end": b, "label_name": name, "label_id": id} for a, b, name, id in spans]
    steps = [{"start": 2000, "end": milliseconds, "label_name": "s1_cavity_exploration", "label_id": 1}]
    path = root / "labels" / "bern" / "labels_by70" / f"{video}.mp4.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"phases": phases, "steps": steps}))


def psi_ava_labels(root: Path, case: str, seconds: Iterable[int]) -> None:
    """Phase and step of each second; the phase changes every five."""
    lines = [f"{case},{s},{s + 1},0.0,0.0,0.0,0.0,0,-1,-1,0,{s // 5 % 20 + 1},{s // 5 % 10 + 1}" for s in seconds]
    path = root / "psi-ava_extended" / "fold1" / "annotations" / "train.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
