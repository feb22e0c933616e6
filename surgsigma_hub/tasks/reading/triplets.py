"""Triplets in the forms that models print: rows of names, clauses, and honest words for no action or no target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from ...errors import BadAnswerError
from ...ontology import NULL, Kind, concepts
from ...ontology.forms import forms
from ...records import Answer, AnswerTriplet
from ..common.answers import triplets_text
from ..common.base import Size, Space
from .denial import denied
from .labels import says_none
from .lexicon import Lexicon, Span, lexicon_of
from .strip import answer_part, bad
from .words import Token, tokens

_EXPECTED = "instrument, action and target, or none"
_NOUNS = r"interactions?|instruments?|triplets?|tools?|actions?|activity"

_STILL: dict[Kind, tuple[str, ...]] = {
    "action": (
        "in view without acting",
        "in view but idle",
        "without acting",
        "not acting",
        "no action",
        "null verb",
        "null v",
        "null",
        "not doing anything",
        "idle",
        "at rest",
        *(f"{does} {what}" for does in ("not interacting with", "no interaction with") for what in ("", "any ")),
        *(
            f"{does} any {what}"
            for does in ("not interacting with", "no interaction with")
            for what in ("tissue or target", "target or tissue", "tissue", "target", "organ", "tissue or organ")
        ),
        "not performing any action",
        "not performing action",
        "performing no action",
        "without performing any action",
    ),
    "target": (
        "no target",
        "null target",
        "null t",
        "null",
        "without named target",
        "without target",
        "no named target",
        "no tissue",
        "any target",
        "any tissue",
        "nothing",
    ),
}


@cache
def _lexicon() -> Lexicon:
    extra: dict[Kind, list[tuple[str, str]]] = {
        kind: [(words, NULL) for words in phrases] for kind, phrases in _STILL.items()
    }
    # What never acts is no target of the words after it: "a specimen bag is in view and the grasper is ...".
    still = [(c.name, c.id) for c in concepts("instrument").values() if not forms("instrument", c.id).acts]
    extra["instrument"] = [(f"{name} is in view", id) for name, id in still]
    return lexicon_of(("instrument", "action", "target"), extra)


@dataclass(frozen=True, slots=True)
class Triplets:
    """Reads triplets in the order of the text, without repeats; a true "none" is an empty list."""

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size``, ``space`` and ``procedure`` are not used.

        Raises:
            BadAnswerError: no triplet and no "none", a triplet with a part missing, or an unclear name.
        """
        part = unwrapped(answer_part(text, _EXPECTED))
        read = tokens(part)
        spans = _lexicon().find(read)
        reader = _Reader(part, read, spans)
        found = reader.run()
        if not found and not says_none("instrument", part, _NOUNS):
            raise bad(_EXPECTED, part, "it names no triplet of known labels and does not say that there is none")
        return Answer(text=triplets_text(found), triplets=found)


