"""Triplets in the forms that models print: rows of names, clauses, and honest words for no action or no target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from ...errors import BadAnswerError
from ...ontology import NULL, Kind
from ...records import Answer, AnswerTriplet
from ..answers import triplets_text
from ..base import Space
from .labels import denied, says_none
from .lexicon import Lexicon, Span, lexicon_of
from .strip import answer_part, bad
from .words import Token, tokens

_EXPECTED = "instrument, action and target, or none"
_NOUNS = r"interactions?|instruments?|triplets?|tools?|actions?|activity"

_STILL: dict[Kind, tuple[str, ...]] = {
    "action": (
        "in view without acting",
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
    return lexicon_of(("instrument", "action", "target"), extra)


@dataclass(frozen=True, slots=True)
class Triplets:
    """Reads triplets in the order of the text, without repeats; a true "none" is an empty list."""

    def __call__(self, text: str, *, size: tuple[int, int] | None = None, space: Space | None = None) -> Answer:
        """The answer; ``size`` and ``space`` are not used.

        Raises:
            BadAnswerError: no triplet and no "none", a triplet with a part missing, or an unclear name.
        """
        part = answer_part(text, _EXPECTED)
        read = tokens(part)
        spans = _lexicon().find(read)
        reader = _Reader(part, read, spans)
        found = reader.run()
        if not found and not says_none("instrument", part, _NOUNS):
            raise bad(_EXPECTED, part, "it names no triplet of known labels and does not say that there is none")
        return Answer(text=triplets_text(found), triplets=found)


@dataclass(slots=True)
class _Reader:
    """Walks through the names found: instrument, then action, then target; or action, target, by instrument."""

    part: str
    read: Sequence[Token]
    spans: Sequence[Span]
    subjects: list[str] = field(default_factory=list)
    action: str | None = None
    target: str | None = None
    closed: bool = True  # the current subject has given at least one triplet
    found: dict[AnswerTriplet, None] = field(default_factory=dict)

    def run(self) -> tuple[AnswerTriplet, ...]:
        no = denied(self.read, self.spans)
        spans = [s for n, s in enumerate(self.spans) if n not in no or NULL in self._ids(s)]
        for n, span in enumerate(spans):
            link = self._words(spans[n - 1].last + 1 if n else 0, span.first)
            self._take(span, spans[n + 1] if n + 1 < len(spans) else None, link)
        self._finish(spans[-1] if spans else None)
        return tuple(self.found)

    def _take(self, span: Span, following: Span | None, link: list[str]) -> None:
        instrument, action, target = (self._one(span, k) for k in ("instrument", "action", "target"))
        acts_next = following is not None and bool(following.ids("action"))
        if self.subjects and self.action is None:
            if action is not None:
                self.action = action
                self.closed = False
            elif instrument is not None and not self.closed and {*link} <= {"and", ",", "or"}:
                self.subjects.append(instrument)
            elif instrument is not None and self.closed:
                self._start(instrument)
            elif instrument is not None:
                raise self._incomplete("an action")
        elif self.subjects and self.action is not None:
            awaits = not self.closed
            begins = instrument is not None and (target is None or (acts_next and not _leads_on(link)))
            if begins and instrument is not None:
                self._finish(span)
                self._start(instrument)
            elif target is not None and (awaits or {*link} <= {"and", ",", "or"} or not link):
                if awaits or action is None or target != NULL:
                    self._emit(target)
            elif action is not None and (self.closed or (self.action == NULL and action == NULL)):
                if not self.closed:
                    return
                self.action, self.closed = action, False
            elif action is not None:
                raise self._incomplete("a target")
        else:
            self._before_subject(instrument, action, target, link, acts_next)

    def _before_subject(
        self, instrument: str | None, action: str | None, target: str | None, link: list[str], acts_next: bool
    ) -> None:
        """Names before the first instrument: "the gallbladder is retracted by the grasper"."""
        by = {"by", "with", "using", "via"} & {*link}
        if instrument is not None and (target is None or acts_next or by):
            if by and self.action is not None and self.target is not None:
                self.found[AnswerTriplet(instrument, self.action, self.target)] = None
                self.action = self.target = None
            else:
                self.action = self.target = None
                self._start(instrument)
        elif action is not None and self.action is None:
            self.action = action
        elif target is not None:
            self.target = target

    def _start(self, instrument: str) -> None:
        self.subjects, self.action, self.target, self.closed = [instrument], None, None, False

    def _emit(self, target: str) -> None:
        assert self.action is not None
        for instrument in self.subjects:
            self.found[AnswerTriplet(instrument, self.action, target)] = None
        self.closed = True

    def _finish(self, at: Span | None) -> None:
        """End of a clause: an instrument at rest needs no target, any other does."""
        if self.closed or not self.subjects:
            if not self.subjects and (self.action is not None and self.target is not None):
                raise self._incomplete("an instrument")
            return
        if self.action is None:
            raise self._incomplete("an action")
        if self.action != NULL:
            raise self._incomplete("a target")
        self._emit(NULL)

    def _incomplete(self, lacks: str) -> BadAnswerError:
        shown = ", ".join(self.subjects) or "a triplet"
        return bad(_EXPECTED, self.part, f"{shown} lacks {lacks}")

    def _ids(self, span: Span) -> set[str]:
        return {i for ids in span.means.values() for i in ids}

    def _one(self, span: Span, kind: Kind) -> str | None:
        ids = span.ids(kind)
        if len(ids) > 1:
            raise bad(_EXPECTED, self.part, f"{self.part[span.start : span.end]!r} can mean more than one {kind}")
        return ids[0] if ids else None

    def _words(self, first: int, last: int) -> list[str]:
        return [t.word for t in self.read[first:last]]


def _leads_on(link: Sequence[str]) -> bool:
    """Whether the words before a name make it a target: "in view without acting on the specimen bag"."""
    return bool(link) and link[-1] in ("on", "of", "into", "to", "from", "with")
