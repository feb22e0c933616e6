"""Every format over every task: a record that its trainer accepts and that says what the sample says, or a refusal."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import surgsigma_hub
from PIL import Image
from surgsigma_hub.adapters import REASONS, Adapter, Options, UnfitError, all_adapters, get_adapter
from surgsigma_hub.errors import SampleError, SurgSigmaError, UnknownNameError
from surgsigma_hub.reasoning.format import read_trace
from surgsigma_hub.records import Reasoning
from surgsigma_hub.schema import json_features
from surgsigma_hub.streaming import Frames, StreamSample
from surgsigma_hub.tasks import all_tasks, get_task

from adaptertree import first_of_each_task, textual
from trainer_rules import ONE_TEXT, READERS, REWARDED

ADAPTERS = [adapter for adapter in all_adapters().values() if not adapter.targets]  # those of conversations
ids = [adapter.name for adapter in ADAPTERS]
FILMS = Options(frames=Frames(count=3))


def test_every_format_has_a_reader_of_its_rules() -> None:
    assert set(READERS) == {adapter.name for adapter in ADAPTERS}
    with pytest.raises(UnknownNameError, match="sharegtp"):
        get_adapter("sharegtp")


def _plain(item: StreamSample) -> list[tuple[str, str]]:
    """The turns of a sample, its tags without the line break that follows them."""
    return [(m["role"], m["content"]) for m in item.sample["messages"]]


def _without_tags(text: str) -> str:
    return text.replace("<image>", "").replace("<video>", "").lstrip("\n")


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_every_task_becomes_a_record_or_is_refused(adapter: Adapter, adapter_items: list[StreamSample]) -> None:
    seen: set[str] = set()
    for item in first_of_each_task(adapter_items):
        task = item.sample["task"]
        if not textual(item):
            with pytest.raises(UnfitError, match=item.key) as refused:
                adapter.item(item, FILMS)
            assert refused.value.reason == "target" and refused.value.reason in REASONS
            continue
        if adapter.name in REWARDED and get_task(task).answer.value == "text":
            with pytest.raises(UnfitError, match="no program can tell") as refused:
                adapter.item(item, FILMS)
            assert refused.value.reason == "unverifiable"
            continue
        seen.add(task)
        record = adapter.item(item, FILMS)
        read = READERS[adapter.name](record)
        assert record["id"] == item.key and record["task"] == task
        wanted = _plain(item) if adapter.name not in REWARDED else _plain(item)[:-1]
        if adapter.name in ONE_TEXT:
            wanted = [("user", "\n".join(text for _, text in wanted))]
        assert [(role, _without_tags(text)) for role, text in read.turns] == [
            (role, _without_tags(text)) for role, text in wanted
        ]
        films = [m for m in item.sample["media"] if m["kind"] == "video"]
        pictures = [m for m in item.sample["media"] if m["kind"] == "image"]
        if adapter.videos[0] == "frames":
            assert len(read.images) == len(pictures) + sum(min(3, film["num_frames"]) for film in films)
        else:
            assert (len(read.images), len(read.videos)) == (len(pictures), len(films))
            assert [bytes(v) for v in read.videos] == [item.media[m["member"]] for m in films]
        for image, medium in zip(read.images, pictures, strict=False):
            with Image.open(io.BytesIO(item.media[medium["member"]])) as stored:
                assert np.array_equal(np.asarray(image), np.asarray(stored))
    answered = {t.name for t in all_tasks().values()} & {i.sample["task"] for i in adapter_items if textual(i)}
    assert seen == answered - ({"image_captioning", "video_captioning"} if adapter.name in REWARDED else set())


@pytest.mark.parametrize("adapter", [a for a in ADAPTERS if a.name not in REWARDED], ids=lambda a: a.name)
def test_reasoning_goes_where_it_is_wanted(adapter: Adapter, adapter_items: list[StreamSample]) -> None:
    with_trace = without = 0
    for item in first_of_each_task(adapter_items):
        if not textual(item):
            continue
        stored = Reasoning(**item.sample["reasoning"])
        plain = READERS[adapter.name](adapter.item(item, FILMS)).turns
        inline = READERS[adapter.name](adapter.item(item, Options(frames=Frames(count=3), reasoning="inline")))
        assert inline.turns[:-1] == plain[:-1], "answers before the own question stay plain"
        assert inline.thought is None
        if not stored.level:
            without += 1
            assert inline.turns == plain
            continue
        with_trace += 1
        assert read_trace(inline.turns[-1][1]) == (stored, plain[-1][1])
    assert with_trace > 20


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_a_trace_stands_apart_where_the_trainer_hands_it_on(
    adapter: Adapter, adapter_items: list[StreamSample]
) -> None:
    """LLaMA-Factory 0.9.5 and ms-swift 4.6.0 drop a key that they do not know, and train no trace."""
    asked = Options(frames=Frames(count=3), reasoning="separate")
    if adapter.thought is None:
        with pytest.raises(SurgSigmaError, match="would not be trained"):
            adapter.item(adapter_items[0], asked)
        return
    assert adapter.name == "trl"
    for item in filter(textual, first_of_each_task(adapter_items)):
        record = adapter.item(item, asked)
        apart = READERS[adapter.name](record)
        assert apart.turns == READERS[adapter.name](adapter.item(item, FILMS)).turns
        stored = Reasoning(**item.sample["reasoning"])
        assert adapter.thought in record["messages"][-1] and bool(apart.thought) == bool(stored.level)
        assert not stored.level or read_trace(f"<think>{apart.thought}</think>")[0] == stored


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_system_prompt(adapter: Adapter, adapter_items: list[StreamSample]) -> None:
    item = next(i for i in adapter_items if i.sample["task"] == "phase_recognition")
    if adapter.system:
        assert READERS[adapter.name](adapter.item(item, Options(system="Be brief."))).system == "Be brief."
    else:
        with pytest.raises(SurgSigmaError, match="no place for a system prompt"):
            adapter.item(item, Options(system="Be brief."))


@pytest.mark.parametrize("form", ["file", "frames"])
@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_films(adapter: Adapter, form: Any, adapter_items: list[StreamSample]) -> None:
    item = next(i for i in adapter_items if i.sample["task"] == "next_action_planning")
    there = item.sample["media"][0]["num_frames"]
    options = Options(video=form, frames=Frames(count=there + 4))
    if form not in adapter.videos:
        with pytest.raises(UnknownNameError, match="form of video"):
            adapter.item(item, options)
        return
    read = READERS[adapter.name](adapter.item(item, options))
    if form == "file":
        assert read.videos == [item.media["video.mp4"]] and not read.images
    elif adapter.name in ("sharegpt", "swift"):
        assert [len(frames) for frames in read.videos] == [there], "never more frames than the clip has"
    else:
        assert len(read.images) == there and all(isinstance(i, Image.Image) for i in read.images)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_pixels_of_the_stream_give_the_same_as_bytes(
    adapter: Adapter, adapter_tree: Any, adapter_items: list[StreamSample]
) -> None:
    options = Options(video="frames" if "frames" in adapter.videos else None, frames=Frames(count=2))
    pixels = surgsigma_hub.stream(adapter_tree, "all", decode="rgb", frames=Frames(count=2), shuffle=False)
    wanted = {i.key for i in first_of_each_task(adapter_items, most=2) if textual(i)}
    for raw, item in zip(adapter_items, pixels, strict=True):
        if raw.key not in wanted or (adapter.name in REWARDED and "captioning" in raw.sample["task"]):
            continue
        if adapter.timed(raw.sample):
            for one in (raw, item):
                with pytest.raises(UnfitError, match="the answer is a time"):
                    adapter.item(one, options)
            continue
        first, second = (READERS[adapter.name](adapter.item(one, options)) for one in (raw, item))
        assert first.turns == second.turns
        for a, b in zip(_flat(first.images + first.videos), _flat(second.images + second.videos), strict=True):
            assert np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("adapter", [a for a in ADAPTERS if a.clocked], ids=lambda a: a.name)
def test_frames_without_a_rate_are_refused_where_the_answer_is_a_time(
    adapter: Adapter, adapter_items: list[StreamSample]
) -> None:
    item = next(i for i in adapter_items if i.sample["task"] == "action_remaining_prediction")
    there, fps = (item.sample["media"][0][name] for name in ("num_frames", "fps"))
    assert READERS[adapter.name](adapter.item(item)).videos == [item.media["video.mp4"]]
    for wrong in (Frames(count=4), Frames(rate=fps * 2), Frames(indices=(0, 1))):
        with pytest.raises(UnfitError, match="the answer is a time") as refused:
            adapter.item(item, Options(video="frames", frames=wrong))
        assert refused.value.reason == "time" and refused.value.reason in REASONS
    (film,) = READERS[adapter.name](adapter.item(item, Options(video="frames", frames=Frames(rate=fps)))).videos
    assert len(film) == there


def _flat(values: list[Any]) -> list[Any]:
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_rows_of_load_dataset(adapter: Adapter, adapter_tree: Any, adapter_items: list[StreamSample]) -> None:
    by_key = {i.key: i for i in adapter_items}
    for config in ("phase_recognition", "instrument_localization", "action_remaining_prediction", "depth_estimation"):
        row = next(iter(surgsigma_hub.load_dataset(adapter_tree, config, split="train", streaming=True)))
        item = by_key[row["id"]]
        if config == "depth_estimation":
            with pytest.raises(UnfitError):
                adapter.row(row)
            continue
        first, second = READERS[adapter.name](adapter.row(row)), READERS[adapter.name](adapter.item(item))
        assert first.turns == second.turns
        for a, b in zip(_flat(first.images), _flat(second.images), strict=True):
            assert np.array_equal(np.asarray(a), np.asarray(b))
        assert first.videos == second.videos
    with pytest.raises(SampleError, match="not a row"):
        adapter.row({name: row[name] for name in json_features()})


@pytest.mark.parametrize("adapter", ADAPTERS, ids=ids)
def test_a_streamed_dataset_is_mapped(adapter: Adapter, adapter_tree: Any, adapter_items: list[StreamSample]) -> None:
    rows = surgsigma_hub.load_dataset(adapter_tree, "all", split="train", streaming=True)
    mapped = rows.filter(adapter.accepts).map(adapter.row, remove_columns=rows.column_names)
    wanted = {i.key: i for i in adapter_items if adapter.accepts(i.sample)}
    for record in mapped.take(20):
        assert READERS[adapter.name](record).turns == READERS[adapter.name](adapter.item(wanted[record["id"]])).turns
        assert set(record) == set(adapter.item(wanted[record["id"]]))


def test_what_is_wrong_is_said(adapter_items: list[StreamSample]) -> None:
    item = next(i for i in adapter_items if i.sample["task"] == "phase_recognition")
    trl = get_adapter("trl")
    with pytest.raises(SampleError, match=r"image\.jpg"):
        trl(item.sample, {})
    with pytest.raises(SampleError, match="sample a: task is missing"):
        trl({"id": "a"}, {})
    with pytest.raises(SurgSigmaError, match="not a readable image"):
        trl(item.sample, {"image.jpg": b"no picture"})
    for wrong in ({"boxes": "norm100"}, {"reasoning": "inlined"}, {"video": "films"}):
        with pytest.raises(UnknownNameError):
            Options(**wrong)  # type: ignore[arg-type]
    with pytest.raises(SurgSigmaError, match="does not fill placeholders"):
        trl.item(item, Options(boxes="objects"))
    film = next(i for i in adapter_items if i.sample["task"] == "action_remaining_prediction")
    with pytest.raises(SampleError, match="a path of a video"):
        trl(film.sample, {"video.mp4": "a.mp4"})


@pytest.mark.torch
def test_records_go_through_trl(adapter_items: list[StreamSample]) -> None:
    data_utils = pytest.importorskip("trl.data_utils", reason="trl is not installed: its check of records did not run")
    for item in first_of_each_task(adapter_items):
        if not textual(item):
            continue
        record = get_adapter("trl").item(item, Options(reasoning="inline", system="Be brief.", frames=Frames(count=2)))
        made = data_utils.prepare_multimodal_messages(record["messages"], images=record["images"])
        shown = [part["image"] for m in made for part in m["content"] if part["type"] == "image"]
        assert shown == record["images"]


def test_no_heavy_import() -> None:
    code = (
        "import sys, surgsigma_hub.adapters as a; a.all_adapters(); "
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
