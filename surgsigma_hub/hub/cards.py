"""Write what a tree says of itself: README.md, cards/, LICENSES.md, schema.json. All numbers are counted.

The same tree gives the same bytes, and every file is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..schema import FORMAT_VERSION, schema_text
from ..shards.frontmatter import OURS, join_card
from ..source import SourceInfo
from ..source.terms import LICENSES, OTHER
from ..tasks import Task
from ..whole_files import write_atomic
from .assets import Pictures, ours, pictures
from .configs import front_matter
from .croissant import PLACE, croissant
from .licenses import gate_front, licenses_page
from .markdown import MARK
from .pages import readme_page, source_page, task_page
from .tree_facts import TreeFacts, gather, size_category

_OVERRIDES = (".huggingface.yaml", "dataset_infos.json")
"""Files of a root whose content would win over the card."""


def refresh(
    tree: Path, *, sources: Mapping[str, SourceInfo] | None = None, tasks: Mapping[str, Task] | None = None
) -> None:
    """Write the cards of a built tree anew, and remove those of sources and tasks that are gone.

    Pictures that lie there and still are of this tree stay; :func:`illustrate` draws them.

    Args:
        tree: The folder that holds ``data/``.
        sources: Metadata of sources by name; None takes all that are registered.
        tasks: Metadata of tasks by name; None takes all that are registered.

    Raises:
        ShardError: no manifest, or a manifest or first shard that cannot be read.
        BuildError: a file in the tree's root that breaks or overrides the card for everyone who loads it.
    """
    _check_root(tree)
    facts = gather(tree, sources=sources, tasks=tasks)
    _write(facts, pictures(facts, draw=False))


def illustrate(
    tree: Path, *, sources: Mapping[str, SourceInfo] | None = None, tasks: Mapping[str, Task] | None = None
) -> None:
    """As :func:`refresh`, and draw the pictures of the root card; charts only where matplotlib is installed."""
    _check_root(tree)
    facts = gather(tree, sources=sources, tasks=tasks)
    _write(facts, pictures(facts, draw=True))


def _write(facts: TreeFacts, shown: Pictures) -> None:
    tree, files = facts.tree, _render(facts, shown)
    gone = ours(tree) - files.keys()
    for path, data in files.items():
        if path != "README.md":
            write_atomic(tree / path, data)
    for old in sorted((tree / "cards").glob("*.md")):
        # Only what we wrote: a card of somebody's own making stays.
        if f"cards/{old.name}" not in files and MARK.encode() in old.read_bytes():
            old.unlink()
    # After the others, because it links to them, and before what it no longer shows goes.
    write_atomic(tree / "README.md", files["README.md"])
    for path in sorted(gone):
        (tree / path).unlink()


def _render(facts: TreeFacts, shown: Pictures) -> dict[str, bytes]:
    """Every generated file by path inside the tree."""
    files = {f"cards/{name}.md": source_page(facts, name) for name in facts.sources}
    files |= {f"cards/task_{name}.md": task_page(facts, name, shown.drawn) for name in facts.tasks}
    files["LICENSES.md"] = licenses_page(facts)
    found = {path: text.encode() for path, text in files.items()}
    found["schema.json"] = schema_text().encode()
    found[PLACE] = croissant(facts)
    found |= shown.files
    found["README.md"] = join_card(card_front(facts), readme_page(facts, shown.drawn))
    return found


def card_front(facts: TreeFacts) -> dict[str, Any]:
    """The whole front matter of README.md."""
    synthetic = [s for s in facts.sources if facts.synthetic(s)]
    tags = ["medical", "surgery", "webdataset", "text"]
    members = facts.held().members
    tags += [kind for kind in ("image", "video") if any(m.startswith(kind) for m in members)]
    if synthetic:
        tags.append("synthetic")
    only = len(synthetic) == len(facts.sources)
    categories = {task.hub_category for name in facts.tasks if (task := facts.task(name))}
    return {
        **_license(facts),
        "pretty_name": "SurgSigma (synthetic)" if only else "SurgSigma",
        "language": ["en"],
        "annotations_creators": sorted({_creator(facts, source) for source in facts.sources}),
        "source_datasets": sorted({_extended(facts, source) for source in facts.sources}),
        "size_categories": [size_category(facts.held().samples)],
        **({"task_categories": sorted(categories)} if categories else {}),
        "tags": tags,
        **gate_front(facts),
        OURS: {"format_version": FORMAT_VERSION},
        **front_matter(facts.configs),
    }


def _license(facts: TreeFacts) -> dict[str, str]:
    found = sorted({facts.license(source) for source in facts.sources})
    if len(found) == 1 and found[0] in LICENSES - {OTHER}:
        return {"license": found[0]}
    name = "by-source" if len(found) > 1 else found[0]
    return {"license": "other", "license_name": name, "license_link": "LICENSES.md"}


def _creator(facts: TreeFacts, source: str) -> str:
    """Who labelled, in the Hub's words."""
    if facts.synthetic(source):
        return "machine-generated"
    info = facts.info(source)
    return "other" if info is None else "machine-generated" if info.label_origin == "model" else "expert-generated"


def _extended(facts: TreeFacts, source: str) -> str:
    """What a source is to this dataset, in the Hub's words."""
    return "original" if facts.synthetic(source) else f"extended|other-{source}"


def stale(tree: Path) -> list[str]:
    """Generated files that are not what the tree's manifests give; empty where all cards are fresh.

    Raises:
        ShardError: no manifest, or a manifest or first shard that cannot be read.
    """
    facts = gather(tree)
    files = _render(facts, pictures(facts, draw=False))
    found = [place for place, data in files.items() if not _is(tree / place, data)]
    return sorted({*found, *(ours(tree) - files.keys())})


def _is(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _check_root(tree: Path) -> None:
    scripts = sorted(path.name for path in tree.glob("*.py"))
    for name in [*scripts, *(n for n in _OVERRIDES if (tree / n).exists())]:
        raise BuildError(
            f"{tree.name}/{name} must not be in a published tree: it breaks or overrides what the card declares",
            hint="Move it out of the tree, then run this again.",
        )
