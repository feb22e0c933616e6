"""The streamed dataset that ``load_dataset`` gives: that of ``datasets``, and it can be written as Parquet."""

from __future__ import annotations

from os import PathLike
from typing import Any, BinaryIO

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

_ROWS = 100
"""Rows of a group: pictures are some hundred kilobytes each, and a group is in memory as a whole."""


class FlatStream(datasets.IterableDataset):  # type: ignore[misc]
    """An ``IterableDataset`` whose columns have their types also where a block holds nothing but None.

    That of ``datasets`` (5.2) takes the types of each block from its values, fails where two blocks differ, and holds
    everything in memory. What ``map``, ``filter`` and the like return is the class of ``datasets`` again.
    """

    def to_parquet(
        self,
        path_or_buf: str | PathLike[str] | BinaryIO,
        batch_size: int | None = None,
        storage_options: dict[str, Any] | None = None,
        **parquet_writer_kwargs: Any,
    ) -> int:
        """Write all rows, media as bytes, some at a time.

        Args:
            path_or_buf: A path, a remote place such as ``hf://datasets/...``, or an open binary file.
            batch_size: Rows of a group; None: 100.
            storage_options: For a remote place, as of fsspec.
            parquet_writer_kwargs: For ``pyarrow.parquet.ParquetWriter``.

        Returns:
            Bytes of the rows in memory, as ``datasets`` counts them.
        """
        if not hasattr(path_or_buf, "write"):
            import fsspec

            with fsspec.open(path_or_buf, "wb", **(storage_options or {})) as file:
                return self.to_parquet(file, batch_size, **parquet_writer_kwargs)
        schema, written = self.features.arrow_schema, 0
        with pq.ParquetWriter(path_or_buf, schema, **parquet_writer_kwargs) as writer:
            for batch in self.decode(False).batch(batch_size or _ROWS):
                table = pa.Table.from_pydict(batch, schema=schema)
                writer.write_table(table)
                written += table.nbytes
        return written


def with_parquet(data: Any) -> Any:
    """The same stream, or dict of streams, as :class:`FlatStream`."""
    if isinstance(data, datasets.IterableDatasetDict):
        return datasets.IterableDatasetDict({name: with_parquet(each) for name, each in data.items()})
    return FlatStream(
        data._ex_iterable, info=data._info.copy(), split=data._split, token_per_repo_id=data._token_per_repo_id
    )
