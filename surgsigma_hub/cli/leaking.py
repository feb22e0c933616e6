"""``leaks``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from .command import Command
from .output import plural, print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..hub.leaks import Leak


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, nargs="?", default=Path("surgsigma"), metavar="TREE", help="folder (default: surgsigma)")
    add(
        "--against", action="append", default=[], metavar="BENCHMARK",
        help="what a model trained on the tree will be tested with; repeat for more, or 'all'",
    )  # fmt: skip
    add("--list", action="store_true", help="the benchmarks that are known, and what each tests on")


def _leaks(args: argparse.Namespace) -> int:
    from ..hub.leaks import find_leaks
    from ..shards.manifest import load_tree
    from ..source.benchmarks import all_benchmarks, chosen_benchmarks

    if args.list:
        known = all_benchmarks().values()
        if args.json:
            print_json([{**asdict(one), "surgeries": sorted(one.surgeries)} for one in known])
        else:
            say(table(("benchmark", "surgeries", "what"), [(b.name, len(b.surgeries), b.what) for b in known]))
        return 0
    against = chosen_benchmarks(args.against)
    found = find_leaks(load_tree(args.tree), against)
    if args.json:
        print_json({"leaks": [asdict(leak) for leak in found], "against": [one.name for one in against]})
    else:
        _show(found, against=[one.name for one in against])
    return 1 if found else 0


def _show(found: Sequence[Leak], against: Sequence[str]) -> None:
    benchmarks = f" and {plural(len(against), 'benchmark')}" if against else ""
    compared = f"the other sources and splits of the tree{benchmarks}"
    if not found:
        say(f"OK: nothing that is trained on is tested on, compared with {compared}.")
        return
    for (trained, tested), group in groupby(found, key=lambda leak: (leak.trained, leak.tested)):
        leaks = list(group)
        say(f"{trained}/train and {tested} share {plural(len(leaks), 'video')}:")
        say(wrapped(", ".join(leak.surgery for leak in leaks)))
        say(wrapped(f"tasks: {', '.join(sorted({task for leak in leaks for task in leak.tasks}))}"))
    videos = len({leak.surgery for leak in found})
    say(f"\nLEAKS: {plural(videos, 'video')}, compared with {compared}.")
    say("Leave them out of one side, or build with --split-policy leak-free, which puts what any benchmark tests on")
    say("into no training split.")


COMMANDS = (
    Command(
        name="leaks",
        help="find surgeries that are trained on in one place and tested on in another",
        description="Several sources annotate the same surgeries. Compare, by canonical id, what the training splits "
        "of a tree show with its other splits, and with what published benchmarks test on. Exit code 1 when a surgery "
        "is on both sides.",
        examples=(
            ("surgsigma leaks surgsigma", "within a tree"),
            ("surgsigma leaks surgsigma --against cholec80 --against endovis18_vqa", "and against two benchmarks"),
            ("surgsigma leaks --list", "the benchmarks that are known"),
        ),
        arguments=_arguments,
        run=_leaks,
        json=True,
    ),
)
