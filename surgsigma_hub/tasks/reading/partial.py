"""What a list names that no vocabulary knows, so that a reading in part is not taken for the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...records import Answer
from .lexicon import Span
from .words import Token

_BETWEEN = frozenset((",", ";", "and", "or", "/", "plus", "&"))
_LEADS_WORDS = "is are be was were see seen shows show include includes contain contains namely has have"
_LEADS = frozenset(_LEADS_WORDS.split())
_PROSE_WORDS = (
    "is are was were be been being has have had while which that with where who on in at near behind to "
    "from by as not no none yes without it they there this i we can could may might not likely possibly "
    "probably"
)
_PROSE = frozenset(_PROSE_WORDS.split())
_PLAIN_WORDS = (
    "etc more other others further instrument instruments tool device object tissue organ structure "
    "anatomy action visible image frame picture view field one two three four both several some possibly "
    "answer true false null name label present count number confidence score primary secondary left right hand"
)
_PLAIN = frozenset(_PLAIN_WORDS.split())
_LONGEST = 3
"""Words of an item at most; more is prose."""


@dataclass(frozen=True)
class PartialAnswer(Answer):
    """A reading in part: the known labels of a list that also names others, which stand in ``unread`` as written."""

    unread: tuple[str, ...] = ()


def unread_items(text: str, read: Sequence[Token], spans: Sequence[Span]) -> tuple[str, ...]:
    """The items of a plain list that hold no known name, as they are written; () where the text is no list.

    Args:
        text: The stripped answer.
        read: Its words.
        spans: The names found, of any vocabulary.

    >>> from .lexicon import lexicon
    >>> from .words import tokens
    >>> text = "I see a liver retractor hook, the zapper and a grasper"
    >>> unread_items(text, tokens(text), lexicon("instrument").find(text))
    ('zapper',)
    """
    known = {at for span in spans for at in range(span.first, span.last + 1)}
    items: list[list[int]] = [[]]
    for at, token in enumerate(read):
        if token.word in (".", ":") and at not in known:
            items = [[]] if token.word == ":" and len(items) == 1 else [*items, []]
        elif token.word in _BETWEEN and at not in known:
            items.append([])
        elif not token.is_mark:
            items[-1].append(at)
    if items[0] and not known & {*items[0]}:
        leads = [n for n, at in enumerate(items[0]) if read[at].word in _LEADS]
        items[0] = items[0][leads[-1] + 1 :] if leads else items[0]
    items = [item for item in items if item]
    if len(items) < 2 or not known:
        return ()
    found: list[str] = []
    for item in items:
        words = {read[at].word for at in item}
        if known & {*item} or len(item) > _LONGEST or words & _PROSE or {*filter(str.isalpha, words)} <= _PLAIN:
            continue
        if all(len(w) == 1 or not w.isalpha() for w in words):
            continue  # numbers and letters of a list
        found.append(text[read[item[0]].start : read[item[-1]].end])
    return tuple(found)
