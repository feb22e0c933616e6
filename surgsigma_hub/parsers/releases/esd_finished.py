"""What a clause of CoPESD says to be over, taken out of it: it is no motion of the picture."""

from __future__ import annotations

from collections.abc import Sequence

from .esd_words import ACTS, TISSUE, is_instrument, role, words


def without_the_finished(tokens: Sequence[str]) -> Sequence[str]:
    """The clause without what it says to be over: "having finished the dissection", "the lifting is finished and"."""
    classes = [words().get(token, frozenset()) for token in tokens]
    over = next(
        (
            n
            for n, found in enumerate(classes)
            if "finished" in found and (tokens[n] != "over" or (n and _ended_by(tokens[n - 1])))
        ),
        None,
    )  # "flip the flap over" ends nothing
    if over is None:
        return tokens
    spoken = role("with what is finished") | role("of the flap")
    said = [
        token in spoken or bool(found & {"flap", "direction"}) for token, found in zip(tokens, classes, strict=True)
    ]
    first = last = over
    done_with = next(
        (n for n in range(over) if "noun:dissect" in classes[n] and all(said[n + 1 : over])),
        None,
    )
    if done_with is not None and any(map(is_instrument, tokens[done_with:over])):
        return [*tokens[:done_with], *filter(is_instrument, tokens[done_with:over]), *tokens[over + 1 :]]
    acts = [n for n, found in enumerate(classes) if any(name in found or f"noun:{name}" in found for name in ACTS)]
    for n in acts:
        near = abs(n - over) <= 4 or (n < over and all(said[n + 1 : over]))
        if near and not any(is_instrument(t) for t in tokens[min(n, over) : max(n, over)]):
            first, last = min(first, n), max(last, n)
    if last in acts:  # what was done, and to what: "has finished dissecting the mucosa flap"
        while last + 1 < len(tokens) and (
            classes[last + 1] & {*TISSUE, "direction"} or tokens[last + 1] in role("of the flap")
        ):
            last += 1
    while first and tokens[first - 1] in ("the", "a", "its"):
        first -= 1
    return [*tokens[:first], *tokens[last + 1 :]]


def _ended_by(before: str) -> bool:
    """Whether "over" behind this word says that something has ended."""
    return before in role("with what is finished") or any(said.startswith("noun:") for said in words().get(before, ()))
