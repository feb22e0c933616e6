"""``card``, ``push``, ``verify`` and ``scrub``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ..errors import SurgSigmaError
from ..visible import size_text
from .command import Command, positive
from .output import plural, print_json, say, table


def repo_name(text: str) -> str:
    """``ORG/NAME``."""
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not of the form ORG/NAME")


def _push_target(text: str) -> str:
    """``ORG/NAME`` or ``hf://buckets/ORG/NAME``."""
    bucket = "hf://buckets/" if text.startswith("hf://buckets/") else ""
    return bucket + repo_name(text.removeprefix(bucket).removesuffix("/"))


def _version(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} cannot be a tag (expected letters, digits, dots, such as v1.0)")


def _push_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("repo", type=_push_target, metavar="ORG/NAME", help="dataset on the Hub; it is made where it is missing")
    add("tree", type=Path, nargs="?", default=Path("surgsigma"), metavar="TREE", help="folder (default: surgsigma)")
    add("--dry-run", action="store_true", help="show what would happen, and change nothing")
    add("--bucket", action="store_true", help="into the bucket hf://buckets/ORG/NAME, which keeps no versions")
    add("--private", action="store_true", help="make a new dataset or bucket private")
    add("--gated", choices=("auto", "manual"), default="", help="readers ask for access: granted at once, or by hand")
    add("--version", type=_version, metavar="TAG", help="tag of the data (default: from their digest)")
    add("--delete", action="store_true", help="take files of an earlier tree out of the dataset")
    add("--workers", type=positive, default=1, metavar="N", help="processes that check the tree (default: 1)")
    add("--viewer", action="store_true",
        help="also publish small images as ORG/NAME-viewer, where the Hub's viewer shows them")  # fmt: skip
    add("--annotations-only", action="store_true",
        help="publish sources whose media may not go out without these; needs the extra [join]")  # fmt: skip
    add("--i-hold-the-rights", action="append", default=[], dest="rights", metavar="SOURCE",
        help="publish this source whatever its stated terms are; recorded in the receipt and in pin.json")  # fmt: skip


def _push(args: argparse.Namespace) -> int:
    from huggingface_hub.utils import disable_progress_bars

    from ..hub.bucket import PREFIX
    from ..hub.public_form import public_form
    from ..hub.push import Push, PushOptions, PushPlan
    from ..hub.push_bucket import BucketPush
    from ..hub.viewer import publish_viewer

    bucket = args.bucket or args.repo.startswith(PREFIX)
    if bucket and (args.gated or args.version or args.viewer):
        raise SurgSigmaError("a bucket has no gate, no versions and no viewer",
                             hint="Leave --gated, --version and --viewer away.")  # fmt: skip
    if args.annotations_only:
        args.tree = public_form(args.tree, gated=bool(args.gated), rights=args.rights, workers=args.workers)
        say(f"Tree that may go out: {args.tree}", error=args.json)
    options = PushOptions(
        private=args.private,
        gated=args.gated,
        rights=tuple(args.rights),
        delete=args.delete,
        version=args.version or "",
        workers=args.workers,
    )
    if not sys.stderr.isatty():  # the bars of huggingface_hub write a line for each change into a log
        disable_progress_bars()
    tell = (lambda line: say(line, error=True)) if args.json else say
    name = args.repo.removeprefix(PREFIX)
    one = BucketPush(args.tree, name, options, tell) if bucket else Push(args.tree, name, options, tell)
    plan: PushPlan = one.plan()
    if args.dry_run:
        print_json(plan.as_dict()) if args.json else _show(plan)
        return 1 if plan.refusals else 0
    receipt = one.run(plan)
    if args.viewer:
        receipt["viewer"] = publish_viewer(args.tree, args.repo, private=args.private, say=one.say)
    if args.json:
        print_json(receipt)
    elif bucket:
        say(f"In the bucket: {receipt['page']}")
        say(f"Read it with: surgsigma_hub.stream({receipt['bucket']!r}, CONFIG)")
    else:
        say(f"Published: {receipt['page']} at commit {receipt['commit']}")
        say(f"Check it as anyone can: surgsigma verify {args.repo}@{receipt['tag']}")
    return 0


def _show(plan: object) -> None:
    from ..hub.push import PushPlan

    assert isinstance(plan, PushPlan)
    there = "is there" if plan.exists else "would be made"
    say(f"{plan.repo} {there}; version {plan.version}")
    say(f"{plural(len(plan.new), 'file')} to send ({size_text(plan.bytes)}), {plan.unchanged:,} there already")
    if plan.steps:
        say(table(("step", "files"), plan.steps))
    for title, names in (("Would be deleted", plan.gone), ("Stays at home", plan.at_home)):
        if names:
            say(f"{title}: {', '.join(names[:10])}" + (f" and {len(names) - 10:,} more" if len(names) > 10 else ""))
    for one in plan.refusals:
        say(f"Refused: {one}")


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("target", metavar="PATH|ORG/NAME[@REV]", help="folder of a tree, or a dataset on the Hub")
    add("--sample", type=_count, default=3, metavar="N", help="shards to read from end to end (default: 3)")
    add("--seed", type=int, default=0, help="which shards these are (default: 0)")
    add("--show", type=positive, default=50, metavar="N", help="problems to print (default: 50)")


def _count(text: str) -> int:
    return 0 if text == "0" else positive(text)


