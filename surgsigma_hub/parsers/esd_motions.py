"""Sentences in which CoPESD says what forceps and knife do in a picture, and where they are.

``Direct the Forceps[0.14, 0.21, 0.47, 0.77] towards the mucosal flap's edge and ...``: a sentence is one clause for
each instrument, in one of a closed set of wordings, with the box in brackets behind the instrument's name. The wordings
are those of the released files; another one is an error and not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..errors import BadRowError
from ..media.boxes import TOLERANCE
from .grounding import shortened

FORCEPS, KNIFE = "Forceps", "Knife"
FLAP, NO_TARGET = "mucosa flap", "no target"
Convention = Literal["corners", "sizes"]
"""Whether the third and fourth number of a box are its other corner or its width and height."""

_NUMBER = r"\s*(-?[0-9]{1,3}(?:\.[0-9]{1,6})?)\s*"
_BOX = re.compile(rf"\b({FORCEPS}|{KNIFE})\s*\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")
_NO_VIEW = "scenes are confusing and need to clean the camera lens!"

_WORDS = {
    "F": "the forceps",
    "K": "the knife",
    "M": "the mucosa flap",
    "EDGE": "(?:the (?:edge|boundary|margin|border) of (?:the )?mucosa flap|"
    "the mucosa flap(?:'s)? (?:edge|boundary|margin|border)|that edge)",
    "SIDE": "(?:(?:upper|lower) )?(?:left|right)",
    "WAY": "(?:upward|downward|in an (?:upward|downward) direction|to the (?:(?:upper|lower) )?(?:left|right))",
    "STILL": "(?:idle|inactive|unmoved|at rest)",
}
_FORCEPS_DOES = {
    "reach": ("(?:direct|move|navigate|shift|adjust) F (?:to|towards|to reach|to touch|to arrive at) EDGE",),
    "grasp": ("(?:grasp|grab|clamp down on|take hold of) EDGE (?:with|using) F", "use F to capture EDGE"),
    "rotate": ("(?:rotate|twist|turn) F",),
    "lift": ("(?:hoist|pull|draw) M WAY (?:with|using) F", "(?:manipulate|employ) F to lift M WAY"),
    "hold countertraction": (
        "keep countertraction with F to hold M steady",
        "employ F to consistently lift M",
        "engage F to apply continuous countertraction on M",
        "ensure F maintain countertraction on M",
        "utilize F to maintain countertraction on M",
    ),
}
_KNIFE_DOES = {
    "dissect": (
        "conduct the SIDE dissection of M with K",
        "(?:utilize|operating) K to dissect M WAY",
        "dissect(?:ing)? M WAY (?:employing|using) K",
    ),
    "idle": (
        "K (?:continues to remain|remains) STILL",
        "(?:leaving|keeping|keep|maintaining) K STILL",
        "maintaining K(?:'s idle state| in its original position)",
    ),
    "reach": ("(?:position|positioning) K at EDGE(?: as well)?", "(?:relocate|move|advance|guiding) K to EDGE"),
    "lift": ("K (?:lifts|hoists) M WAY", "(?:lift|lifting|raise) M WAY (?:with|using) K", "utilize K to raise M WAY"),
}
_JOINT = re.compile(r"(?:,| and| while| as)(?: also| simultaneously)? ")
_END = re.compile(r"(?: concurrently)?\.")


def _compiled(clauses: dict[str, tuple[str, ...]]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    def filled(clause: str) -> str:
        return re.sub("[A-Z]+", lambda word: _WORDS[word[0]], clause)

    return tuple((motion, re.compile(filled(clause))) for motion, some in clauses.items() for clause in some)


_FORCEPS_CLAUSES, _KNIFE_CLAUSES = _compiled(_FORCEPS_DOES), _compiled(_KNIFE_DOES)
MOTIONS = tuple(dict.fromkeys([*_FORCEPS_DOES, *_KNIFE_DOES]))
"""Names of ours for what the wordings say; what is said verbatim stays in the answer."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What one instrument does, and to what: :data:`FLAP` or :data:`NO_TARGET`."""

    instrument: str
    motion: str
    target: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An instrument and the four numbers behind its name, as written."""

    instrument: str
    numbers: tuple[float, float, float, float]


def says_no_view(text: str) -> bool:
    """Whether the sentence says that the lens has to be cleaned, in place of a motion.

    >>> says_no_view("Scenes are confusing and need to clean the camera lens! Keep the Forceps and Knife idle.")
    True
    """
    return text.strip().lower().startswith(_NO_VIEW)


def parse_motions(text: str) -> tuple[Motion, ...]:
    """What each instrument of a sentence does, forceps before knife.

    Raises:
        BadRowError: the sentence is of none of the known wordings, from its first character to its last.

    >>> parse_motions("Rotate the Forceps[0, 0, 1, 1] while keeping the Knife[0, 0, 1, 1] at rest.")
    (Motion(instrument='Forceps', motion='rotate', target='no target'), \
Motion(instrument='Knife', motion='idle', target='no target'))
    >>> [m.motion for m in parse_motions("The Knife[0.1, 0.2, 0.3, 0.4] lifts the mucosa flap upward.")]
    ['lift']
    """
    plain = " ".join(_BOX.sub(r"\1", text).lower().replace("mucosal", "mucosa").replace("' s ", "'s ").split())
    for motion, clause in _FORCEPS_CLAUSES:
        first = clause.match(plain)
        if first is None:
            continue
        if _END.fullmatch(plain, first.end()):
            return (_motion(FORCEPS, motion),)
        joint = _JOINT.match(plain, first.end())
        if joint is not None and (second := _knife(plain, joint.end())):
            return _motion(FORCEPS, motion), second
    alone = _knife(plain, 0)
    if alone is not None:
        return (alone,)
    raise BadRowError(f"{shortened(text)} is none of the known wordings of a motion")


def _knife(plain: str, start: int) -> Motion | None:
    for motion, clause in _KNIFE_CLAUSES:
        found = clause.match(plain, start)
        if found is not None and _END.fullmatch(plain, found.end()):
            return _motion(KNIFE, motion)
    return None


def _motion(instrument: str, motion: str) -> Motion:
    return Motion(instrument, motion, NO_TARGET if motion in ("rotate", "idle") else FLAP)


def parse_boxes(text: str) -> tuple[Placed, ...]:
    """The instruments of a sentence with the numbers behind their names, in the order of the sentence.

    Raises:
        BadRowError: no box, brackets that hold no box, an instrument without a box or one named twice.

    >>> parse_boxes("Utilize the Knife[0.70, 0.57, 0.84, 0.77] to raise the mucosa flap upward.")
    (Placed(instrument='Knife', numbers=(0.7, 0.57, 0.84, 0.77)),)
    """
    found: list[Placed] = []
    for name, *numbers in _BOX.findall(text):
        a, b, c, d = map(float, numbers)
        found.append(Placed(name, (a, b, c, d)))
    rest = _BOX.sub("", text)
    stray = re.search(rf"[\[\]0-9]|\b(?:{FORCEPS}|{KNIFE})\b", rest)
    if stray is not None:
        raise BadRowError(f"{shortened(text)} holds {stray[0]!r} outside a box like Knife[0.70, 0.57, 0.84, 0.77]")
    if not found:
        raise BadRowError(f"{shortened(text)} holds no box")
    if len({placed.instrument for placed in found}) < len(found):
        raise BadRowError(f"{shortened(text)} names an instrument twice")
    return tuple(found)


def convention_of(boxes: Iterable[Placed]) -> Convention | None:
    """What the numbers of one video's boxes mean, told by what they cannot mean; None where that is open.

    In some videos the other corner is written, in others width and height. A box whose other corner lies left of or
    above its first one cannot be read as corners, one that would reach out of the picture not as sizes.

    >>> convention_of([Placed(KNIFE, (0.7, 0.5, 0.9, 0.8))])
    'corners'
    >>> convention_of([Placed(KNIFE, (0.7, 0.5, 0.2, 0.3))])
    'sizes'
    """
    no_corners = no_sizes = 0
    for placed in boxes:
        a, b, c, d = placed.numbers
        no_corners += c <= a or d <= b
        no_sizes += a + c > 1 + TOLERANCE or b + d > 1 + TOLERANCE
    if no_corners * 10 < no_sizes:
        return "corners"
    return "sizes" if no_sizes * 10 < no_corners else None
