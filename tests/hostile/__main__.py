"""Feed every reader with generated inputs for so long, or so many, and print what came of them.

Run it in ``tests/``: ``python -m hostile --seconds 60``. A finding is printed with the smallest input that shows it,
and the exit code is 1; make it a row of ``table.csv``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from .fuzz import Target, run, targets
from .guard import EndlessError, Sandbox

BATCH = 20
"""Inputs of one target at a time; next is the target that had the least so far, of time or of inputs."""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hostile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after so long (default: 60)")
    parser.add_argument("--inputs", type=int, help="stop after so many inputs, however long it takes")
    parser.add_argument("--only", default="", help="targets whose name holds this text")
    parser.add_argument("--seed", type=int, default=None, help="begin with these inputs (default: others each time)")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    seed = time.time_ns() % 10**6 if given.seed is None else given.seed
    print(f"seed {seed}")
    chosen = [target for target in targets() if given.only in target.name]
    tallies: dict[str, Counter[str]] = {target.name: Counter() for target in chosen}
    began = time.monotonic()
    findings = 0

    spent = dict.fromkeys(tallies, 0.0)

    def more() -> bool:
        if given.inputs is not None:
            return sum(t.total() for t in tallies.values()) < given.inputs
        return time.monotonic() - began < given.seconds

    with tempfile.TemporaryDirectory() as folder:
        boxes = {target.name: Sandbox(Path(folder) / str(n)).make() for n, target in enumerate(chosen)}
        while chosen and more():
            target = min(chosen, key=lambda t: tallies[t.name].total() if given.inputs is not None else spent[t.name])
            start = time.monotonic()
            if not _fed(target, boxes[target.name], tallies[target.name], seed):
                findings += 1
                chosen.remove(target)  # one finding hides the next
            spent[target.name] += time.monotonic() - start
            seed += 1
    _report(tallies, time.monotonic() - began, findings)
    return 1 if findings else 0


def _fed(target: Target, box: Sandbox, tally: Counter[str], seed: int) -> bool:
    try:
        run(target, box, tally, examples=BATCH, seed=seed)
    except (Exception, EndlessError):  # whatever a reader lets through is a finding
        print(f"\nFINDING in {target.name} (seed {seed}):")
        traceback.print_exc(file=sys.stdout)
        return False
    return True


def _report(tallies: dict[str, Counter[str]], seconds: float, findings: int) -> None:
    width = max(map(len, tallies))
    for name, tally in tallies.items():
        said = ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(tally.items()))
        print(f"{name:<{width}}  {tally.total():>7,}  {said}")
    total = sum(t.total() for t in tallies.values())
    print(f"{total:,} inputs over {len(tallies)} readers in {seconds:.0f} s: {findings} findings "
          "(traceback, loop, file or byte outside, memory)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
