"""Choosing samples by columns of the catalog, before anything of a shard is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...errors import SurgSigmaError, UnknownNameError

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = {
    "source": "source",
    "task": "task",
    "specialty": "specialty",
    "procedure": "procedure",
    "video": "canonical_video_id",
    "label": "labels",
    "label_origin": "label_origin",
    "license": "license",
    "reasoning_level": "reasoning_level",
    "media": "members",
}
"""Names that ``where`` may use, and the column of the catalog that each looks at."""

LISTS = frozenset({"labels", "members"})
"""Columns of which a row holds several values."""

NUMBERS = frozenset({"reasoning_level"})
"""Columns of whole numbers; the others are texts."""

Where = Mapping[str, Any]


def check_where(where: Where) -> dict[str, Any]:
    """The filter in a form that has one spelling and goes into JSON.

    A value stands for itself, a list, set or range for any of its values.

    >>> check_where({"source": "cholec80", "reasoning_level": range(1, 4)})
    {'reasoning_level': [1, 2, 3], 'source': ['cholec80']}

    Raises:
        UnknownNameError: a name that the catalog has no column for.
        SurgSigmaError: a value of the wrong kind, or an empty list.
    """
    made: dict[str, Any] = {}
    for name, value in sorted(where.items()):
        if name not in _COLUMNS:
            raise UnknownNameError("filter", name, _COLUMNS, where="where")
        listed = list(value) if isinstance(value, Collection) and not isinstance(value, str) else [value]
        kind = int if name in NUMBERS else str
        if not listed or not all(isinstance(v, kind) and not isinstance(v, bool) for v in listed):
            raise SurgSigmaError(
                f"where: {name}={value!r}",
                hint=f"Expected one {'number' if kind is int else 'name'} or a list of them.",
            )
        made[name] = sorted(set(listed))
    return made


def columns(where: Where) -> list[str]:
    """The columns of the catalog that a filter reads."""
    return sorted({_COLUMNS[name] for name in where})


def keep(table: pa.Table, where: Mapping[str, Sequence[Any]]) -> npt.NDArray[np.bool_]:
    """Which rows of a catalog pass every condition. A row without a value passes none.

    Args:
        table: At least the columns named by :func:`columns`.
        where: As given by :func:`check_where`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    passed = np.ones(table.num_rows, bool)
    for name, wanted in where.items():
        values = pa.array(wanted, pa.int64() if name in NUMBERS else pa.string())
        fits = np.zeros(table.num_rows, bool)
        first = 0
        for chunk in table[_COLUMNS[name]].chunks:  # each may have a dictionary of its own
            if _COLUMNS[name] in LISTS:
                hits = np.asarray(pc.is_in(pc.list_flatten(chunk), value_set=values))
                fits[first + np.asarray(pc.list_parent_indices(chunk))[hits]] = True
            else:
                fits[first : first + len(chunk)] = pc.is_in(chunk, value_set=values)
            first += len(chunk)
        passed &= fits
    return passed
