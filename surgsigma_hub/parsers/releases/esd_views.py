"""Sentences of CoPESD that speak of the view in place of a motion."""

from __future__ import annotations

from .esd_words import is_instrument, role, tokens_of, words


def says_no_view(text: str) -> bool:
    """Whether the sentence says that the view is not clear, or the lens has to be cleaned, in place of a motion.

    >>> says_no_view("Scenes are confusing and need to clean the camera lens! Keep the Forceps and Knife idle.")
    True
    >>> says_no_view("The view is not clear."), says_no_view("Adjust the field of view.")
    (True, True)
    """
    tokens = tokens_of(text)
    classes = [words().get(token, frozenset()) for token in tokens]
    seen = [n for n, found in enumerate(classes) if "scene" in found]
    unclear = [n for n, found in enumerate(classes) if "unclear" in found]
    denied = [n for n in range(len(tokens) - 1) if tokens[n] == "not" and tokens[n + 1] in ("clear", "visible")]
    unseen = unclear or denied or {*tokens} & role("unseen")
    to_be_seen = {*tokens} & role("made clear") and not any(map(is_instrument, tokens))
    return bool(seen and (unseen or to_be_seen))
