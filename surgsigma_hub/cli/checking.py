"""``validate`` and ``schema``."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from ..visible import size_text
from .command import Command, positive, share
from .output import on_terminal, plural, print_json, say


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("path", type=Path, metavar="TREE", help="folder of a built tree, or one tar")
    add(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="processes at most, one for each 1,000 samples; the report stays the same (default: 1)",
    )
    add("--quick", action="store_true", help="manifests, sizes and splits; hashes of a share of the shards; no samples")
    add("--share", type=share, default=0.05, metavar="SHARE", help="for --quick (default: 5%%)")
    add("--seed", type=int, default=0, help="which share --quick hashes (default: 0)")
    add("--show", type=positive, default=50, metavar="N", help="problems to print (default: 50)")


def _validate(args: argparse.Namespace) -> int:
    from ..shards.validate import validate

    report = validate(
        args.path,
        workers=args.workers,
        quick=args.quick,
        share=args.share,
        seed=args.seed,
        progress=on_terminal(),
    )
    if args.json:
        print_json(report.as_dict())
        return 0 if report.ok else 1
    for problem in report.problems[: args.show]:
        say(f"{problem.severity}: {problem}")
    total = report.counts["errors"] + report.counts["warnings"]
    if total > args.show:
        say(f"... and {total - args.show:,} more (--show N, or --json)")
    if total:
        say("\nBy kind: " + ", ".join(f"{kind} {count:,}" for kind, count in report.by_kind.items()))
    counts = report.counts
    quick = "hashed" in counts  # which a single tar never is
    media = "" if quick else f", {counts['media']:,} media"
    say(
        f"{'OK' if report.ok else 'INVALID'}: {plural(counts['samples'], 'sample')}{media} and "
        f"{plural(counts['videos'], 'video')} in {plural(counts['shards'], 'shard')} "
        f"({size_text(counts['bytes'])}); {plural(counts['errors'], 'error')}, "
        f"{plural(counts['warnings'], 'warning')}"
    )
    if quick:
        say(f"Samples were counted by their manifests and not looked at; {plural(counts['hashed'], 'shard')} hashed.")
    return 0 if report.ok else 1


def _schema_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", type=Path, metavar="FILE", help="fail when FILE differs from the schema in use")
    what.add_argument("--write", type=Path, metavar="FILE", help="write the schema to FILE")


def _schema(args: argparse.Namespace) -> int:
    from ..schema import FORMAT_VERSION, schema_text
    from ..whole_files import write_atomic

    text = schema_text()
    if args.write:
        write_atomic(args.write, text.encode())
        if args.json:
            print_json({"written": str(args.write), "format_version": FORMAT_VERSION})
        else:
            say(f"Wrote {args.write} (format version {FORMAT_VERSION})")
        return 0
    if not args.check:
        say(text, end="")
        return 0
    found = args.check.read_text("utf-8", errors="replace")
    same = found == text
    if args.json:
        print_json({"file": str(args.check), "ok": same, "format_version": FORMAT_VERSION})
    elif same:
        say(f"{args.check}: equal to the schema in use (format version {FORMAT_VERSION})")
    else:
        say(f"{args.check}: differs from the schema in use; rewrite it with: surgsigma schema --write {args.check}")
        lines = difflib.unified_diff(found.splitlines(True), text.splitlines(True), str(args.check), "in use", n=1)
        say("".join(lines), end="")
    return 0 if same else 1


COMMANDS = (
    Command(
        name="validate",
        help="check a tree or a shard, naming every problem",
        description="Read every byte of a tree or shard and check it against the format: schema, media and their "
        "hashes, keys, boxes, messages, unique ids, disjoint splits, manifests, metadata. Exit code 1 when "
        "something is wrong.",
        examples=(
            ("surgsigma validate surgsigma --workers 8", "the whole tree"),
            ("surgsigma validate surgsigma --quick", "in seconds: manifests, sizes, splits, 5 % of the hashes"),
            (
                "surgsigma validate surgsigma/data/depth_estimation/copesd/depth_estimation-copesd-test-00000.tar",
                "one shard",
            ),
            ("surgsigma validate surgsigma --json > report.json", "for a program"),
        ),
        arguments=_validate_arguments,
        run=_validate,
        json=True,
    ),
    Command(
        name="schema",
        help="print, write or check the JSON Schema of a sample",
        description="The JSON Schema (draft 2020-12) of the JSON member of every sample.",
        examples=(
            ("surgsigma schema", "print it"),
            ("surgsigma schema --check schema.json", "exit code 1 when the file differs"),
            ("surgsigma schema --write schema.json", "write it"),
        ),
        arguments=_schema_arguments,
        run=_schema,
        json=True,
    ),
)
