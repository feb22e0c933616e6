"""``preview``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .command import Command, positive
from .output import plural, say


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="TREE", help="folder of a built tree, or one tar")
    parser.add_argument("--out", type=Path, metavar="FILE", help="PNG to write (default: <TREE>-preview.png beside it)")
    parser.add_argument("--count", type=positive, default=12, metavar="N", help="samples to show (default: 12)")
    parser.add_argument("--task", metavar="TASK", help="only this task (default: spread over all)")
    parser.add_argument("--seed", type=int, default=0, help="shows other samples (default: 0)")


def _preview(args: argparse.Namespace) -> int:
    from ..preview import preview

    place = args.path.absolute()  # so that "." has a name
    out = args.out or args.path.parent / f"{place.stem if place.is_file() else place.name}-preview.png"
    if args.path.name == "" and args.out is None:
        out = place.with_name(f"{place.name}-preview.png")
    shown = preview(args.path, out, count=args.count, task=args.task, seed=args.seed)
    say(f"{out}: {plural(shown, 'sample')}")
    return 0


COMMANDS = (
    Command(
        name="preview",
        help="draw samples of a tree with their answers into a PNG",
        description="A contact sheet: images with boxes and masks drawn in, questions, answers and safety criteria.",
        examples=(
            ("surgsigma preview surgsigma", "12 samples, spread over the tasks, into surgsigma-preview.png"),
            ("surgsigma preview surgsigma --task instrument_segmentation --count 6 --out masks.png", "one task"),
            (
                "surgsigma preview surgsigma/data/depth_estimation/copesd/depth_estimation-copesd-test-00000.tar",
                "one shard",
            ),
        ),
        arguments=_arguments,
        run=_preview,
    ),
)
