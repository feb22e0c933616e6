"""Which of the labels that a text names are denied: "no hook", "hook: no", "absent: hook, scissors". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .lexicon import Span
from .words import Token

_DENIES = frozenset({"no", "not", "without", "neither", "nor", "never", "lack", "lacking", "non", "nothing", "nobody"})
_BE_WORDS = "is are was were be been being has have had"
_BE = frozenset(_BE_WORDS.split())
_BREAKS_WORDS = "but only and with however although instead than besides except apart beyond just merely"
_BREAKS = _BE | frozenset(_BREAKS_WORDS.split())
_ABSENT_WORDS = (
    "visible present seen shown used detected identified there found available needed required recognized "
    "recognizable applied appear in introduced inserted among part exposed involved observed yet on "
    "identifiable discernible distinguishable detectable noticeable apparent evident performed done executed carried "
    "employed utilized expected planned likely"
)
_ABSENT = frozenset(_ABSENT_WORDS.split())
_GONE = frozenset(["absent", "missing", "nowhere", "wrong", "incorrect", "unlikely", "impossible", "excluded", "ruled"])
_NO = frozenset({"no", "none", "false", "absent", "missing", "negative", "n", "0", "x0", *"✗✘❌☒✖🚫⛔☐👎"})
"""Values that deny the label that they stand behind."""
_QUOTES = frozenset("\"'")
_SEPARATORS = frozenset(":=(?→")
_REACH = 4
"""How many words may stand between a denial and what it denies ("no sign of a further hook")."""
_HALF = 50
"""Percent; a label that is given less is one that the answer does not mean ("hook: 92%, scissors: 3%")."""
_HEAD = 5
"""How many words a heading such as "not visible in this image:" has at most."""


def denied(read: Sequence[Token], spans: Sequence[Span]) -> set[int]:
    """Numbers of the spans that the text says are not there.

    Args:
        read: The words of the text.
        spans: The labels named in it, in order, by the numbers of their words.

    >>> from .lexicon import lexicon
    >>> from .words import tokens
    >>> def no(text):
    ...     spans = lexicon("instrument").find(tokens(text))
    ...     return [spans[n].ids("instrument")[0] for n in sorted(denied(tokens(text), spans))]
    >>> no("A grasper, no hook or scissors; the clipper is not visible")
    ['hook', 'scissors', 'clipper']
    >>> no("Grasper: yes, hook: no. Absent: scissors, clipper.")
    ['hook', 'scissors', 'clipper']
    """
    if not spans:
        return set()
    words = [t.word for t in read]
    starts = [0, *(span.last + 1 for span in spans)]
    gaps = [words[a:b] for a, b in zip(starts, [*(s.first for s in spans), len(words)], strict=True)]
    after = [_without_aside(gap) for gap in gaps[1:]]
    values = [_value(gap, gaps[n + 2] if n + 2 < len(gaps) else None) for n, gap in enumerate(after)]
    headed = _under_headings(gaps)
    goes_on = _alternatives(after)
    found: set[int] = set()
    for n, span in enumerate(spans):
        taken = values[n - 1] if n else 0  # words of the gap before that answer for the label before
        if (
            values[n]
            or n in headed
            or _denied_before(read, span.first, starts[n] + taken)
            or (n - 1 in found and n in goes_on)
        ):
            found.add(n)
    whole_list = False  # "A and B are not visible"
    for n in range(len(spans) - 1, -1, -1):
        if _denied_after(after[n], last=n == len(spans) - 1):
            found.add(n)
            whole_list = bool({"is", "are", "was", "were", "not", "has", "have", *_GONE} & {*after[n][:2]})
        elif whole_list and after[n] in (["and"], ["or"], [","], [",", "and"]):
            found.add(n)
        else:
            whole_list = False
    for n in range(len(spans)):
        if _none_of_it(after[n]):
            found |= {n, *_clause_before(after, n)}
    return found


def _without_aside(gap: list[str]) -> list[str]:
    """The words behind a label without what is said of it by the way: "a hook, which was used before, is ..."."""
    if gap[:2] == [",", ","]:  # what was said by the way told of another time, and is blanked already
        return gap[2:]
    if gap[:1] != [","] or gap[1:2] not in (["which"], ["that"]) or "," not in gap[2:]:
        return gap
    return gap[gap.index(",", 2) + 1 :]


def _clause_before(after: Sequence[Sequence[str]], last: int) -> Iterator[int]:
    """Numbers of the spans that stand in one clause with the span ``last``, before it."""
    for n in range(last - 1, -1, -1):
        if {".", ";"} & {*after[n]} or ("," in after[n] and len(after[n]) > 2):
            return
        yield n


def _value(gap: Sequence[str], following: Sequence[str] | None) -> int:
    """How many words behind a label say no to it, as a value does: "hook: no", ``"hook": false``, "hook - no,".

    Args:
        gap: The words up to the next label, or to the end.
        following: The words behind the next label; None where there is none.
    """
    at = 0
    while at < len(gap) and gap[at] in _QUOTES:
        at += 1
    # '"name": "hook", "present": false': a key of its own says whether the thing is there.
    rest = [w for w in gap[at:] if w not in _QUOTES]
    rest = rest[1:] if rest[:2] == [":", "{"] else rest
    if len(rest) > 3 and rest[0] in (",", "(", "{") and rest[1] in _ABSENT and rest[2] == ":":
        return len(gap) if rest[3] in _NO else 0
    keyed = at < len(gap) and gap[at] in _SEPARATORS
    opener = gap[at] if keyed else ""
    at += keyed
    while at < len(gap) and gap[at] in _QUOTES:
        at += 1
    if keyed and gap[at + 1 : at + 2] == ["%"] and gap[at].isdigit() and gap[at + 3 : at + 4] != ["%"]:
        of_all = gap[at + 2 : at + 3] in (["of"], ["visible"])  # "a grasper (20 % of the view)"
        return at + 2 if int(gap[at][:4]) < _HALF and not of_all else 0
    if at >= len(gap) or gap[at] not in _NO:
        return 0
    then = gap[at + 1] if at + 1 < len(gap) else ""
    if gap[at] == "0" and (then == "." or (then == "," and at + 2 < len(gap) and gap[at + 2].isdigit())):
        return 0  # a number, or the first of four
    if then:
        return at + 1 if not then.isalnum() or (keyed and opener != "(" and gap[at] in _GONE) else 0
    if following is None:
        return at + 1
    # The no touches the next label: it is this one's only where both are keys, as in "hook: no grasper: yes".
    signs = not gap[at].isalnum()
    return at + 1 if signs or (opener in (":", "=") and bool(following) and following[0] in (":", "=")) else 0


def _under_headings(gaps: Sequence[Sequence[str]]) -> set[int]:
    """Numbers of the spans in a list under a heading that denies it: "Absent: A, B. Present: C"."""
    found: set[int] = set()
    deny = False
    for n, gap in enumerate(gaps[:-1]):
        sentence = max((at for at, word in enumerate(gap) if word in (".", ";")), default=-1)
        if sentence >= 0:
            deny = False
        head = list(gap[sentence + 1 :])
        if ":" in head and (n == 0 or sentence >= 0):
            colon = len(head) - 1 - head[::-1].index(":")
            said = [w for w in head[:colon] if w.isalnum()][-_HEAD:]
            plain = {*said} & (_DENIES | {"none"}) and ({*said} & _ABSENT or len(said) == 1)
            only = head[colon + 1 : colon + 2] in (["only"], ["just"])
            deny = bool(plain or {*said} & _GONE) and not only
        if deny:
            found.add(n)
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
        if word in _BE and at > least and read[at - 1].word in (*_BE, "nothing", "to"):
            continue  # "nothing is being cut", "there does not seem to be a hook"
        if word in _BREAKS or read[at].is_mark:
            return False
    return False


def _denied_after(words: Sequence[str], *, last: bool) -> bool:
    """Whether the words after a label deny it: "is not visible", "cannot be seen", "has not been introduced"."""
    told = [w for w in words[:7] if w not in _BE and w not in ("can", ":", "(", "=", "currently", "yet")]
    if not told:
        return False
    if told[0] in _GONE or told[:2] == ["no", "longer"]:
        return True
    if told[0] != "not":
        return False
    return last if len(told) == 1 else told[1] in _ABSENT or not told[1].isalnum()


def _none_of_it(words: Sequence[str]) -> bool:
    """Whether the clause behind a label says that none of it is there: "a hook is often used, but none is visible"."""
    sentence = words[: next((at for at, word in enumerate(words) if word in (".", ";")), len(words))]
    if "none" not in sentence:
        return False
    at = sentence.index("none")
    opens = at > 1 and (sentence[at - 1] == "," or sentence[at - 2 : at] in ([",", "but"], [",", "and"], [",", "yet"]))
    told = [w for w in sentence[at + 1 :] if w not in ("can", "could")]
    return bool(opens and told[:1] and told[0] in _BE and any(w in _ABSENT for w in told[1:3]))
