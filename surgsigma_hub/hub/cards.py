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
from ..tasks import Task
from ..whole_files import write_atomic
from .configs import front_matter
from .licenses import gate_front, licenses_page
from .pages import MARK, readme_page, source_page, task_page
from .tree_facts import TreeFacts, gather, size_category

_HUB_LICENSES = {
    *("apache-2.0", "mit", "bsd-3-clause", "cc0-1.0", "pddl", "odc-by", "unknown"),
    *("cc-by-3.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
}
"""Licence ids that the Hub lists, as far as sources are likely to use them; others become ``other`` with a name."""

_OVERRIDES = (".huggingface.yaml", "dataset_infos.json")
"""Files of a root whose content would win over the card."""


def refresh(
    tree: Path, *, sources: Mapping[str, SourceInfo] | None = None, tasks: Mapping[str, Task] | None = None
) -> None:
    """Write the cards of a built tree anew, and remove those of sources and tasks that are gone.

    Args:
        tree: The folder that holds ``data/``.
        sources: Metadata of sources by name; None takes all that are registered.
        tasks: Metadata of tasks by name; None takes all that are registered.

    Raises:
        ShardError: no manifest, or a manifest or first shard that cannot be read.
        BuildError: a file in the tree's root that breaks or overrides the card for everyone who loads it.
    """
    _check_root(tree)
    files = render(gather(tree, sources=sources, tasks=tasks))
    for path, data in files.items():
        if path != "README.md":
            write_atomic(tree / path, data)
    for old in sorted((tree / "cards").glob("*.md")):
        # Only what we wrote: a card of somebody's own making stays.
        if f"cards/{old.name}" not in files and MARK.encode() in old.read_bytes():
            old.unlink()
    # Last, because it links to the others.
    write_atomic(tree / "README.md", files["README.md"])


def render(facts: TreeFacts) -> dict[str, bytes]:
    """Every generated file by path inside the tree."""
    files = {f"cards/{name}.md": source_page(facts, name) for name in facts.sources}
    files |= {f"cards/task_{name}.md": task_page(facts, name) for name in facts.tasks}
    files["LICENSES.md"] = licenses_page(facts)
    found = {path: text.encode() for path, text in files.items()}
    found["schema.json"] = schema_text().encode()
    found["README.md"] = join_card(card_front(facts), readme_page(facts))
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
        "size_categories": [size_category(facts.held().samples)],
        **({"task_categories": sorted(categories)} if categories else {}),
        "tags": tags,
        **gate_front(facts),
        OURS: {"format_version": FORMAT_VERSION},
        **front_matter(facts.configs),
    }


def _license(facts: TreeFacts) -> dict[str, str]:
    found = sorted({facts.license(source) for source in facts.sources})
    if len(found) == 1 and found[0] in _HUB_LICENSES:
        return {"license": found[0]}
    name = "by-source" if len(found) > 1 else found[0]
    return {"license": "other", "license_name": name, "license_link": "LICENSES.md"}


def stale(tree: Path) -> list[str]:
    """Generated files that are not what the tree's manifests give; empty where all cards are fresh.

    Raises:
        ShardError: no manifest, or a manifest or first shard that cannot be read.
    """
    found = []
    for place, data in render(gather(tree)).items():
        path = tree / place
        if not path.is_file() or path.read_bytes() != data:
            found.append(place)
    return found


def _check_root(tree: Path) -> None:
    scripts = sorted(path.name for path in tree.glob("*.py"))
    for name in [*scripts, *(n for n in _OVERRIDES if (tree / n).exists())]:
        raise BuildError(
            f"{tree.name}/{name} must not be in a published tree: it breaks or overrides what the card declares",
            hint="Move it out of the tree, then run this again.",
        )
