"""Media on their way into a record: bytes and pixels to PIL images, clips to bytes or frames; paths stay paths."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import MediaError, SampleError, UnfitError
from ..media.film_index import check_pixels
from ..media.image import pillow_words
from ..media.video import open_video_bytes
from ..streaming.decode.decoder import Frames


def opened(
    sample: Mapping[str, Any],
    media: Mapping[str, Any],
    *,
    form: Literal["file", "frames"],
    frames: Frames,
    timed: bool = False,
    targets: bool = False,
) -> dict[str, Any]:
    """The inputs of a sample by member, ready for a record.

    Args:
        sample: Its JSON.
        media: Its media by member.
        form: What becomes of clips that come as bytes.
        frames: Which frames, with ``form="frames"``.
        timed: As for :func:`choose_frames`.
        targets: Also what the answer is.

    Raises:
        UnfitError: as for :func:`choose_frames`.
        SampleError: a medium that the sample names is not there.
        MediaError: a medium that cannot be read.
    """
    ready: dict[str, Any] = {}
    for medium in sample["media"]:
        member = medium["member"]
        if medium["role"] != "input" and not targets:
            continue
        if member not in media:
            raise SampleError(f"sample {sample['id']}: no medium {member} was given")
        name = f"{sample['id']}.{member}"
        value = media[member]
        if hasattr(value, "numpy"):  # the pixels of stream(...).torch() are tensors
            value = value.numpy()
        clip = medium["kind"] == "video"
        ready[member] = _clip(value, name, form, frames, timed) if clip else picture(value, name)
        if medium["kind"] == "depth" and isinstance(ready[member], Image.Image):
            ready[member] = eight_bit(ready[member])
    return ready


def eight_bit(depth: Image.Image) -> Image.Image:
    r"""A depth map in 8 bits, the form that trainers of images can read: Pillow makes white of 16 bits in RGB.

    >>> eight_bit(Image.fromarray(np.array([[0, 256, 65535]], np.uint16))).tobytes()
    b'\x00\x01\xff'
    """
    if depth.mode == "L":
        return depth
    return Image.fromarray((np.asarray(depth).astype(np.uint32) >> 8).astype(np.uint8))


def picture(value: Any, name: str) -> Any:
    """A PIL image of bytes, of an array of pixels or of a cell of ``datasets``; paths and images are kept.

    Raises:
        MediaError: not a readable picture.
    """
    if isinstance(value, str | Image.Image):
        return value
    if isinstance(value, np.ndarray):
        return Image.fromarray(value)
    data = value.get("bytes") if isinstance(value, Mapping) else value
    try:
        image = Image.open(io.BytesIO(data or b""))
        image.load()
        return image
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError) as error:
        raise MediaError(f"{name}: not a readable image ({pillow_words(error)})") from None


def _clip(value: Any, name: str, form: str, frames: Frames, timed: bool) -> Any:
    if isinstance(value, Mapping):
        value = value["bytes"]
    if isinstance(value, np.ndarray):
        _check_rate(frames, None, name, timed=timed)
        return [Image.fromarray(frame) for frame in value]  # decoded by the stream, as its frames= says
    if isinstance(value, list | tuple):
        _check_rate(frames, None, name, timed=timed)
        return [picture(frame, f"{name}, frame {n}") for n, frame in enumerate(value)]
    if form == "file":
        return value if isinstance(value, str) else bytes(value)
    if isinstance(value, str):
        raise SampleError(f"{name}: a path of a video where frames are wanted", hint="Give a list of frames, or bytes.")
    return film_frames(bytes(value), frames, name, timed=timed)


def check_pair(sample: Mapping[str, Any]) -> None:
    """Refuses a sample with a video of one frame, for trainers that read two or more.

    Raises:
        UnfitError: ``reason`` is ``short``.
    """
    for medium in sample["media"]:
        if medium["kind"] == "video" and medium["num_frames"] == 1:
            raise UnfitError(
                f"{sample['id']}.{medium['member']}: a video of one frame, where the trainer reads two or more",
                reason="short",
                hint="Give videos as frames, or build clips that are longer or at a higher rate (--clip-fps).",
            )


def loses_frame(frames: int | None, fps: float | None) -> bool:
    """Whether a reader of pairs leaves a frame of a video out, of which it wants 2 a second and no fewer than 4.

    So do qwen-vl-utils 0.0.14 and the video processor of Qwen2.5-VL in transformers 5.10. Of videos at a higher rate
    they take some frames anyhow.

    >>> [loses_frame(3, 1.0), loses_frame(4, 1.0), loses_frame(3, 25.0), loses_frame(301, 25.0)]
    [True, False, True, False]
    """
    return frames is not None and frames % 2 == 1 and (frames < 4 or (fps or 0) <= 2)


def choose_frames(frames: Frames, length: int, fps: float, name: str, *, timed: bool) -> tuple[list[int], float | None]:
    """Which frames of a clip are shown, each once, and how many of them make a second; None where that says nothing.

    Args:
        frames: What is asked for.
        length: Number of frames of the clip.
        fps: Its frames a second.
        name: Of the clip, for errors.
        timed: Whether the answer is a time that is counted by frames, so that only one rate for all clips will do.

    Raises:
        UnfitError: ``timed``, and the frames do not lie at the rate that is asked for.

    >>> choose_frames(Frames(count=8), 3, 1.0, "short clip", timed=False)
    ([0, 1, 2], 1.0)
    >>> choose_frames(Frames(count=3), 9, 2.0, "long clip", timed=False)
    ([0, 4, 8], 0.5)
    """
    _check_rate(frames, fps, name, timed=timed)
    enough = frames.count is not None and frames.count >= length  # however many more are asked for
    every = enough or (frames.rate is not None and frames.most is None and frames.rate >= fps > 0)
    chosen = list(range(length)) if every else list(dict.fromkeys(frames.choose(length, fps)))
    if frames.rate is not None and fps:
        return chosen, min(frames.rate, fps)
    apart = max(chosen, default=0) - min(chosen, default=0)
    return chosen, (len(chosen) - 1) * fps / apart if apart else None


def _check_rate(frames: Frames, fps: float | None, name: str, *, timed: bool) -> None:
    if timed and (frames.rate is None or (fps is not None and frames.rate > fps)):
        raise UnfitError(
            f"{name}: the answer is a time, but frames of videos of different length lie at different rates",
            reason="time",
            hint="Give videos as files, or frames at a rate that no video is slower than, with Frames(rate=...).",
        )


def film_frames(data: bytes, frames: Frames, name: str, *, timed: bool = False) -> list[Image.Image]:
    """Frames of a clip as images, each once.

    Raises:
        UnfitError: as for :func:`choose_frames`.
        MediaError: not a readable clip, or more than ``MAX_PIXELS`` together.
    """
    reader = open_video_bytes(data, name)
    chosen, _ = choose_frames(frames, len(reader), reader.fps, name, timed=timed)
    check_pixels(len(chosen), *reader.index.size, name)
    return [Image.fromarray(reader.frame(index)) for index in chosen]


def size_of(value: Any) -> tuple[int, int] | None:
    """Width and height of a picture, or of the first frame of a clip; None where it is not at hand."""
    if isinstance(value, list):
        return size_of(value[0]) if value else None
    return value.size if isinstance(value, Image.Image) else None


def from_row(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sample and media of a row of ``surgsigma_hub.load_dataset``.

    Raises:
        SampleError: the columns ``media``, ``images`` and ``videos`` are not all there.
    """
    from ..schema import MEMBERS

    try:
        cells = {kind: iter(row[f"{kind}s"]) for kind in ("image", "video")}
        media = {}
        for medium in row["media"]:
            kind = MEMBERS[medium["member"]]
            media[medium["member"]] = next(cells[kind])[kind]
    except (KeyError, StopIteration) as error:
        raise SampleError(
            f"not a row of surgsigma_hub.load_dataset ({error!r})",
            hint="Keep the columns media, images and videos until the adapter has run.",
        ) from None
    return {name: value for name, value in row.items() if name not in ("images", "videos")}, media
