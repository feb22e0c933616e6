"""Template banks: our own question and answer wordings, chosen by a hash of the task and the sample id."""

from __future__ import annotations

import hashlib
import re
import string
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

from ...errors import SurgSigmaError, UnknownNameError
from ...ontology.forms import indefinite


@dataclass(frozen=True, slots=True)
class Bank:
    """The wordings of one task: group name to templates, for questions and for answers.

    ``shares`` tells how often a question of another kind, or one that asks for a form, takes the place of the plain
    one: group or form to a share of the samples (0..1).
    """

    task: str
    questions: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, float]


@cache
def bank(task: str) -> Bank:
    """The template file of a task.

    A group is a list. An entry is a template, or a block of ``frames`` and ``askings`` that stands for every pair of
    the two: ``{ask}`` in a frame is where the asking goes, ``{Ask}`` where it begins a sentence. ``frames`` is a
    list, or the name of one in ``templates/frames.yaml``. A slot whose name has a capital is filled with one.

    Raises:
        SurgSigmaError: the file is missing, is not of the expected form, or repeats a wording.
    """
    raw = _read(task)
    if not isinstance(raw, dict) or not {"questions", "answers"} <= set(raw) <= {"questions", "answers", "shares"}:
        raise SurgSigmaError(f"templates/{task}.yaml must hold the keys questions and answers, and may hold shares")
    parts: list[dict[str, tuple[str, ...]]] = []
    for side in ("questions", "answers"):
        groups: dict[str, tuple[str, ...]] = {}
        for group, entries in raw[side].items():
            lines = tuple(line for entry in entries or () for line in _lines(entry, f"{task}.yaml: {side}.{group}"))
            if not lines:
                raise SurgSigmaError(f"templates/{task}.yaml: {side}.{group} holds no sentence")
            if again := [line for line, often in Counter(lines).items() if often > 1]:
                raise SurgSigmaError(f"templates/{task}.yaml: {side}.{group} holds {again[0]!r} twice")
            groups[group] = lines
        parts.append(groups)
    return Bank(task, parts[0], parts[1], raw.get("shares") or {})


def _read(name: str) -> Any:
    path = resources.files("surgsigma_hub.tasks.templates") / f"{name}.yaml"
    if not path.is_file():
        raise SurgSigmaError(f"task {name!r} has no template file templates/{name}.yaml")
    return yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _frames() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = _read("frames")
    return found


def _lines(entry: Any, where: str) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
        return
    if not isinstance(entry, dict) or set(entry) != {"frames", "askings"}:
        raise SurgSigmaError(f"templates/{where}: an entry is a sentence, or a block of frames and askings")
    frames = entry["frames"]
    if isinstance(frames, str):
        if frames not in _frames():
            raise UnknownNameError("list of frames", frames, _frames(), where="templates/frames.yaml")
        frames = _frames()[frames]
    for frame in frames:
        for asking in entry["askings"]:
            yield frame.replace("{ask}", asking).replace("{Ask}", _capital(asking))


def _capital(text: str) -> str:
    """A text, or a template that may begin with a slot, as it begins a sentence."""
    if text.startswith("{"):
        return f"{{{text[1:2].upper()}{text[2:]}"
    return f"{text[:1].upper()}{text[1:]}"


class _Slots(dict[str, str]):
    """Slots by name; a name with a capital gives the text with a capital."""

    def __missing__(self, name: str) -> str:
        return _capital(self[f"{name[:1].lower()}{name[1:]}"]) if name[:1].isupper() else self._unknown(name)

    def _unknown(self, name: str) -> str:
        raise KeyError(name)


def slots_of(template: str) -> frozenset[str]:
    """The names of the slots of a template.

    >>> sorted(slots_of("The {phase} of this {procedure}."))
    ['phase', 'procedure']
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


@lru_cache(maxsize=64)
def draws(task: str, sample_id: str) -> tuple[int, int, int, int]:
    """Four numbers of 64 bits for one sample, independent of each other and of those of any other task.

    Those of the samples at hand are kept: the kind of a question is drawn before its words.
    """
    digest = hashlib.blake2b(f"{task}\0{sample_id}".encode(), digest_size=32).digest()
    first, second, third, fourth = _FOUR.unpack(digest)
    return first, second, third, fourth


_FOUR = struct.Struct(">4Q")


def word(
    task: str,
    sample_id: str,
    *,
    question: str,
    answer: str,
    slots: Mapping[str, str],
    form: str | None = None,
    formed: str = "",
    follows: bool = False,
) -> tuple[str, str, str]:
    """Question text, answer text and the name of the template pair for one sample.

    The choice depends on ``task`` and ``sample_id`` alone, so that a rebuild words every sample the same way, and two
    tasks with one id do not take the same line.

    Args:
        task: Whose template file.
        sample_id: What the choice is drawn from.
        question: Group of questions.
        answer: Group of answers.
        slots: Text for the slots of both.
        form: The form that the question asks the answer to have, a group of ``templates/forms.yaml``.
        formed: The answer in that form.
        follows: Whether another question was asked before: then the scene is not set once more.
    """
    first, second, third, _ = draws(task, sample_id)
    bank_ = bank(task)
    asked, q = _filled(task, bank_.questions, question, first, slots, follows=follows)
    if form is not None:
        suffix, n = _filled("forms", bank("forms").questions, form, third, slots)
        separator = "\n" if "\n" in asked else " "
        return f"{asked}{separator}{suffix}", formed, f"{task}/{question}/{q}+{form}/{n}"
    said, a = _filled(task, bank_.answers, answer, second, slots)
    return asked, said, f"{task}/{question}/{q}+{answer}/{a}"


def _filled(
    task: str,
    groups: Mapping[str, tuple[str, ...]],
    group: str,
    draw: int,
    slots: Mapping[str, str],
    *,
    follows: bool = False,
) -> tuple[str, int]:
    if group not in groups:
        raise UnknownNameError("template group", group, groups, where=f"templates/{task}.yaml")
    lines = groups[group]
    n = draw % len(lines)
    if follows and _SETS_SCENE.match(lines[n]):
        plain = [n for n, line in enumerate(lines) if not _SETS_SCENE.match(line)]
        n = plain[draw % len(plain)] if plain else n
    try:
        return filled(lines[n], slots), n
    except KeyError as error:
        where = f"templates/{task}.yaml, {group}/{n}"
        raise UnknownNameError("slot", str(error.args[0]), slots, where=where) from None


_SETS_SCENE = re.compile(r"This \{medium\}|In this \{medium\} of|Here is |You |I am reviewing|Look closely|Examine")
"""How questions begin that first say what is looked at, and in which operation."""


def filled(template: str, slots: Mapping[str, str]) -> str:
    """A template as it is said: slots filled, the first letter a capital.

    Raises:
        KeyError: a slot that is not given.

    >>> filled("{a_list} {be} in view. {A_list}.", {"a_list": "a hook", "be": "is"})
    'A hook is in view. A hook.'
    """
    try:
        sentence = template.format_map(slots)
    except KeyError:  # a slot with a capital, as few templates have
        sentence = template.format_map(_Slots(slots))
    return sentence if sentence[:1].isupper() else sentence[:1].upper() + sentence[1:]


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
    return indefinite(noun)


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
