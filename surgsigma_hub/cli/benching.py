"""``bench``."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command import Command, above_0, positive
from .output import on_terminal, print_json, say, say_over, table, wrapped

if TYPE_CHECKING:
    from ..bench.advice import Measured
    from ..bench.measure import Report

_NEAR_SECONDS, _FAR_SECONDS = 2.0, 8.0
"""Of a round; over a network the first blocks take long, and those fetched ahead are lost at its end."""


def _numbers(text: str) -> tuple[int, ...]:
    """Whole numbers from 0 on, joined by commas.

    >>> _numbers("1,2,4")
    (1, 2, 4)
    """
    try:
        values = tuple(dict.fromkeys(int(part) for part in text.split(",")))
        if min(values) >= 0:
            return values
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers, such as 1,2,4")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tree", metavar="TREE", help="a folder, ORG/NAME[@REVISION] on the Hub, or a URL")
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="task, source or <task>-<source> (default: all)")
    parser.add_argument("--split", default="train", help="split to read (default: train)")
    parser.add_argument("--decode", choices=("rgb", "bytes"), default="rgb", help="what media become (default: rgb)")
    parser.add_argument("--short-side", type=positive, metavar="PX", help="resize images to this short side")
    parser.add_argument(
        "--kernel", choices=("auto", "torch", "pillow"), default="auto", help="what resizes (default: auto)"
    )
    parser.add_argument("--frames", type=positive, metavar="N", help="decode videos to N frames each (default: bytes)")
    parser.add_argument("--threads", type=_numbers, metavar="N,...", help="threads to try (default: up to the cores)")
    parser.add_argument(
        "--workers", type=_numbers, default=(), metavar="N,...", help="also try a DataLoader with N workers"
    )
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep blocks of a remote tree here")
    parser.add_argument("--connections", type=positive, metavar="N", help="requests at a time for a remote tree")
    parser.add_argument("--seconds", type=above_0, help="length of a round (default: 2, remote 8)")
    parser.add_argument("--samples", type=positive, metavar="N", help="most samples of a round")
    parser.add_argument("--rounds", type=positive, default=3, help="rounds that count, after a first (default: 3)")
    parser.add_argument("--step", type=above_0, default=0.0, metavar="SECONDS", help="simulated compute time per batch")
    parser.add_argument("--batch", type=positive, default=32, metavar="N", help="batch size for --step (default: 32)")


def _bench(args: argparse.Namespace) -> int:
    from ..bench.measure import Plan, Setting, measure
    from ..errors import MissingExtraError
    from ..streaming import Frames, RemoteOptions, Rgb

    local = Path(args.tree).expanduser().is_dir()
    decode: Any = args.decode
    if args.decode == "rgb":
        decode = Rgb(short_side=args.short_side, kernel=args.kernel)
    workers = [n for n in args.workers if n]
    if workers and importlib.util.find_spec("torch") is None:
        raise MissingExtraError("torch", "torch", purpose="--workers")
    remote = {"cache": args.cache, "connections": args.connections}
    plan = Plan(
        opening={
            "tree": args.tree,
            "config": args.config,
            "split": args.split,
            "decode": decode,
            "frames": Frames(count=args.frames) if args.frames else None,
            "remote": RemoteOptions(**{name: value for name, value in remote.items() if value is not None}),
        },
        seconds=args.seconds or (_NEAR_SECONDS if local else _FAR_SECONDS),
        samples=args.samples,
        rounds=args.rounds,
        step=args.step,
        batch=args.batch,
    )
    threads = args.threads or _threads(decodes=args.decode == "rgb" or bool(args.frames), local=local)
    settings = [Setting(n) for n in threads] + [Setting(0, n) for n in workers]
    report = measure(plan, settings, cache=args.cache is not None, progress=_progress)
    _progress("")
    if args.json:
        print_json(_as_dict(report))
    else:
        _print(report)
    return 0


def _threads(*, decodes: bool, local: bool) -> tuple[int, ...]:
    """Powers of two up to the cores; where there is nothing to decode, the loop's own thread."""
    from ..streaming.open import cores

    if not decodes and local:
        return (0,)
    return tuple(n for n in (1, 2, 4, 8) if n == 1 or n <= cores())


def _progress(text: str) -> None:
    if on_terminal():
        say_over(text)


def _print(report: Report) -> None:
    from ..bench.advice import PARTS

    megabytes = report.sample_bytes / 1e6
    say(f"{report.samples:,} samples of {megabytes * 1000:.1f} kB, {report.here.cores} cores\n")
    say(
        table(
            ("setting", "samples/s", "from", "to", "MB/s", "first sample", "memory", "cores busy", "loop waits"),
            [_speed(m, megabytes) for m in report.measured],
        )
    )
    timed = [m for m in report.measured if m.shares is not None]
    say("\nTime of the threads:\n")
    say(table(("setting", *PARTS), [(m.name, *(f"{(m.shares or {})[part]:.0%}" for part in PARTS)) for m in timed]))
    verdict = report.verdict
    say(f"\nBound by: {verdict.bound} ({verdict.share:.0%} of the time with {verdict.best.name})")
    for advice in verdict.advice:
        say(wrapped(f"- {advice.text}", "  "))


def _speed(m: Measured, megabytes: float) -> tuple[object, ...]:
    return (
        m.name,
        round(m.rate),
        round(min(m.rates)),
        round(max(m.rates)),
        round(m.rate * megabytes),
        f"{m.first_sample:.2f} s",
        None if m.memory is None else f"{m.memory / 2**20:.0f} MB",
        None if m.cores is None else f"{m.cores:.1f}",
        f"{m.loop_waits:.0%}",
    )


def _as_dict(report: Report) -> dict[str, Any]:
    verdict = report.verdict
    return {
        "samples": report.samples,
        "sample_bytes": round(report.sample_bytes),
        "here": dataclasses.asdict(report.here),
        "settings": [
            {**dataclasses.asdict(m), "name": m.name, "rate": m.rate, "bytes_per_second": m.rate * report.sample_bytes}
            for m in report.measured
        ],
        "best": verdict.best.name,
        "bound": verdict.bound,
        "share": verdict.share,
        "advice": [dataclasses.asdict(advice) for advice in verdict.advice],
    }


COMMANDS = (
    Command(
        name="bench",
        help="measure streaming throughput and report the bottleneck",
        description="Stream a tree with several numbers of threads, in turns, and show samples a second, what the "
        "threads spend their time on, and what to change. Each setting runs in a process of its own. The time of the "
        "first sample counts from opening the stream, after the imports.",
        examples=(
            ("surgsigma bench surgsigma", "images at full size, threads up to the cores"),
            ("surgsigma bench surgsigma --short-side 336 --threads 1,2,4 --workers 2", "resized, and a DataLoader"),
            ("surgsigma bench surgsigma action_recognition --frames 8", "videos, 8 frames of each"),
            ("surgsigma bench ORG/NAME phase_recognition --cache /tmp/blocks --json", "from the Hub, for a program"),
            ("surgsigma bench surgsigma --step 0.25 --batch 64", "does it keep up with 0.25 s a batch?"),
        ),
        arguments=_arguments,
        run=_bench,
        json=True,
    ),
)
