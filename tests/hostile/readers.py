"""The readers: each reads what lies at a path, may write below another, and gives the problems that it reports."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import surgsigma_hub
from surgsigma_hub.adapters import Options, all_adapters
from surgsigma_hub.adapters.exporting import Choice, export
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.preview import preview
from surgsigma_hub.shards.answer_statistics import count_answers
from surgsigma_hub.shards.validate import validate

from chatserver import chat
from handmade import SHARD

from .guard import Reader
from .registry import reader


@reader("validate")
def _validate(path: Path, out: Path) -> Iterable[str]:
    return [f"{problem.kind}: {problem}" for problem in validate(path).problems]


@reader("stream")
def _stream(path: Path, out: Path) -> None:
    for item in surgsigma_hub.stream(path, "all", split="train", decode="rgb", verify=True):
        assert item.record.id == item.key


@reader("load")
def _load(path: Path, out: Path) -> None:
    rows = surgsigma_hub.load_dataset(str(path), "phase_recognition", streaming=True, cache_dir=str(out))
    assert list(rows["train"].decode(False))  # pictures are decoded by ``datasets``, which has errors of its own


@reader("enrich")
def _enrich(path: Path, out: Path) -> None:
    with chat() as server:
        surgsigma_hub.enrich_tree(path, out=out / "rich", endpoint=server.url, model="m", backoff=0.01, timeout=10.0)


def _export(name: str, options: Options) -> Reader:
    def read(path: Path, out: Path) -> None:
        export(path, all_adapters()[name], out=out / name, options=options, choice=Choice(split="train"))

    return read


for name, adapter in all_adapters().items():
    traces = "drop" if adapter.targets else "inline" if adapter.thought is None else "separate"
    wanted = Options(reasoning=traces, boxes="objects" if adapter.objects else "unit")  # type: ignore[arg-type]
    reader(f"export {name}")(_export(name, wanted))
reader("export inline")(_export("trl", Options(reasoning="inline", boxes="qwen2_5_vl")))


@reader("preview")
def _preview(path: Path, out: Path) -> None:
    preview(path / SHARD, out / "sheet.png", count=4)


@reader("cards")
def _cards(path: Path, out: Path) -> None:
    tree = Path(shutil.copytree(path, out / "tree", symlinks=True))
    refresh(tree)


@reader("info --answers")
def _answers(path: Path, out: Path) -> None:
    count_answers(path)
