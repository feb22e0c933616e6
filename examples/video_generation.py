"""A loader for video generation: caption and first picture in, the clip out, as tensors of one size and rate.

    surgsigma demo --videos 24                                                     # a tree in ./surgsigma
    python examples/video_generation.py --tree surgsigma --rate 1 --sheet sheet.png
    python examples/video_generation.py --tree surgsigma --rate 1 --workers 2      # through a DataLoader

Half of the samples of the task give words only, half a first picture as well, and some clips are shorter than asked
for: what fits together goes into one batch. To show the loader at work, a small net learns to see the clip in noise, as
models of diffusion and flow matching do: on operations that are new to it, it errs less when it is given the first
picture of the sample than when it is given that of another.
"""

from __future__ import annotations

import argparse
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import surgsigma_hub
import torch
from PIL import Image
from surgsigma_hub.streaming import Frames, Rgb, Stream, StreamSample
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

WORDS = 1024  # rows of the table that words are hashed into


@dataclass
class Batch:
    """Samples of one shape; pixels are bytes, so that workers send and keep a quarter of what floats would take."""

    keys: list[str]
    captions: list[str]  # what the clips show
    first: Tensor | None  # first pictures [N, C, H, W]; None where there are words only
    clips: Tensor  # targets [N, T, C, H, W]


def open_stream(args: argparse.Namespace, split: str) -> Stream:
    """Samples of the task, films read at one rate from their first frame on, all with the same short side."""
    return surgsigma_hub.stream(
        args.tree,
        "video_generation",
        split=split,
        shuffle=split == "train",
        seed=args.seed,
        decode=Rgb(short_side=args.side, kernel="torch"),
        frames=Frames(rate=args.rate, most=args.frames),
    )


def stacked(items: list[StreamSample], member: str, side: int) -> Tensor:
    """The middle ``side x side`` of one medium of several items; a stream gives arrays, its DataLoader tensors."""
    made = []
    for item in items:
        pixels = torch.as_tensor(item.media[member]).movedim(-1, -3)  # [H, W, C] or [T, H, W, C], channels first
        top, left = (pixels.shape[-2] - side) // 2, (pixels.shape[-1] - side) // 2
        made.append(pixels[..., top : top + side, left : left + side])
    return torch.stack(made)


def same_shape(items: list[StreamSample], *, size: int, side: int) -> list[Batch]:
    """Batches of at most ``size`` samples that can be stacked; every item is in one of them.

    Nothing is held back for later, so the state of the stream after these items is the whole state of the loader.
    """
    groups: dict[tuple[int, bool], list[StreamSample]] = defaultdict(list)
    for item in items:
        groups[len(item.media["target.mp4"]), "image.jpg" in item.media].append(item)
    return [
        Batch(
            keys=[i.key for i in some],
            captions=[i.sample["answer"]["text"] for i in some],
            first=stacked(some, "image.jpg", side) if pictured else None,
            clips=stacked(some, "target.mp4", side),
        )
        for (_, pictured), group in groups.items()
        for some in (group[at : at + size] for at in range(0, len(group), size))
    ]


def windows(stream: Stream, args: argparse.Namespace) -> Iterator[list[Batch]]:
    """One epoch; each window holds the batches of ``args.window`` samples, decoded by threads or by workers.

    Save the state between windows: ``stream.state_dict()``, or with workers ``data.state_after(samples so far)``.
    """
    collate = partial(same_shape, size=args.batch, side=args.side)
    if args.workers:
        data, epoch = stream.torch(args.window), stream.epoch
        yield from DataLoader(data, batch_size=args.window, num_workers=args.workers, collate_fn=collate)
        stream.set_epoch(epoch + 1)  # the workers have read it, not this process
    else:
        yield from map(collate, stream.batches(args.window))


