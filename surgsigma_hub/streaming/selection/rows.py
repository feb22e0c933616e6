"""Columns of a catalog as they are, row group by row group: for whoever looks at a tree rather than filters it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...shards.manifest import Manifest
from ..storage.tree import TreeStorage
from .catalog import opened, row_groups

if TYPE_CHECKING:
    import pyarrow as pa


def read_columns(place: TreeStorage, m: Manifest, names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """The named columns of a catalog, each row group with the number of its first row.

    Args:
        place: The tree; of a remote one only these columns are fetched.
        m: The manifest whose catalog it is.
        names: Columns, as a build writes them. Texts come as dictionaries.

    Raises:
        ShardError: the catalog is missing, unreadable, or not as a build writes it.
    """
    with opened(place, m, names) as (catalog, found):
        first = 0
        for table in row_groups(catalog, found):
            yield first, table
            first += table.num_rows
