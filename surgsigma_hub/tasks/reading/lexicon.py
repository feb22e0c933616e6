"""The names of labels, and finding them in a text: the longest first, and none inside another."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from ...ontology import Kind, concept, concepts, native_names, sources_with_names
from ...ontology.forms import forms, places_acted_on
from ..common.wording import participle
from .words import Token, also_said, phrase, tokens, verb_forms

Reading = tuple[Kind, str]
"""What a name can mean: a vocabulary and a canonical id in it. Two ids of a kind: sources disagree about the name."""

_SCENE: tuple[Kind, ...] = ("instrument", "action", "target")
"""Kinds whose names are looked up together: "clip applier" must not be read as the action "clip"."""

_NOUNS: tuple[Kind, ...] = ("instrument", "target")

_FILLERS: dict[Kind, frozenset[str]] = dict.fromkeys(("phase", "step"), frozenset({"and", "of", "/"}))
"""Words that names of a kind are printed with or without ("ClippingCutting", "passing a suture")."""

_OF_ACTION = ("ing", "ion")
_PASSIVE = (("is",), ("being",), ("is", "being"), ("are",), ("are", "being"), ("was",), ("been",), ("has", "been"))
_SEWN = frozenset({("needle",), ("suture",), ("thread",), ("knot",), ("loop",)})
"""Things that an action names itself, with what is done to them: "the needle is being driven", "is handed over"."""
_PARTICLES = frozenset({"over", "out", "down"})
_COMMON = (
    "other none nothing null unknown background idle no not and or of in is yes "
    "instrument tool device object tissue organ structure target action phase step surgery operation procedure surgeon"
)
_TOO_COMMON = frozenset(_COMMON.split())
"""Native names that mean nothing outside the table of their source."""


@dataclass(frozen=True, slots=True)
class Span:
    """A name found: ``first`` to ``last`` are token numbers, ``start`` to ``end`` characters of the text."""

    first: int
    last: int
    start: int
    end: int
    readings: tuple[Reading, ...]

    def ids(self, kind: Kind) -> tuple[str, ...]:
        """The canonical ids of ``kind`` that the name can mean."""
        return tuple(id for k, id in self.readings if k == kind)


@dataclass(slots=True)
class _Node:
    next: dict[str, _Node] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()


class Lexicon:
    """Names of labels of some kinds.

    Args:
        names: For each kind, lists of (name as words, canonical id) by falling trust: of one name, the first list
            that holds it decides what it means. The first two hold names that somebody gave, the others forms made
            by rule.
        fillers: Words that are passed over, in names and in texts.
    """

    def __init__(
        self,
        names: Mapping[Kind, Sequence[Iterable[tuple[tuple[str, ...], str]]]],
        fillers: frozenset[str] = frozenset(),
    ) -> None:
        self._fillers = fillers
        self._root = _Node()
        for kind, lists in names.items():
            known: dict[tuple[str, ...], tuple[str, ...]] = {}
            for level, pairs in enumerate(lists):
                here: dict[tuple[str, ...], dict[str, None]] = {}
                for words, id in pairs:
                    words = tuple(w for w in words if w not in fillers)
                    if words and words not in known:
                        here.setdefault(words, {})[id] = None
                # Forms made by rule that mean two things are worth nothing; names that do are kept, so that their
                # reader hears of it.
                known |= {w: tuple(ids) for w, ids in here.items() if len(ids) == 1 or level < 2}
            for words, ids in known.items():
                self._add(words, kind, ids)

    def _add(self, words: tuple[str, ...], kind: Kind, ids: tuple[str, ...]) -> None:
        node = self._root
        for word in words:
            node = node.next.setdefault(word, _Node())
        node.readings += tuple((kind, id) for id in ids)

    def find(self, text: str | Sequence[Token]) -> list[Span]:
        """The names in a text, in order; where two overlap the longer one counts."""
        read = tokens(text) if isinstance(text, str) else text
        kept = [n for n, t in enumerate(read) if t.word not in self._fillers]
        candidates: list[tuple[int, int, tuple[Reading, ...]]] = []
        for first, start in enumerate(kept):
            node, last = self._root.next.get(read[start].word), first
            while node is not None:
                if node.readings:
                    candidates.append((first, last, node.readings))
                last += 1
                node = node.next.get(read[kept[last]].word) if last < len(kept) else None
        candidates.sort(key=lambda c: (c[0] - c[1], c[0]))
        taken = bytearray(len(kept))
        found: list[Span] = []
        for first, last, readings in candidates:
            if not any(taken[first : last + 1]):
                taken[first : last + 1] = b"\1" * (last - first + 1)
                a, b = kept[first], kept[last]
                found.append(Span(a, b, read[a].start, read[b].end, readings))
        found.sort(key=lambda s: s.first)
        return found if self._fillers else self._with_shared(read, found)

    def _with_shared(self, read: Sequence[Token], found: Sequence[Span]) -> list[Span]:
        """``found``, and words that share a noun with a name beside them: "cystic duct and artery"."""
        inside = {at for span in found for at in range(span.first, span.last + 1)}
        made: list[Span] = []
        for span in found:
            words = [t.word for t in read[span.first : span.last + 1]]
            if len(words) < 2:
                continue
            for step, at, rest in ((1, span.last + 1, words[:-1]), (-1, span.first - 1, words[1:])):
                while (place := _beyond_join(read, at, step)) is not None and place not in inside:
                    word = read[place].word
                    meant = self._meaning([*rest, word] if step > 0 else [word, *rest])
                    # Things share a noun with things: "by position, the needle" names no action.
                    readings = tuple(r for r in meant if r[0] in {kind for kind, _ in span.readings})
                    if not readings:
                        break
                    made.append(Span(place, place, read[place].start, read[place].end, readings))
                    inside.add(place)
                    at = place + step
        return sorted([*found, *made], key=lambda s: s.first)

    def _meaning(self, words: Iterable[str]) -> tuple[Reading, ...]:
        node: _Node | None = self._root
        for word in words:
            node = node.next.get(word) if node else None
        return node.readings if node else ()


def _beyond_join(read: Sequence[Token], at: int, step: int) -> int | None:
    """The place of the word behind "and", a comma or both; None where no such join stands at ``at``."""
    joins = 0
    while 0 <= at < len(read) and read[at].word in ("and", "or", "nor", ",", "/") and joins < 2:
        at, joins = at + step, joins + 1
    return at if joins and 0 <= at < len(read) and not read[at].is_mark else None


# -------------------------------------------------------------------------------------------- from the ontology


@cache
def lexicon(kind: Kind) -> Lexicon:
    """The names of a kind, together with those of the kinds that it must be told apart from."""
    if kind in _SCENE:
        return lexicon_of(_SCENE) if kind == _SCENE[0] else lexicon(_SCENE[0])
    return lexicon_of((kind,), fillers=_FILLERS.get(kind, frozenset()))


def lexicon_of(
    kinds: Sequence[Kind],
    extra: Mapping[Kind, Iterable[tuple[str, str]]] | None = None,
    fillers: frozenset[str] = frozenset(),
    *,
    turned: bool = True,
) -> Lexicon:
    """A lexicon of the ontology's names: canonical, then native of all sources, then forms made of them by rule.

    Args:
        kinds: Which vocabularies.
        extra: More (name, canonical id) pairs, trusted like canonical names.
        fillers: As of :class:`Lexicon`.
        turned: Read "dissection of the gallbladder" as the phase "gallbladder dissection". An answer that is asked for
            a phase means it; prose may as well tell what a hook does.
    """
    names: dict[Kind, list[list[tuple[tuple[str, ...], str]]]] = {}
    for kind in kinds:
        declared = [(n, c.id) for c in concepts(kind).values() for n in (c.name, c.id, *_said(kind, c.id))]
        declared += (extra or {}).get(kind, ())
        said = [(phrase(n), id) for n, id in _synonyms(kind)]
        native = _native(kind)
        lists = [[(phrase(n), id) for n, id in some] for some in (declared, native)]
        lists[1] = [(w, id) for w, id in lists[1] if sum(map(str.isalpha, "".join(w))) > 2 and not {*w} <= _TOO_COMMON]
        if kind in _NOUNS:
            lists[1] += list(_shared_heads(lists))
        longer = [(w, id) for w, id in said if kind == "action" and len(w) > 1]  # of "dividing", "divides" is no label
        given = [*itertools.chain(*lists), *(said if kind in ("phase", "step") else ()), *longer]
        lists[0] += said
        names[kind] = [*lists, *([(f, id) for w, id in given for f in _forms(kind, w, of, turned)] for of in _VERBS)]
    return Lexicon(names, fillers)


def _said(kind: Kind, id: str) -> Iterator[str]:
    """Other names that our own sentences give a label: the noun of an action, the short name of a stage."""
    said = forms(kind, id)
    if kind == "action":
        head, _, tail = said.on.partition(" {}")
        yield from (said.noun, said.doing, *(() if tail else (head,)))
    elif kind == "target":
        yield from places_acted_on(id)
    elif kind == "phase":
        yield f"{said.short} phase"
    elif kind == "step":
        yield said.short


def _shared_heads(lists: Sequence[Sequence[tuple[tuple[str, ...], str]]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a native name of one word could mean elsewhere: a source's "forceps" may be the bipolar ones of another."""
    heads: dict[str, dict[str, None]] = {}
    for words, id in itertools.chain(*lists):
        if len(words) > 1:
            heads.setdefault(words[-1], {})[id] = None
    for words, _ in lists[1]:
        if len(words) == 1:
            yield from ((words, id) for id in heads.get(words[0], ()))


