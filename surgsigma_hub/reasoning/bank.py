"""The sentences of traces: read once from the data file, chosen by a hash of the sample's id."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import NamedTuple, TypeVar

import yaml

from ..errors import SurgSigmaError
from ..tasks.common.wording import slots_of

T = TypeVar("T")

_SHOWN = frozenset({"a_list", "are", "things"})
_TISSUES = frozenset({"the_list", "are", "things"})
_PAIR = frozenset({"one", "other"})
_STAYING = frozenset({"be", "have", "lie", "overlap", "stay", "touch"})
VERBS = _STAYING | {"come", "enter", "extend", "leave", "move"}
"""Verbs in the number of their subject: every sentence about one instrument may use them."""
_WARRANT = frozenset({"sign", "label"})
_CHOICE = frozenset({"sign", "labels"})

SLOTS: Mapping[str, frozenset[str]] = {
    "instruments": _SHOWN,
    "instruments_over_time": _SHOWN,
    "tissues": _TISSUES,
    "acted_on": _TISSUES,
    "instruments_noted": frozenset({"names"}),
    "tissues_noted": frozenset({"names"}),
    "tissues_over_time": _TISSUES,
    "acted_on_over_time": _TISSUES,
    "count": frozenset({"count"}),
    "share": frozenset({"name", "per_cent"}) | VERBS,
    "extent": frozenset({"name", "wide", "high"}) | VERBS,
    "where": frozenset({"name", "box"}) | VERBS,
    "edge": frozenset({"name", "edge"}) | VERBS,
    "tissue_edge": frozenset({"name", "edge"}) | VERBS,
    "side": _PAIR | {"side"} | VERBS,
    "larger": _PAIR | {"more", "less"},
    "there": frozenset({"a_name"}) | VERBS,
    "no_tool": frozenset({"name"}) | VERBS,
    "no_tissue": frozenset({"the_name"}) | VERBS,
    "asked": frozenset({"the_list"}),
    "no_boxes": frozenset({"what"}),
    "boxes": frozenset({"boxes", "boxes_noun"}),
    "relations": frozenset({"clauses"}),
    "overlap": _PAIR | VERBS,
    "apart": _PAIR | VERBS,
    "nearest": _PAIR,
    "path": frozenset({"name", "start", "end"}) | VERBS,
    "moved": frozenset({"name", "way"}) | VERBS,
    "purpose": frozenset({"doing", "purpose"}),
    "actions": frozenset({"doing", "action_noun"}),
    "order": frozenset({"first", "then"}),
    "throughout": frozenset({"first"}),
    "came_first": frozenset({"doing"}),
    "came_last": frozenset({"doing"}),
    "belongs": _WARRANT,
    "typical": _WARRANT,
    "fits": _CHOICE,
    "against": frozenset({"name", "label"}),
    "decided": frozenset({"kind", "label", "procedure"}),
    "open": frozenset({"kind", "label"}),
    "also": frozenset({"kind", "label"}),
    "above": frozenset({"label"}),
    "lacks": frozenset({"name"}),
    "shown": frozenset({"the_list", "are"}),
    "criteria_met": frozenset({"list", "are"}),
    "criteria_unmet": frozenset({"list", "are"}),
    "lasted": frozenset({"act", "seen"}),
    "remaining": frozenset({"act", "seconds"}),
    "followed": _WARRANT,
    "followed_by_some": _CHOICE,
    "last_seen": frozenset({"doing"}),
    "next": frozenset({"doing"}),
    "next_open": frozenset({"doing"}),
    **dict.fromkeys(
        ("no_instruments", "no_tissues", "smoke", "no_relations", "no_actions", "unproven", "unended"), frozenset()
    ),
}
"""The slots that a sentence of each kind may use."""


class Line(NamedTuple):
    """A sentence with choices: ``parts`` of which one option each is taken, and all the ``ways`` that this makes."""

    parts: tuple[tuple[str, ...], ...]
    ways: tuple[str, ...]

    @classmethod
    def of(cls, line: str, words: Mapping[str, str] = {}) -> Line:
        """A line of the data file; ``words`` are the choices that have a name. The first choice turns fastest.

        >>> Line.of("[In|At] the [end|start].").ways
        ('In the end.', 'At the end.', 'In the start.', 'At the start.')
        """
        split = _CHOICES.split(_NAMED.sub(lambda m: f"[{words[m[1]]}]", line))
        parts = tuple((*part.split("|"),) if n % 2 else (part,) for n, part in enumerate(split) if n % 2 or part)
        return cls(parts, tuple("".join(reversed(said)) for said in product(*reversed(parts))))

    def covered(self) -> Iterator[str]:
        """Sentences in which each option stands at least once.

        >>> list(Line.of("[In|At] the [end|start|middle].").covered())
        ['In the end.', 'At the start.', 'In the middle.']
        """
        for n in range(max(map(len, self.parts))):
            yield "".join([options[n % len(options)] for options in self.parts])


@cache
def sentences() -> dict[str, tuple[Line, ...]]:
    """Kind of sentence to its lines.

    Raises:
        SurgSigmaError: the data file lacks a kind, holds one too many, repeats a line, uses an unknown slot or choice.
    """
    where = "reasoning/templates/reasoning.yaml"
    raw = yaml.safe_load((resources.files(__package__) / "templates" / "reasoning.yaml").read_text("utf-8"))
    words = raw.pop("words")
    found = {kind: lines for kinds in raw.values() for kind, lines in kinds.items()}
    if set(found) != set(SLOTS):
        odd = ", ".join(sorted(set(found) ^ set(SLOTS)))
        raise SurgSigmaError(f"{where}: the kinds of sentence are not those expected ({odd})")
    for kind, lines in found.items():
        if not lines or len(set(lines)) != len(lines):
            raise SurgSigmaError(f"{where}: {kind} must be a list of distinct sentences")
        for line in lines:
            if not {*_NAMED.findall(line)} <= set(words):
                raise SurgSigmaError(f"{where}: {line!r} names a choice that is not among the words")
            if not slots_of(line) <= SLOTS[kind]:
                raise SurgSigmaError(f"{where}: {line!r} uses a slot that {kind} does not have")
    return {kind: tuple(Line.of(line, words) for line in lines) for kind, lines in found.items()}


_NUMBERS = struct.Struct("<32H")


def _numbers(digest: bytes) -> list[int]:
    """Its pairs of bytes as numbers, the first one last, to be popped."""
    return list(_NUMBERS.unpack(digest[::-1]))


_NAMED = re.compile(r"\[@(\w+)\]")
_CHOICES = re.compile(r"\[([^\]]*\|[^\]]*)\]")


def expanded(lines: Iterable[str]) -> tuple[str, ...]:
    """Every combination of the choices of each line.

    >>> expanded(["[In|At] the end.", "Done."])
    ('In the end.', 'At the end.', 'Done.')
    """
    return tuple("".join(said) for line in lines for said in product(*Line.of(line).parts))


class Wording:
    """Chooses and words the sentences of one trace: the same seed gives the same words in every build."""

    __slots__ = ("_banks", "_digest", "_left")

    def __init__(self, seed: str) -> None:
        self._banks = sentences()
        self._digest = hashlib.blake2b(seed.encode(), digest_size=64, person=b"reason").digest()
        self._left = _numbers(self._digest)

    def number(self) -> int:
        """A number below 65,536, another one at each call."""
        if not self._left:
            self._digest = hashlib.blake2b(self._digest, digest_size=64, person=b"reason").digest()
            self._left = _numbers(self._digest)
        return self._left.pop()

    def pick(self, some: Sequence[T]) -> T:
        """One of ``some``."""
        return some[self.number() % len(some)]

    def say(self, kind: str, slots: Mapping[str, str] = {}) -> str:
        """One sentence of that kind."""
        number, lines = self.number, self._banks[kind]
        ways = lines[number() % len(lines)].ways
        text = ways[(number() << 16 | number()) % len(ways)]
        if slots:
            text = text.format_map(slots)
        return text if text[0].isupper() else text[0].upper() + text[1:]
