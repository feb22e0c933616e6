"""LICENSES.md of a tree, and the gate of its card: the terms of what is in it, source by source and part by part."""

from __future__ import annotations

from typing import Any

from ..visible import size_text
from .markdown import MARK, code, table
from .narrow import narrow
from .terms import Held, TreeTerms, tree_terms
from .tree_facts import TreeFacts

_WORDS = {"yes": "yes", "conditional": "yes, under conditions", "unknown": "no (unknown)", "no": "no"}


def terms_of_tree(facts: TreeFacts) -> TreeTerms:
    """The terms of a tree, of the sources that its facts know."""
    return tree_terms(facts.manifests, {name: info.terms for name, info in facts.known_sources.items()})


def licenses_page(facts: TreeFacts) -> str:
    """LICENSES.md: whose data this is, what may be passed on and on which conditions, and where that was read."""
    terms = terms_of_tree(facts)
    parts = [
        MARK,
        "# Licences by source",
        "Each sample names its licence (`json.license`). Labels and media are under the terms of their source; the "
        "wordings that this package's templates add are under its own licence (MIT).",
    ]
    for name in facts.sources:
        info, mine, own = facts.info(name), facts.held(source=name), terms.sources[name]
        kind = "Synthetic. " if facts.synthetic(name) else ""
        text = [f"{kind}Licence: {code(facts.license(name))}. {mine.samples:,} samples, {size_text(mine.bytes)}."]
        if info is not None:
            text.append(f"Access ({info.access.value}): {info.access_steps} <{info.homepage}>")
        else:
            text.append("This version of the package has no loader of that name: ask whoever built the tree.")
        if own.upstream:
            text.append(f"Its pixels are those of {', '.join(map(code, own.upstream))}, whose terms apply to them too.")
        held = [one for one in terms.held if one.source == name]
        text.append(table(("in this tree", "may be passed on", "conditions", "what the terms say", "read in"),
                          [_row(one) for one in held]))  # fmt: skip
        text += [
            f"A policy of this package, not a term of the source: {part} are not published. {why}"
            for why, part in _policies(held).items()
        ]
        if own.read is not None:
            text.append(f"Read on {own.read.isoformat()}; terms change, so look again before you rely on them.")
        parts += [f"## {info.title if info else name} ({code(name)})", *text]
    return "\n\n".join(map(narrow, parts)) + "\n"


def gate_front(facts: TreeFacts) -> dict[str, Any]:
    """The keys of a card's front matter that shape the form of a gated dataset; empty where no terms need one."""
    terms = terms_of_tree(facts)
    if not terms.gated:
        return {}
    fields = dict.fromkeys(terms.gates, "checkbox")
    fields["I keep to the terms of every source, as LICENSES.md states them."] = "checkbox"
    return {
        "extra_gated_prompt": "Sources of this dataset let it be passed on only to those who agree to their terms: see "
        "LICENSES.md.",
        "extra_gated_fields": {"Name": "text", "Affiliation": "text", **fields},
    }


def _row(one: Held) -> tuple[str, ...]:
    terms = one.terms
    return (
        one.part.words,
        _WORDS[terms.redistribute.value],
        ", ".join(sorted(terms.conditions)),
        terms.clause,
        terms.evidence,
    )


def _policies(held: list[Held]) -> dict[str, str]:
    """Reasons of ours to the parts that they keep back."""
    found: dict[str, list[str]] = {}
    for one in held:
        if one.withheld and one.terms.redistribute.may:
            found.setdefault(one.withheld, []).append(one.part.words)
    return {why: " and ".join(parts) for why, parts in found.items()}