def _native(kind: Kind) -> Iterator[tuple[str, str]]:
    """What sources call labels, but for a thing that one of them calls as all others call an action: "suction"."""
    acts = acts_called_things(kind)
    for source in sources_with_names():
        for (k, native), id in native_names(source).items():
            if k == kind and native.casefold() not in acts:
                yield native, id


@cache
def acts_called_things(kind: Kind) -> frozenset[str]:
    """Names of actions that some source gives a label of another kind.

    >>> "suction" in acts_called_things("instrument"), acts_called_things("action")
    (True, frozenset())
    """
    acts = {forms("action", id).noun for id in concepts("action")} if kind != "action" else set()
    every = (key for source in sources_with_names() for key in native_names(source))
    return frozenset(native.casefold() for k, native in every if k == kind) & acts


@cache
def _synonym_table() -> dict[str, list[tuple[str, str]]]:
    text = (resources.files(__package__) / "synonyms.csv").read_text("utf-8")
    table: dict[str, list[tuple[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        table.setdefault(row["kind"], []).append((row["said"], row["id"]))
    return table


def _synonyms(kind: Kind) -> list[tuple[str, str]]:
    """Other words for labels, ``(said, id)``: what no source calls them and models and surgeons do."""
    return [(said, concept(kind, id).id) for said, id in _synonym_table().get(kind, ())]


_VERBS: tuple[Callable[[str], frozenset[str]], ...] = (verb_forms, also_said)


def _forms(
    kind: Kind, words: tuple[str, ...], of: Callable[[str], frozenset[str]], turned: bool
) -> Iterator[tuple[str, ...]]:
    """Other forms of a name: run together, turned round, and with its verb in the forms given by ``of``."""
    if len(words) > 1:
        yield phrase("".join(words))  # "specimenbag"
    if kind in ("phase", "step"):
        yield from _turned(words) if turned else ()
        for at, word in enumerate(words):  # "gallbladder packing" for "gallbladder packaging"
            if word.endswith(_OF_ACTION):
                yield from ((*words[:at], f, *words[at + 1 :]) for f in of(word) if f.endswith(_OF_ACTION))
            elif word.endswith("ment") and len(words) > 1:  # "measuring the limb" for "measurement of the limb"
                yield (*words[:at], participle(word[:-4]), *words[at + 1 :])
    if kind != "action" or not words:
        return
    if words in (("tie", "knot"), ("knot", "tying")):
        yield from (phrase(form) for form in of("knotting") if form != "knot")
    for at in {0, len(words) - 1}:
        rest = words[:at] + words[at + 1 :]
        if at and not words[at].endswith(("ing", "ion", "ure")):
            continue
        for form in of(words[at]):
            verb = phrase(form)
            yield (*verb, *rest)
            yield (*rest, *verb)
            thing, over = (rest[:-1], rest[-1:]) if rest[-1:] and rest[-1] in _PARTICLES else (rest, ())
            if not at and thing in _SEWN and not form.endswith(_OF_ACTION):
                yield from ((*thing, *be, *verb, *over) for be in _PASSIVE)


def _turned(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Of "gallbladder dissection" also "dissection of gallbladder", and the other way round.

    >>> list(_turned(("dissection", "of", "gallbladder")))
    [('gallbladder', 'dissection')]
    """
    if words.count("of") == 1 and words[0] != "of" and words[-1] != "of":
        at = words.index("of")
        if at == 1:
            yield (*words[2:], words[0])
    elif "of" not in words and len(words) > 1 and words[-1].endswith(("ion", "ing", "ment", "al")):
        yield (words[-1], "of", *words[:-1])
