"""``leaks`` and ``duplicates``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from .command import Command
from .output import on_terminal, plural, print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..hub.duplicates import Report
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


def _duplicates_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, nargs="?", default=Path("surgsigma"), metavar="TREE", help="folder (default: surgsigma)")
    add(
        "--bits", type=int, choices=range(17), default=4, metavar="N",
        help="bits, of 64, in which the hashes of near-duplicates may differ, 0 to 16 (default: 4)",
    )  # fmt: skip


def _duplicates(args: argparse.Namespace) -> int:
    from ..hub.duplicates import find_duplicates

    report = find_duplicates(args.tree, bits=args.bits, progress=on_terminal())
    if args.json:
        print_json(asdict(report))
    else:
        _show_duplicates(report)
    return 1 if report.leaks else 0


def _show_duplicates(report: Report) -> None:
    rows = []
    for one in report.found:
        said = "same surgeries, see: surgsigma leaks" if one.known else "not known to be one surgery"
        rows.append(("/".join(one.one), "/".join(one.other), f"{one.exact:,}", f"{one.near:,}", said))
    if rows:
        say(table(("in", "and in", "equal", "look alike", "by their ids"), rows))
        for one in report.found:
            pairs = "; ".join(f"{a} and {b}" for a, b in one.examples)
            say(wrapped(f"{'/'.join(one.one)} and {'/'.join(one.other)}, for example: {pairs}"))
    if report.blank:
        say(f"Media that show nothing (black, say) and were compared byte for byte alone: {report.blank:,}")
    for sample, why in list(report.unreadable.items())[:5]:
        say(wrapped(f"not compared: {sample}: {why}"))
    if len(report.unreadable) > 5:
        say(f"not compared: {len(report.unreadable) - 5} more")
    looked = f"media looked at: {report.media:,}"
    if report.leaks:
        say(f"\nDUPLICATES of training media in a test or validation split; {looked}. Nothing was removed.")
    else:
        say(f"\nOK: no medium is both trained on and tested on; {looked}.")


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
    Command(
        name="duplicates",
        help="find images and clips that two sources or splits share, equal or nearly so",
        description="Looks at the media themselves, by content and by perceptual hash, so that a video that was "
        "published twice under two names is found too. Reads every shard once. Nothing is removed. Exit code 1 when a "
        "medium of a training split is in a test or validation split.",
        examples=(
            ("surgsigma duplicates surgsigma", "media in two sources or splits"),
            ("surgsigma duplicates surgsigma --bits 8", "also images that were cropped a little"),
        ),
        arguments=_duplicates_arguments,
        run=_duplicates,
        json=True,
    ),
)
