"""Template banks: our own question and answer wordings, chosen by a hash of the sample id."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from ..errors import SurgSigmaError, UnknownNameError


@dataclass(frozen=True, slots=True)
class Bank:
    """The wordings of one task: group name to templates, for questions and for answers."""

    task: str
    questions: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, tuple[str, ...]]


@cache
def bank(task: str) -> Bank:
    """The template file of a task.

    Raises:
        SurgSigmaError: the file is missing, is not of the expected form, or repeats a wording.
    """
    path = resources.files(__package__) / "templates" / f"{task}.yaml"
    if not path.is_file():
        raise SurgSigmaError(f"task {task!r} has no template file templates/{task}.yaml")
    raw = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(raw, dict) or set(raw) != {"questions", "answers"}:
        raise SurgSigmaError(f"templates/{task}.yaml must hold exactly the keys questions and answers")
    parts: list[dict[str, tuple[str, ...]]] = []
    for side in ("questions", "answers"):
        groups: dict[str, tuple[str, ...]] = {}
        for group, lines in raw[side].items():
            if not lines or not all(isinstance(line, str) for line in lines) or len(set(lines)) != len(lines):
                raise SurgSigmaError(f"templates/{task}.yaml: {side}.{group} must be a list of distinct sentences")
            groups[group] = tuple(lines)
        parts.append(groups)
    return Bank(task, parts[0], parts[1])


def slots_of(template: str) -> frozenset[str]:
    """The names of the slots of a template.

    >>> sorted(slots_of("The {phase} of this {procedure}."))
    ['phase', 'procedure']
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def word(task: str, sample_id: str, *, question: str, answer: str, slots: Mapping[str, str]) -> tuple[str, str, str]:
    """Question text, answer text and the name of the template pair for one sample.

    The choice depends on ``sample_id`` alone, so that a rebuild words every sample the same way.
    """
    texts: list[str] = []
    names: list[str] = []
    sides = ((bank(task).questions, question, b"q"), (bank(task).answers, answer, b"a"))
    for groups, group, salt in sides:
        if group not in groups:
            raise UnknownNameError("template group", group, groups, where=f"templates/{task}.yaml")
        lines = groups[group]
        digest = hashlib.blake2b(sample_id.encode(), digest_size=8, person=salt).digest()
        n = int.from_bytes(digest, "big") % len(lines)
        texts.append(_capitalised(lines[n].format_map(slots)))
        names.append(f"{group}/{n}")
    return texts[0], texts[1], f"{task}/{names[0]}+{names[1]}"


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def joined(words: list[str]) -> str:
    """Words as an English list.

    >>> joined(["grasper", "hook", "clip applier"])
    'grasper, hook and clip applier'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


_PLURAL_ONLY = ("scissors", "forceps")


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(number: int, noun: str) -> str:
    """A count and its noun.

    >>> counted(1, "instrument"), counted(3, "instrument"), counted(12, "box")
    ('one instrument', 'three instruments', '12 boxes')
    """
    plural = noun + ("es" if noun.endswith(("x", "s")) else "s")
    word = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{word} {noun if number == 1 else plural}"


def with_article(noun: str) -> str:
    """``noun`` with its indefinite article; nouns that are plural in form take none.

    >>> with_article("irrigator"), with_article("hook"), with_article("bipolar forceps")
    ('an irrigator', 'a hook', 'bipolar forceps')
    """
    if noun.endswith(_PLURAL_ONLY):
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
