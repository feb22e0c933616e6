"""A rehearsal gives the very samples of a build, but for their media."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import orjson
import surgsigma_hub.api
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import all_tasks

OPTIONS = {"videos": "1", "frames": "16", "width": "96", "height": "64"}


def comparable(doc: dict[str, Any]) -> dict[str, Any]:
    """A sample without what only its media tell, and without the reasoning that a build may add."""
    media = [(m["member"], m["kind"], m["role"]) for m in doc["media"]]
    return {k: v for k, v in doc.items() if k not in ("width", "height", "reasoning")} | {"media": media}


def test_a_rehearsal_is_the_build_without_media(tmp_path: Path) -> None:
    # Talk of several questions is chosen by the build; without it, each question stands alone.
    report = surgsigma_hub.api.build("synthetic", out=tmp_path / "t", options=OPTIONS, joint=0.0, explained=0.0)
    assert report.ok and not report.quarantined
    built: dict[str, dict[str, Any]] = {}
    for shard in (tmp_path / "t").rglob("*.tar"):
        with tarfile.open(shard) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    doc = orjson.loads(tar.extractfile(member).read())  # type: ignore[union-attr]
                    built[doc["id"]] = comparable(doc)
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, OPTIONS))
    made = {
        sample.id: comparable(orjson.loads(orjson.dumps(sample)))
        for video in source.videos()
        for _, _, sample in rehearse(source, video, all_tasks().values())
    }
    assert made.keys() == built.keys()
    assert {doc["task"] for doc in made.values()} == set(all_tasks())
    for id, doc in made.items():
        assert doc == built[id]