@cache
def _wrapped() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Phrases that hold their object in the middle, as one verb before it: "placing X in the retrieval bag"."""
    found = []
    for id in concepts("action"):
        said = forms("action", id)
        head, _, tail = said.on.partition(" {}")
        if tail:
            # From the last head on: "ultrasound scanning and the hook is scanning the liver with ultrasound" has two.
            end = re.escape(tail).replace("specimen", "(?:specimen|retrieval)")  # two words for one bag
            pattern = rf"\b{re.escape(head)} ((?:(?!\b{re.escape(head)}\b)[^,;.]){{1,60}}?){end}\b"
            found.append((re.compile(pattern, re.IGNORECASE), rf"{said.doing} \1"))
    return tuple(found)


def wrappings(text: str) -> Iterator[tuple[int, int]]:
    """Where the words stand that follow the object of such a verb, and so are part of it.

    >>> [text[a:b] for text in ["placing the gallbladder in the retrieval bag now"] for a, b in wrappings(text)]
    [' in the retrieval bag']
    """
    for pattern, _ in _wrapped():
        yield from ((match.end(1), match.end()) for match in pattern.finditer(text))


def unwrapped(part: str) -> str:
    """A text in which a verb that holds its object in the middle stands before it.

    >>> unwrapped("The grasper is placing the gallbladder in the retrieval bag.")
    'The grasper is bagging the gallbladder.'
    """
    for pattern, said in _wrapped():
        part = pattern.sub(said, part)
    return part


_JOINS = frozenset({"and", "or", ",", "&"})
_GOES_ON = "is are then also while it they simultaneously thereby being ;"
_SAME_SUBJECT = _JOINS | frozenset(_GOES_ON.split())


@dataclass(slots=True)
class _Reader:
    """Walks through the names found: instruments, then actions, then targets; or action, target, by instrument."""

    part: str
    read: Sequence[Token]
    spans: Sequence[Span]
    subjects: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    target: str | None = None  # a target named before any instrument
    direct: bool = False  # action and target follow each other: "dissect gallbladder" without an instrument
    closed: bool = True  # the actions have their target
    means: bool = False  # the instrument was named as a means: "with the hook, the gallbladder is ..."
    found: dict[AnswerTriplet, None] = field(default_factory=dict)

    def run(self) -> tuple[AnswerTriplet, ...]:
        no = denied(self.read, self.spans)
        spans = [
            s
            for n, s in enumerate(self.spans)
            if n not in no or s.ids("action") == (NULL,) or s.ids("target") == (NULL,)
        ]
        for n, span in enumerate(spans):
            first = spans[n - 1].last + 1 if n else 0
            link = [t.word for t in self.read[first : span.first]]
            acts_next = n + 1 < len(spans) and bool(spans[n + 1].ids("action"))
            instrument, action, target = (self._one(span, k) for k in ("instrument", "action", "target"))
            # A name that is both instrument and target ("specimen bag") is an instrument where an action follows.
            begins = instrument is not None and (target is None or (acts_next and not _leads_on(link)))
            if instrument is not None and self.read[span.last].word == "view":
                self._instrument(instrument, link)
                self.actions = [NULL]
            elif not self.subjects:
                self._without_subject(instrument if begins or _by(link) else None, action, target, link)
            elif begins or (instrument is not None and not self.actions):
                self._instrument(instrument or "", link)
            else:
                self._with_subject(action, target, link)
        self._end_clause()
        return tuple(self.found)

    def _instrument(self, instrument: str, link: Sequence[str]) -> None:
        if self.subjects and not self.actions and not self.closed and {*link} <= _JOINS:
            self.subjects.append(instrument)  # "the grasper and the hook are ..."
            return
        self._end_clause()
        self.subjects, self.actions, self.target, self.closed = [instrument], [], None, False
        self.means = _by(link) or [*link[-2:]] == ["mean", "of"]

    def _with_subject(self, action: str | None, target: str | None, link: Sequence[str]) -> None:
        if action is not None and not self.actions:
            self.actions = [action]
            if self.target is not None:
                self._emit(self.target)
        elif self.means and target is not None and not self.actions:
            self.target = target
        elif target is not None and self.actions and (not self.closed or {*link} <= _JOINS):
            self._emit(target)
        elif action is not None and not self.closed:
            if NULL in (*self.actions, action):
                return  # "no action, null": said twice
            if not {*link} <= _SAME_SUBJECT:
                raise self._incomplete("a target")
            self.actions.append(action)
        elif action is not None and {*link} <= _SAME_SUBJECT:
            self.actions, self.closed = [action], False
        elif action is not None or target is not None:
            self.subjects, self.actions, self.target = [], [], None
            self._without_subject(None, action, target, link)

    def _without_subject(
        self, instrument: str | None, action: str | None, target: str | None, link: Sequence[str]
    ) -> None:
        """Names before any instrument: "the gallbladder is retracted by the grasper"."""
        if instrument is not None:
            if _by(link) and self.actions and self.target is not None:
                for done in self.actions:
                    self.found[AnswerTriplet(instrument, done, self.target)] = None
                self.actions, self.target, self.direct = [], None, False
            else:
                self._instrument(instrument, link)
        elif action is not None and action != NULL:
            self._refuse_direct()
            self.actions = [action]
        elif target is not None and target != NULL:
            self._refuse_direct()
            self.target = target
            self.direct = bool(self.actions) and {*link} <= {","}

    def _emit(self, target: str) -> None:
        for instrument in self.subjects:
            for action in self.actions:
                self.found[AnswerTriplet(instrument, action, target)] = None
        self.closed = True

    def _end_clause(self) -> None:
        """An instrument at rest needs no target, any other does."""
        if not self.subjects:
            self._refuse_direct()
        elif not self.closed:
            if not self.actions:
                raise self._incomplete("an action")
            if self.actions != [NULL]:
                raise self._incomplete("a target")
            self._emit(NULL)

    def _refuse_direct(self) -> None:
        """An instrument that is not known must not vanish from the answer."""
        if self.direct:
            raise self._incomplete("a known instrument")

    def _incomplete(self, lacks: str) -> BadAnswerError:
        return bad(_EXPECTED, self.part, f"{', '.join(self.subjects) or 'a triplet'} lacks {lacks}")

    def _one(self, span: Span, kind: Kind) -> str | None:
        ids = span.ids(kind)
        if len(ids) > 1:
            raise bad(_EXPECTED, self.part, f"{self.part[span.start : span.end]!r} can mean more than one {kind}")
        return ids[0] if ids else None


def _by(link: Sequence[str]) -> bool:
    return bool(link) and link[-1] in ("by", "with", "using", "via")


def _leads_on(link: Sequence[str]) -> bool:
    """Whether the words before a name make it a target: "in view without acting on the specimen bag"."""
    return bool(link) and link[-1] in ("on", "of", "into", "to", "from", "with")
