"""``repack``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..visible import size_text
from .command import Command, positive
from .output import on_terminal, print_json, say


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, metavar="TREE", help="folder of a built tree; it is only read")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--layout", choices=("tasks", "frames"), help="how the new tree is laid out")
    how.add_argument(
        "--annotations-only", nargs="*", metavar="SOURCE",
        help="leave the media of these sources out (default: of all); needs the extra [join]",
    )  # fmt: skip
    add("--out", type=Path, required=True, metavar="NEW", help="the new tree, made whole or not at all")
    add(
        "--workers", type=positive, default=1, metavar="N",
        help="processes; the result does not depend on it (default: 1)",
    )  # fmt: skip


def _run(args: argparse.Namespace) -> int:
    from ..api import repack, strip

    if args.annotations_only is not None:
        stripped = strip(
            args.tree, out=args.out, sources=args.annotations_only, workers=args.workers, progress=on_terminal()
        )
        if args.json:
            print_json(stripped.as_dict())
        else:
            before, after = map(size_text, stripped.bytes)
            say(
                f"{stripped.samples:,} samples of {', '.join(stripped.sources)} without media: {before} became {after}."
            )
            say(f"Tree: {args.out}; complete it from a copy with: surgsigma join")
        return 0
    report = repack(args.tree, out=args.out, layout=args.layout, workers=args.workers, progress=on_terminal())
    if args.json:
        print_json(report.as_dict())
        return 0
    (media, now), (size, smaller) = report.media, report.bytes
    say(f"{report.conversations:,} conversations: {media:,} stored media became {now:,}, {size_text(size)} became "
        f"{size_text(smaller)}.")  # fmt: skip
    if report.kept:
        say(f"As they were: {len(report.kept)} parts, which answer with a medium or had this layout.")
    say(f"Tree: {args.out}   Time: {report.seconds:.1f} s")
    return 0


COMMANDS = (
    Command(
        name="repack",
        help="write a tree in another layout, or without its media",
        description="Lay a built tree out by medium, each image or clip once with all that is asked about it, or by "
        "task again. Ids, wordings, answers and traces stay what they are. Tasks whose answer is a medium (masks, "
        "depth, images, clips) are laid out by task either way. Or leave media out, for sources whose images may "
        "not be passed on: whoever has a copy completes the tree with join.",
        examples=(
            ("surgsigma repack surgsigma --layout frames --out frames/surgsigma", "about a fifth of the bytes"),
            ("surgsigma repack frames/surgsigma --layout tasks --out again/surgsigma", "the tree of before"),
            ("surgsigma repack mine --annotations-only cholect50 --out public", "no image of CholecT50 in it"),
        ),
        arguments=_arguments,
        run=_run,
        json=True,
    ),
)
