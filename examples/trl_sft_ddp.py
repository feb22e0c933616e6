"""SFT in several processes that may be killed, and goes on exactly, on any number of processes.

    surgsigma demo
    torchrun --nproc-per-node 2 examples/trl_sft_ddp.py --tree surgsigma --steps 40 --out run
    (kill it, then on one process:)
    python examples/trl_sft_ddp.py --tree surgsigma --steps 40 --out run

``run/samples.jsonl`` has a line for each step: the keys of its samples, in the order of the stream. It is the same file
whether the run was killed or not, and whatever the number of processes was.

Four things make it so:

- Each rank reads its own share, and nobody shares out again. ``Trainer`` hands its loader to accelerate, which in
  several processes either shards a ``datasets.IterableDataset`` or lets every rank read everything and keeps every n-th
  batch (``IterableDatasetShard``; with ``dispatch_batches`` rank 0 reads for all). On a stream that knows its rank that
  would drop all but 1/n of the samples without a word. So ``get_train_dataloader`` gives a plain ``DataLoader``.
- The state of the stream is saved with each checkpoint, and ``ignore_data_skip=True``: otherwise ``Trainer`` would skip
  from the state on as many batches as it has done already (and would decode them all to do so).
- A step has the same number of samples on any number of processes: ``--batch`` is divided by it. ``uneven="drop"`` and
  whole batches only, so that every rank makes equally many steps; the rest of an epoch, less than one step, is left
  out.
- The weights are read by ``from_pretrained(checkpoint)``. ``Trainer`` of transformers 5 reads them without the renaming
  that ``from_pretrained`` does, so that for LLaVA, Qwen-VL and others it loads nothing, warns of missing and unexpected
  keys (it still does, you may ignore it here) and would go on from random weights, with the optimizer of the trained
  ones. It takes optimizer, schedule and random numbers from the checkpoint as it should.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from datasets import IterableDataset
from surgsigma_hub.adapters.collate import VlmCollator
from surgsigma_hub.streaming import Stream, StreamSample
from tiny_vlm import tiny_vlm
from torch.utils.data import DataLoader
from transformers import AutoModelForImageTextToText, AutoProcessor, TrainerCallback
from trl import SFTConfig, SFTTrainer
from trl_sft import rows
from typed_eval import open_stream

STATE = "stream.json"


class Batches(torch.utils.data.IterableDataset):
    """Batches of a stream without end, each with the state of the stream behind it."""

    def __init__(self, stream: Stream, size: int) -> None:
        self.stream, self.size = stream, size

    def __iter__(self) -> Iterator[tuple[list[StreamSample], dict[str, Any]]]:
        while True:
            for items in self.stream.batches(self.size, drop_last=True):
                yield items, self.stream.state_dict()


class StreamTrainer(SFTTrainer):
    """Reads the stream as it is, and knows after each step where it stands, however far the loader has read ahead."""

    def __init__(self, *, stream: Stream, log: Path, **more: Any) -> None:
        super().__init__(**more)
        self.stream, self.sample_log, self.stream_state = stream, log, stream.state_dict()
        self.add_callback(SaveStream(self))

    def get_train_dataloader(self) -> DataLoader:
        """A loader that accelerate does not see."""

        def collate(batch: tuple[list[StreamSample], dict[str, Any]]) -> dict[str, Any]:
            items, state = batch
            places = [(item.position, item.key) for item in items]
            return {**self.data_collator(items), "places": places, "state": state}

        return DataLoader(Batches(self.stream, self.args.train_batch_size), batch_size=None, collate_fn=collate)

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **more: Any) -> Any:
        """One step; what the model is not to see is taken out of the batch."""
        self.stream_state = inputs.pop("state")
        places = sorted(gather_object(inputs.pop("places")))  # of all ranks, in the order of the stream
        if self.is_world_process_zero():
            with self.sample_log.open("a") as file:
                file.write(json.dumps({"step": self.state.global_step, "keys": [key for _, key in places]}) + "\n")
        return super().training_step(model, inputs, *args, **more)


class SaveStream(TrainerCallback):
    """Puts the state of the stream into each checkpoint, last and at once: a checkpoint that has it is whole."""

    def __init__(self, trainer: StreamTrainer) -> None:
        self.trainer = trainer

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """All ranks stand at the same place, so rank 0 speaks for all."""
        self.trainer.accelerator.wait_for_everyone()
        if state.is_world_process_zero:
            path = Path(args.output_dir, f"checkpoint-{state.global_step}", STATE)
            path.with_suffix(".part").write_text(json.dumps(self.trainer.stream_state))
            path.with_suffix(".part").replace(path)


def last_checkpoint(out: Path) -> Path | None:
    """The newest checkpoint that is whole; one that was being written when the run was killed has no state yet."""
    whole = [path.parent for path in out.glob(f"checkpoint-*/{STATE}")]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def cut_log(log: Path, steps: int) -> None:
    """Forget samples of steps that came after the checkpoint: they are done again."""
    if log.exists():
        lines = log.read_text().splitlines(keepends=True)
        log.write_text("".join(line for line in lines if line.endswith("\n") and json.loads(line)["step"] < steps))


def main() -> None:
    """Train, or go on where the last whole checkpoint was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default="surgsigma", help="a built tree, ORG/NAME or a URL (default: surgsigma)")
    parser.add_argument("--config", default="phase_recognition", help="what to learn (default: phase_recognition)")
    parser.add_argument("--steps", type=int, default=40, help="steps of the whole run (default: 40)")
    parser.add_argument(
        "--batch", type=int, default=8, help="samples of a step, of all processes together (default: 8)"
    )
    parser.add_argument("--save-every", type=int, default=10, help="steps between checkpoints (default: 10)")
    parser.add_argument("--out", type=Path, default=Path("run"), help="checkpoints and samples.jsonl (default: run)")
    args = parser.parse_args()

    world = int(os.environ.get("WORLD_SIZE", 1))
    if args.batch % world:
        parser.error(f"--batch {args.batch} cannot be divided by {world} processes")
    args.out.mkdir(parents=True, exist_ok=True)
    log = args.out / "samples.jsonl"

    # The stream reads RANK and WORLD_SIZE, which torchrun sets.
    stream = open_stream(args.tree, args.config, "train", uneven="drop")
    checkpoint = last_checkpoint(args.out)
    steps_done = 0
    if checkpoint is not None:
        stream.load_state_dict(json.loads((checkpoint / STATE).read_text()))
        steps_done = int(checkpoint.name.split("-")[1])
    if int(os.environ.get("RANK", 0)) == 0:
        cut_log(log, steps_done)
        print(f"{world} process(es), from step {steps_done}, {stream.state_dict()}", flush=True)

    if checkpoint is None:
        model, processor = tiny_vlm(args.tree, args.config)
    else:
        model = AutoModelForImageTextToText.from_pretrained(checkpoint)
        processor = AutoProcessor.from_pretrained(checkpoint)
    trainer = StreamTrainer(
        stream=stream,
        log=log,
        model=model,
        processing_class=processor,
        data_collator=VlmCollator(processor, max_length=512),
        # SFTTrainer looks at the first row of this to see that there are pictures; no more is read of it.
        train_dataset=IterableDataset.from_generator(
            rows, gen_kwargs={"data": open_stream(args.tree, args.config, "train", shuffle=False).torch()}
        ),
        args=SFTConfig(
            output_dir=str(args.out),
            max_steps=args.steps,
            per_device_train_batch_size=args.batch // world,
            save_steps=args.save_every,
            ignore_data_skip=True,
            learning_rate=2e-3,
            logging_steps=args.save_every,
            max_length=None,
            remove_unused_columns=False,
            report_to="none",
            # A tiny model on CPUs; leave these out on GPUs.
            use_cpu=True,
            ddp_backend="gloo" if world > 1 else None,
            bf16=False,
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            disable_tqdm=True,
        ),
    )
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


if __name__ == "__main__":
    main()
