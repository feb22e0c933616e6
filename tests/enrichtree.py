"""Trees for the enrich tests: captions, traces, and a task that has neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from surgsigma_hub.api import build, enrich_tree
from surgsigma_hub.enrich.prompts import original_of
from surgsigma_hub.enrich.report import EnrichReport
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.ontology import concepts
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.writer import ShardWriter
from surgsigma_hub.whole_files import write_atomic

from chatserver import Act, Chat, honest, reworded, said, text_of

MODEL = "some/model-1"
OPTIONS = {"videos": "6", "frames": "4", "width": "64", "height": "48"}
TASKS = ("image_captioning", "phase_recognition", "instrument_recognition")


def made(out: Path) -> Path:
    """A small synthetic tree; phase recognition gets traces of two levels, instrument recognition none."""
    assert build("synthetic", out=out, tasks=TASKS, options=OPTIONS, shard_bytes=20_000, joint=0, explained=0).ok
    for manifest in load_tree(out):
        traced = manifest.task == "phase_recognition"
        shards = []
        for shard in manifest.shards:
            path = out / manifest.folder / shard.name
            with path.open("rb") as file:
                samples = list(read_shard(file, where=shard.name))
            with ShardWriter(path) as writer:
                for key, members in samples:
                    doc = orjson.loads(members["json"])
                    phase = doc["answer"]["text"]
                    doc["reasoning"] = {
                        "level": 3 if traced else 0,
                        "perceptual": "A grasper is in view. The liver is in view." if traced else None,
                        "relational": None,
                        "contextual": f"The tools fit the phase. The phase is {phase}." if traced else None,
                    }
                    members["json"] = orjson.dumps(doc)
                    writer.add(key, list(members.items()))
                shards.append(writer.close())
        write_atomic(
            out / manifest.path,
            replace(manifest, shards=tuple(shards), bytes=sum(s.bytes for s in shards)).dumps(),
        )
    refresh(out)
    return out


def samples(tree: Path) -> dict[str, dict[str, bytes]]:
    """Members of every sample, in the order of the shards."""
    found: dict[str, dict[str, bytes]] = {}
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            with (tree / manifest.folder / shard.name).open("rb") as file:
                found.update(read_shard(file, where=shard.name))
    return found


def docs(tree: Path) -> dict[str, dict[str, Any]]:
    """The JSON of every sample."""
    return {key: orjson.loads(members["json"]) for key, members in samples(tree).items()}


def instruments(doc: Mapping[str, Any], text: str, what: Any) -> str | None:
    """A small real checker: no instrument may be named that the old text does not name."""
    old = str(original_of(doc, what)).lower()
    for concept in concepts("instrument").values():
        if concept.name in text.lower() and concept.name not in old:
            return f"{concept.name}: the facts name no such instrument"
    return None


def run(tree: Path, out: Path, server: Chat, **changes: Any) -> EnrichReport:
    """Enrich with the checker of these tests, impatiently."""
    given: dict[str, Any] = {
        "endpoint": server.url, "model": MODEL, "checker": instruments, "backoff": 0.01, "timeout": 10.0,
    }  # fmt: skip
    return enrich_tree(tree, out=out, **{**given, **changes})


def lying(body: dict[str, Any], before: int) -> Act:
    """A third of the captions get an instrument that is not there."""
    text = text_of(body)
    return said(f"{reworded(text)} A snare is seen.") if lied_to(text) else honest(body, before)


def lied_to(text: str) -> bool:
    """Whether :func:`lying` lies about this text."""
    return "Level 1" not in text and sum(text.encode()) % 3 == 0
