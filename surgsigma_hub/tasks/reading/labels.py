"""Labels named in a text, with what is denied left out; a true "none" is told from an unreadable answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ...ontology import NULL, Kind, concept, concepts, native_names
from ...records import Answer
from ...registry import all_sources
from ..common.answers import NOT_TISSUE, names, plain_list
from ..common.base import Size, Space
from .denial import denied
from .lexicon import Span, acts_called_things, lexicon
from .partial import PartialAnswer, unread_items
from .prose import told
from .strip import answer_part, bad
from .words import Token, tokens


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


_ASKED = re.compile(
    r"(?<![^.;:!?])[^.;:!?]{1,200}\bor\b[^.;:!?]{1,200}\?|\bwhether\b[^,.;:]{1,200}"
    r"|\b(?:unclear|uncertain|unsure|not (?:clear|certain|sure)|(?:say|tell|judge|determined?|know|confirm))"
    r" if\b[^,.;:]{1,200}"
    r"|(?:(?!\b(?:and|but|(?:al)?though|while)\b)[^,.;:]){1,80}\b(?:cannot|can't|can not|could not|couldn't) be "
    r"(?:\w{1,20} )?(?:ruled out|excluded)\b"
    r"|(?:^|(?<=[,.;:]))[^,.;:]{1,80}\b(?:was|were|has been|have been|had been)\b[^,.;:]{0,40}"
    r"\b(?:earlier|before|previously|beforehand)\b(?! (?:the|a|an|this|any)\b)",
    re.IGNORECASE,
)
"""What a text leaves open or tells of another time: a question that it asks itself ("hook or grasper?"), "whether a
hook is there", "a hook cannot be ruled out", "irrigation was done earlier"."""
_ALL_BUT = re.compile(
    r"(?:^|[.;:]\s?)(?:all|every(?:thing)?|each)\b[^.;:]{0,40}?\b(?:except|but|besides|other\sthan|apart\sfrom)\b",
    re.IGNORECASE,
)


def labels_in(kind: Kind, text: str, among: frozenset[str] | None = None) -> Found:
    """The labels of ``kind`` that ``text`` names; those not ``among`` the given ids are passed over.

    >>> labels_in("phase", "It is CalotTriangleDissection, not preparation").ids
    ('calot_triangle_dissection',)
    """
    read = tokens(_ASKED.sub(lambda asked: " " * len(asked[0]), text))
    spans = lexicon(kind).find(read)
    no = denied(read, spans)
    ids: dict[str, None] = {}
    unclear, null, first_end = "", False, 0
    for n, span in enumerate(spans):
        meant = tuple(id for id in span.ids(kind) if among is None or id in among or id == NULL)
        if meant == (NULL,):
            null = True
        elif n in no:
            for id in meant:  # of two mentions the last one says how it is: "A, B, C: of these C is not visible"
                ids.pop(id, None)
        elif len(meant) > 1:
            unclear = text[span.start : span.end]
        elif meant:
            first_end = first_end or span.end
            ids[meant[0]] = None
    return Found(tuple(ids), unclear, null, first_end)


def denied_in(kind: Kind, text: str) -> frozenset[str]:
    """The labels of ``kind`` that ``text`` says are not there.

    >>> denied_in("instrument", "There is no hook; whether a grasper is there is unclear")
    frozenset({'hook'})
    """
    read = tokens(_ASKED.sub(lambda asked: " " * len(asked[0]), text))
    spans = lexicon(kind).find(read)
    return frozenset(id for n in denied(read, spans) for id in spans[n].ids(kind))


# ------------------------------------------------------------------------------------------------------ parsers

