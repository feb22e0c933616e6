"""Formats whose answers are media: read back as their trainers read them, and held against the tree."""

from __future__ import annotations

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.adapters import Options, UnfitError, all_adapters, get_adapter
from surgsigma_hub.adapters.exporting import export
from surgsigma_hub.cli import main
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.streaming import StreamSample
from surgsigma_hub.tasks import all_tasks

from adaptertree import textual

PAIRED = {"desmoking", "next_frame_generation", "instrument_segmentation", "depth_estimation"}


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_no_task_is_without_a_way_to_a_trainer(adapter_items: list[StreamSample]) -> None:
    ways: dict[str, set[str]] = {}
    for item in adapter_items:
        found = {name for name, adapter in all_adapters().items() if adapter.accepts(item.sample)}
        assert found, item.key
        ways.setdefault(item.sample["task"], set()).update(found)
    assert set(ways) == set(all_tasks())
    assert {task for task, found in ways.items() if found == {"diffusers"}} == PAIRED
    assert {task for task, found in ways.items() if found == {"cosmos"}} == {"video_generation"}


def test_diffusers_pairs_are_read_as_its_example_reads_them(
    adapter_tree: Path, adapter_items: list[StreamSample], tmp_path: Path
) -> None:
    out = tmp_path / "pairs"
    report = export(adapter_tree, get_adapter("diffusers"), out=out)
    wanted = {i.key: i for i in adapter_items if i.sample["task"] in PAIRED}
    assert report.files == {"metadata.jsonl": len(wanted)} and set(report.left_out) == {"no_target"}
    rows = datasets.load_dataset(
        "imagefolder", data_files={"train": str(out / "**")}, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert set(rows["id"]) == set(wanted) and len(rows) == len(wanted)
    deep = 0
    for row in rows:
        item = wanted[row["id"]]
        target = next(m["member"] for m in item.sample["media"] if m["role"] == "target")
        stored = pixels(item.media[target])
        deep += stored.dtype == np.uint16
        stored = (stored.astype(np.uint32) >> 8) if stored.dtype == np.uint16 else stored
        assert np.array_equal(np.asarray(row["input_image"]), pixels(item.media["image.jpg"]))
        assert np.array_equal(np.asarray(row["edited_image"]), stored), "no white depth map"
        assert row["edit_prompt"] and row["edit_prompt"] in item.sample["messages"][-2]["content"]
        assert np.array_equal(
            np.asarray(get_adapter("diffusers").item(item)["edited_image"]), np.asarray(row["edited_image"])
        )
    assert deep, "the tree holds depth of 16 bits"


def test_cosmos_finds_each_video_with_its_caption(
    adapter_tree: Path, adapter_items: list[StreamSample], tmp_path: Path
) -> None:
    report = export(adapter_tree, get_adapter("cosmos"), out=tmp_path / "videos")
    wanted = {i.key: i for i in adapter_items if i.sample["task"] == "video_generation"}
    folder = tmp_path / "videos" / "media"
    films = {path.stem: path.read_bytes() for path in (folder / "videos").iterdir()}
    captions = {path.stem: path.read_text("utf-8") for path in (folder / "metas").iterdir()}
    assert set(films) == set(captions) == set(wanted) and report.records == len(wanted)
    lines = (tmp_path / "videos" / "train.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, lines):
        item = wanted[row["id"]]
        assert films[row["id"]] == item.media["target.mp4"] == (tmp_path / "videos" / row["video"]).read_bytes()
        assert captions[row["id"]] == f"{item.sample['answer']['text']}\n" and row["caption"] in row["prompt"]
        assert (row["image"] is None) == ("image.jpg" not in item.media)
        if row["image"]:
            assert (tmp_path / "videos" / row["image"]).read_bytes() == item.media["image.jpg"]
    assert {bool(json.loads(line)["image"]) for line in lines} == {True, False}


@pytest.mark.parametrize(("name", "trains"), [("cosmos", "dataset_dir="), ("diffusers", "train_instruct_pix2pix.py")])
def test_the_command_writes_them(
    name: str, trains: str, adapter_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / name)
    assert main(["export", str(adapter_tree), "--format", name, "--per-task", "3", "--out", out]) == 0
    assert trains in capsys.readouterr().out
    assert main(["export", str(adapter_tree), "phase_recognition", "--format", name, "--out", f"{out}-none"]) == 2
    assert "another for texts" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cosmos", "diffusers"])
def test_texts_and_traces_are_refused(name: str, adapter_items: list[StreamSample]) -> None:
    with pytest.raises(UnfitError) as refused:
        get_adapter(name).item(next(filter(textual, adapter_items)))
    assert refused.value.reason == "no_target"
    with pytest.raises(SurgSigmaError, match="no place for a trace"):
        get_adapter(name).item(adapter_items[0], Options(reasoning="inline"))
