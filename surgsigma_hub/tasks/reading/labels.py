"""Labels named in a text, with what is denied left out; a true "none" is told from an unreadable answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...ontology import NULL, Kind, concept, concepts
from ...records import Answer
from ..answers import NOT_TISSUE, names, plain_list
from ..base import Space
from .lexicon import Span, lexicon
from .strip import answer_part, bad
from .words import Token, tokens

_DENIES = frozenset({"no", "not", "without", "neither", "nor", "never", "lack", "lacking", "non"})
_BREAKS_WORDS = (
    "but only and is are was were with however although instead than besides except apart beyond just merely"
)
_BREAKS = frozenset(_BREAKS_WORDS.split())
_ABSENT_WORDS = (
    "visible present seen shown used detected identified there found available needed required recognized "
    "recognizable applied appear in"
)
_ABSENT = frozenset(_ABSENT_WORDS.split())
_REACH = 4
"""How many words may stand between a denial and what it denies ("no sign of a further hook")."""


def denied(read: Sequence[Token], spans: Sequence[Span]) -> set[int]:
    """Numbers of the spans that the text says are not there.

    >>> text = tokens("A grasper, no hook or scissors; the clipper is not visible")
    >>> spans = lexicon("instrument").find(text)
    >>> [spans[n].ids("instrument") for n in sorted(denied(text, spans))]
    [('hook',), ('scissors',), ('clipper',)]
    """
    if not spans:
        return set()
    ends = [*(span.first for span in spans[1:]), len(read)]
    after = [[t.word for t in read[span.last + 1 : end]] for span, end in zip(spans, ends, strict=True)]
    found: set[int] = set()
    goes_on = _alternatives(after)
    for n, span in enumerate(spans):
        least = spans[n - 1].last + 1 if n else 0
        if _denied_before(read, span.first, least) or (n - 1 in found and n in goes_on):
            found.add(n)
    whole_list = False  # "A and B are not visible"
    for n in range(len(spans) - 1, -1, -1):
        if _denied_after(after[n]):
            found.add(n)
            whole_list = bool({"is", "are", "was", "were", "not", "absent", "missing"} & {*after[n][:2]})
        elif whole_list and after[n] in (["and"], ["or"], [","]):
            found.add(n)
        else:
            whole_list = False
    return found


def _alternatives(after: Sequence[Sequence[str]]) -> set[int]:
    """Numbers of the spans that share a denial with the span before: B in "no A or B", B and C in "no A, B or C"."""
    found: set[int] = set()
    ahead = False
    for n in range(len(after) - 1, 0, -1):
        link = after[n - 1]
        if {"or", "nor"} & {*link[:3]}:
            ahead = len(link) <= 3
        elif link != [","]:
            ahead = False
        if ahead:
            found.add(n)
    return found


def _denied_before(read: Sequence[Token], first: int, least: int) -> bool:
    for at in range(first - 1, max(least, first - 2 - _REACH) - 1, -1):
        word = read[at].word
        if word in _DENIES:
            return at + 1 >= len(read) or read[at + 1].word not in ("only", "just", "merely")
        if word == "than" and at and read[at - 1].word == "rather":
            return True
        if word == "of" and at and read[at - 1].word == "instead":
            return True
        if word in _BREAKS or read[at].is_mark:
            return False
    return False


def _denied_after(words: Sequence[str]) -> bool:
    """Whether the words after a label deny it: "is not visible", ": none", "cannot be seen"."""
    told = [w for w in words[:6] if w not in ("is", "are", "was", "were", "be", "can", ":", "(", "=", "-", "currently")]
    if not told:
        return False
    if told[0] in ("absent", "missing"):
        return True
    if told[0] in ("no", "none", "false"):
        return bool({":", "=", "("} & {*words[:2]})
    return told[0] == "not" and (len(told) == 1 or told[1] in _ABSENT or not told[1].isalnum())


@dataclass(frozen=True, slots=True)
class Found:
    """What a text says about labels of one kind.

    Attributes:
        ids: Labels named and not denied, in the order of the text, without repeats; ``null`` is not among them.
        unclear: A name that sources use for different labels; empty where there is none.
        null: Whether the null label of the kind is named ("no action").
        first_end: Where the first label named and not denied ends.
    """

    ids: tuple[str, ...]
    unclear: str = ""
    null: bool = False
    first_end: int = 0


def labels_in(kind: Kind, text: str) -> Found:
    """The labels of ``kind`` that ``text`` names.

    >>> labels_in("phase", "It is CalotTriangleDissection, not preparation").ids
    ('calot_triangle_dissection',)
    """
    read = tokens(text)
    spans = lexicon(kind).find(read)
    no = denied(read, spans)
    ids: dict[str, None] = {}
    unclear, null, first_end = "", False, 0
    for n, span in enumerate(spans):
        meant = span.ids(kind)
        if meant == (NULL,):
            null = True
        elif n in no or not meant:
            continue
        elif len(meant) > 1:
            unclear = text[span.start : span.end]
        else:
            first_end = first_end or span.end
            ids[meant[0]] = None
    return Found(tuple(ids), unclear, null, first_end)


# ------------------------------------------------------------------------------------------------------ parsers

_EXPLAINS = re.compile(
    r"[.,;]?\s(?:and\s|where\s|here\s)?(?:in|during|at|for)\s(?:this|the|that|which)\s(?:phase|step|stage|action)\b"
    r"|[.,;]\s?(?:this|the|that)\s(?:phase|step|stage|action)\b|[.,;]\s?(?:in|during)\s?which\b|,\s?(?:where|which)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;])\s")
_NOUNS: dict[Kind, str] = {
    "instrument": r"instruments?|tools?|devices?|objects?|detections?|box|boxes",
    "target": r"tissues?|organs?|structures?|anatomy|objects?|detections?|box|boxes",
    "action": r"actions?|activity|activities|maneuvers?|manipulations?|work",
}


def says_none(kind: Kind, text: str, nouns: str = "") -> bool:
    """Whether a text that names no label says that there is none.

    >>> says_none("instrument", "No tools detected"), says_none("instrument", "I do not know")
    (True, False)
    """
    noun = nouns or _NOUNS.get(kind, kind)
    pattern = (
        r"(?:^|[.,;:]\s?)(?:none|null|nil|\[\s?\]|\{\s?\})(?!\w)|\bat rest\b|"
        r"\bnothing\s(?:is|was|are|to|can|could|visible|detected|found|in|here|at)\b|^nothing$|"
        rf"\b(?:no|zero|0|without|without any|free of|free of any)\s(?:\w{{1,20}}\s){{0,2}}(?:{noun})\b|"
        rf"\b(?:not|cannot|unable to|n't)\s(?:\w{{1,20}}\s){{0,3}}any\s(?:\w{{1,20}}\s)?(?:{noun})\b"
    )
    return re.search(pattern, text, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class OneLabel:
    """Reads exactly one label of ``kind``.

    Args:
        kind: The vocabulary.
        after_is_past: Whether "after A, B" answers B, as where the next action is asked for.
    """

    kind: Kind
    after_is_past: bool = False

    def __call__(self, text: str, *, size: tuple[int, int] | None = None, space: Space | None = None) -> Answer:
        """The answer; ``size`` and ``space`` are not used.

        Raises:
            BadAnswerError: no label, several, or a name that can mean several.
        """
        expected = f"one {self.kind}"
        part = answer_part(text, expected)
        found = labels_in(self.kind, part)
        if len(found.ids) > 1:
            found = self._first_said(part, found.first_end) or found
        if found.unclear:
            raise bad(expected, part, f"{found.unclear!r} can mean more than one {self.kind}")
        if len(found.ids) != 1:
            shown = ", ".join(names(self.kind, found.ids)) or "none"
            raise bad(expected, part, f"labels named: {shown}")
        return Answer(text=concept(self.kind, found.ids[0]).name, labels=found.ids)

    def _first_said(self, part: str, first_end: int) -> Found | None:
        """What is named before an explanation begins ("In this phase, ..."), or after what is past."""
        cut = _EXPLAINS.search(part, first_end)
        if cut:
            return labels_in(self.kind, part[: cut.start()])
        # Of two answers in one text, the sentences that name the kind are meant: "The phase is A. The step is B."
        own = [one for one in _SENTENCE.split(part) if re.search(rf"\b{self.kind}\b", one, re.IGNORECASE)]
        if own and len(labels_in(self.kind, ". ".join(own)).ids) == 1:
            return labels_in(self.kind, ". ".join(own))
        past = re.search(r"\b(?:after|following|once)\b[^,.;:]{1,120}[,;:]", part, re.IGNORECASE)
        if self.after_is_past and past:
            return labels_in(self.kind, part[: past.start()] + part[past.end() :])
        return None


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Reads a set of labels of ``kind``, in the order of the vocabulary; a true "none" is an empty set."""

    kind: Kind

    def __call__(self, text: str, *, size: tuple[int, int] | None = None, space: Space | None = None) -> Answer:
        """The answer; ``size`` and ``space`` are not used.

        Raises:
            BadAnswerError: neither labels nor "none", or a name that can mean several labels.
        """
        ids = read_set(self.kind, answer_part(text, f"{self.kind} labels, or none"))
        return Answer(text=plain_list(names(self.kind, ids)), labels=ids)


