"""``depth``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..visible import size_text
from .command import Command, pair, positive
from .output import on_terminal, plural, print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..depth.run import DepthReport

_DEFAULT = "depth-anything/Depth-Anything-V2-Small-hf"  # as depth.model, which the help of other commands can spare


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="name of the source, see: surgsigma sources")
    add("--root", type=Path, metavar="DIR", help="your copy of the source's own files")
    add("--out", type=Path, default=Path("depth"), metavar="DIR", help="folder of the maps (default: depth)")
    add(
        "--model", default=_DEFAULT, metavar="PATH_OR_HUB_ID",
        help=f"a Depth Anything model: hub id or folder (default: {_DEFAULT}, licence Apache-2.0; the Base and Large "
        "models of that family are CC BY-NC 4.0, not for commercial use)",
    )  # fmt: skip
    add("--revision", metavar="REV", help="branch, tag or commit of the hub repository (default: the newest)")
    add("--batch", type=positive, default=8, metavar="N", help="batch size (default: 8)")
    add(
        "--device", choices=("cpu", "cuda", "auto"), default="auto",
        help="where the model runs (default: auto, a GPU where there is one)",
    )  # fmt: skip
    add("--split", action="append", metavar="SPLIT", help="only this split; repeat for more (default: all)")
    add("--option", action="append", type=pair, metavar="KEY=VALUE", help="option of the source; repeat for more")


def _depth(args: argparse.Namespace) -> int:
    from ..depth.model import DepthModel
    from ..depth.run import run_depth

    report = run_depth(
        args.source,
        root=args.root,
        out=args.out,
        open_model=lambda: DepthModel(args.model, revision=args.revision, device=args.device),
        options=dict(args.option or ()),
        splits=tuple(args.split or ()),
        batch=args.batch,
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
    else:
        _print_report(report, args.out)
    return 0 if report.ok else 1


def _print_report(report: DepthReport, out: Path) -> None:
    say(f"{plural(report.made, 'depth map')} made of {plural(report.videos, 'video')} of {report.source}, "
          f"{report.present:,} were there already.")  # fmt: skip
    say(f"Model: {report.model}   Folder: {out}   Size: {size_text(report.bytes)}   Time: {report.seconds:.1f} s")
    if not report.left_out:
        say("Left out: nothing")
    else:
        say("\nLeft out, by reason:")
        counts = sorted(report.left_out.items(), key=lambda item: (-item[1], item[0]))
        say(table(("reason", "count"), counts))
        for reason, _ in counts:
            for example in report.examples.get(reason, ())[:1]:
                say(wrapped(f"{reason}, for example: {example['where']}: {example['detail']}"))
    if not report.ok:
        say("\nFAILED: no image has a depth map.")


COMMANDS = (
    Command(
        name="depth",
        help="estimate the depth of every image of a source",
        description="Run a depth-estimation model over every image of a source and keep a 16-bit map of each in a "
        "folder that a build can use. The maps are relative depth, larger is farther: they have no unit, and maps of "
        "two images cannot be compared. A run that was stopped goes on where it was when run again. Needs "
        "pip install 'surgsigma-hub[depth]', and the network for a model that is not a folder.",
        examples=(
            ("surgsigma depth synthetic --out depth/synthetic", "try it; downloads the default model once"),
            (
                "surgsigma depth cholect50 --root data/CholecT50 --out depth/cholect50 --device cuda --batch 32",
                "a whole source on a GPU",
            ),
            (
                "surgsigma depth cholect50 --root data/CholecT50 --out depth/cholect50 --model models/mine",
                "a model of your own, from a folder",
            ),
        ),
        arguments=_arguments,
        run=_depth,
        json=True,
    ),
)
