"""The collator: what is learned, by hand, token by token; and errors that name the sample."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import surgsigma_hub
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.collate import VlmCollator
from surgsigma_hub.errors import SurgSigmaError

from handmade import sample, write_part

torch = pytest.importorskip("torch", reason="needs the extra train: pip install 'surgsigma-hub[train]'")
transformers = pytest.importorskip("transformers", reason="needs the extra train: pip install 'surgsigma-hub[train]'")
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
from tiny_vlm import CHAT_TEMPLATE, make_model, make_processor, make_tokenizer  # noqa: E402

pytestmark = pytest.mark.torch

PICTURE = np.full((48, 64, 3), 90, np.uint8)
PLACES = 4  # of a picture of 16 pixels in patches of 8
PLAIN_TEMPLATE = CHAT_TEMPLATE.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", "")


@pytest.fixture(scope="module")
def processor() -> Any:
    # Every character is a token of its own, so that masks can be counted by hand.
    return make_processor(make_tokenizer([], size=0), image_side=16)


def row(*said: str, images: int = 1, id: str = "s1") -> dict[str, Any]:
    roles = ("user", "assistant")
    talk = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return {"id": id, "messages": talk, "images": [PICTURE] * images}


def learned(processor: Any, batch: dict[str, Any], n: int) -> str:
    return str(processor.tokenizer.decode(batch["input_ids"][n][batch["labels"][n] != -100]))


def test_masks_by_hand(processor: Any) -> None:
    batch = VlmCollator(processor)([row("<image>\nWho?", "hook"), row("Two?", "a b c", images=0)])
    # <|im_start|> user \n, the picture, Who?, <|im_end|> \n, <|im_start|> assistant \n
    prompt = 1 + 4 + 1 + PLACES + 4 + 1 + 1 + 1 + 9 + 1
    answer = 4 + 1  # and the end of the turn, but not the line break behind it
    first = batch["labels"][0].tolist()
    assert first[:prompt] == [-100] * prompt
    assert first[prompt : prompt + answer] == batch["input_ids"][0][prompt : prompt + answer].tolist()
    assert first[prompt + answer :] == [-100] * (len(first) - prompt - answer)
    assert learned(processor, batch, 0) == "hook<|im_end|>" and learned(processor, batch, 1) == "a b c<|im_end|>"
    assert batch["attention_mask"].sum(1).tolist() == [prompt + answer + 1, prompt - PLACES + 5 + 1 + 1]
    assert batch["input_ids"][batch["attention_mask"] == 0].unique().tolist() == [processor.tokenizer.pad_token_id]
    assert batch["pixel_values"].shape == (1, 3, 16, 16)
    image_token = processor.tokenizer.convert_tokens_to_ids("<image>")
    assert (batch["input_ids"] == image_token).sum(1).tolist() == [PLACES, 0]


def test_only_answers_of_a_dialogue_are_learned(processor: Any) -> None:
    batch = VlmCollator(processor)([row("<image>\nWho?", "hook", "Sure?", "yes")])
    assert learned(processor, batch, 0) == "hook<|im_end|>yes<|im_end|>"


def test_it_agrees_with_the_marks_of_a_template(processor: Any) -> None:
    talk = get_adapter("trl")(*_stream_sample(), Options(reasoning="inline"))
    batch = VlmCollator(processor)([talk])
    filled = [
        {**m, "content": [{**p, "image": talk["images"][0]} if p["type"] == "image" else p for p in m["content"]]}
        for m in talk["messages"]
    ]
    marked = processor.apply_chat_template(
        [filled], tokenize=True, return_dict=True, return_tensors="pt", return_assistant_tokens_mask=True
    )
    assert torch.equal(batch["input_ids"], marked["input_ids"])
    assert torch.equal(batch["labels"] != -100, torch.as_tensor(marked["assistant_masks"]).bool())


def _stream_sample() -> tuple[dict[str, Any], dict[str, bytes]]:
    import orjson

    made, media = sample(1)
    return orjson.loads(orjson.dumps(made)), media


def test_a_template_without_marks_does_as_well(processor: Any) -> None:
    expected = VlmCollator(processor)([row("<image>\nWho?", "hook")])
    processor = make_processor(processor.tokenizer, image_side=16)
    processor.chat_template = PLAIN_TEMPLATE
    found = VlmCollator(processor)([row("<image>\nWho?", "hook")])
    assert torch.equal(found["labels"], expected["labels"])


def test_a_template_that_opens_the_answer_itself(processor: Any) -> None:
    processor = make_processor(processor.tokenizer, image_side=16)
    processor.chat_template = PLAIN_TEMPLATE.replace("assistant\n' }}", "assistant\n<think>' }}")
    batch = VlmCollator(processor)([row("<image>\nWho?", "<think>A hook.</think>hook")])
    assert learned(processor, batch, 0) == "A hook.</think>hook<|im_end|>"


@pytest.mark.parametrize("opened", ["Stream", "TorchStream"])
def test_items_of_a_stream(processor: Any, tmp_path: Path, opened: str) -> None:
    write_part(tmp_path, [[sample(n) for n in range(3)]])
    stream = surgsigma_hub.stream(tmp_path, decode="rgb", threads=1, shuffle=False)
    items = list(stream if opened == "Stream" else stream.torch())
    batch = VlmCollator(processor, pad_to_multiple_of=8)(items)
    assert [learned(processor, batch, n) for n in range(3)] == ["Preparation.<|im_end|>"] * 3
    assert batch["input_ids"].shape[1] % 8 == 0
    loss = make_model(processor)(**batch).loss
    loss.backward()
    assert loss.item() > 1


def test_nothing_is_cut(processor: Any) -> None:
    rows = [row("<image>\nWho?", "hook", id="short"), row("<image>\nWho?", "hook " * 30, id="the-long-one")]
    length = int(VlmCollator(processor)(rows)["attention_mask"].sum(1).max())
    VlmCollator(processor, max_length=length)(rows)
    with pytest.raises(SurgSigmaError, match=f"sample the-long-one: {length} tokens .* max_length={length - 1}"):
        VlmCollator(processor, max_length=length - 1)(rows)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (lambda: row("<image>\nWho?", "hook", images=2), "1 places for a image in its messages, but 2"),
        (lambda: row("<image><image>Who?", "hook"), "2 places for a image in its messages, but 1"),
        (lambda: row("<image>\nWho?"), "end with an answer"),
        (lambda: row("Who?", "hook", "<image>And here?", "none"), "must stand in the first question"),
        (lambda: {"id": "s1", "text": "hook"}, "neither messages nor prompt"),
    ],
)
def test_errors_name_the_sample(processor: Any, bad: Callable[[], dict[str, Any]], what: str) -> None:
    with pytest.raises(SurgSigmaError, match=f"sample s1: .*{what}"):
        VlmCollator(processor)([bad()])


def test_a_processor_that_cannot_do_it() -> None:
    tokenizer = make_tokenizer([], size=0)
    with pytest.raises(SurgSigmaError, match="no tokenizer or no chat template"):
        VlmCollator(tokenizer)
    tokenizer.pad_token = None
    with pytest.raises(SurgSigmaError, match="padding token"):
        VlmCollator(make_processor(tokenizer, image_side=16))
