"""``warrants``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .command import Command, pair
from .output import on_terminal, plural, print_json, say, table


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="name of the source, see: surgsigma sources")
    add("--root", type=Path, metavar="DIR", help="your copy of the source's own files")
    add(
        "--out", type=Path, default=Path("warrants.csv"), metavar="FILE",
        help="file to write; rows of other sources in it stay (default: warrants.csv)",
    )  # fmt: skip
    add("--split", action="append", metavar="SPLIT", help="split to count on; repeat for more (default: train)")
    add("--option", action="append", type=pair, metavar="KEY=VALUE", help="option of the source; repeat for more")


def _warrants(args: argparse.Namespace) -> int:
    from ..building.warrants import count_warrants, evidence_needed

    report = count_warrants(
        args.source,
        root=args.root,
        out=args.out,
        options=dict(args.option or ()),
        splits=tuple(args.split or ()),
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
        return 0
    say(
        f"Counted on {plural(report.videos, 'video')} of {report.source} ({', '.join(report.splits)}), "
        f"{plural(report.moments, 'labelled second')}, in {report.seconds:.1f} s."
    )
    rows = [(kind, n, report.typical.get(kind, 0)) for kind, n in report.citable.items()]
    say(table(("speaks for", "signs to cite", "typical of one"), rows))
    say(f"Not to be cited: {plural(report.too_few, 'sign')} with less evidence than {evidence_needed()}.")
    for reason, n in report.left_out.items():
        say(f"Left out: {n:,} ({reason})")
    say(f"\nFile: {args.out}   Use it with: surgsigma build {report.source} --warrants {args.out}")
    return 0


COMMANDS = (
    Command(
        name="warrants",
        help="count which signs speak for which phases, for reasoning traces",
        description="Count on the training videos of a source how often each instrument, action and target goes "
        "with each phase and step, which actions instruments perform on which targets, and which action follows which. "
        "Traces of a build with this file cite what is typical, and what fits several phases; rare signs are "
        "counted, but not cited. Reads labels only.",
        examples=(
            ("surgsigma warrants synthetic --option videos=60 --out warrants.csv", "needs no data"),
            (
                "surgsigma warrants cholect50 --root data/CholecT50 --out warrants.csv",
                "its training videos; then: surgsigma build cholect50 ... --warrants warrants.csv",
            ),
        ),
        arguments=_arguments,
        run=_warrants,
        json=True,
    ),
)
