"""Writing the new tree: changed shards anew through the tar writer, everything else linked or copied."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ..building.catalog import CatalogRows, merge
from ..shards.manifest import Manifest, Shard
from ..shards.part_reader import parsed, read_part_shard
from ..shards.writer import ShardWriter, link
from ..version import __version__
from ..whole_files import write_atomic
from .cache import AnswerCache
from .client import Failure
from .judge import Checker, Refusal, cleaned, judge, levels_of
from .prompts import LEVELS, PROMPT_VERSION, Settings, What, asks_of
from .report import PartCounts, Tally

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers:
    """Where the new texts come from, and who judges them."""

    settings: Settings
    cache: AnswerCache
    failures: Mapping[str, Failure]
    checker: Checker | None


def enriched(doc: dict[str, Any], members: Mapping[str, bytes], answers: Answers, tally: Tally) -> bool:
    """Put accepted new text into ``doc``; whether there was any. Everything else is counted with its reason."""
    taken: list[tuple[What, str]] = []
    part = tally.parts[-1]
    for ask in asks_of(doc, members, answers.settings):
        part.texts += 1
        reply = answers.cache.get(ask.digest)
        if reply is None:
            failure = answers.failures.get(ask.digest)
            if failure is None:
                tally.not_asked += 1
            else:
                tally.failed[failure.code.value] += 1
                tally.example(failure.code.value, ask.sample, ask.what, failure.detail)
            continue
        text = cleaned(reply.text, ask.what)
        if reply.finish == "length":
            refusal: str | None = f"{Refusal.CUT}: the answer reached max_tokens"
        elif reply.finish == "content_filter":
            refusal = f"{Refusal.FILTERED}: the endpoint's filter stopped it"
        else:
            refusal = judge(doc, text, ask.what, answers.checker)
        if refusal is not None:
            code, _, detail = refusal.partition(": ")
            tally.rejected[code] += 1
            tally.example(code, ask.sample, ask.what, detail)
            continue
        part.accepted += 1
        taken.append((ask.what, text))
    for what, text in taken:  # only now: all requests and judgements are about the sample as it was
        _put(doc, text, what)
    if taken:
        _sign(doc["provenance"], [what for what, _ in taken], answers.settings.published_model)
    return bool(taken)


def _put(doc: dict[str, Any], text: str, what: What) -> None:
    if what == "caption":
        doc["messages"][-1]["content"] = text
        doc["answer"]["text"] = text
    else:
        for name, level in zip(LEVELS, levels_of(text), strict=True):
            doc["reasoning"][name] = level


def _sign(provenance: dict[str, Any], taken: Sequence[str], model: str) -> None:
    earlier = provenance["model"]
    if earlier is None:
        provenance["model"] = model
    elif model not in earlier.split(", "):  # what the earlier model wrote may still be there
        provenance["model"] = f"{earlier}, {model}"
    marks = [f"enriched:{what}@{PROMPT_VERSION}" for what in taken]
    provenance["augmentation"] += [mark for mark in marks if mark not in provenance["augmentation"]]


def rewrite_part(tree: Path, staging: Path, manifest: Manifest, answers: Answers, tally: Tally) -> None:
    """Write one task, source and split of the new tree: shards, manifest and catalog."""
    tally.parts.append(PartCounts(manifest.task, manifest.source, manifest.split))
    (staging / manifest.folder).mkdir(parents=True, exist_ok=True)
    catalog = manifest.catalog
    pieces: list[Path] = []
    shards: list[Shard] = []
    for shard in manifest.shards:
        rows = CatalogRows()
        shards.append(_rewrite_shard(tree, staging, manifest, shard, rows, answers, tally))
        if (tree / catalog).is_file():
            pieces.append(staging / f"{catalog}.{shard.name}")
            pieces[-1].parent.mkdir(exist_ok=True)
            rows.write(pieces[-1])
    if pieces:
        merge(pieces, staging / catalog)
        for piece in pieces:
            piece.unlink()
    changed = tally.parts[-1].accepted > 0
    if changed:
        settings = answers.settings
        how = {"model": settings.published_model, "prompts": PROMPT_VERSION, "what": list(settings.what)}
        earlier = manifest.options.get("enriched")
        manifest = replace(
            manifest,
            bytes=sum(s.bytes for s in shards),
            options={**manifest.options, "enriched": [*(earlier if isinstance(earlier, list) else []), how]},
            shards=tuple(shards),
            builder=f"surgsigma-hub {__version__}",
        )
    write_atomic(staging / manifest.path, manifest.dumps())


def _rewrite_shard(
    tree: Path, staging: Path, manifest: Manifest, shard: Shard, rows: CatalogRows, answers: Answers, tally: Tally
) -> Shard:
    """The new shard in staging; the old one, linked, where no sample changed."""
    path = staging / manifest.folder / shard.name
    changed = 0
    with ShardWriter(path) as writer:
        for key, members in read_part_shard(tree, manifest.folder, shard):
            doc = parsed(members, where=f"{shard.name}:{key}")
            tally.samples += 1
            if enriched(doc, members, answers, tally):
                changed += 1
                members["json"] = orjson.dumps(doc)  # in its old place among the members
            rows.add(doc, shard=shard.name, place=writer.add(key, list(members.items())))
        if changed:
            tally.changed += changed
            return writer.close()
    link(tree / manifest.folder / shard.name, path)
    return shard
