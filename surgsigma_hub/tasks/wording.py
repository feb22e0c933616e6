"""Template banks: our own question and answer wordings, chosen by a hash of the sample id."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping, Sequence
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
    # Two halves of one digest: the choice of the answer is independent of that of the question.
    digest = hashlib.blake2b(sample_id.encode(), digest_size=16).digest()
    questions, answers = bank(task).questions, bank(task).answers
    asked, q = _filled(task, questions, question, digest[:8], slots)
    said, a = _filled(task, answers, answer, digest[8:], slots)
    return asked, said, f"{task}/{question}/{q}+{answer}/{a}"


def _filled(
    task: str, groups: Mapping[str, tuple[str, ...]], group: str, digest: bytes, slots: Mapping[str, str]
) -> tuple[str, int]:
    if group not in groups:
        raise UnknownNameError("template group", group, groups, where=f"templates/{task}.yaml")
    lines = groups[group]
    n = int.from_bytes(digest, "big") % len(lines)
    try:
        sentence = lines[n].format_map(slots)
    except KeyError as error:
        where = f"templates/{task}.yaml, {group}/{n}"
        raise UnknownNameError("slot", str(error.args[0]), slots, where=where) from None
    return sentence[:1].upper() + sentence[1:], n


# ------------------------------------------------------------------------------------------------------ grammar


def joined(words: Sequence[str]) -> str:
    """Words as an English list.

    >>> joined(["grasper", "hook", "clip applier"])
    'grasper, hook and clip applier'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


_SINGULAR_S = ("ss", "us", "is", "as", "ens")  # abscess, plexus, pelvis, pancreas, lens


@cache
def is_plural(noun: str) -> bool:
    """Whether a label name is plural in form.

    >>> is_plural("scissors"), is_plural("bipolar forceps"), is_plural("hook"), is_plural("uterus")
    (True, True, False, False)
    """
    return noun.endswith("s") and not noun.endswith(_SINGULAR_S)


def are(nouns: Sequence[str]) -> str:
    """The verb that fits a subject made of ``nouns``.

    >>> are(["hook"]), are(["scissors"]), are(["hook", "grasper"])
    ('is', 'are', 'are')
    """
    return "are" if len(nouns) > 1 or any(is_plural(n) for n in nouns) else "is"


@cache
def with_article(noun: str) -> str:
    """``noun`` with its indefinite article; nouns that are plural in form take none.

    >>> with_article("irrigator"), with_article("hook"), with_article("bipolar forceps")
    ('an irrigator', 'a hook', 'bipolar forceps')
    """
    if is_plural(noun):
        return noun
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def seconds_text(seconds: float) -> str:
    """A duration in words, to the hundredth of a second.

    >>> seconds_text(1.0), seconds_text(12.5), seconds_text(0.04)
    ('1 second', '12.5 seconds', '0.04 seconds')
    """
    number = f"{seconds:.2f}".rstrip("0").rstrip(".")
    return f"{number} second{'' if number == '1' else 's'}"


_VOWELS = "aeiou"


@cache
def participle(verb: str) -> str:
    """The present participle of an action; only the first word of a longer action changes.

    >>> [participle(v) for v in ("grasp", "coagulate", "clip", "cut", "open", "tie knot", "suturing")]
    ['grasping', 'coagulating', 'clipping', 'cutting', 'opening', 'tying knot', 'suturing']
    """
    head, space, rest = verb.partition(" ")
    syllables = sum(c in _VOWELS and (i == 0 or head[i - 1] not in _VOWELS) for i, c in enumerate(head))
    if head.endswith("ing") and syllables > 1:
        made = head
    elif head.endswith("ie"):
        made = f"{head[:-2]}ying"
    elif head.endswith("e") and not head.endswith(("ee", "ye", "oe")):
        made = f"{head[:-1]}ing"
    elif (
        syllables == 1
        and len(head) > 2
        and head[-1] not in f"{_VOWELS}wxy"
        and head[-2] in _VOWELS
        and head[-3] not in _VOWELS
    ):
        made = f"{head}{head[-1]}ing"  # a short vowel before one consonant doubles it
    else:
        made = f"{head}ing"
    return f"{made}{space}{rest}"
