"""The sentences of traces: read once from the data file, chosen by a hash of the sample's id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml

from ..errors import SurgSigmaError
from ..tasks.wording import slots_of

SLOTS: Mapping[str, frozenset[str]] = {
    "instruments": frozenset({"a_list", "are"}),
    "tissues": frozenset({"the_list", "are"}),
    "asked": frozenset({"the_list"}),
    "no_boxes": frozenset({"what"}),
    "boxes": frozenset({"boxes"}),
    "relations": frozenset({"clauses"}),
    "actions": frozenset({"doing", "are", "action_noun"}),
    "order": frozenset({"first", "then"}),
    "throughout": frozenset({"first"}),
    "earlier_phase": frozenset({"label"}),
    "earlier_step": frozenset({"label"}),
    "phase": frozenset({"label", "procedure"}),
    "step": frozenset({"label", "procedure"}),
    "criteria_met": frozenset({"list", "are"}),
    "criteria_unmet": frozenset({"list", "are"}),
    "remaining": frozenset({"act", "seconds"}),
    "next": frozenset({"doing"}),
    **dict.fromkeys(("no_instruments", "no_tissues", "smoke", "no_relations", "no_actions"), frozenset()),
}
"""The slots that a sentence of each kind may use."""


@cache
def sentences() -> dict[str, tuple[str, ...]]:
    """Kind of sentence to its wordings.

    Raises:
        SurgSigmaError: the data file lacks a kind, holds one too many, repeats a wording or uses an unknown slot.
    """
    where = "reasoning/templates/reasoning.yaml"
    raw = yaml.safe_load((resources.files(__package__) / "templates" / "reasoning.yaml").read_text("utf-8"))
    found = {kind: tuple(lines) for kinds in raw.values() for kind, lines in kinds.items()}
    if set(found) != set(SLOTS):
        odd = ", ".join(sorted(set(found) ^ set(SLOTS)))
        raise SurgSigmaError(f"{where}: the kinds of sentence are not those expected ({odd})")
    for kind, lines in found.items():
        if not lines or len(set(lines)) != len(lines):
            raise SurgSigmaError(f"{where}: {kind} must be a list of distinct sentences")
        for line in lines:
            if not slots_of(line) <= SLOTS[kind]:
                raise SurgSigmaError(f"{where}: {line!r} uses a slot that {kind} does not have")
    return found


class Wording:
    """Words the sentences of one trace: the same seed gives the same words in every build."""

    __slots__ = ("_banks", "_digest", "_said")

    def __init__(self, seed: str) -> None:
        self._banks = sentences()
        self._digest = hashlib.blake2b(seed.encode(), digest_size=32, person=b"reason").digest()
        self._said = 0

    def say(self, kind: str, **slots: str) -> str:
        """One sentence of that kind."""
        lines = self._banks[kind]
        number = self._digest[self._said % 32]  # a byte is enough for a choice among a few wordings
        self._said += 1
        text = lines[number % len(lines)]
        if slots:
            text = text.format(**slots)
        return text if text[0].isupper() else text[0].upper() + text[1:]