class Net(nn.Module):
    """The clip, guessed from a noisy one and its time, the first picture if there is one, and the caption."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(WORDS, width)
        self.told = nn.Linear(width + 1, width)
        self.down = nn.Conv3d(3 + 3 + 1, width, (1, 4, 4), (1, 2, 2), (0, 1, 1))
        self.middle = nn.Conv3d(width, width, 3, 1, 1)
        self.out = nn.Conv3d(width + 3 + 3 + 1, 3, (1, 3, 3), 1, (0, 1, 1))

    def forward(self, noisy: Tensor, at: Tensor, first: Tensor | None, captions: list[str]) -> Tensor:
        """``noisy`` is ``[N, T, 3, H, W]``; ``at`` is ``[N]``, 0 for noise and 1 for the clip."""
        n, t, _, height, width = noisy.shape
        picture = torch.zeros(n, 4, height, width)  # the last channel says whether there is one
        if first is not None:
            picture = torch.cat([first, torch.ones(n, 1, height, width)], 1)
        seen = torch.cat([noisy.transpose(1, 2), picture[:, :, None].expand(-1, -1, t, -1, -1)], 1)
        told = self.told(torch.cat([self.words(hashed(captions)), at[:, None]], 1))[:, :, None, None, None]
        x = functional.silu(self.down(seen) + told)
        x = functional.silu(x + self.middle(x))
        x = functional.interpolate(x, scale_factor=(1, 2, 2))
        return self.out(torch.cat([x, seen], 1)).transpose(1, 2)


def hashed(captions: list[str], most: int = 64) -> Tensor:
    """Words as numbers ``[N, most]``, the same in every process; short captions are repeated."""
    rows = [[zlib.crc32(word.encode()) % WORDS for word in caption.lower().split()] or [0] for caption in captions]
    return torch.tensor([(row * most)[:most] for row in rows])


def loss_of(net: Net, batch: Batch, first: Tensor | None, chance: torch.Generator) -> Tensor:
    """How far the net's clip is from the true one, at a random time on the straight way from noise to clip."""
    clips = batch.clips / 127.5 - 1  # on the device that trains
    noise = torch.randn(clips.shape, generator=chance)
    at = torch.rand(len(clips), generator=chance)
    share = at[:, None, None, None, None]
    picture = None if first is None else first / 127.5 - 1
    return functional.mse_loss(net((1 - share) * noise + share * clips, at, picture, batch.captions), clips)


@torch.no_grad()
def measure(net: Net, batches: list[Batch], seed: int) -> tuple[float, float]:
    """Loss of the samples that have a first picture, with it and with that of another sample; the noise is the same."""
    pictured = [(batch, batch.first) for batch in batches if batch.first is not None]
    count = sum(len(own) for _, own in pictured)
    if count < 2:
        raise SystemExit("The split val needs two samples with a first picture; try: surgsigma demo --videos 24")
    others = torch.cat([own for _, own in pictured]).roll(1, 0).split([len(own) for _, own in pictured])
    sums = [0.0, 0.0]
    for (batch, own), other in zip(pictured, others, strict=True):
        for n, first in enumerate((own, other)):
            sums[n] += len(own) * loss_of(net, batch, first, torch.Generator().manual_seed(seed)).item()
    return sums[0] / count, sums[1] / count


def sheet(batches: list[Batch], path: Path, most: int = 4) -> None:
    """Some samples of each batch, one a row: the first picture (black where there are words only), then the clip."""
    longest = max(batch.clips.shape[1] for batch in batches)
    rows = []
    for batch in batches:
        first = torch.zeros_like(batch.clips[:, 0]) if batch.first is None else batch.first
        for key, caption, picture, clip in zip(batch.keys[:most], batch.captions, first, batch.clips, strict=False):
            rows.append(torch.cat([picture[None], clip, clip.new_full((longest - len(clip), *clip.shape[1:]), 255)]))
            print(f"row {len(rows)}: {key}: {caption}")
    whole = torch.stack(rows).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)  # [rows * H, columns * W, C]
    Image.fromarray(whole.numpy()).save(path)


def train(args: argparse.Namespace) -> None:
    """Some epochs, and after each the measure on operations that were not seen."""
    stream = open_stream(args, "train")
    held_out = [batch for window in windows(open_stream(args, "val"), args) for batch in window]
    if args.sheet:
        sheet(held_out, args.sheet)
    torch.manual_seed(args.seed)
    net, chance = Net(), torch.Generator().manual_seed(args.seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        losses = []
        for batch in (batch for window in windows(stream, args) for batch in window):
            loss = loss_of(net, batch, batch.first, chance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        own, other = measure(net, held_out, args.seed)
        print(
            f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}; on val {own:.4f}, with a wrong picture {other:.4f}"
        )


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--tree", default="surgsigma", help="a built tree, ORG/NAME on the Hub, or a URL")
    add("--rate", type=float, default=4.0, help="frames a second of a clip; above the clip's own, frames repeat")
    add("--frames", type=int, default=8, help="most frames of a clip")
    add("--side", type=int, default=48, help="width and height of a frame, cut out of its middle; even")
    add("--batch", type=int, default=8, help="most samples of a step")
    add("--window", type=int, default=64, help="samples that are sorted into batches at a time")
    add("--workers", type=int, default=0, help="processes of a DataLoader; 0: threads of this process")
    add("--epochs", type=int, default=4, help="how often every sample is seen")
    add("--lr", type=float, default=2e-3, help="step size")
    add("--seed", type=int, default=0, help="of the order of samples, the net and the noise")
    add("--sheet", type=Path, help="write a picture of some samples of val here")
    train(parser.parse_args(argv))


if __name__ == "__main__":
    main()
