"""``export``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SurgSigmaError
from .command import Command, above_0, pair, positive, printable, seed
from .output import on_terminal, plural, print_json, say, table

if TYPE_CHECKING:
    from ..adapters import Boxes, Options
    from ..adapters.report import ExportReport

_FORMATS = ("cosmos", "diffusers", "easyr1", "grpo", "llava", "qwen", "sharegpt", "swift", "trl", "verl")
_FAMILIES = ("internvl", "llava", "qwen2_5_vl", "qwen2_vl", "qwen3_vl")


def _part(text: str) -> tuple[int, int]:
    """``1/4`` as two numbers.

    >>> _part("2/4")
    (2, 4)
    """
    number, slash, of = text.partition("/")
    try:
        if slash and (part := (positive(number), positive(of))) and part[0] <= part[1]:
            return part
    except argparse.ArgumentTypeError:
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not of the form I/N with 1 <= I <= N")


def _condition(text: str) -> tuple[str, list[Any]]:
    """``source=cholec80,cholect50`` as a name and its values.

    >>> _condition("source=cholec80"), _condition("reasoning_level=1,2")
    (('source', ['cholec80']), ('reasoning_level', [1, 2]))
    """
    from ..streaming.selection.filters import NUMBERS

    name, value = pair(text)
    values: list[Any] = [v.strip() for v in value.split(",") if v.strip()]
    if not values:
        raise argparse.ArgumentTypeError(f"{text!r} has no value (expected {name}=VALUE,...)")
    if name not in NUMBERS:
        return name, values
    try:
        return name, [positive(v) if v != "0" else 0 for v in values]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text[:80]!r}: {name} is a whole number, such as {name}=1,2") from None


def _weights(text: str) -> dict[str, float]:
    """``a=2,b=1`` as names and numbers.

    >>> _weights("phase_recognition=2,cholect50=0.5")
    {'phase_recognition': 2.0, 'cholect50': 0.5}
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, weight = pair(part.strip())
        if name in found:
            raise argparse.ArgumentTypeError(f"{name} stands twice in {text!r}")
        found[name] = above_0(weight)
    return found


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", metavar="TREE", help="folder of a built tree, or ORG/NAME on the Hub; it is only read")
    add("config", metavar="CONFIG", nargs="*", help="task, source or <task>-<source> (default: everything)")
    add("--format", required=True, choices=_FORMATS, help="whose files to write")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--split", default="train", metavar="SPLIT", help="one split, or several joined by + (default: train)")
    add(
        "--where", action="append", type=_condition, metavar="NAME=VALUE,...",
        help="only samples whose column of the catalog is one of the values; repeat for more",
    )  # fmt: skip
    balance = parser.add_mutually_exclusive_group()
    balance.add_argument("--per-task", type=positive, metavar="N", help="no more samples of a task than this")
    balance.add_argument(
        "--weights", type=_weights, metavar="CONFIG=WEIGHT,...",
        help="shares of configs, in place of CONFIG; one that is used up before the others comes again",
    )  # fmt: skip
    add(
        "--talk", choices=("one", "all", "turns"),
        help="of a tree laid out by medium: one conversation about each, all of them, or each medium with its "
        "conversations as turns of one record",
    )  # fmt: skip
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument(
        "--boxes", choices=("unit", "norm1000", "pixels", "objects"),
        help="box coordinates: normalised 0..1 (default), 0..1000, pixels, or placeholders that ms-swift fills",
    )  # fmt: skip
    boxes.add_argument("--model", choices=_FAMILIES, metavar="FAMILY", help=f"boxes as of {', '.join(_FAMILIES)}")
    bound = "pixels of an image that training will use, with --model qwen2_5_vl (default: as the trainer and the model)"
    add("--min-pixels", type=positive, metavar="N", help=f"least {bound}")
    add("--max-pixels", type=positive, metavar="N", help=f"most {bound}")
    add(
        "--reasoning", choices=("drop", "inline", "separate"), default="drop",
        help="traces: left out (default), as <think> in the answer, or apart as reasoning_content (trl only: the other "
        "trainers would drop it)",
    )  # fmt: skip
    add("--traces", choices=("long", "short"), default="long", help="their form: long (default) or short")
    add("--video", choices=("file", "frames"), help="videos as files or frames (default: what the trainer prefers)")
    frames = parser.add_mutually_exclusive_group()
    frames.add_argument(
        "--frames", type=positive, default=8, metavar="N",
        help="most frames of a video, spread evenly (default: 8); the trainer then knows no time between them",
    )  # fmt: skip
    frames.add_argument("--fps", type=above_0, metavar="R", help="frames of a video at R a second instead")
    add("--system", type=printable, metavar="TEXT", help="a system prompt for every record")
    add("--seed", type=seed, default=0, metavar="N", help="gives another order of the records (default: 0)")
    add("--limit", type=positive, metavar="N", help="write no more records than this")
    add("--part", type=_part, default=(1, 1), metavar="I/N", help="every N-th sample from the I-th on, to share work")
    add(
        "--prefix",
        type=printable,
        default="",
        metavar="TEXT",
        help="put before the paths of media, such as /data/export/",
    )