_EXPLAINS = re.compile(
    r"[.,;]?\s(?:and\s|where\s|here\s)?(?:in|during|at|for)\s(?:this|the|that|which)\s(?:phase|step|stage|action)\b"
    r"|[.,;]\s?(?:this|the|that)\s(?:phase|step|stage|action)\b|[.,;]\s?(?:in|during)\s?which\b|,\s?(?:where|which)\b"
    r"|[.,;(\s][\s\"']*(?:because|since|reason(?:ing)?|rationale|explanation|evidence|justification|based\son|given\sthat|"
    r"due\sto|so\sthat|as\s(?:the|there|no|an?))\b"
    r"|[,;(.]\s?(?:(?:al)?though|but|however)\b[^.;]{1,100}\b(?:ruled\sout|excluded|dismissed)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:after|following|once)\b[^,.;:]{1,120}?(?:[,;:]|$|\b(?:comes|follows)\b)"
    r"|[^,.;:]{1,120}\b(?:is|are|was|were|has\sbeen|have\sbeen)\s(?:now\s)?"
    r"(?:finished|completed?|done|over|ending)\b\s?(?:[,;:.]|and\b|so\b)",
    re.IGNORECASE,
)
"""What is over before the action that is asked for: "after A, B", "B, after A", "A is done, so B"."""
_BEFORE = re.compile(
    r"(?:^|(?<=[.;]))[^.;]{0,40}\b(?:previous|preceding|prior|earlier|former|last)\s(?:phase|step|stage|action)\b[^.;]{1,120}(?:[.;]|$)"
    r"|(?:^|(?<=[.;]))[^.;]{1,120}\b(?:is|are|was|were|has\sbeen)\s(?:already\s|now\s)?"
    r"(?:finished|completed?|done|over)\b[^.;]{0,3}[.;,](?=[^.;]{0,60}\b(?:now|current(?:ly)?)\b)",
    re.IGNORECASE,
)
"""What is said of the time before: "The previous phase was A.", "A is complete; the team is now doing B"."""
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
        r"\bnothing(?:'s)?\s(?:being|is|was|are|to|can|could|visible|detected|found|in|here|at)\b|^nothing$|"
        rf"\b(?:no|zero|0|without|without any|free of|free of any)\s(?:\w{{1,20}}\s){{0,2}}(?:{noun})\b|"
        rf"(?:\b(?:not|cannot|unable to)|n't)\s(?:\w{{1,20}}\s){{0,3}}any\s(?:\w{{1,20}}\s)?(?:{noun})\b|"
        rf"\b(?:{noun})\s(?:is|are|was|were)(?:\snot|n't)\s(?:visible|present|seen|shown|detected|in view)\b"
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

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size`` and ``space`` are not used.

        Raises:
            BadAnswerError: no label, several, or a name that can mean several.
            UnknownNameError: no such procedure.
        """
        expected = f"one {self.kind}"
        part = answer_part(text, expected)
        among = None if procedure is None else labels_of(self.kind, procedure)
        found = labels_in(self.kind, part, among)
        if len(found.ids) > 1:
            found = self._first_said(part, found.first_end, among) or found
        if found.unclear:
            raise bad(expected, part, f"{found.unclear!r} can mean more than one {self.kind}")
        if len(found.ids) == 1 and (other := _other_choice(self.kind, part)):
            raise bad(expected, part, f"it leaves {other!r} open as well")
        ids = found.ids or tuple(id for id in told(self.kind, part) if among is None or id in among)
        if len(ids) != 1:
            raise bad(expected, part, f"labels named: {', '.join(names(self.kind, ids)) or 'none'}")
        return Answer(text=concept(self.kind, ids[0]).name, labels=ids)

    def _first_said(self, part: str, first_end: int, among: frozenset[str] | None) -> Found | None:
        """What is named before an explanation begins ("In this phase, ..."), or after what is past."""
        if (before := _BEFORE.search(part)) is not None:
            rest = labels_in(self.kind, part[: before.start()] + part[before.end() :], among)
            if len(rest.ids) == 1:
                return rest
        cut = _EXPLAINS.search(part, first_end)
        if cut:
            return labels_in(self.kind, part[: cut.start()], among)
        # Of two answers in one text, the sentences that name the kind are meant: "The phase is A. The step is B."
        own = [one for one in _SENTENCE.split(part) if re.search(rf"\b{self.kind}\b", one, re.IGNORECASE)]
        if own and len(labels_in(self.kind, ". ".join(own), among).ids) == 1:
            return labels_in(self.kind, ". ".join(own), among)
        past = _PAST.search(part)
        if self.after_is_past and past:
            return labels_in(self.kind, part[: past.start()] + part[past.end() :], among)
        return None


def _other_choice(kind: Kind, part: str) -> str:
    """The unread word that "or" sets beside a label: "horizontal" in "horizontal or vertical stapling"; else empty."""
    read = tokens(part)
    spans = lexicon(kind).find(read)
    inside = {at for span in spans for at in range(span.first, span.last + 1)}
    for span in spans:
        before = span.first - 2
        if before >= 0 and read[before + 1].word == "or" and before not in inside and not read[before].is_mark:
            return read[before].word
    return ""


@cache
def labels_of(kind: Kind, procedure: str) -> frozenset[str] | None:
    """The labels of ``kind`` that sources of ``procedure`` use; None where no source has any.

    Raises:
        UnknownNameError: no such procedure.
    """
    known = concept("procedure", procedure).id
    sources = [name for name, source in all_sources().items() if source.info.procedure == known]
    return frozenset(id for name in sources for (k, _), id in native_names(name).items() if k == kind) or None


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Reads a set of labels of ``kind``, in the order of the vocabulary; a true "none" is an empty set.

    A list that also names what no vocabulary knows is a :class:`PartialAnswer`, which says what was not read.
    """

    kind: Kind

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size``, ``space`` and ``procedure`` are not used.

        Raises:
            BadAnswerError: neither labels nor "none", or a name that can mean several labels.
        """
        part = answer_part(text, f"{self.kind} labels, or none")
        ids = read_set(self.kind, part)
        read = tokens(part)
        things = acts_called_things(self.kind)
        spans = [s for s in lexicon(self.kind).find(read) if s.ids(self.kind) or not _is_one_of(things, read, s)]
        unread = unread_items(part, read, spans)
        plain = plain_list(names(self.kind, ids))
        return PartialAnswer(text=plain, labels=ids, unread=unread) if unread else Answer(text=plain, labels=ids)


def _is_one_of(names: frozenset[str], read: Sequence[Token], span: Span) -> bool:
    return " ".join(t.word for t in read[span.first : span.last + 1]) in names


def read_set(kind: Kind, part: str) -> tuple[str, ...]:
    """The labels of a set in a stripped answer, in the order of the vocabulary.

    Raises:
        BadAnswerError: as :class:`LabelSet`.
    """
    found = labels_in(kind, part)
    expected = f"{kind} labels, or none"
    if _ALL_BUT.search(part):
        raise bad(expected, part, "it says all but some, and not all of what")
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

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size``, ``space`` and ``procedure`` are not used. Labels of the first kind that is named count.

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
