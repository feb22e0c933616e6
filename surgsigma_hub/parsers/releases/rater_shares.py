"""Shares of raters who saw a criterion met, as Endoscapes gives them: three numbers, each 0, 1/3, 2/3 or 1."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import BadRowError
from ...records import Label, Verdict

_RATERS = 3


def verdicts_of(shares: object, criteria: Sequence[str]) -> tuple[Verdict, ...]:
    """Verdicts by majority, with a score for each rater: those who said yes first, for shares do not say who did.

    Args:
        shares: One number for each criterion.
        criteria: Native names, in the order of the shares.

    Raises:
        BadRowError: not so many shares of three raters.

    >>> [(v.met, v.scores) for v in verdicts_of([0.333, 1], ["C1", "C2"])]
    [(False, (1.0, 0.0, 0.0)), (True, (1.0, 1.0, 1.0))]
    """
    if not isinstance(shares, list) or len(shares) != len(criteria):
        raise BadRowError(f"{shares!r:.60}, expected {len(criteria)} shares")
    verdicts: list[Verdict] = []
    for name, share in zip(criteria, shares, strict=True):
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise BadRowError(f"{share!r:.40} is no share of 0 to 1")
        votes = round(_RATERS * share)
        if abs(_RATERS * share - votes) > 0.02:
            raise BadRowError(f"{share!r} is no share of {_RATERS} raters")
        scores = tuple([1.0] * votes + [0.0] * (_RATERS - votes))
        verdicts.append(Verdict(Label(name), met=2 * votes > _RATERS, scores=scores))
    return tuple(verdicts)
