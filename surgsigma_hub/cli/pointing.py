"""``init``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .building import python_line
from .command import Command
from .output import say


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("surgsigma"), metavar="FOLDER",
        help="folder to write (default: surgsigma)",
    )  # fmt: skip
    parser.add_argument("--repo", required=True, metavar="ORG/NAME", help="the dataset on the Hub")
    parser.add_argument("--revision", metavar="REV", help="commit, tag or branch to pin (default: the newest commit)")


def _init(args: argparse.Namespace) -> int:
    from ..hub.pointer import init_pointer

    commit = init_pointer(args.repo, args.folder, args.revision)
    say(f"Wrote {args.folder}/README.md, which points at {args.repo} on the Hub, commit {commit}.")
    say(f"Go on in Python:\n  {python_line(args.folder.as_posix(), 'phase_recognition')}")
    return 0


COMMANDS = (
    Command(
        name="init",
        help='make load_dataset("surgsigma", ...) read from the Hub',
        description="Write a folder with a single card whose file patterns point at a dataset on the Hub, pinned "
        'to a commit. From beside that folder, load_dataset("surgsigma", ...) works without any local data.',
        examples=(
            ("surgsigma init --repo ORG/surgsigma", "points ./surgsigma at the newest commit"),
            ("surgsigma init data/surgsigma --repo ORG/surgsigma --revision v1.0", "another folder, pinned to a tag"),
        ),
        arguments=_arguments,
        run=_init,
    ),
)
