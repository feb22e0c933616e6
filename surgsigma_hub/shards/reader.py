"""Sequential reading of a shard, with exact errors for what a damaged or foreign tar can hold."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO

from ..errors import ShardError


def read_shard(file: IO[bytes], *, where: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples of one tar as ``(key, {member: bytes})``; the JSON member is called ``json``.

    Args:
        file: The tar, read forward only.
        where: Name of the shard for error messages.

    Raises:
        ShardError: cut or damaged tar, a member that is no plain file or whose name leaves the folder, members of one
            sample that are not adjacent, or a member twice.
    """
    key, members, seen = "", dict[str, bytes](), set[str]()
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for entry in tar:
                name = entry.name
                if not entry.isfile() or "/" in name or name.startswith(".") or "." not in name:
                    raise ShardError(f"{where}: member {name!r} is not <key>.<member> as a plain file")
                this, member = name.split(".", 1)
                content = tar.extractfile(entry)
                data = content.read() if content else b""
                if len(data) != entry.size:
                    raise ShardError(f"{where}: member {name!r} is cut at {len(data)} of {entry.size} bytes")
                if this != key:
                    if key:
                        yield key, members
                    if this in seen:
                        raise ShardError(
                            f"{where}: the members of sample {this!r} are not adjacent, or its key occurs twice"
                        )
                    seen.add(this)
                    key, members = this, {}
                if member in members:
                    raise ShardError(f"{where}: member {name!r} occurs twice")
                members[member] = data
    except tarfile.TarError as error:
        raise ShardError(f"{where}: damaged tar ({error})", hint="Build or download this shard again.") from None
    if key:
        yield key, members
