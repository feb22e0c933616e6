"""Answers that TRL learns from in a second: all conversations of an image as turns, against one conversation at a time.

Run: python benchmarks/sft.py [--steps N] [--rounds N] [--image-side PX] (extra ``train``). A tiny model of random
weights that sees images as large models do, in tokens of 14 pixels, trains with the loop of ``examples/trl_sft.py`` on
drawn frames: on the layout by task, and in turns on the layout by medium. Prints answers a second of each round, one
after the other, and the median of their ratio. What it can be is bounded by how much of a row is image.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import surgsigma_hub

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from datasets import IterableDataset
from surgsigma_hub.adapters.collate import VlmCollator
from tiny_vlm import make_model, make_processor, make_tokenizer, words_of
from trl import SFTConfig, SFTTrainer
from trl_sft import rows
from typed_eval import open_stream

TASKS = ("phase_recognition", "instrument_recognition", "action_recognition", "triplet_recognition", "image_captioning")
PATCH, BATCH, LONGEST = 14, 4, 16384


def answers(data: Any, count: int) -> int:
    """What the first rows of a stream have the model say."""
    return sum(m["role"] == "assistant" for row in islice(rows(data), count) for m in row["messages"])


def rate(trees: dict[str, Path], kind: str, steps: int, side: int) -> float:
    """Answers learned a second in so many steps, after one that is not counted."""
    processor = make_processor(make_tokenizer(words_of(trees["single"])), image_side=side, patch=PATCH)
    talk = {"talk": "turns"} if kind == "turns" else {}

    def stream() -> Any:
        return open_stream(trees[kind], "all", "train", **talk).torch(BATCH)

    def trainer(steps: int) -> SFTTrainer:
        return SFTTrainer(
            model=make_model(processor),
            processing_class=processor,
            data_collator=VlmCollator(processor, max_length=LONGEST),
            train_dataset=IterableDataset.from_generator(rows, gen_kwargs={"data": stream()}),
            args=SFTConfig(
                output_dir=str(trees[kind].parent / "out"), max_steps=steps, per_device_train_batch_size=BATCH,
                max_length=None, remove_unused_columns=False, dataloader_num_workers=0, save_strategy="no",
                report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False,
                dataloader_pin_memory=False, disable_tqdm=True, logging_steps=10_000,
            ),
        )  # fmt: skip

    trainer(1).train()
    measured = trainer(steps)
    begin = time.perf_counter()
    measured.train()
    return answers(stream(), steps * BATCH) / (time.perf_counter() - begin)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12, help=f"of {BATCH} rows each (default: 12)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--image-side", type=int, default=336, help="pixels, a multiple of 14 (default: 336)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="surgsigma-sft-") as place:
        trees = {"single": Path(place) / "tasks", "turns": Path(place) / "frames"}
        for tree in trees.values():
            surgsigma_hub.build(
                "synthetic", out=tree, tasks=TASKS, splits=["train"], layout=tree.name, joint=0, explained=0,
                options={"videos": "4", "frames": "24", "width": "448", "height": "336"},
            )  # fmt: skip
        with surgsigma_hub.stream(trees["turns"], talk="turns", decode="bytes", rank=0, world_size=1) as stream:
            count = sum(1 for _ in stream)
        with surgsigma_hub.stream(trees["single"], decode="bytes", rank=0, world_size=1) as stream:
            print(f"{stream.samples} conversations about {count} images of {args.image_side} pixels")
        ratios = []
        for _ in range(args.rounds):
            single, turns = (rate(trees, kind, args.steps, args.image_side) for kind in ("single", "turns"))
            ratios.append(turns / single)
            print(f"single {single:6.2f}   turns {turns:6.2f} answers/s   turns / single {ratios[-1]:.2f}", flush=True)
        print(f"median of turns / single: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
