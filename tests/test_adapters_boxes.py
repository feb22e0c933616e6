"""Boxes in the convention of each family: there and back, for every box of a tree and for boxes made up."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub import build
from surgsigma_hub.adapters import (
    FAMILIES,
    Boxes,
    Options,
    SmartResize,
    TrainerResize,
    UnfitError,
    find_boxes,
    get_adapter,
)
from surgsigma_hub.adapters.box_text import boxes_in, message_text, trace_text
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.records import AnswerBox, Box
from surgsigma_hub.streaming import StreamSample
from surgsigma_hub.tasks.common.answers import boxes_text

CONVENTIONS = {
    "unit": Boxes("unit"),
    "norm1000": Boxes("norm1000"),
    "pixels": Boxes("pixels"),
    "qwen2_5_vl": FAMILIES["qwen2_5_vl"],
    # More pixels than three decimals can tell apart: the numbers must come from the typed answer, not from its text.
    "large": Boxes("pixels", SmartResize(min_pixels=3000 * 3000)),
    "small": Boxes("pixels", SmartResize(max_pixels=28 * 28 * 16)),
}
LEVELS = ("perceptual", "relational", "contextual")
sizes = st.tuples(st.integers(28, 4000), st.integers(28, 4000))
ends = st.floats(0, 1, allow_nan=False)
sides = st.tuples(ends, st.one_of(ends, st.floats(0, 0.003))).map(lambda s: (s[0], min(s[0] + s[1], 1.0)))
"""Of a box: as wide as you like, also thinner than any unit, up to both borders."""
corner_sets = st.tuples(sides, sides).map(lambda b: (b[0][0], b[1][0], b[0][1], b[1][1]))
corner_sets = corner_sets.filter(lambda b: b[2] - b[0] > 1e-6 and b[3] - b[1] > 1e-6)


def units(boxes: Boxes, size: tuple[int, int]) -> tuple[int, int]:
    """How many units the sides have, from the definition of the convention alone."""
    if boxes.convention != "pixels":
        return 1000, 1000
    return size if boxes.resize is None else boxes.resize(size)


def near(a: Any, b: Any, boxes: Boxes, size: tuple[int, int]) -> None:
    """Half a unit, or a whole one where the box would be empty otherwise."""
    for side, unit in zip(("x", "y"), units(boxes, size), strict=True):
        thin = (getattr(b, f"{side}2") - getattr(b, f"{side}1")) * unit < 1.0
        for end in "12":
            away = abs(getattr(a, side + end) - getattr(b, side + end)) * unit
            assert away <= (1.0 if thin else 0.5) + 1e-6, (a, b)


@pytest.mark.parametrize("name", CONVENTIONS)
@given(corners=corner_sets, size=sizes)
@settings(max_examples=150)
def test_a_box_comes_back(name: str, corners: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    boxes = CONVENTIONS[name]
    box = AnswerBox("hook", *corners)
    text = message_text(f"Found: {boxes_text('instrument', [box])}.", boxes, size=size, known=(box,), asks=True)
    answer = boxes.parse("instrument_localization", text, size=size)
    assert [b.label for b in answer.boxes] == ["hook"]
    near(answer.boxes[0], box, boxes, size)
    if boxes.convention != "unit":
        assert re.search(r"\[\d+, \d+, \d+, \d+\]", text) and "." not in text[:-1], "whole numbers only"
        wide, high = units(boxes, size)
        x1, y1, x2, y2 = boxes_in(text)[0].numbers
        assert 0 <= x1 < x2 <= wide and 0 <= y1 < y2 <= high


@pytest.mark.parametrize("task", ["instrument_localization", "tissue_localization"])
@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_answer_of_a_tree_comes_back(name: str, task: str, adapter_items: list[StreamSample]) -> None:
    boxes = CONVENTIONS[name]
    seen = 0
    for item in adapter_items:
        if item.sample["task"] != task:
            continue
        record = get_adapter("sharegpt").item(item, Options(boxes=boxes, reasoning="inline"))
        size = (item.sample["width"], item.sample["height"])
        said = record["conversations"][-1]["value"]
        answer = boxes.parse(task, said, size=size)
        truth = [AnswerBox(**b) for b in item.sample["answer"]["boxes"]]
        assert [b.label for b in answer.boxes] == [b.label for b in truth]
        for got, wanted in zip(answer.boxes, truth, strict=True):
            near(got, wanted, boxes, size)
            seen += 1
        # The trace states the same boxes, in the same convention, and nothing is left of the old one.
        stated = {f.numbers for f in boxes_in(said)}
        assert {tuple(map(float, boxes.numbers(b, size))) for b in truth} <= stated
        if boxes.convention != "unit":
            assert not re.search(r"\b[01]\.\d{3}\b", said)
    assert seen > 30


@pytest.mark.parametrize("name", ["norm1000", "qwen2_5_vl"])
def test_nothing_else_changes(name: str, adapter_items: list[StreamSample]) -> None:
    for item in adapter_items:
        if any(m["role"] == "target" for m in item.sample["media"]) or "localization" in item.sample["task"]:
            continue
        film = any(m["kind"] == "video" for m in item.sample["media"])
        shown = any(boxes_in(item.sample["reasoning"][level] or "") for level in LEVELS)
        for reasoning in ("drop", "inline"):
            if name == "qwen2_5_vl" and reasoning == "inline" and film and shown:
                with pytest.raises(UnfitError, match="boxes of a video") as refused:
                    get_adapter("sharegpt").item(item, Options(boxes=name, reasoning=reasoning))
                assert refused.value.reason == "video_boxes"
                record = get_adapter("llava").item(item, Options(boxes=name, reasoning=reasoning, video="frames"))
                assert boxes_in(record["conversations"][-1]["value"]), "frames are pictures, whose size is known"
                continue
            stored, changed = (
                get_adapter("sharegpt").item(item, Options(boxes=boxes, reasoning=reasoning))["conversations"]  # type: ignore[arg-type]
                for boxes in ("unit", name)
            )
            for before, after in zip(stored, changed, strict=True):
                if not boxes_in(before["value"]):
                    assert before == after


def _filled(messages: list[dict[str, str]], refs: Iterator[str], boxes: Iterator[list[float]]) -> list[str]:
    """What ms-swift makes of placeholders, in the order of the text, for a model that prints shares."""

    def fill(match: re.Match[str]) -> str:
        return next(refs) if match.group() == "<ref-object>" else Boxes().text(Box(*next(boxes)), None)

    return [re.sub("<ref-object>|<bbox>", fill, message["content"]) for message in messages]


def test_swift_takes_the_boxes_out(adapter_items: list[StreamSample]) -> None:
    swift, plain = get_adapter("swift"), get_adapter("sharegpt")
    seen = 0
    for item in adapter_items:
        if "localization" not in item.sample["task"]:
            continue
        record = swift.item(item, Options(boxes="objects"))
        truth = [[b[k] for k in ("x1", "y1", "x2", "y2")] for b in item.sample["answer"]["boxes"]]
        objects = record.get("objects", {"ref": [], "bbox": []})
        assert objects["bbox"] == truth, "exact, not as printed"
        filled = _filled(record["messages"], iter(objects["ref"]), iter(objects["bbox"]))
        wanted = [turn["value"] for turn in plain.item(item, Options())["conversations"]]
        assert filled[-1] == wanted[-1].replace("Boxes as fractions of width and height:", "Boxes:")
        assert not re.search(
            r"\d\.\d|fraction|relative|0 to 1|0 and 1", "".join(m["content"] for m in record["messages"])
        )
        seen += len(truth)
    assert seen > 60


# ------------------------------------------------------------------------------------------------ shipped traces


@pytest.mark.parametrize(
    ("trace", "wanted"),
    [
        ("grasper [262, 0, 473, 172].", "grasper [262, 0, 473, 172]."),
        ("a hook at (262,0),(473,172), then", "a hook at [262, 0, 473, 172], then"),
        ("[0.262, 0.000, 0.473, 0.172]", "[262, 0, 473, 172]"),
        ("no box, 3 of 4 (1) or [1, 2, 3]", "no box, 3 of 4 (1) or [1, 2, 3]"),
    ],
)
def test_a_shipped_trace(trace: str, wanted: str) -> None:
    assert trace_text(trace, Boxes("norm1000"), size=None, stored=(840, 476), known=()) == wanted


def test_what_the_numbers_are_is_told_by_the_answer() -> None:
    box = AnswerBox("hook", 220 / 840, 100 / 476, 397 / 840, 200 / 476)
    text = "hook [220, 100, 397, 200] and grasper [420, 238, 840, 476]"
    as_pixels = trace_text(text, Boxes("unit"), size=None, stored=(840, 476), known=(box,))
    assert as_pixels == "hook [0.262, 0.210, 0.473, 0.420] and grasper [0.500, 0.500, 1.000, 1.000]"
    as_thousandths = trace_text(text, Boxes("unit"), size=None, stored=(840, 476), known=())
    assert as_thousandths == "hook [0.220, 0.100, 0.397, 0.200] and grasper [0.420, 0.238, 0.840, 0.476]"
    # Surg-R1 prints pixels of its own resize, here of a picture stored at another size.
    resized = AnswerBox("grasper", 262 / 840, 0.0, 473 / 840, 172 / 476)
    at = trace_text("at [262, 0, 473, 172].", Boxes("norm1000"), size=None, stored=(1920, 1080), known=(resized,))
    assert at == "at [312, 0, 563, 361]."
    wide = trace_text("[1200, 10, 1900, 400]", Boxes("norm1000"), size=None, stored=(1920, 1080), known=())
    assert wide == "[625, 9, 990, 370]"
    with pytest.raises(UnfitError, match=r"\[1200, 10, 1900, 4000\]") as refused:
        trace_text("[1200, 10, 1900, 4000]", Boxes("unit"), size=None, stored=(1920, 1080), known=())
    assert refused.value.reason == "trace_boxes"
    with pytest.raises(UnfitError, match="do not make a box"):
        trace_text("[400, 10, 300, 400]", Boxes("norm1000"), size=None, stored=None, known=())


def test_traces_of_a_release(tmp_path: Path) -> None:
    """A made-up release whose trace speaks of pixels of a picture of 32 x 18: the box of trace and answer are one."""
    root = Path(__file__).parent / "fixtures" / "surgsigma_v01"
    build("surgsigma_v01", root=root, out=tmp_path / "tree", max_quarantine=1.0)
    said = {
        name: [
            get_adapter("sharegpt").item(item, Options(boxes=name, reasoning="inline"))["conversations"][-1]["value"]
            for item in surgsigma_hub.stream(
                tmp_path / "tree", "instrument_localization", decode="bytes", shuffle=False
            )
            if "A hook lies at" in (item.sample["reasoning"]["perceptual"] or "")
        ]
        for name in ("unit", "norm1000", "pixels")
    }
    for name, wanted in {"unit": "[0.063, 0.167, 0.469, 0.556]", "norm1000": "[63, 167, 469, 556]",
                         "pixels": "[2, 3, 15, 10]"}.items():  # fmt: skip
        assert said[name] and all(text.count(wanted) == 2 == len(boxes_in(text)) for text in said[name])


def test_a_trace_that_cannot_be_read_refuses_the_sample_only_where_it_is_wanted(
    adapter_items: list[StreamSample],
) -> None:
    item = next(i for i in adapter_items if i.sample["task"] == "phase_recognition")
    bad = {**item.sample, "reasoning": {**item.sample["reasoning"], "level": 1, "perceptual": "[9000, 0, 9900, 8000]"}}
    trl = get_adapter("trl")
    assert trl(bad, item.media)["messages"]
    with pytest.raises(UnfitError, match="neither shares"):
        trl(bad, item.media, Options(reasoning="inline"))


# ------------------------------------------------------------------------------------------------ the resize


@pytest.fixture(scope="module")
def smart_resize() -> Any:
    """The function of transformers; the module without torchvision is younger than the other."""
    for name in ("image_processing_pil_qwen2_vl", "image_processing_qwen2_vl"):
        try:
            return importlib.import_module(f"transformers.models.qwen2_vl.{name}").smart_resize
        except ImportError:
            continue
    pytest.skip("transformers is not installed: its resize cannot be compared with ours")


@given(size=sizes, low=st.integers(1, 400), room=st.integers(0, 4000), factor=st.sampled_from([(14, 2), (16, 2)]))
@settings(max_examples=300)
def test_resize_is_that_of_the_models(
    smart_resize: Any, size: tuple[int, int], low: int, room: int, factor: tuple[int, int]
) -> None:
    multiple = factor[0] * factor[1]
    bounds = {"min_pixels": low * multiple**2, "max_pixels": (low * 4 + room) * multiple**2}
    wide, high = SmartResize(*factor, **bounds)(size)
    assert wide % multiple == 0 and high % multiple == 0 and wide > 0 and high > 0
    assert (high, wide) == tuple(smart_resize(size[1], size[0], factor=multiple, **bounds))


def test_resize_refuses() -> None:
    with pytest.raises(UnfitError, match="too long"):
        SmartResize()((5000, 20))
    with pytest.raises(SurgSigmaError, match="min_pixels <= max_pixels"):
        SmartResize(min_pixels=10, max_pixels=5)
    with pytest.raises(SurgSigmaError, match="min_pixels <= max_pixels"):
        TrainerResize(max_pixels=500)
    with pytest.raises(SurgSigmaError, match="none is given"):
        Boxes("pixels", before=TrainerResize())


@pytest.mark.parametrize(
    ("stored", "before", "seen"),
    [
        # Sizes that the collator of LLaMA-Factory 0.9.5 was seen to give to Qwen2.5-VL; see tests/trainers.
        ((1920, 1080), (1024, 576), (1036, 588)),
        ((1280, 800), (971, 607), (980, 616)),
        ((854, 480), (854, 480), (840, 476)),
        ((320, 240), (320, 240), (308, 252)),
        ((20, 30), (28, 39), (56, 84)),
        ((8400, 30), (5400, 30), (5404, 28)),
    ],
)
def test_a_trainer_that_resizes_first(
    stored: tuple[int, int], before: tuple[int, int], seen: tuple[int, int], adapter_items: list[StreamSample]
) -> None:
    assert TrainerResize()(stored) == before
    item = next(
        i for i in adapter_items if i.key.endswith("instrument_localization-all") and i.sample["answer"]["boxes"]
    )
    sample = {**item.sample, "width": stored[0], "height": stored[1]}
    llama, swift = get_adapter("sharegpt"), get_adapter("swift")
    first = llama(sample, {"image.jpg": "a.jpg"}, Options(boxes="qwen2_5_vl"))["conversations"][-1]["value"]
    truth = [AnswerBox(**b) for b in sample["answer"]["boxes"]]
    assert [f.numbers for f in boxes_in(first)] == [Boxes("pixels").numbers(b, seen) for b in truth]
    assert llama.boxes(Options(boxes="qwen2_5_vl")).seen(stored) == seen
    for untouched in ("qwen3_vl", "unit", "pixels"):
        assert llama.boxes(Options(boxes=untouched)) == find_boxes(untouched)
    if stored == (1920, 1080):
        plain = swift(sample, {"image.jpg": "a.jpg"}, Options(boxes="qwen2_5_vl"))["messages"][-1]["content"]
        assert [f.numbers for f in boxes_in(plain)] == [Boxes("pixels").numbers(b, (1932, 1092)) for b in truth]
        large = dataclasses.replace(FAMILIES["qwen2_5_vl"], before=TrainerResize(max_pixels=12_845_056))
        said = llama(sample, {"image.jpg": "a.jpg"}, Options(boxes=large))["conversations"][-1]["value"]
        assert boxes_in(said) == boxes_in(plain), "told to keep the size, LLaMA-Factory shows what others show"


def test_pixels_follow_the_picture_that_is_given(adapter_items: list[StreamSample]) -> None:
    """A picture that the stream has made smaller has other pixels than the stored one."""
    from PIL import Image

    item = next(
        i for i in adapter_items if i.key.endswith("instrument_localization-all") and i.sample["answer"]["boxes"]
    )
    small = Image.new("RGB", (48, 32))
    record = get_adapter("grpo")(item.sample, {"image.jpg": small}, Options(boxes="pixels"))
    assert record["size"] == [48, 32] and record["space"] == "pixel"
    said = get_adapter("sharegpt")(item.sample, {"image.jpg": small}, Options(boxes="pixels"))["conversations"][-1][
        "value"
    ]
    assert max(n for f in boxes_in(said) for n in f.numbers) <= 48
    unknown = {**item.sample, "width": None, "height": None}
    with pytest.raises(UnfitError, match="size of the image"):
        get_adapter("sharegpt")(unknown, {"image.jpg": "a.jpg"}, Options(boxes="pixels"))


def test_names() -> None:
    assert find_boxes("qwen3_vl") == Boxes("norm1000") == find_boxes("norm1000")
    with pytest.raises(UnknownNameError, match="qwen_vl"):
        find_boxes("qwen_vl")
    with pytest.raises(UnknownNameError):
        Boxes("shares")  # type: ignore[arg-type]
    with pytest.raises(SurgSigmaError, match="do not depend on a resize"):
        Boxes("unit", SmartResize())
    assert dataclasses.replace(FAMILIES["qwen2_5_vl"], resize=SmartResize(max_pixels=10**6)).space == "pixel"
