"""``new``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .command import Command
from .output import say


def _arguments(parser: argparse.ArgumentParser) -> None:
    from ..scaffold import FORMS

    parser.add_argument("source", metavar="SOURCE", help="name of the source, such as heichole")
    parser.add_argument(
        "--like", required=True, choices=tuple(FORMS), help="; ".join(f"{name}: {what}" for name, what in FORMS.items())
    )
    parser.add_argument(
        "--checkout", type=Path, default=Path(), metavar="DIR", help="checkout of this project (default: this folder)"
    )


def _new(args: argparse.Namespace) -> int:
    from ..scaffold import new_source

    for path in new_source(args.source, args.like, args.checkout):
        say(f"wrote {path.as_posix()}")
    say(
        f"\nFill in what is marked TODO, then:\n"
        f"  python tests/fixture_kit.py {args.source}      # make the fixture\n"
        f"  python tests/golden_records.py {args.source}   # keep its records, once they are right\n"
        "  python tests/test_readme.py   # name it in the tables of the README\n"
        f"  python -m pytest tests/test_contract.py tests/test_damage.py tests/test_fixtures.py -k {args.source}"
    )
    return 0


COMMANDS = (
    Command(
        name="new",
        help="write the files of a new source, to be filled in",
        description="Write a loader, the table of its label names, its card, its terms and the script of its fixture "
        "into a checkout of this project. All of them work on that fixture; what only you can say is marked TODO, and "
        "the contract refuses a source with such a mark.",
        examples=(
            ("surgsigma new heichole --like frame-table", "a table by frame, as in Cholec80"),
            ("surgsigma new endoscapes --like coco --checkout ~/surgsigma-hub", "COCO files; another folder"),
        ),
        arguments=_arguments,
        run=_new,
    ),
)
