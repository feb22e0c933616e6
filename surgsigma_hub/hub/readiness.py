"""What must hold before anything is sent: fresh cards, valid samples, nothing private, and a place that is ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..errors import ShardError, SurgSigmaError
from ..shards.frontmatter import check_ours, split_card
from ..shards.manifest import Manifest
from ..shards.validate import validate
from .cards import stale
from .published import is_published_place, published_files, state_digest
from .receipts import note_valid, was_found_valid
from .scrub import scrub_check

_KEPT = (".gitattributes", ".gitignore")


def check_cards(tree: Path) -> None:
    """Refuse cards that are not those of the tree.

    Raises:
        ShardError: one of them is stale.
    """
    for place in stale(tree):
        raise ShardError(
            f"{place} is not what the tree's manifests give: it is stale, or was changed by hand",
            hint=f"Write the cards anew with: surgsigma card {tree}",
        )


def check_valid(tree: Path, manifests: Sequence[Manifest], *, workers: int, say: Callable[[str], None]) -> None:
    """Check every sample, and look for what must not leave; once for files that do not change.

    Raises:
        ShardError: the tree is not valid, or holds what must not leave.
    """
    state = state_digest([f for f in published_files(tree, manifests) if f.place.startswith("data/")])
    if was_found_valid(tree, state):
        return
    say("Checking every sample ...")
    report = validate(tree, workers=workers)
    if not report.ok:
        first = "\n  ".join(map(str, report.errors[:5]))
        raise ShardError(
            f"{tree} is not valid ({report.counts['errors']:,} errors), so it is not published:\n  {first}",
            hint=f"See them all with: surgsigma validate {tree}",
        )
    private = scrub_check(tree)
    if not private.ok:
        first = "\n  ".join(map(str, private.problems[:5]))
        raise ShardError(
            f"{tree} holds what must not leave ({len(private.problems):,} findings), so it is not published:"
            f"\n  {first}",
            hint=f"See them all with: surgsigma scrub --check {tree}",
        )
    note_valid(tree, state, report.counts)


def check_ours_there(name: str, places: Collection[str], read: Callable[[str], bytes], *, where: str) -> None:
    """Refuse a dataset or bucket that holds something else than a tree of this package.

    Args:
        name: Of it.
        places: Of its files.
        read: Gives a small file of it.
        where: Which state of it, for errors.

    Raises:
        SurgSigmaError: it is somebody else's.
        ShardError: a tree of a newer format.
    """
    if "README.md" in places:
        text = read("README.md").decode("utf-8", "replace")
        try:
            ours = check_ours(split_card(text, where=where)[0], where=where)
        except ShardError as error:
            if "format version" in error.message:
                raise
            raise SurgSigmaError(
                f"{name} is there already, and is not a tree of this package: it is left alone",
                hint="Publish to another name.",
            ) from None
        if "pointer" in ours:
            raise SurgSigmaError(f"{name} holds a pointer card, no tree", hint="Publish to another name.")
        return
    foreign = [p for p in places if p not in _KEPT and not is_published_place(p)]
    if foreign:
        raise SurgSigmaError(
            f"{name} is there already, holds {foreign[0]} and no card of this package: it is left alone",
            hint="Publish to another name.",
        )
