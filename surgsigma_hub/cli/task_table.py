"""Tables of tasks and sources in Markdown, as README.md shows them: lines from the code, examples worded by it."""

from __future__ import annotations

from ..api import list_sources, list_tasks, matrix
from ..building.rehearse import rehearse
from ..hub.markdown import Markup, code, table
from ..records import without_tags
from ..registry import get_source
from ..source import parse_options
from ..tasks.common.question_kinds import Style

_LONGEST = 180
"""Characters of a question, and of an answer, beyond which an example is cut."""
_DRAWN = {"videos": "1", "frames": "40", "width": "96", "height": "72"}
"""The synthetic operation that the examples are taken from; whole, so that every task has something to ask."""


def task_table() -> str:
    """One line for each task: what it looks at, what it answers with, which sources offer it, and an example."""
    offered = matrix()
    found = examples()
    rows = [
        (
            code(name),
            task.media_in.value,
            task.answer.value,
            Markup(", ".join(code(source) for source, names in offered.items() if name in names)),
            Markup(found.get(name, "")),
        )
        for name, task in list_tasks().items()
    ]
    return table(("task", "looks at", "answers with", "sources", "example"), rows)


def source_table() -> str:
    """One line for each source, by specialty: what it offers."""
    offered = matrix()
    rows = [
        (info.specialty.value.replace("_", " "), code(name), Markup(", ".join(map(code, offered[name]))))
        for name, info in sorted(list_sources().items(), key=lambda one: (one[1].specialty.value, one[0]))
    ]
    return table(("specialty", "source", "tasks"), rows)


def examples() -> dict[str, str]:
    """For each task that has a draft, the shortest question of one synthetic operation that has an answer to tell."""
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, _DRAWN))
    best: dict[str, tuple[bool, int, str]] = {}
    for video in source.videos():
        for task, draft, sample in rehearse(source, video, list_tasks().values(), Style.PAPER):
            question, answer = (_plain(message.content) for message in sample.messages[:2])
            rank = (draft.answer_group == "none", len(question) + len(answer), f"{question} → {answer}")
            best[task.name] = min(best.get(task.name, rank), rank)
    return {name: text for name, (_, _, text) in best.items()}


def _plain(content: str) -> str:
    text = " ".join(without_tags(content).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
