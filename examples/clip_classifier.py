"""A plain PyTorch classifier of clips: which actions does a clip show? Multi-label, resumable, on a CPU in minutes.

    surgsigma demo --videos 24                                                 # a tree in ./surgsigma
    python examples/clip_classifier.py --tree surgsigma --out run
    python examples/clip_classifier.py --tree surgsigma --out run --resume     # after a kill: the same run goes on
    python examples/clip_classifier.py --tree surgsigma --out control --shuffle-labels

It trains on the split ``train`` and measures on ``val``, which hold different operations. The measure is the mean
average precision over the labels that occur in ``val``; a guess scores their base rate, the share of clips that show
them. ``--shuffle-labels`` hands the labels of a batch round among its clips: a net that still beats the base rate then
would have learned something else than what the clips show.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import surgsigma_hub
import torch
from surgsigma_hub.ontology import concepts
from surgsigma_hub.streaming import Frames, Rgb, Stream, StreamSample
from surgsigma_hub.tasks import get_task
from torch import Tensor, nn
from torch.nn import functional


def open_clips(args: argparse.Namespace, split: str) -> Stream:
    """The clips of one split: a few frames of each, spread over its length, made small while they are decoded."""
    return surgsigma_hub.stream(
        args.tree,
        args.task,
        split=split,
        where={"media": "video.mp4"},  # the task also has single pictures; the catalog tells them apart
        decode=Rgb(short_side=args.side, kernel="torch"),
        frames=Frames(count=args.frames),
        shuffle=split == "train",
        seed=args.seed,
        threads=args.threads,
    )


def to_tensors(items: list[StreamSample], classes: dict[str, int], side: int) -> tuple[Tensor, Tensor]:
    """Clips ``[N, T, 3, side, side]`` in -1..1, and their labels as rows of 0 and 1."""
    clips, truth = [], torch.zeros(len(items), len(classes))
    for row, item in enumerate(items):
        frames = torch.from_numpy(item.media["video.mp4"])  # [T, H, W, 3], its shorter side is `side`
        top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
        clips.append(frames[:, top : top + side, left : left + side].permute(0, 3, 1, 2))
        for label in item.sample["answer"]["labels"]:
            truth[row, classes[label]] = 1
    return torch.stack(clips).float() / 127.5 - 1, truth


class Net(nn.Module):
    """Convolutions over each frame, one over time; what is strongest anywhere in the clip decides."""

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(3, width, 5, 2, 2), nn.GroupNorm(8, width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 2, 1), nn.GroupNorm(8, width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1), nn.GroupNorm(8, 2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, 1, 1), nn.GroupNorm(8, 2 * width), nn.ReLU(), nn.AdaptiveMaxPool2d(1),
        )  # fmt: skip
        self.time = nn.Conv1d(2 * width, 2 * width, 3, 1, 1)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Scores ``[N, classes]`` of clips ``[N, T, 3, H, W]``."""
        frames = self.frame(clips.flatten(0, 1)).view(*clips.shape[:2], -1)
        return self.head(functional.relu(self.time(frames.transpose(1, 2))).amax(2))


def average_precision(scores: Tensor, truth: Tensor) -> float:
    """Precision at each true clip, going down from the highest score, on average.

    >>> average_precision(torch.tensor([0.9, 0.8, 0.1]), torch.tensor([1.0, 0.0, 1.0]))  # (1/1 + 2/3) / 2
    0.8333333134651184
    """
    hits = truth[scores.argsort(descending=True, stable=True)]
    precision = hits.cumsum(0) / torch.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())


@torch.no_grad()
def measure(net: nn.Module, stream: Stream, classes: dict[str, int], args: argparse.Namespace) -> dict[str, float]:
    """Mean average precision on a split, and the base rate of the same labels."""
    net.eval()
    pairs = [to_tensors(items, classes, args.side) for items in stream.batches(args.batch)]
    scores, truth = torch.cat([net(clips) for clips, _ in pairs]), torch.cat([t for _, t in pairs])
    net.train()
    seen = truth.any(0).nonzero().flatten()
    precisions = [average_precision(scores[:, c], truth[:, c]) for c in seen]
    return {"map": sum(precisions) / len(precisions), "base": float(truth[:, seen].mean())}


def save(path: Path, **state: Any) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one, never half of one."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def train(args: argparse.Namespace) -> None:
    """Train, save, measure after each epoch; every step is a line of ``log.jsonl``."""
    kind = get_task(args.task).label_kinds[0]
    classes = {id: n for n, id in enumerate(concepts(kind))}  # the whole vocabulary: one head for every tree
    stream, held_out = open_clips(args, "train"), open_clips(args, "val")
    torch.manual_seed(args.seed)
    net = Net(len(classes))
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr)
    step = 0
    checkpoint = args.out / "checkpoint.pt"
    if args.resume:
        saved = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        stream.load_state_dict(saved["stream"])  # refused where the data, the seed or the filter is another
        step = saved["step"]
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "log.jsonl").open("a" if args.resume else "w", buffering=1) as log:
        while (epoch := stream.epoch) < args.epochs:
            losses = []
            for items in stream.batches(args.batch):
                clips, truth = to_tensors(items, classes, args.side)
                # What is drawn depends on the step alone, so that a resumed run draws what the first would have drawn.
                chance = torch.Generator().manual_seed(args.seed * 1_000_003 + step)
                if args.shuffle_labels:
                    truth = truth[torch.randperm(len(truth), generator=chance)]
                if torch.rand((), generator=chance) < 0.5:
                    clips = clips.flip(-1)
                loss = functional.binary_cross_entropy_with_logits(net(clips), truth)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                losses.append(loss.item())
                print(json.dumps({"step": step, "loss": losses[-1], "keys": [i.key for i in items]}), file=log)
                if step % args.save_every == 0:
                    where = stream.state_dict()  # after this batch, whatever is being decoded meanwhile
                    save(checkpoint, net=net.state_dict(), optimizer=optimizer.state_dict(), stream=where, step=step)
            found = measure(net, held_out, classes, args)
            print(json.dumps({"epoch": epoch, **found}), file=log)
            print(
                f"epoch {epoch}: loss {sum(losses) / max(1, len(losses)):.4f}, mean average precision on val "
                f"{found['map']:.3f}, base rate {found['base']:.3f}"
            )


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--tree", default="surgsigma", help="a built tree, ORG/NAME on the Hub, or a URL")
    add("--task", default="action_recognition", help="a task with clips whose answer is a label or a set of them")
    add("--out", type=Path, default=Path("clip_classifier"), help="folder for checkpoint.pt and log.jsonl")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--shuffle-labels", action="store_true", help="the control: labels of other clips of the batch")
    add("--epochs", type=int, default=8, help="how often every clip is seen")
    add("--batch", type=int, default=16, help="clips of a step")
    add("--frames", type=int, default=4, help="frames of a clip, spread over its length")
    add("--side", type=int, default=64, help="width and height of a frame, cut out of its middle")
    add("--lr", type=float, default=2e-3, help="step size")
    add("--seed", type=int, default=0, help="of the order of clips, the net and all else that is drawn")
    add("--save-every", type=int, default=20, help="steps between two checkpoints")
    add("--threads", type=int, help="that decode; changes nothing but the time")
    return parser.parse_args(argv)


if __name__ == "__main__":
    train(arguments())
