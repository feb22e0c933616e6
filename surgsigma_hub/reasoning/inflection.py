"""Verbs of actions as infinitive and in the present tense: "to retract the liver", "the grasper retracts the liver"."""

from __future__ import annotations

from functools import lru_cache

from ..ontology import NULL, concept
from ..ontology.forms import acting_on
from .label_spans import find

_ES = ("s", "sh", "ch", "x", "z", "o")


@lru_cache(maxsize=4096)
def infinitive(action: str, target: str) -> str:
    """What is done to a target, as an infinitive without "to"; empty where that would not be read as the action.

    >>> infinitive("cut", "omentum"), infinitive("pack", "gallbladder"), infinitive("retract", "null")
    ('cut the omentum', '', '')
    """
    if target == NULL:
        return ""
    doing, _, rest = acting_on(action, target).partition(" ")
    verb = concept("action", action).name.partition(" ")[0]
    said = f"{verb} {rest}"
    return said if doing in _participles(verb) and _read(said, action) and _read(present(said), action) else ""


def _participles(verb: str) -> tuple[str, ...]:
    return f"{verb}ing", f"{verb.removesuffix('e')}ing", f"{verb}{verb[-1]}ing"


def _read(text: str, action: str) -> bool:
    """Whether the verb is read as the action and as nothing else: "clips" are things as well."""
    first = find(text)[0]
    return first.start == 0 and first.readings == (("action", action),)


def present(infinitive: str) -> str:
    """The same of one tool.

    >>> present("push the liver"), present("carry the needle"), present("grasp the needle")
    ('pushes the liver', 'carries the needle', 'grasps the needle')
    """
    verb, _, rest = infinitive.partition(" ")
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies {rest}"
    return f"{verb}{'es' if verb.endswith(_ES) else 's'} {rest}"
