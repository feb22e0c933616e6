"""``preview`` and ``browse``."""

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


def _browse_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", nargs="?", default="surgsigma", metavar="TREE|ORG/NAME[@REV]",
        help="folder of a built tree, dataset on the Hub, or URL (default: surgsigma)")  # fmt: skip
    add("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    add("--port", type=positive, metavar="N", help="port (default: a free one from 7860 on)")
    add("--open", action="store_true", help="open the page in a browser")


def _browse(args: argparse.Namespace) -> int:
    from ..browse.app import launch

    launch(args.tree, host=args.host, port=args.port, inbrowser=args.open)
    return 0


COMMANDS = (
    Command(
        name="preview",
        help="draw samples of a tree with their answers into a PNG",
        description="A contact sheet: images with boxes and masks drawn in, questions, answers and safety criteria.",
        examples=(
            ("surgsigma preview surgsigma", "12 samples, spread over the tasks, into surgsigma-preview.png"),
            ("surgsigma preview surgsigma --task instrument_segmentation --count 6 --out masks.png", "one task"),
            ("surgsigma preview surgsigma/data/phase_recognition/synthetic/train-00000.tar", "one shard"),
        ),
        arguments=_arguments,
        run=_preview,
    ),
    Command(
        name="browse",
        help="look at the samples of a tree in a browser",
        description="A page on this machine: filter samples by task, source, specialty, label and split; see media "
        "with boxes and masks, conversations, and reasoning with the claims that the checker doubts; step with the "
        "arrow keys; link to a sample. Trees on the Hub are read by ranges. Needs the extra [browse].",
        examples=(
            ("surgsigma browse", "look at ./surgsigma"),
            ("surgsigma browse ORG/surgsigma@v1.0 --port 8000 --open", "a dataset on the Hub"),
        ),
        arguments=_browse_arguments,
        run=_browse,
    ),
)
