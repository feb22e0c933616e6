"""Items of a stream in turns become one conversation of a trainer's format: one picture, all answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub.adapters import REASONS, Options, UnfitError, all_adapters, get_adapter
from surgsigma_hub.cli import main
from surgsigma_hub.errors import SampleError, SurgSigmaError
from surgsigma_hub.streaming import StreamSample, Turns

from handmade import jpeg, mask, sample, write_part
from packed import write_talks

TASKS = ["instrument_recognition", "phase_recognition", "phase_recognition"]


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> StreamSample:
    root = tmp_path_factory.mktemp("turns")
    write_talks(root, [[TASKS]])
    (found,) = surgsigma_hub.stream(root, talk=Turns(), decode="rgb")
    assert len(found.sample["conversations"]) == 3
    return found


@pytest.mark.parametrize("name", [name for name, adapter in all_adapters().items() if adapter.turns])
def test_one_picture_and_all_answers(item: StreamSample, name: str) -> None:
    record = get_adapter(name).item(item)
    turns = record.get("messages") or record["conversations"]
    roles = [turn.get("role") or {"human": "user", "gpt": "assistant"}[turn["from"]] for turn in turns]
    assert roles == ["user", "assistant"] * 3 and record["id"] == item.key
    text = orjson.dumps(turns).decode()
    assert text.count("<image>") + text.count('{"type":"image"}') == 1
    assert text.index("image") < text.index("Question"), "in the first question"
    asked = [talk["messages"][0]["content"].removeprefix("<image>\n") for talk in item.sample["conversations"]]
    assert [text.index(question) for question in asked] == sorted(text.index(question) for question in asked)
    pictures = record.get("images") or [record["image"]]
    assert len(pictures) == 1 and pictures[0].size == (64, 48)
    assert set(record["task"].split("+")) == set(TASKS)


@pytest.mark.parametrize("name", [name for name, adapter in all_adapters().items() if not adapter.turns])
def test_formats_with_one_answer_refuse_several(item: StreamSample, name: str) -> None:
    with pytest.raises(UnfitError, match=r"3 conversations in turns") as refused:
        get_adapter(name).item(item)
    assert refused.value.reason in REASONS and not get_adapter(name).accepts(item.sample)


def test_placeholders_of_boxes_are_for_one_conversation(item: StreamSample) -> None:
    with pytest.raises(UnfitError, match="placeholders of boxes"):
        get_adapter("swift").item(item, Options(boxes="objects"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda doc: doc.pop("media"),
        lambda doc: doc.update(conversations=3),
        lambda doc: doc.update(conversations=[]),
        lambda doc: doc["conversations"][0].pop("messages"),
        lambda doc: doc.pop("width"),
        lambda doc: doc["conversations"][0].update(task="no_task"),
    ],
)
def test_what_is_no_medium_is_told(item: StreamSample, spoil: Any) -> None:
    doc = orjson.loads(orjson.dumps(item.sample))
    spoil(doc)
    with pytest.raises(SurgSigmaError, match=r"medium|sample") as told:
        get_adapter("trl")(doc, item.media)
    assert isinstance(told.value, SampleError) or "no_task" in str(told.value)


def test_files_of_a_tree_by_medium(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    write_talks(tree, [[TASKS, TASKS[:1]], [TASKS[1:2]]])
    line = ["export", str(tree), "--format", "sharegpt"]
    assert main([*line, "--talk", "turns", "--out", str(out)]) == 0
    report = orjson.loads((out / "export.json").read_bytes())["report"]
    assert report["records"] == report["media_files"] == 3
    assert report["tasks"] == {"instrument_recognition": 2, "phase_recognition": 3}
    records = orjson.loads((out / "train.json").read_bytes())
    assert sorted(len(one["conversations"]) for one in records) == [2, 2, 6]
    assert main([*line, "--talk", "all", "--out", str(tmp_path / "all")]) == 0
    every = orjson.loads((tmp_path / "all" / "train.json").read_bytes())
    assert len(every) == len({one["id"] for one in every}) == 5 and len({one["images"][0] for one in every}) == 3
    capsys.readouterr()
    assert main(["export", str(tree), "--format", "grpo", "--talk", "turns", "--out", str(tmp_path / "no")]) == 2
    assert "--talk one or all" in capsys.readouterr().err
    assert main(["export", str(tree), "--format", "cosmos", "--talk", "all", "--out", str(tmp_path / "no")]) == 2
    assert "Leave --talk out" in capsys.readouterr().err
    assert main([*line, "--out", str(tmp_path / "no")]) != 0, "without --talk there is nothing by task"
    capsys.readouterr()
    assert main([*line, "--out", str(tmp_path / "no"), "--talk", "one", "--per-task", "2"]) == 2
    assert "Bound all records with --limit" in capsys.readouterr().err
    segmented = [("image.jpg", "image", "input", jpeg()), ("target.png", "mask", "target", mask())]
    write_part(tree, [[sample(0, task="instrument_segmentation", media=segmented)]])  # type: ignore[arg-type]
    assert main([*line, "--out", str(tmp_path / "no")]) == 2
    assert "--talk one, all or turns reads" in capsys.readouterr().err


@pytest.mark.torch
def test_a_batch_learns_all_answers(item: StreamSample) -> None:
    pytest.importorskip("torch", reason="needs the extra train: the collator was not run on turns")
    pytest.importorskip("transformers", reason="needs the extra train: the collator was not run on turns")
    sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
    from surgsigma_hub.adapters.collate import VlmCollator
    from tiny_vlm import make_processor, make_tokenizer

    processor = make_processor(make_tokenizer([], size=0), image_side=16)
    batch = VlmCollator(processor)([item])
    said = processor.tokenizer.decode(batch["input_ids"][0][batch["labels"][0] != -100])
    assert said == "Preparation.<|im_end|>" * 3 and len(batch["pixel_values"]) == 1
