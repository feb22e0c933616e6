"""``sources``, ``tasks`` and ``info``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .command import Command, positive
from .output import print_json, say, table


def _sources_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="the table of README.md: specialty, source, tasks")


def _sources(args: argparse.Namespace) -> int:
    from .. import api
    from ..errors import SurgSigmaError

    if args.markdown:
        if args.json:
            raise SurgSigmaError("sources --markdown prints Markdown, not JSON", hint="Leave out --markdown or --json.")
        from .task_table import source_table

        say(source_table())
        return 0
    offered = api.matrix()
    if args.json:
        from . import describe

        print_json([describe.source_dict(info, offered[name]) for name, info in api.list_sources().items()])
        return 0
    rows = [
        (name, i.title, i.procedure.replace("_", " "), i.access.value, i.license, len(offered[name]))
        for name, i in api.list_sources().items()
    ]
    say(table(("source", "title", "procedure", "access", "license", "tasks"), rows))
    return 0


def _tasks_arguments(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--matrix", action="store_true", help="which source offers which task")
    form.add_argument("--markdown", action="store_true", help="the table of README.md, with an example of each task")


def _tasks(args: argparse.Namespace) -> int:
    from .. import api
    from ..errors import SurgSigmaError

    if args.markdown:
        if args.json:
            raise SurgSigmaError("tasks --markdown prints Markdown, not JSON", hint="Leave out --markdown or --json.")
        from .task_table import task_table

        say(task_table())
        return 0
    known, offered = api.list_tasks(), api.matrix()
    by_task = {name: [source for source, names in offered.items() if name in names] for name in known}
    if args.matrix:
        if args.json:
            print_json(offered)
            return 0
        rows = [(name, *("x" if source in by_task[name] else "." for source in offered)) for name in known]
        say(table(("task", *offered), rows))
        return 0
    if args.json:
        from . import describe

        print_json([describe.task_dict(task, by_task[name]) for name, task in known.items()])
        return 0
    rows_of = [(name, t.family, t.media_in.value, t.answer.value, len(by_task[name])) for name, t in known.items()]
    say(table(("task", "family", "looks at", "answers with", "sources"), rows_of))
    return 0


def _info_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="WHAT", nargs="?", default="surgsigma",
        help="folder of a built tree, or the name of a source or task (default: surgsigma)",
    )  # fmt: skip
    parser.add_argument("--answers", action="store_true", help="of a tree: how its answers are distributed")
    parser.add_argument(
        "--wording",
        action="store_true",
        help="of a tree: how varied its questions, answers and traces are, and what guesses without an image score",
    )
    parser.add_argument(
        "--top", type=positive, default=8, metavar="N", help="with --answers: labels to show of each part (default: 8)"
    )


def _info(args: argparse.Namespace) -> int:
    from .. import api
    from ..errors import SurgSigmaError, UnknownNameError
    from ..registry import get_source, source_names
    from . import describe

    folder = Path(args.what)
    sources, tasks = source_names(), api.list_tasks()
    if args.answers or args.wording:
        option = "--answers" if args.answers else "--wording"
        if not folder.is_dir():
            raise SurgSigmaError(
                f"{args.what}: {option} counts a built tree, and there is no such folder",
                hint=f"Give the folder of a tree, for example: surgsigma info surgsigma {option}",
            )
        if args.json:
            print_json(describe.answers_dict(folder) if args.answers else describe.wording_dict(folder))
        elif args.answers:
            describe.print_answers(folder, args.top)
        else:
            describe.print_wording(folder)
        return 0
    made: dict[str, Any]
    show: Callable[[Mapping[str, Any]], None]
    if args.what in sources and not any(folder.glob("data/*/*/*.manifest.json")):
        made = describe.source_dict(get_source(args.what).info, api.offered_by(args.what))
        show = describe.print_source
    elif args.what in tasks and not folder.is_dir():
        made = describe.task_dict(tasks[args.what], [s for s, names in api.matrix().items() if args.what in names])
        show = describe.print_task
    elif folder.is_dir():
        made = describe.tree_dict(folder)
        show = describe.print_tree
    else:
        raise UnknownNameError("tree, source or task", args.what, [*sources, *tasks])
    if args.json:
        print_json(made)
    else:
        show(made)
    return 0


COMMANDS = (
    Command(
        name="sources",
        help="list the sources that can be built",
        description="Every source with its access and licence, and how many tasks it offers.",
        examples=(
            ("surgsigma sources", "a table"),
            ("surgsigma sources --json", "everything known of each"),
            ("surgsigma sources --markdown", "tasks by source and specialty, as in README.md"),
        ),
        arguments=_sources_arguments,
        run=_sources,
        json=True,
    ),
    Command(
        name="tasks",
        help="list the tasks, or which source offers which",
        description="Every task with what it looks at and what it answers with.",
        examples=(
            ("surgsigma tasks", "a table"),
            ("surgsigma tasks --matrix", "tasks against sources; an x where a source offers a task"),
            ("surgsigma tasks --matrix --json", "the same, as task names by source"),
            ("surgsigma tasks --markdown", "the table of README.md"),
        ),
        arguments=_tasks_arguments,
        run=_tasks,
        json=True,
    ),
    Command(
        name="info",
        help="what a tree holds, or all about a source or a task",
        description="For a tree: samples, videos, sizes and what was left out. For a source: access, folder layout, "
        "options, tasks. For a task: what it needs, its wordings, who offers it. --answers counts the answers of a "
        "tree and tells what always giving the most frequent one would score.",
        examples=(
            ("surgsigma info surgsigma", "the tree in ./surgsigma"),
            ("surgsigma info surgsigma --answers", "how its answers are distributed, and what a blind guess scores"),
            (
                "surgsigma info surgsigma --wording",
                "how varied its language is, and what guesses without an image score",
            ),
            ("surgsigma info cholect50", "a source: how to get it, how its folder must look"),
            ("surgsigma info phase_recognition --json", "a task"),
        ),
        arguments=_info_arguments,
        run=_info,
        json=True,
    ),
)
