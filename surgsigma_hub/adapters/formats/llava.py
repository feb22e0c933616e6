"""LLaVA: ``id``, ``image`` or ``video``, and ``conversations`` whose first turn begins with the tags."""

from __future__ import annotations

from typing import Any

from ..base import Adapter, Options
from ..conversation import Conversation
from ..note import Written
from .sharegpt import conversations


def write(talk: Conversation, options: Options) -> dict[str, Any]:
    """A record: under ``image`` or ``video`` a path, or a list of them where there are several.

    A clip as frames becomes images, since neither LLaVA nor what took its form reads a list as a video.
    """
    record: dict[str, Any] = {"id": talk.id, "task": talk.task}
    if any(isinstance(m.value, list) for m in talk.media):
        talk = talk.as_images()
    for kind in ("image", "video"):
        values = [m.value for m in talk.media if m.kind == kind]
        if values:
            record[kind] = values[0] if len(values) == 1 else values
    record["conversations"] = conversations(talk)
    return record


def _how(written: Written) -> str:
    return f"--data_path DIR/{written.file} --image_folder DIR --video_folder DIR"


ADAPTER = Adapter(
    name="llava",
    trainer="LLaVA",
    description="id, image or video, conversations with from and value",
    write=write,
    videos=("file", "frames"),
    suffix=".json",
    system=False,
    how=_how,
)
