"""``enrich``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..errors import SurgSigmaError
from .command import Command, pair, positive
from .output import on_terminal, plural, print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..enrich.report import EnrichReport, Estimate

KEY_ENV = "OPENAI_API_KEY"


def _seconds(text: str) -> float:
    try:
        if 0 < (value := float(text)) < 1e7:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")


def _count(text: str) -> int:
    try:
        if (value := int(text)) >= 0:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")


def _parameter(text: str) -> tuple[str, Any]:
    """``KEY=JSON``; what is no JSON counts as text.

    >>> _parameter("max_tokens=2048"), _parameter("reasoning_effort=low")
    (('max_tokens', 2048), ('reasoning_effort', 'low'))
    """
    key, value = pair(text)
    try:
        return key, orjson.loads(value)
    except orjson.JSONDecodeError:
        return key, value


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, metavar="TREE", help="folder of a built tree; it is only read")
    add("--out", type=Path, required=True, metavar="NEWTREE", help="folder of the new tree, beside the old one")
    add("--endpoint", required=True, metavar="URL", help="base address, such as http://localhost:8000/v1")
    add("--model", required=True, metavar="NAME", help="a model that the endpoint serves")
    add("--api-key-env", metavar="NAME", help=f"environment variable that holds the key (default: {KEY_ENV}, if set)")
    add("--what", choices=("caption", "reasoning", "both"), default="both", help="which text (default: both)")
    add("--task", action="append", metavar="TASK", help="only this task; repeat for more (default: all with such text)")
    add("--split", action="append", metavar="SPLIT", help="only this split; repeat for more (default: all)")
    add(
        "--images", action=argparse.BooleanOptionalAction, default=False,
        help="send the input image too; think of your data's terms first (default: no)",
    )  # fmt: skip
    add(
        "--param", action="append", type=_parameter, metavar="KEY=JSON",
        help="field of the request to set, null takes it out; repeat for more",
    )  # fmt: skip
    add("--concurrency", type=positive, default=8, metavar="N", help="requests on their way at once (default: 8)")
    add("--retries", type=_count, default=4, metavar="N", help="further tries of one request (default: 4)")
    add("--timeout", type=_seconds, default=120.0, metavar="S", help="seconds one try may take (default: 120)")
    add("--max-requests", type=_count, metavar="N", help="send no more than this, tries included")
    add("--max-tokens-total", type=_count, metavar="N", help="use no more tokens than this, as the endpoint counts")
    add("--deadline", type=_seconds, metavar="S", help="send nothing after so many seconds")
    add("--cache", type=Path, metavar="DIR", help="folder of answers (default: NEWTREE.enrich/cache)")
    add("--dry-run", action="store_true", help="send nothing; show how many requests, tokens, and one example")


def _enrich(args: argparse.Namespace) -> int:
    if args.dry_run:
        return _dry_run(args)
    from ..api import enrich_tree

    report = enrich_tree(
        args.tree,
        out=args.out,
        endpoint=args.endpoint,
        model=args.model,
        api_key=_key(args.api_key_env),
        what=_what(args),
        tasks=args.task,
        splits=args.split,
        images=args.images,
        parameters=dict(args.param or ()),
        concurrency=args.concurrency,
        retries=args.retries,
        timeout=args.timeout,
        max_requests=args.max_requests,
        max_tokens_total=args.max_tokens_total,
        deadline=args.deadline,
        cache=args.cache,
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
    else:
        _print_report(report, args.out)
    return 0


def _what(args: argparse.Namespace) -> tuple[Any, ...]:
    return ("caption", "reasoning") if args.what == "both" else (args.what,)


def _key(name: str | None) -> str | None:
    """The key, from the environment alone: a command line can be read by everyone on the machine."""
    key = os.environ.get(name or KEY_ENV, "").strip()
    if name and not key:
        raise SurgSigmaError(
            f"the environment variable {name} named by --api-key-env is not set",
            hint="Set it to the key, or leave --api-key-env out where the endpoint asks for none.",
        )
    return key or None


def _dry_run(args: argparse.Namespace) -> int:
    from ..enrich.cache import AnswerCache
    from ..enrich.prompts import Settings
    from ..enrich.run import estimate, work_folder

    settings = Settings(
        model=args.model,
        what=_what(args),
        tasks=tuple(args.task or ()),
        splits=tuple(args.split or ()),
        images=args.images,
        parameters=dict(args.param or ()),
    )
    found = estimate(args.tree, settings, cache=AnswerCache(args.cache or work_folder(args.out) / "cache"))
    if args.json:
        print_json(found.as_dict())
    else:
        _print_estimate(found)
    return 0


def _print_estimate(found: Estimate) -> None:
    left = found.requests - found.cached
    say(f"Would send {plural(left, 'request')} for {plural(found.samples, 'sample')}"
          f"{f', {found.cached:,} more are answered already' if found.cached else ''}: "
          f"roughly {found.tokens:,} tokens, questions and answers (a guess at four characters a token).")  # fmt: skip
    say("\nOne of them:")
    for role, text in found.example:
        say(f"  {role}:")
        for line in text.splitlines():
            say(wrapped(line))


def _print_report(report: EnrichReport, out: Path) -> None:
    rows = [(p.task, p.source, p.split, p.texts, p.accepted) for p in report.parts if p.texts]
    total = ("total", "", "", report.texts, report.accepted) if len(rows) > 1 else None
    say(table(("task", "source", "split", "texts", "accepted"), rows, total=total))
    again = f", {report.retries:,} of them again" if report.retries else ""
    kept = f"; {report.cached:,} answered by an earlier run" if report.cached else ""
    say(f"\nTree: {out}   Time: {report.seconds:.1f} s")
    say(f"Sent: {plural(report.requests, 'request')}{again}, {report.tokens:,} tokens{kept}")
    for title, counts in (("Rejected, left as they were", report.rejected), ("No answer", report.failed)):
        if not counts:
            continue
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        say(f"\n{title}, by reason:")
        say(table(("reason", "count"), ordered))
        for reason, _ in ordered:
            for example in report.examples.get(reason, ())[:1]:
                say(wrapped(f"{reason}, for example: {example['sample']}, {example['what']}: {example['detail']}"))
    if report.not_asked:
        left = plural(report.not_asked, "text")
        say(f"\nThe budget of {report.spent} is spent: {left} not asked for. "
              "Run the same command again with more to go on; answers so far are kept.")  # fmt: skip
    elif report.failed:
        say("\nRun the same command again to ask for these alone; answers so far are kept.")


COMMANDS = (
    Command(
        name="enrich",
        help="rewrite captions and reasoning with a language model, checked against the facts",
        description="Ask any OpenAI-compatible endpoint to write the captions and reasoning traces of a built tree "
        "anew and keep each answer only where a checker finds nothing in it that the sample's facts do not hold. Every "
        "other sample stays as it was, counted by reason. Ids, order and media are those of the old tree; new text "
        "names its model. The text of your samples leaves this machine unless the endpoint is on it. A run that was "
        "stopped goes on from its cache when run again.",
        examples=(
            (
                "surgsigma enrich surgsigma --out rich --endpoint http://localhost:8000/v1 --model NAME --dry-run",
                "how many requests and tokens, and one example; sends nothing",
            ),
            (
                "surgsigma enrich surgsigma --out rich --endpoint http://localhost:8000/v1 --model NAME",
                "all captions and traces, with a server of your own",
            ),
            (
                "surgsigma enrich surgsigma --out rich --endpoint https://api.example.com/v1 --model NAME "
                "--max-tokens-total 2000000",
                f"with a budget, and the key that {KEY_ENV} holds",
            ),
            (
                "surgsigma enrich surgsigma --out rich --endpoint http://localhost:8000/v1 --model NAME "
                "--param max_tokens=2048",
                "for a model that thinks at length before it answers",
            ),
        ),
        arguments=_arguments,
        run=_enrich,
        json=True,
    ),
)
