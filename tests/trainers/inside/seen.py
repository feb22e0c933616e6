"""What a model sees of a batch, as pictures again.

Run in the environments of trainers, so it imports nothing of ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def frames(pixel_values: Any, grid: Any, processor: Any) -> Any:
    """Pictures of one medium as the model gets them: ``(frames, height, width, 3)``, 0..255 as float.

    Args:
        pixel_values: Rows of patches of this medium alone, as the image processors of Qwen-VL lay them out.
        grid: Steps of time, rows and columns of patches.
        processor: The image or video processor, for the size of patches and the normalisation.
    """
    steps, rows, columns = (int(n) for n in grid)
    patch, merge, span = processor.patch_size, processor.merge_size, processor.temporal_patch_size
    blocks = np.asarray(pixel_values, np.float32).reshape(
        steps, rows // merge, columns // merge, merge, merge, 3, span, patch, patch
    )
    # To: step, frame of the step; block, row of the block, pixel; the same across; channel.
    laid = blocks.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(steps * span, rows * patch, columns * patch, 3)
    return (laid * np.array(processor.image_std) + np.array(processor.image_mean)) * 255


def green_box(picture: Any) -> list[int] | None:
    """Left, top, right, bottom in pixels of what is green; right and bottom are the first that are not."""
    found = picture[..., 1] - picture[..., 0] > 90  # half of the drawn difference, so the edge of a blurred edge
    if not found.any():
        return None
    (down,), (across,) = found.any(1).nonzero(), found.any(0).nonzero()
    return [int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1]


def levels(pictures: Any) -> list[float]:
    """Mean grey of the middle of each frame."""
    high, wide = pictures.shape[1:3]
    middle = pictures[:, high // 4 : -(high // 4), wide // 4 : -(wide // 4)]
    return [round(float(one.mean()), 1) for one in middle]


def media(batch: Any, processor: Any) -> dict[str, list[Any]]:
    """Every medium of a batch in its order, stills and clips apart: its size, green box, levels and tokens."""
    found: dict[str, list[Any]] = {"images": [], "videos": []}
    for kind, values, grids in (
        ("images", "pixel_values", "image_grid_thw"),
        ("videos", "pixel_values_videos", "video_grid_thw"),
    ):
        if batch.get(grids) is None:
            continue
        one = processor.image_processor if kind == "images" else processor.video_processor
        at = 0
        for grid in batch[grids]:
            length = int(grid.prod())
            pictures = frames(batch[values][at : at + length].float().numpy(), grid, one)
            at += length
            size = [pictures.shape[2], pictures.shape[1]]
            tokens = length // one.merge_size**2
            found[kind].append(
                {"size": size, "box": green_box(pictures[0]), "levels": levels(pictures), "tokens": tokens}
            )
    return found


def learned(ids: Any, labels: Any, tokenizer: Any) -> list[str]:
    """The texts that are learned, each with its end, in order."""
    runs: list[list[int]] = []
    before = False
    for token, label in zip(ids.tolist(), labels.tolist(), strict=True):
        if label != -100:
            assert label == token, "what is learned stands in the text"
            if not before:
                runs.append([])
            runs[-1].append(token)
        before = label != -100
    return [tokenizer.decode(run) for run in runs]