def _boxes(args: argparse.Namespace) -> Boxes:
    from ..adapters import find_boxes, get_adapter

    boxes = find_boxes(args.model or args.boxes or "unit")
    bounds = {"min_pixels": args.min_pixels, "max_pixels": args.max_pixels}
    given = {name: value for name, value in bounds.items() if value is not None}
    if not given:
        return boxes
    if boxes.resize is None:
        raise SurgSigmaError(
            "--min-pixels and --max-pixels belong to a model that resizes", hint="Add: --model qwen2_5_vl"
        )
    if (trainer := get_adapter(args.format).resizes) is not None:  # its bounds are told, those of the model stay
        return replace(boxes, before=replace(trainer, **given))
    return replace(boxes, resize=replace(boxes.resize, **given))


def _options(args: argparse.Namespace) -> Options:
    from ..adapters import Options
    from ..streaming import Frames

    return Options(
        boxes=_boxes(args),
        model=args.model,
        reasoning=args.reasoning,
        traces=args.traces,
        video=args.video,
        frames=Frames(count=args.frames) if args.fps is None else Frames(rate=args.fps),
        system=args.system,
    )


def _export(args: argparse.Namespace) -> int:
    from ..adapters import get_adapter
    from ..adapters.exporting import Choice, chosen, export

    where: dict[str, list[Any]] = {}
    for name, values in args.where or ():
        where.setdefault(name, []).extend(values)
    report = export(
        args.tree,
        get_adapter(args.format),
        out=args.out,
        options=_options(args),
        choice=Choice(
            config=chosen(args.config),
            talk=args.talk,
            weights=args.weights,
            per_task=args.per_task,
            split=args.split,
            where=where or None,
            seed=args.seed,
            limit=args.limit,
            part=args.part,
            prefix=args.prefix,
        ),
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
    else:
        _print(report, args.out)
    return 0


def _print(report: ExportReport, out: Path) -> None:
    from ..adapters.report import why

    total = ("total", report.records) if len(report.tasks) > 1 else None
    say(table(("task", "records"), list(report.tasks.items()), total=total))
    if report.left_out:
        say("\nLeft out, which this format cannot express:")
        rows = [(task, n, why(reason)) for reason, counts in report.left_out.items() for task, n in counts.items()]
        say(table(("task", "samples", "reason"), rows))
    files = ", ".join(f"{name} ({plural(n, 'record')})" for name, n in report.files.items())
    again = ", going on where a stopped run was" if report.resumed else ""
    say(f"\nWritten{again}: {out}   {files}")
    say(f"Media: {plural(report.media_files, 'file')}, {report.media_bytes / 2**20:,.1f} MB   {report.seconds:.1f} s")
    say(f"Terms of the data: {out / 'LICENSES.md'}")
    say(f"Train ({report.format}): {report.how.replace('DIR', str(out))}")
    for note in report.notes:
        say(f"Note: {note}")


COMMANDS = (
    Command(
        name="export",
        help="write the files of a trainer: TRL, LLaMA-Factory, ms-swift, Qwen-VL, verl, diffusers, Cosmos and others",
        description="Write the records that a trainer reads, and the media that they name, each once. Boxes take the "
        "convention of the model, in questions, answers and reasoning alike. What a format cannot express is left "
        "out and counted: where the answer is a mask, an image or a video, diffusers and cosmos take it, and no other "
        "format does. Memory does not grow with the tree. A run that was "
        "stopped goes on when run again, and ends with the same bytes.",
        examples=(
            (
                "surgsigma export surgsigma --format sharegpt --out sft --model qwen2_5_vl",
                "all that text can answer, for LLaMA-Factory, with boxes in the pixels that Qwen2.5-VL sees",
            ),
            (
                "surgsigma export surgsigma instrument_localization --format swift --boxes objects --out boxes",
                "one task for ms-swift, which fills in the boxes itself",
            ),
            (
                "surgsigma export surgsigma --format trl --reasoning inline --where reasoning_level=1,2,3 --out think",
                "only samples with a reasoning trace, the trace in <think>",
            ),
            (
                "surgsigma export ORG/NAME --format grpo --limit 1000 --out rl",
                "prompts to reward, straight from the Hub",
            ),
            (
                "surgsigma export surgsigma --format verl --model qwen3_vl --per-task 200 --out rl",
                "prompts for verl, at most 200 of each task; surgsigma_hub.adapters.rewards.verl_reward scores answers",
            ),
            (
                "surgsigma export surgsigma desmoking --format diffusers --out pairs",
                "pairs of images with their prompt; videos to be generated go by the format cosmos",
            ),
        ),
        arguments=_arguments,
        run=_export,
        json=True,
    ),
)