def _verify(args: argparse.Namespace) -> int:
    from ..hub.verify import verify

    report = verify(args.target, sample=args.sample, seed=args.seed, say=lambda line: say(line, error=True))
    if args.json:
        print_json(report.as_dict())
        return 0 if report.ok else 1
    for problem in report.problems[: args.show]:
        say(f"{problem.severity}: {problem}")
    if len(report.problems) > args.show:
        say(f"... and {len(report.problems) - args.show:,} more (--show N, or --json)")
    done = report.checked
    say(
        f"{'OK' if report.ok else 'NOT OK'}: {report.where}: {plural(done['shards'], 'shard')} "
        f"({size_text(done['bytes'])}) of {plural(done['manifests'], 'manifest')}; {plural(done['digests'], 'digest')} "
        f"compared, {plural(done['read'], 'shard')} read whole ({plural(done['samples'], 'sample')}); "
        f"{plural(len(report.problems), 'problem')}"
    )
    return 0 if report.ok else 1


def _scrub_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, nargs="?", default=Path("surgsigma"), metavar="TREE", help="folder (default: surgsigma)")
    add("--check", action="store_true", required=True, help="look, and change nothing (all that scrub does)")
    add("--patterns", type=Path, metavar="CSV", help="what identifiers look like: columns name, where, pattern")
    add("--show", type=positive, default=50, metavar="N", help="findings to print (default: 50)")


def _scrub(args: argparse.Namespace) -> int:
    from ..hub.scrub import read_patterns, scrub_check

    report = scrub_check(args.tree, read_patterns(args.patterns))
    if args.json:
        print_json(report.as_dict())
        return 0 if report.ok else 1
    for problem in report.problems[: args.show]:
        say(f"{problem.kind}: {problem}")
    if len(report.problems) > args.show:
        say(f"... and {len(report.problems) - args.show:,} more (--show N, or --json)")
    looked = f"{plural(report.samples, 'sample')} in {plural(report.files, 'file')} looked at"
    say(f"{'Nothing private found' if report.ok else 'NOT CLEAN'}: {looked}; {plural(len(report.problems), 'finding')}")
    return 0 if report.ok else 1


def _card_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tree", type=Path, nargs="?", default=Path("surgsigma"), metavar="TREE", help="folder (default: surgsigma)")
    add("--check", action="store_true", help="look whether the cards are those of the tree, and change nothing")
    add("--croissant", action="store_true", help="hold croissant.json against mlcroissant too, and keep what it says")


def _card(args: argparse.Namespace) -> int:
    from ..hub.cards import illustrate, stale
    from ..hub.charts import why_no_charts
    from ..hub.croissant import LOG, check_croissant

    if not args.check:
        illustrate(args.tree)
        if missing := why_no_charts():
            say(f"The card has no charts: {missing}", error=True)
        say(f"Written: {args.tree / 'README.md'} and what it links to")
        if not args.croissant:
            return 0
        valid = check_croissant(args.tree)
        say(f"croissant.json is {'valid' if valid else 'NOT valid'}, see {args.tree / LOG}")
        return 0 if valid else 1
    found = stale(args.tree)
    for place in found:
        say(f"stale: {place} is not what the manifests give")
    say(f"Write them anew with: surgsigma card {args.tree}" if found else "All cards are those of the tree")
    return 1 if found else 0


COMMANDS = (
    Command(
        name="card",
        help="write the cards of a tree anew, or check that they are fresh",
        description="Write README.md, its images and charts, cards/, LICENSES.md and schema.json from what the tree "
        "holds. With --check nothing is written, and the exit code is 1 when one of them is stale.",
        examples=(
            ("surgsigma card", "of ./surgsigma"),
            ("surgsigma card mine --check", "before a push, say; push does the same"),
        ),
        arguments=_card_arguments,
        run=_card,
    ),
    Command(
        name="push",
        help="publish a tree as a dataset on the Hub",
        description="Check a tree, the terms of its sources and the dataset; upload what is not there yet, data first "
        "and README.md last, so that no reader meets a card without its shards; tag the version. Run it again after "
        "any failure: it goes on. Nothing is deleted unless you ask.",
        examples=(
            ("surgsigma push ORG/surgsigma --dry-run", "files, bytes, commits and refusals"),
            ("surgsigma push ORG/surgsigma --version v1.0", "publish ./surgsigma, tagged v1.0"),
            ("surgsigma push ORG/surgsigma mine --private --gated manual", "for whom you let in"),
            ("surgsigma push ORG/surgsigma --annotations-only", "labels of sources whose images may not go out"),
            ("surgsigma push ORG/NAME --bucket --private", "into a bucket, for work in progress"),
        ),
        arguments=_push_arguments,
        run=_push,
        json=True,
    ),
    Command(
        name="verify",
        help="check a published tree, or one on disk, against its manifests",
        description="Compare what is there with what the manifests say: names, sizes and the sha256 of every shard, on "
        "the Hub as one listing gives it, without downloading; read a sample of the shards from end to end; check "
        "configs and cards. Exit code 1 when something is wrong. To read every sample of a tree on disk: validate.",
        examples=(
            ("surgsigma verify ORG/surgsigma@v1.0", "what somebody published"),
            ("surgsigma verify surgsigma --sample 10 --seed 7", "a folder, ten shards read whole"),
            ("surgsigma verify ORG/surgsigma --sample 0 --json", "no shard is downloaded"),
        ),
        arguments=_verify_arguments,
        run=_verify,
        json=True,
    ),
    Command(
        name="scrub",
        help="look for what must not leave with a tree",
        description="Look at everything that would be published: metadata of images, videos, tar headers and catalogs, "
        "names of this machine and its user, absolute paths, and texts and ids that look like a patient's. Exit code 1 "
        "when something is found. push does the same before it sends anything.",
        examples=(
            ("surgsigma scrub --check", "look at ./surgsigma"),
            ("surgsigma scrub --check mine --patterns ours.csv", "with patterns of your own"),
        ),
        arguments=_scrub_arguments,
        run=_scrub,
        json=True,
    ),
)
