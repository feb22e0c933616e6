"""Phases and steps told in prose: "the surgeon is separating the gallbladder from the liver"."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources

from ...ontology import Kind, concept
from .words import Token, tokens, verb_forms

_DOUBT_WORDS = "no not never without before after until once next yet previously later if or"
_DOUBT = frozenset(_DOUBT_WORDS.split())
"""Words that make it unclear whether the sentence tells what goes on now."""

Needs = tuple[frozenset[str], ...]


def told(kind: Kind, text: str) -> tuple[str, ...]:
    """The labels whose description a sentence of ``text`` gives; () for prose that denies or compares.

    A row of ``prose.csv`` lists the words that one sentence must hold, in any order and form of the verb; ``|`` parts
    words of which one will do.

    >>> told("phase", "The gallbladder is being separated from the liver bed.")
    ('gallbladder_dissection',)
    """
    found: dict[str, None] = {}
    for sentence in _sentences(tokens(text)):
        if sentence & _DOUBT:
            continue
        found |= {id: None for id, needs in _rows(kind) if all(sentence & need for need in needs)}
    return tuple(found)


def _sentences(read: Sequence[Token]) -> list[frozenset[str]]:
    sentences: list[set[str]] = [set()]
    for token in read:
        if token.word in (".", ";", "!", "?"):
            sentences.append(set())
        else:
            sentences[-1].add(token.word)
    return [frozenset(s) for s in sentences if s]


@cache
def _rows(kind: Kind) -> tuple[tuple[str, Needs], ...]:
    text = (resources.files(__package__) / "prose.csv").read_text("utf-8")
    return tuple(
        (concept(kind, row["id"]).id, tuple(_any_form(group) for group in row["words"].split()))
        for row in csv.DictReader(text.splitlines())
        if row["kind"] == kind
    )


def _any_form(group: str) -> frozenset[str]:
    return frozenset(form for word in group.split("|") for form in (word, *verb_forms(word)))
