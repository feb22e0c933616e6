"""Video generation in the public form of Cosmos post-training: ``videos/NAME.mp4`` and its caption ``metas/NAME.txt``.

Both lie below ``media``; the manifest beside it names them by relative paths, and the image that a clip begins with
where the sample gives one. The caption is the description that the clip answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Adapter, Options
from ..conversation import Conversation
from ..note import Written


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    (target,) = (medium for medium in talk.sample["media"] if medium["role"] == "target")
    return {
        "id": talk.id,
        "task": talk.task,
        "caption": talk.answer["text"],
        "prompt": talk.prompt,
        "image": talk.media[0].value if talk.media else None,
        "video": talk.target.value if talk.target is not None else None,
        "frames": target["num_frames"],
        "fps": target["fps"],
    }


def _place(sample: Mapping[str, Any], medium: Mapping[str, Any]) -> str | None:
    return f"videos/{sample['id']}.mp4" if medium["role"] == "target" else None


def _beside(record: Mapping[str, Any]) -> dict[str, str]:
    return {f"metas/{record['id']}.txt": record["caption"]}


def _how(written: Written) -> str:
    return f"dataset_dir=DIR/media, which holds videos and metas; DIR/{written.file} is the manifest of both"


ADAPTER = Adapter(
    name="cosmos",
    trainer="Cosmos",
    description="videos/NAME.mp4, metas/NAME.txt with its caption, and a manifest of relative paths",
    write=_write,
    turns=False,
    videos=("file",),
    system=False,
    targets=("video",),
    place=_place,
    beside=_beside,
    how=_how,
)
