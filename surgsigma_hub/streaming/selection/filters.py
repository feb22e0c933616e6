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

_LISTS = {"label", "media"}
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
        kind = int if name == "reasoning_level" else str
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
        column = table[_COLUMNS[name]].combine_chunks()
        if name in _LISTS:
            hits = pc.is_in(pc.list_flatten(column), value_set=pa.array(wanted, pa.string()))
            rows = np.asarray(pc.list_parent_indices(column))[np.asarray(hits)]
            fits = np.zeros(table.num_rows, bool)
            fits[rows] = True
        else:
            fits = np.asarray(pc.is_in(column, value_set=pa.array(wanted, column.type)))
        passed &= fits
    return passed
