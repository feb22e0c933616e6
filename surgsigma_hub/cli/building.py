"""``demo`` and ``build``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..building.units import ENGINES
from ..visible import size_text
from .command import Command, pair, positive, share, size
from .output import on_terminal, plural, print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..building.report import BuildReport
    from ..building.scope import Difference
    from ..shards.sampling import Picked


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="name of the source, see: surgsigma sources")
    add("--root", type=Path, metavar="DIR", help="your copy of the source's own files")
    add(
        "--out", type=Path, default=Path("surgsigma"), metavar="DIR", help="tree to make or add to (default: surgsigma)"
    )
    add("--task", action="append", metavar="TASK", help="only this task; repeat for more (default: all it offers)")
    add("--split", action="append", metavar="SPLIT", help="only this split; repeat for more (default: all)")
    add(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="processes; the result does not depend on it (default: 1)",
    )
    add(
        "--engine", choices=ENGINES, default="processes",
        help="what runs the work: processes of this machine, or a cluster of Ray or Slurm that shares its disk (extras "
        "ray, slurm)",
    )  # fmt: skip
    add(
        "--address", metavar="WHERE",
        help="of the cluster: HOST:PORT of Ray (default: the one that this machine belongs to), or "
        "PARTITION[,time=HH:MM:SS][,tasks=N][,memory=GB][,qos=NAME] of Slurm",
    )  # fmt: skip
    add("--option", action="append", type=pair, metavar="KEY=VALUE", help="option of the source; repeat for more")
    add("--seed", type=int, default=0, help="seed of the order of samples (default: 0)")
    add(
        "--jpeg-quality",
        type=int,
        default=92,
        metavar="Q",
        help="for frames that are no JPEG already or made smaller (default: 92)",
    )
    add("--clip-fps", type=float, default=10.0, metavar="N", help="highest frame rate of clips (default: 10)")
    add("--clip-side", type=positive, default=480, metavar="PX", help="longest short side of clips (default: 480)")
    add(
        "--even-clips", action="store_true",
        help="let clips begin up to a frame later for an even number of frames, which ms-swift wants",
    )  # fmt: skip
    add(
        "--frame-side", type=positive, metavar="PX",
        help="longest short side of frames; larger ones are made smaller (default: none, every frame as it is)",
    )  # fmt: skip
    add(
        "--joint", type=share, default=0.2, metavar="SHARE",
        help="fraction of training samples with two questions or several turns (default: 20%%)",
    )  # fmt: skip
    add(
        "--explained", type=share, default=0.2, metavar="SHARE",
        help="fraction of training samples whose answer also defines its labels (default: 20%%)",
    )  # fmt: skip
    add(
        "--style", choices=("varied", "paper"), default="varied",
        help="kinds of question: all, or plain open questions alone as in the paper (default: varied)",
    )  # fmt: skip
    add(
        "--layout", choices=("tasks", "frames"), default="tasks",
        help="a medium for each conversation, or each medium once with all that is asked about it (default: tasks)",
    )  # fmt: skip
    add(
        "--split-policy", choices=("official", "leak-free"), default="official",
        help="leak-free: what any known benchmark tests on is in no training split, see: surgsigma leaks --list",
    )  # fmt: skip
    add(
        "--smoke", type=share, default=0.0, metavar="SHARE",
        help="fraction of frames to pair with a smoky copy, for desmoking (default: 0)",
    )  # fmt: skip
    add(
        "--warrants", type=Path, metavar="FILE",
        help="what reasoning traces may cite as typical, counted on this source by: surgsigma warrants",
    )  # fmt: skip
    add("--depth", type=Path, metavar="DIR", help="depth maps of this source, made by: surgsigma depth")
    add("--shard-size", type=size, default=256 * 2**20, metavar="SIZE", help="size of a shard (default: 256MB)")
    add(
        "--max-quarantine", type=share, default=0.05, metavar="SHARE",
        help="fail if more than this fraction of the input was rejected (default: 5%%)",
    )  # fmt: skip
    add("--pictures", action="store_true", help="draw the pictures and charts of the card too (charts: extra charts)")
    add("--dry-run", action="store_true", help="read and check everything, write nothing; show what would come out")


def _build(args: argparse.Namespace) -> int:
    from ..api import build

    report = build(
        args.source,
        root=args.root,
        out=args.out,
        tasks=args.task,
        splits=args.split,
        workers=args.workers,
        engine=args.engine,
        address=args.address,
        options=dict(args.option or ()),
        seed=args.seed,
        jpeg_quality=args.jpeg_quality,
        shard_bytes=args.shard_size,
        clip_fps=args.clip_fps,
        clip_side=args.clip_side,
        even_clips=args.even_clips,
        frame_side=args.frame_side,
        joint=args.joint,
        explained=args.explained,
        style=args.style,
        layout=args.layout,
        split_policy=args.split_policy,
        smoke=args.smoke,
        depth=args.depth,
        warrants=args.warrants,
        max_quarantine=args.max_quarantine,
        dry_run=args.dry_run,
        pictures=args.pictures,
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
    else:
        _print_report(report, args.out)
        if not report.ok:
            say(f"\nFAILED: more was left out than --max-quarantine allows ({args.max_quarantine:.1%}).")
    return 0 if report.ok else 1


def _print_report(report: BuildReport, out: Path) -> None:
    if report.dry_run:
        _print_rehearsal(report)
    else:
        _print_tree(report, out)
    if report.moved:
        say(f"Moved from train to test, since a benchmark tests on them: {plural(len(report.moved), 'video')}")
        say(wrapped(", ".join(report.moved)))
    for one in report.refused:
        say(wrapped(f"Not built: {one.line}"))
    if report.clipped_boxes:
        say(f"Boxes cut at the edge of their frame: {report.clipped_boxes:,}")
    if report.agreement:
        parts = (f"{name} {n['of_one_mind']:,} of {n['verdicts']:,}" for name, n in report.agreement.items())
        say(wrapped(f"Verdicts in which all raters agree: {', '.join(parts)}"))
    _print_footage(report)
    _print_difference(report.difference)
    _print_left_out(report)
    if report.quarantined and report.quarantine_file:
        say(f"All of it, a line of JSON each: {(out / report.quarantine_file).as_posix()}")


def _print_rehearsal(report: BuildReport) -> None:
    """What a build would make."""
    rows = [(r.task, r.source, r.split, r.samples) for r in report.rows]
    total = ("total", "", "", sum(r.samples for r in report.rows)) if len(rows) > 1 else None
    say(table(("task", "source", "split", "samples"), rows, total=total))
    say(f"\nNothing was written. Frames read: {report.frames:,}   Time: {report.seconds:.1f} s")
    say("Not looked at: pixels (damaged images, clips without a surgical view).")


def _print_tree(report: BuildReport, out: Path) -> None:
    """What is in the tree now."""
    rows = [(r.task, r.source, r.split, r.samples, r.media, size_text(r.bytes)) for r in report.rows]
    samples, media, size = (sum(getattr(r, name) for r in report.rows) for name in ("samples", "media", "bytes"))
    total = ("total", "", "", samples, media, size_text(size)) if len(rows) > 1 else None
    say(table(("task", "source", "split", "samples", "media", "size"), rows, total=total))
    say(f"\nTree: {out}   Time: {report.seconds:.1f} s")


def _print_left_out(report: BuildReport) -> None:
    """Counts by reason, an example of each, and the videos that lost most."""
    if not report.quarantined:
        say("Left out: nothing")
        return
    from ..records import Reason

    say("\nLeft out, by reason:")
    counts = sorted(report.quarantined.items(), key=lambda item: (-int(item[1]), item[0]))
    say(table(("reason", "count"), counts))
    for reason, _ in counts:
        # What is refused as a whole is told video by video: each may need another option.
        few = None if reason == Reason.FOOTAGE_CONTRADICTS else 1
        for example in report.examples.get(reason, ())[:few]:
            say(wrapped(f"{reason}, for example: {example.get('where', '')}: {example.get('detail', '')}"))
    worst = sorted(((sum(by.values()), video) for video, by in report.quarantined_by_video.items()), reverse=True)
    shown = ", ".join(f"{video} {count:,}" for count, video in worst[:5])
    say(f"Most in: {shown}{', ...' if len(worst) > 5 else ''}")


def _print_difference(found: Difference) -> None:
    """What a rebuild took out of the tree, and what it did not touch."""
    if found.removed:
        names = ", ".join(f"{part.task} {part.split} ({plural(part.samples, 'sample')})" for part in found.removed)
        say(f"\nRemoved, since the source no longer yields it:\n{wrapped(names)}")
    if found.removed_videos:
        say(f"\nRemoved, {plural(len(found.removed_videos), 'video')}:\n{wrapped(', '.join(found.removed_videos))}")
    if found.left_standing:
        names = ", ".join(f"{part.task} {part.split}" for part in found.left_standing)
        say(f"\nLeft standing, since it was not asked for:\n{wrapped(names)}")
    stale = sorted({video for part in found.left_standing for video in part.stale_videos})
    if stale:
        say(f"WARNING: it holds {plural(len(stale), 'video')} that the source no longer has in that split. Build")
        say(f"without --task and --split to bring all of it up to date:\n{wrapped(', '.join(stale))}")


_TOLD = 5
"""Videos of whose footage something is told, in full; the report in the tree has all."""


def _print_footage(report: BuildReport) -> None:
    footage = report.footage
    if footage["deviation_video"]:
        say(
            f"Largest distance of an image from the moment of its label: {footage['deviation_ms']:g} ms, "
            f"{footage['deviation_frames']:g} frames ({footage['deviation_video']})"
        )
    told = [(video, line) for video, lines in footage["told"].items() for line in lines]
    for video, line in told[:_TOLD]:
        say(wrapped(f"{video}: {line}"))
    if len(told) > _TOLD:
        say(f"... and {len(told) - _TOLD} more of this kind, see reports/ in the tree")


DEMO_FRAMES = "40"
"""Seconds of each operation of the demo: enough for actions that follow each other."""


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("surgsigma"), metavar="DIR", help="tree to make (default: surgsigma)"
    )
    parser.add_argument("--videos", type=positive, default=6, metavar="N", help="operations to draw (default: 6)")


def _demo(args: argparse.Namespace) -> int:
    from ..api import build
    from ..hub.charts import why_no_charts
    from ..preview import preview
    from ..shards.sampling import pick

    options = {"videos": str(args.videos), "frames": DEMO_FRAMES}
    report = build("synthetic", out=args.out, options=options, pictures=True, progress=on_terminal())
    if not report.ok:
        _print_report(report, args.out)
        return 1
    names = sorted({row.task for row in report.rows})
    say(f"Built {sum(r.samples for r in report.rows):,} samples of {plural(len(names), 'task')} into {args.out}/ "
          f"(drawn images, no patient) in {report.seconds:.1f} s.\n")  # fmt: skip
    for picked in pick(args.out, count=len(names)):
        _print_sample(picked)
    sheet = args.out.with_name(f"{args.out.name}-preview.png")
    preview(args.out, sheet, count=len(names))
    if missing := why_no_charts():
        say(f"The card has no charts: {missing}", error=True)
    say(f"Images with their answers drawn in: {sheet}\n")
    task = "phase_recognition" if "phase_recognition" in names else names[0]
    say("Go on in Python:")
    say(f"  {python_line(args.out.as_posix(), task)}")
    return 0


def python_line(name: str, config: str) -> str:
    """The line that loads a tree or repository."""
    return f'from datasets import load_dataset; ds = load_dataset("{name}", "{config}", streaming=True)'


def _print_sample(picked: Picked) -> None:
    from ..records import without_tags

    say(picked.doc["task"])
    for message in picked.doc["messages"]:
        label = "Q" if message["role"] == "user" else "A"
        text = " ".join(without_tags(message["content"]).split())
        say(wrapped(f"{label}: {text}"))
    members = ", ".join(f"{m['member']} ({m['role']})" for m in picked.doc["media"]) or "no media"
    say(f"    {members} of {picked.doc['id']} in {picked.shard}\n")


COMMANDS = (
    Command(
        name="demo",
        help="build a small synthetic tree, show one sample of every task",
        description="Draw a few operations with exact ground truth, build all tasks from them, and show the "
        "result. Needs no data and no network.",
        examples=(
            ("surgsigma demo", "a tree in ./surgsigma and an image of it in ./surgsigma-preview.png"),
            ("surgsigma demo --out try/surgsigma --videos 2", "smaller, elsewhere"),
        ),
        arguments=_demo_arguments,
        run=_demo,
    ),
    Command(
        name="build",
        help="build a source into a tree of shards",
        description="Turn your copy of a source into shards, manifests and cards. Building a second source into the "
        "same tree adds to it; building one again replaces all of it, so that what the source no longer has is gone. "
        "With --task or --split, only these are replaced. A build that was stopped goes on where it was when run "
        "again.",
        examples=(
            ("surgsigma build synthetic --out surgsigma", "needs no data"),
            ("surgsigma build cholect50 --root data/CholecT50 --dry-run", "does this copy fit? what would come out?"),
            ("surgsigma build cholect50 --root data/CholecT50 --workers 8", "all tasks that CholecT50 offers"),
            (
                "surgsigma build cholect50 --root data/CholecT50 --task triplet_recognition "
                "--option split_scheme=challenge",
                "one task, another split scheme; options are listed by: surgsigma info cholect50",
            ),
        ),
        arguments=_build_arguments,
        run=_build,
        json=True,
    ),
)
