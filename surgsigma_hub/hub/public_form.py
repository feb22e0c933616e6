"""The form of a tree that may go out: without the media of sources whose terms keep these at home."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import orjson

from ..building.annotations_only import strip_media
from ..errors import SurgSigmaError
from ..shards.manifest import load_tree
from ..source.terms import PIXELS
from ..whole_files import write_atomic
from .cards import refresh
from .published import RECEIPTS, data_digest
from .terms import tree_terms

_MARK = "public.json"


def public_form(tree: Path, *, gated: bool, rights: Collection[str], workers: int = 1) -> Path:
    """The tree itself where all of it may go out; else the folder ``<tree>.public``, which is made beside it.

    It is made once for the same tree, so that a push that was stopped goes on.

    Args:
        tree: A built tree; it is only read, but for its folder ``.push``.
        gated: Whether the dataset is gated on the Hub.
        rights: Sources of which the publisher holds the rights.
        workers: Processes that take the media out.

    Raises:
        SurgSigmaError: the folder beside it is there, and is none that was made of this tree.
        ShardError: the tree is damaged, or there is none.
        MissingExtraError: imagehash is not installed.
    """
    manifests = load_tree(tree)
    refused = tree_terms(manifests).refusals(gated=gated, rights=rights)
    sources = sorted({one.source for one in refused if one.part in PIXELS})
    if not sources:
        return tree
    out, mark = tree.with_name(f"{tree.name}.public"), tree / RECEIPTS / _MARK
    wanted = {"of": data_digest(manifests), "sources": sources}
    if out.exists():
        try:
            said = orjson.loads(mark.read_bytes())
        except (OSError, ValueError):
            said = None
        if said != {**wanted, "data_sha256": data_digest(load_tree(out))}:
            raise SurgSigmaError(
                f"{out} is there, and is not what this tree gives without the media of {', '.join(sources)}",
                hint=f"Remove it, or publish it as it is: surgsigma push ORG/NAME {out}",
            )
        return out
    strip_media(tree, out, sources=sources, workers=workers, progress=False, finish=refresh)
    write_atomic(mark, orjson.dumps({**wanted, "data_sha256": data_digest(load_tree(out))}))
    return out
