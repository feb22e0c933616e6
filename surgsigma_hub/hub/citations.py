"""Citations as BibTeX: of SurgSigma-DB, and of every source that a tree uses, from the front matter of their cards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources

from ..shards.frontmatter import split_card

WIDTH = 36
"""Characters of a line that fit a screen of 390 px."""

SURGSIGMA = r"""@misc{zeng2026surgsigma,
  title = {Surg{$\Sigma$}: A Spectrum of Large-Scale Multimodal Data and Foundation Models for Surgical Intelligence},
  author = {Zhitao Zeng and Mengya Xu and Jian Jiang and Pengfei Guo and Yunqiu Xu and Zhu Zhuo and Chang Han Low and
    Yufan He and Dong Yang and Chenxi Lin and Yiming Gu and Jiaxin Guo and Yutong Ban and Daguang Xu and Qi Dou and
    Yueming Jin},
  year = {2026},
  eprint = {2603.16822},
  archivePrefix = {arXiv},
}"""


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
    return "\n\n".join("\n".join(line for part in _fields(one) for line in _folded(part)) for one in found)


def _fields(entry: str) -> list[str]:
    """An entry's head, fields and end, a line each."""
    return re.sub(r"\n +(?! |\w+ *=)", " ", entry).splitlines()


def _folded(line: str) -> list[str]:
    """One line of BibTeX as several; spaces in it mean nothing there."""
    text = re.sub(r"\s+", " ", line.strip())
    lines, indent = [""], "" if text.startswith(("@", "}")) else "  "
    for word in text.split(" "):
        if lines[-1] and len(indent) + len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [indent + ("" if n == 0 else "  ") + text for n, text in enumerate(lines)]
