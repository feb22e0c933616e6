"""Sentences in which CoPESD says what forceps and knife do in a picture, and to what.

``Direct the Forceps[0.14, 0.21, 0.47, 0.77] towards the mucosal flap's edge and ...``: a sentence is one clause for
each instrument, with the box in brackets behind the instrument's name. A clause is read by its words, in whatever
order: ``esd_phrases.csv`` puts set phrases into plain words, ``esd_words.csv`` lists the verbs of each motion and what
may stand around them. Beside these a manner (``carefully``) and what is said of a known thing (``the exposed flap``)
may stand anywhere. Any other word, a denial, or two motions of one instrument make the sentence an error; it is not
guessed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...errors import BadRowError
from ..grounding import shortened
from .esd_boxes import BOX, FORCEPS, KNIFE
from .esd_finished import without_the_finished
from .esd_words import (
    ACTS,
    DISSECT,
    GRASP,
    LIFT,
    REACH,
    RELEASE,
    ROTATE,
    TISSUE,
    is_instrument,
    may_stand,
    role,
    tokens_of,
    words,
)

FLAP, SUBMUCOSA, MUSCLE, NO_TARGET = TARGETS = ("mucosa flap", "submucosa", "muscle layer", "no target")
"""What is acted on; the flap also where a motion that needs tissue names none, as the dataset means it."""
HOLD, IDLE, MOVE = "hold countertraction", "idle", "move"
MOTIONS = (REACH, GRASP, ROTATE, LIFT, HOLD, DISSECT, IDLE, MOVE, RELEASE)
"""Names of ours for what the sentences say; what is said verbatim stays in the answer."""
_NEVER = {FORCEPS: frozenset({DISSECT}), KNIFE: frozenset({GRASP, RELEASE})}
"""What an instrument cannot do: forceps do not cut, a knife has no jaws."""
_VERBS = frozenset({*ACTS, "helper", "holding", "continue", "finished"})
_WITHOUT_TARGET = frozenset({ROTATE, IDLE, MOVE})
_PARTED = ("done to", "lies at", "lies apart")
"""Words before a tissue, by how far they part it from the verb."""
_APART = len(_PARTED)
_LAYERS = {"submucosa": SUBMUCOSA, "muscle": MUSCLE}


@dataclass(frozen=True, slots=True)
class Motion:
    """What one instrument does, and to what: one of :data:`TARGETS`."""

    instrument: str
    motion: str
    target: str


def parse_motions(text: str) -> tuple[Motion, ...]:
    """What each instrument of a sentence does, forceps before knife.

    Raises:
        BadRowError: no instrument, a word that is not of the vocabulary, a clause without a motion or with two, or two
            ways to part the sentence that say different things.

    >>> parse_motions("Rotate the Forceps[0, 0, 1, 1] while keeping the Knife[0, 0, 1, 1] at rest.")
    (Motion(instrument='Forceps', motion='rotate', target='no target'), \
Motion(instrument='Knife', motion='idle', target='no target'))
    >>> [m.motion for m in parse_motions("With the Forceps seizing the mucosa flap, cut it with the Knife.")]
    ['grasp', 'dissect']
    """
    tokens = tokens_of(BOX.sub(r" \1 ", text))
    if not tokens or not (tokens[-1] == "." or _ends_without_stop(tokens)):
        raise BadRowError(f"{shortened(text)} is no whole sentence: it does not end with a stop")
    tokens = tokens[:-1] if tokens[-1] == "." else tokens
    strange = next((t for n, t in enumerate(tokens) if not may_stand(tokens, n)), None)
    if strange is not None:
        raise BadRowError(f"{shortened(text)} holds {strange!r}, which is none of the known words of a motion")
    if "it" in tokens and any(words().get(token, frozenset()) & {*_LAYERS} for token in tokens):
        raise BadRowError(f"{shortened(text)} says 'it' where that may be the flap or a layer")
    readings = {tuple(sorted(found, key=lambda m: m.instrument)) for found in _readings(tokens)}
    if len(readings) != 1:
        what = "more than one known way" if readings else "none of the known ways"
        raise BadRowError(f"{shortened(text)} says in {what} what forceps and knife do")
    return readings.pop()


def _ends_without_stop(tokens: Sequence[str]) -> bool:
    """Whether words without a stop are whole: of both instruments, and ended by what ends a clause."""
    by_it = is_instrument(tokens[-1]) and {*tokens[-3:-1]} & role("by an instrument")
    done = by_it or tokens[-1] in ("idle", "unmoved") or words().get(tokens[-1], frozenset()) & {"flap", "edge"}
    return bool(done) and {"forceps", "knife"} <= {*tokens}


def _readings(tokens: Sequence[str]) -> Iterator[tuple[Motion, ...]]:
    """Every way to part the words into a clause for each instrument."""
    named = [n for n, token in enumerate(tokens) if token in ("forceps", "knife")]
    if len({tokens[n] for n in named}) < len(named) or not named:
        return
    if len(named) == 1:
        whole = _clause(tokens)
        if whole:
            yield (whole,)
        return
    start, end = named
    after = tokens[end + 1] if end + 1 < len(tokens) else ""
    verb = after.endswith("s") and bool(words().get(after, frozenset()) & _VERBS)
    of_one = verb or after in ("is", "has", "does")  # "and the knife stays", "and the knife is kept still"
    flap_before = any({*TISSUE, "countertraction"} & words().get(token, frozenset()) for token in tokens[:start])
    of_one |= after == "idle" and flap_before  # "hold the flap with the forceps and the knife idle"
    of_one &= "both" not in tokens[:start]
    if "and" in tokens[start:end] and {*tokens[start + 1 : end]} <= {"and", "the", "both"} and not of_one:
        # "keep the forceps and the knife idle": one clause of both
        together = [_clause([*tokens[:start], tokens[n], *tokens[end + 1 :]]) for n in named]
        if together[0] and together[1]:
            yield together[0], together[1]
            if REACH in words().get(tokens[0], frozenset()):
                return  # "relocate the forceps and the knife to the edge": the first has no place of its own
    for at in range(1, len(tokens)):
        if tokens[at] in (",", ";", ".") or "joint" in words().get(tokens[at], frozenset()):
            first, second = _clause(tokens[:at]), _clause(_second(tokens, at))
            if first and second and first.instrument != second.instrument:
                yield first, second


def _second(tokens: Sequence[str], at: int) -> Sequence[str]:
    """The second clause as if it stood alone; of "and do the same with the knife" the first, said of the knife."""
    after = [token for token in tokens[at + 1 :] if token not in (",", "the", "with", "for", "to", "likewise", "also")]
    if "ditto" in after:
        other = next(filter(is_instrument, after), "")
        return [other if is_instrument(token) else token for token in tokens[:at]] if len(after) == 2 else ()
    return [*_carried_over(tokens, at), *tokens[at + 1 :]]


def _carried_over(tokens: Sequence[str], at: int) -> Sequence[str]:
    """What the second clause leaves out because the first says it.

    The flap before a participle ("the flap is grasped ... and lifted by ..."), or the verb before another goal ("move
    the forceps to the edge and the knife to the margin").
    """
    after = tokens[at + 1 : at + 4]
    auxiliary = next((n for n, token in enumerate(tokens[:at]) if token in ("is", "was", "being")), None)
    if after and after[0].endswith("ed") and words().get(after[0], frozenset()) & {*ACTS} and auxiliary:
        return () if any(map(is_instrument, tokens[:auxiliary])) else tokens[: auxiliary + 1]
    goal = [token for token in after if token != "the"][:2]
    gapped = len(goal) == 2 and is_instrument(goal[0]) and goal[1] in role("goal")
    return tokens[:1] if gapped and REACH in words().get(tokens[0], frozenset()) else ()


def _clause(tokens: Sequence[str]) -> Motion | None:
    """What the one instrument of a clause does; None where that is not one known motion."""
    while tokens and (tokens[0] in (",", ";") or "joint" in words().get(tokens[0], frozenset())):
        tokens = tokens[1:]
    whole, tokens = tokens, without_the_finished(tokens)
    over = len(tokens) < len(whole)
    while over and tokens and tokens[-1] in ("to", "the", "with"):
        tokens = tokens[:-1]
    classes = [words().get(token, frozenset()) for token in tokens]
    named = [token for token in tokens if token in ("forceps", "knife")]
    if len(named) != 1 or not tokens or "joint" in classes[-1] or tokens[-1] in (",", ";", "the", "a", "to", "of"):
        return None
    instrument = FORCEPS if named[0] == "forceps" else KNIFE
    motion = None if _left_over(tokens, classes) else _motion_of(tokens, classes)
    held = any(token.startswith("hold") for token in tokens[: tokens.index(named[0])])
    if motion is None and over and (instrument == KNIFE or held) and not _says_more(classes):
        motion = IDLE  # "finish and hold the forceps"; else, forceps that have finished may hold the flap
    targeted = any(TISSUE & found for found in classes) or "it" in tokens or "tissue" in tokens
    if motion is None or motion in _NEVER[instrument]:
        return None
    if instrument == KNIFE and {*tokens} & role("peeling") and {*tokens} & role("from"):
        return None  # a lift or a cut
    if motion == IDLE and instrument == FORCEPS and (targeted or "by" in tokens[max(0, tokens.index(named[0]) - 2) :]):
        return None  # on the flap it may hold it
    before = any(GRASP in found for found in classes[: tokens.index(named[0])])
    taken = before and _object(tokens, classes, GRASP) == "instrument"
    suffered = motion == GRASP and (taken or tokens[-1].endswith("ed"))  # "take the forceps", "the forceps is seized"
    if motion not in _WITHOUT_TARGET and not targeted and (suffered or motion not in (HOLD, DISSECT, GRASP)):
        return None
    target = _target(tokens, classes, motion)
    return Motion(instrument, motion, target) if target else None


def _says_more(classes: Sequence[frozenset[str]]) -> bool:
    """Whether a clause says more than which instrument has finished: then it does not rest."""
    more = {*TISSUE, "countertraction", *ACTS, *(f"noun:{act}" for act in ACTS)}
    return any(found & more for found in classes)


def _motion_of(tokens: Sequence[str], classes: Sequence[frozenset[str]]) -> str | None:
    held = frozenset().union(*classes)
    acts = {act for act in ACTS if act in held or f"noun:{act}" in held}
    verbs = (n for n, found in enumerate(classes) if "holding" in found)
    on_flap = any(
        _object(tokens, classes, "holding", n) == "flap" for n in verbs
    )  # "keep the forceps holding the flap"
    if "countertraction" in held:
        return HOLD if not acts - {LIFT} else None
    if "place" in held and not on_flap and _stays(tokens):
        return ROTATE if acts == {ROTATE} else IDLE if not acts - {REACH} else None
    if "still" in held or {*tokens} >= {"at", "rest"}:
        stopped = {*tokens} & role("halting") and {*TISSUE} & held  # "stop holding the flap"
        if acts or stopped or (on_flap and "knife" in tokens):
            return None
        return HOLD if on_flap else IDLE  # "keep the flap still"
    kept_up = any(
        before in ("keep", "keeps", "keeping") and after.endswith("ing") for before, after in pairwise(tokens)
    )
    if acts == {LIFT} and on_flap and "direction" in held and ("and" in tokens or kept_up):
        return None  # "hold and lift the flap upward"; "keep pulling it upward": on and on, or to hold it there
    if acts == {LIFT} and {*tokens} & role("taut") and _object(tokens, classes, LIFT) == "flap":
        return HOLD  # "pull the flap taut"
    if acts == {LIFT} and on_flap | ("lasting" in held) | ("continue" in held and "direction" not in held):
        return HOLD
    turned = ROTATE in acts or bool({*tokens} & role("turning"))
    if acts == {ROTATE, REACH} and "and" in tokens:
        return None  # "move and rotate the forceps"
    if acts <= {ROTATE, REACH} and turned and ("angle" in held or acts == {ROTATE, REACH}):
        return ROTATE if not TISSUE & held else None  # "adjust the angle of the forceps"
    if not acts:
        return _resting(tokens, classes, held, on_flap=on_flap)
    if acts == {ROTATE} and TISSUE & held and _object(tokens, classes, ROTATE) == "flap":
        return LIFT if "direction" in held else None  # "flip the flap upward"
    if acts == {REACH} and {*tokens} & role("turning alone") and not TISSUE & held:
        return ROTATE  # "reorient the forceps"
    if len(acts) != 1 or (TISSUE & held and "off" in tokens and acts <= {ROTATE, GRASP}):
        return None  # also "take the flap off the forceps"
    act = acts.pop()
    if act == GRASP and ("lasting" in held or {*tokens} & role("keeping")):
        return HOLD  # "keep the forceps gripping the flap"
    if act == LIFT and _object(tokens, classes, LIFT) != "flap":
        if _object(tokens, classes, LIFT) == "instrument" and _to_tissue(tokens, classes):
            return REACH  # "draw the forceps to the edge"
        if any(TISSUE & found and "with" in tokens[max(0, n - 3) : n] for n, found in enumerate(classes)):
            return None  # "draw the forceps upward with the flap": what is held goes along
        led = "direction" in held or bool({*tokens} & (role("from") | role("withdrawing")))
        return MOVE if led and _object(tokens, classes, LIFT) == "instrument" else None  # "draw the forceps back"
    return _reaching(tokens, classes) if act == REACH else act


def _left_over(tokens: Sequence[str], classes: Sequence[frozenset[str]]) -> bool:
    """Whether a clause begins with what another one was parted from: "the flap, while the knife is idle"."""
    named = next((n for n, token in enumerate(tokens) if is_instrument(token)), 0)
    tissue = next((n for n in range(named) if TISSUE & classes[n]), named)
    said = any(found & _VERBS for found in classes[:tissue])
    return not said and any("joint" in classes[n] and tokens[n] != "with" for n in range(tissue, named))


def _resting(
    tokens: Sequence[str], classes: Sequence[frozenset[str]], held: frozenset[str], *, on_flap: bool
) -> str | None:
    """What an instrument does whose clause has no verb of motion: it holds the flap, or rests."""
    flap = bool(TISSUE & held) or "it" in tokens
    if flap and {*tokens} & role("stretching") and "direction" in held and not {"lasting", "continue"} & held:
        return LIFT  # "stretch the flap to the upper left"
    if flap and not on_flap and _object(tokens, classes, "holding") == "instrument":
        return None  # "hold the forceps at the edge of the flap": whether it rests there or holds the flap
    if flap and (on_flap or "steady" in held or {"hold", "holds", "holding"} & {*tokens}):
        return HOLD
    still = {"rest", "rests", "resting"} & {*tokens} or (
        "steady" in held and ("holding" in held or {*tokens} & role("kept"))
    )
    return IDLE if still and not flap and not {*tokens} & (role("taut") | role("stretched")) else None


def _object(tokens: Sequence[str], classes: Sequence[frozenset[str]], verb: str, first: int | None = None) -> str:
    """What a verb is done to: ``flap``, ``instrument`` or nothing; of "lifting with the knife the flap" the flap.

    Of a passive or of an instrument that does it by itself, the instrument is what comes before.
    """
    if first is None:
        first = next((n for n, found in enumerate(classes) if verb in found), None)
    if first is None:
        return ""
    preposition, led = "", role("from or towards")
    for n in range(first + 1, len(tokens)):
        if tokens[n] in role("by means") or tokens[n] in led:
            preposition = tokens[n]
        elif is_instrument(tokens[n]):
            if not preposition:
                return "instrument"
            preposition = ""
        elif "direction" in classes[n]:
            preposition = ""
        elif (TISSUE & classes[n] or tokens[n] in ("it", "tissue")) and preposition not in led:
            return "flap"
    before = [n for n in range(first) if TISSUE & classes[n] or is_instrument(tokens[n])]
    if before and (TISSUE & classes[before[-1]]):
        return "flap"  # "the flap is lifted", "keep the flap lifted"
    return "instrument" if before else ""


def _to_tissue(tokens: Sequence[str], classes: Sequence[frozenset[str]]) -> bool:
    tissue = next((n for n, found in enumerate(classes) if found & TISSUE), 0)
    return bool({*tokens[max(0, tissue - 3) : tissue]} & role("towards"))


def _stays(tokens: Sequence[str]) -> bool:
    """Whether "in its original position" or "in place" says that nothing moves."""
    kept = bool({*tokens} & role("kept"))
    return "inplace" in tokens or any(
        token.removesuffix("s") in ("position", "place", "state", "location", "spot")
        and {"in", "at"} & {*tokens[max(0, n - 3) : n]}
        and (token == "place" or kept or role("kept as") & {*tokens[max(0, n - 2) : n]})
        for n, token in enumerate(tokens)
    )


def _reaching(tokens: Sequence[str], classes: Sequence[frozenset[str]]) -> str | None:
    """What a verb of moving means: tissue is lifted by it, an instrument reaches an edge or only moves."""
    verb = next(n for n, found in enumerate(classes) if REACH in found or f"noun:{REACH}" in found)
    objects = (n for n in range(verb + 1, len(tokens)) if TISSUE & classes[n] or is_instrument(tokens[n]))
    object_at = next(objects, None)
    if verb == len(tokens) - 1 and tokens[verb] not in role("shifting alone"):
        return None  # what is reached was parted from it
    directed = any("direction" in found for found in classes)
    touches = tokens[verb] in role("touching")
    if object_at is not None and not is_instrument(tokens[object_at]):
        between = {*tokens[verb + 1 : object_at]}
        direct = not between & role("onto")
        if directed and tokens[verb] in role("pressing") and "on" in between:
            return None  # "press down on the flap"
        displaced = "edge" not in classes[object_at] or tokens[verb] not in role("aiming")
        if direct and not touches and displaced:
            return LIFT if directed else None
    flaps = [n for n, found in enumerate(classes) if TISSUE & found]
    named = [n for n in range(verb) if n in flaps or is_instrument(tokens[n])]
    if (
        named
        and named[-1] in flaps
        and not touches
        and not {*tokens[max(0, named[-1] - 4) : named[-1]]} & role("from or towards")
    ):
        moved = tokens[verb].endswith("s") or bool({*tokens[named[-1] : verb]} & role("suffering"))
        return LIFT if moved and directed else None  # "the flap is moved upward by the forceps"
    if flaps and {*tokens[max(0, flaps[0] - 4) : flaps[0]]} & role("from"):
        return MOVE
    before = {*tokens[max(0, flaps[0] - 3) : flaps[0]]} if flaps else frozenset()
    if before & role("along") and not before & role("towards") and tokens[verb] not in role("placing"):
        return None  # "sweep the knife along the edge"
    if flaps or (touches and tokens[verb + 1] == "it"):
        return REACH
    alone = tokens[verb] in role("shifting alone") or {*tokens[verb + 1 :]} & {"position", "positions", "location"}
    return MOVE if directed or alone else None


def _target(tokens: Sequence[str], classes: Sequence[frozenset[str]], motion: str) -> str | None:
    """What a motion is done to; None where two tissues are named alike.

    What follows the verb itself goes before what it is done "of" or "through", and that before any other place.
    """
    if motion in _WITHOUT_TARGET:
        return NO_TARGET
    ranked: dict[int, set[str]] = {}
    for n, found in enumerate(classes):
        layer = next((said for name, said in _LAYERS.items() if name in found), None)
        if layer is None and not found & TISSUE:
            continue
        rank = 0
        for before in reversed(range(max(0, n - 4), n)):
            rank = next((n for n, name in enumerate(_PARTED, 1) if tokens[before] in role(name)), rank)
            if rank or classes[before] & {*TISSUE, *ACTS, "direction"} or is_instrument(tokens[before]):
                break
        if layer and n + 1 < len(tokens) and f"noun:{DISSECT}" in classes[n + 1]:
            rank = max(rank, 2)  # "submucosal dissection of the flap"
        ranked.setdefault(rank, set()).add(layer or FLAP)
    if not ranked:
        return FLAP
    first = min(ranked)
    if first < _APART:
        return ranked[first].pop() if len(ranked[first]) == 1 else None
    if ranked[first] != {FLAP}:
        return None  # "above the muscle": of what lies there nothing is said
    return SUBMUCOSA if {"tissue", "tissues", "area", "layer"} & {*tokens} else FLAP
