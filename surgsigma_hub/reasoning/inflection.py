"""Verbs of actions as infinitive, in the present tense and in the passive: "the liver is being retracted"."""

from __future__ import annotations

from functools import lru_cache

from ..ontology import NULL, concept, concepts
from ..ontology.forms import acting_on, forms
from .label_spans import find

_ES = ("s", "sh", "ch", "x", "z", "o")


@lru_cache(maxsize=4096)
def infinitive(action: str, target: str) -> str:
    """What is done to a target, as an infinitive without "to"; empty where that would not be read as the action.

    >>> infinitive("retract", "liver"), infinitive("pack", "gallbladder"), infinitive("retract", "null")
    ('retract the liver', '', '')
    """
    if target == NULL:
        return ""
    doing, _, rest = acting_on(action, target).partition(" ")
    verb = concept("action", action).name.partition(" ")[0]
    said = f"{verb} {rest}"
    return said if doing in _participles(verb) and _read(said, action) and _read(present(said), action) else ""


@lru_cache(maxsize=4096)
def undergoing(action: str, target: str) -> tuple[str, str]:
    """What a target undergoes: the target with "is" or "are", and the participle; empty where there is none to be read.

    >>> undergoing("retract", "gallbladder"), undergoing("clip", "cystic_duct"), undergoing("pack", "gallbladder")
    (('the gallbladder is', 'retracted'), ('the cystic duct is', 'clipped'), ('', ''))
    """
    verb, _, rest = infinitive(action, target).partition(" ")
    if not verb or rest != forms("target", target).the or target in concepts("instrument"):  # which would act
        return "", ""
    doing = acting_on(action, target).partition(" ")[0].removesuffix("ing")
    done = _IRREGULAR.get(verb) or (f"{verb}d" if verb.endswith("e") else f"{doing}ed")
    subject = f"{rest} {forms('target', target).be}"
    seen = [m for m in find(f"{subject} being {done}") if m.ids("action")]
    return (subject, done) if [m.readings for m in seen] == [(("action", action),)] else ("", "")


_IRREGULAR = {"hold": "held"}


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