def read_set(kind: Kind, part: str) -> tuple[str, ...]:
    """The labels of a set in a stripped answer, in the order of the vocabulary.

    Raises:
        BadAnswerError: as :class:`LabelSet`.
    """
    found = labels_in(kind, part)
    expected = f"{kind} labels, or none"
    if found.unclear:
        raise bad(expected, part, f"{found.unclear!r} can mean more than one {kind}")
    leave_out = NOT_TISSUE if kind == "target" else frozenset({NULL})
    ids = tuple(id for id in concepts(kind) if id in found.ids and id not in leave_out)
    if not ids and not found.null and not says_none(kind, part):
        raise bad(expected, part, "it names none of the known labels and does not say that there is none")
    return ids


@dataclass(frozen=True, slots=True)
class MaskLabels:
    """Reads the words beside a mask: the labels that it shows, all instruments, or none in view."""

    kinds: tuple[Kind, ...] = ("instrument",)

    def __call__(self, text: str, *, size: tuple[int, int] | None = None, space: Space | None = None) -> Answer:
        """The answer; ``size`` and ``space`` are not used. Labels of the first kind that is named count.

        Raises:
            BadAnswerError: the text speaks neither of a mask nor of instruments.
        """
        whole = self.kinds[0]
        expected = f"words on a mask of {whole}s"
        part = answer_part(text, expected)
        unclear = False
        for kind in self.kinds:
            found = labels_in(kind, part)
            ids = tuple(id for id in concepts(kind) if id in found.ids)
            if ids and not found.unclear:
                return Answer(text=f"mask of {plain_list(names(kind, ids))}", labels=ids)
            unclear = unclear or bool(found.unclear)
        if says_none(whole, part):
            return Answer(text=f"no {whole} in view")
        if unclear or not re.search(rf"\b(?:mask|segmentation|target\.png|white|{whole}s?)\b", part, re.I):
            raise bad(expected, part, "no known label, no mask and no instrument is named")
        return Answer(text=f"mask of all {whole}s")
