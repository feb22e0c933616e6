"""Ask a vision-language model the questions of a split and score its typed answers by rule; shared by the examples.

python examples/trl_sft.py --tree surgsigma --out tiny-vlm
python examples/typed_eval.py --tree surgsigma --model tiny-vlm --config phase_recognition
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import surgsigma_hub
import torch
from surgsigma_hub.adapters import get_adapter
from surgsigma_hub.adapters.rewards import answer_reward, trace_reward
from surgsigma_hub.streaming import Rgb, Stream, StreamSample
from transformers import AutoModelForImageTextToText, AutoProcessor

GRPO = get_adapter("grpo")


def open_stream(tree: Any, config: str, split: str, **more: Any) -> Stream:
    """The samples of a split that have a picture; the picture is made small while it is decoded."""
    return surgsigma_hub.stream(
        tree, config, split=split, where={"media": "image.jpg"}, decode=Rgb(short_side=48), **more
    )


@torch.no_grad()
def ask(
    model: Any, processor: Any, rows: Sequence[dict[str, Any]], *, most_tokens: int = 48, sample: bool = False
) -> list[str]:
    """What the model says to the prompts of these records."""
    inputs = processor.apply_chat_template(
        [_with_images(row) for row in rows],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": True, "padding_side": "left"},
    )
    model.eval()
    made = model.generate(**inputs, max_new_tokens=most_tokens, do_sample=sample)
    return list(processor.batch_decode(made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def typed_score(
    model: Any, processor: Any, items: Iterable[StreamSample], *, most_tokens: int = 48, sample: bool = False
) -> dict[str, float]:
    """Mean rewards, 0 to 1, of one answer to each question: is it right, and is its trace well formed."""
    answers: list[float] = []
    traces: list[float] = []
    for batch in _batches((GRPO.item(item) for item in items), 48):
        said = ask(model, processor, batch, most_tokens=most_tokens, sample=sample)
        columns = {name: [row[name] for row in batch] for name in ("solution", "task", "size", "space")}
        answers += answer_reward(said, **columns)
        traces += trace_reward(said)
    return {"answer": sum(answers) / len(answers), "trace": sum(traces) / len(traces)}


def _with_images(row: dict[str, Any]) -> list[dict[str, Any]]:
    images = iter(row["images"])
    return [
        {**m, "content": [{**p, "image": next(images)} if p["type"] == "image" else p for p in m["content"]]}
        for m in row["prompt"]
    ]


def _batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, size)):
        yield batch


def main() -> None:
    """Score a saved model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default="surgsigma", help="a built tree, ORG/NAME or a URL (default: surgsigma)")
    parser.add_argument("--config", default="phase_recognition", help="what to ask (default: phase_recognition)")
    parser.add_argument("--split", default="val", help="of which split (default: val)")
    parser.add_argument("--model", default="tiny-vlm", help="folder of model and processor (default: tiny-vlm)")
    args = parser.parse_args()
    processor = AutoProcessor.from_pretrained(args.model)
    model = AutoModelForImageTextToText.from_pretrained(args.model)
    found = typed_score(model, processor, open_stream(args.tree, args.config, args.split, shuffle=False))
    print(f"{args.config}, {args.split}: answer {found['answer']:.3f}, trace {found['trace']:.3f}")


if __name__ == "__main__":
    main()
