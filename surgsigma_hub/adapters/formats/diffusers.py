"""Image to image, for diffusers: an ``imagefolder`` of inputs, targets and prompts, as InstructPix2Pix reads it.

``metadata.jsonl`` names both images of a pair by columns that end with ``_file_name``, which ``datasets`` reads as
images. Depth maps are in 8 bits: what turns 16 bits into RGB makes all of them white.
"""

from __future__ import annotations

from typing import Any

from ...errors import UnfitError
from ..base import Adapter, Options
from ..conversation import Conversation
from ..note import Written


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    if len(talk.media) != 1 or talk.target is None:
        raise UnfitError(f"sample {talk.id}: {len(talk.media)} inputs where one image is edited", reason="no_target")
    pair = {"input_image": talk.media[0].value, "edited_image": talk.target.value}
    named = {f"{name}_file_name" if isinstance(value, str) else name: value for name, value in pair.items()}
    return {"id": talk.id, "task": talk.task, "edit_prompt": talk.prompt, **named}


def _how(written: Written) -> str:
    return (
        "accelerate launch train_instruct_pix2pix.py --train_data_dir DIR --original_image_column input_image "
        "--edit_prompt_column edit_prompt --edited_image_column edited_image"
    )


ADAPTER = Adapter(
    name="diffusers",
    trainer="diffusers",
    description="metadata.jsonl of input_image, edit_prompt and edited_image: desmoking, next frames, masks, depth",
    write=_write,
    turns=False,
    videos=("file",),
    system=False,
    targets=("image", "mask", "depth"),
    stem="metadata",
    how=_how,
)
