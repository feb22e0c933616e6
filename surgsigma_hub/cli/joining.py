"""``join``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..visible import size_text
from .command import Command, pair, positive
from .output import on_terminal, plural, print_json, say


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="whose media to join")
    add("--media", type=Path, required=True, metavar="DIR", help="your own copy of the source, as build would take it")
    add(
        "--annotations",
        required=True,
        metavar="PATH|ORG/NAME[@REV]",
        help="the annotation-only tree: folder or dataset",
    )
    add("--out", type=Path, default=Path("surgsigma"), metavar="DIR", help="the new tree (default: surgsigma)")
    add("--option", type=pair, action="append", default=[], metavar="KEY=VALUE", dest="options",
        help="how your copy differs, such as image_base=1; repeat for more")  # fmt: skip
    add(
        "--workers", type=positive, default=1, metavar="N",
        help="processes; the result does not depend on it (default: 1)",
    )  # fmt: skip


def _run(args: argparse.Namespace) -> int:
    from ..api import join

    report = join(
        args.source, media=args.media, annotations=args.annotations, out=args.out, options=dict(args.options),
        workers=args.workers, progress=on_terminal(),
    )  # fmt: skip
    if args.json:
        print_json(report.as_dict())
        return 0
    say(f"{plural(report.samples, 'sample')} in {plural(report.shards, 'shard')} ({size_text(report.bytes)}).")
    if report.identical == report.shards:
        say("Every shard is that of the full build, byte for byte.")
    else:
        say(f"{report.identical:,} shards are those of the full build, byte for byte. {report.recognised:,} samples "
            "show the same images in other bytes, as copies that were extracted anew do.")  # fmt: skip
    say(f"Tree: {args.out}   Time: {report.seconds:.1f} s")
    return 0


COMMANDS = (
    Command(
        name="join",
        help="complete an annotation-only tree from your own copy",
        description="Sources whose images may not be passed on are published without them. With your own copy you "
        "get the very shards of a full build. Images are recognised by video, frame, size, sha256 and perceptual "
        "hash; a copy that is shifted or was extracted at another rate is refused, with what would fit. Needs the "
        "extra [join].",
        examples=(
            ("surgsigma join cholect50 --media data/CholecT50 --annotations ORG/surgsigma", "into ./surgsigma"),
            (
                "surgsigma join cholect50 --media mine --annotations stripped --option image_base=1 --out full",
                "from disk",
            ),
        ),
        arguments=_arguments,
        run=_run,
        json=True,
    ),
)
