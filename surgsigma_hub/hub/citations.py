"""Citations as BibTeX: of SurgSigma-DB, and of every source that a tree uses, from the front matter of their cards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources

from ..shards.frontmatter import split_card

WIDTH = 44
"""Characters of a line that fit a screen of 390 px."""

SURGSIGMA = "@misc{surgsigma2026,\n  title = {SurgSigma-DB},\n  eprint = {2603.16822},\n  archivePrefix = {arXiv},\n}"


def citation(source: str) -> str:
    """The BibTeX of one source; empty where its card gives none."""
    path = resources.files("surgsigma_hub.dataset_cards") / f"{source}.md"
    if not path.is_file():
        return ""
    said = split_card(path.read_text("utf-8"), where=path.name)[0].get("citation")
    return str(said).strip() if said else ""


def bibtex(sources: Iterable[str]) -> str:
    """All citations of a tree, once each, in lines that fit a telephone."""
    found = dict.fromkeys([SURGSIGMA, *filter(None, map(citation, sources))])
    return "\n\n".join("\n".join(line for part in one.splitlines() for line in _folded(part)) for one in found)


def _folded(line: str) -> list[str]:
    """One line of BibTeX as several; spaces in it mean nothing there."""
    text = re.sub(r"\s+", " ", line.strip())
    lines, indent = [""], "" if text.startswith(("@", "}")) else "  "
    for word in text.split(" "):
        if lines[-1] and len(indent) + len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [indent + ("" if n == 0 else "  ") + text for n, text in enumerate(lines)]
