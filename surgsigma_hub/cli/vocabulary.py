"""``labels`` and ``ontology``: how labels are said, and what each source calls them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .command import Command
from .output import print_json, say, table, wrapped

if TYPE_CHECKING:
    from ..ontology.vocabulary import Entry

_SHOWN = 60
"""Characters of native names in a line of the table; ``--json`` and a single label show all."""


def _labels(args: argparse.Namespace) -> int:
    from .. import api
    from ..ontology.sheet import review_sheet

    say(review_sheet(sorted({info.modality for info in api.list_sources().values()})))
    return 0


def _ontology_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("label", metavar="LABEL", nargs="?", help="one label by its id, such as hook: all that is known of it")
    add("--kind", metavar="KIND", action="append", help="only labels of this kind, such as phase; repeat for more")
    add("--source", metavar="SOURCE", action="append", help="only labels that this source has; repeat for more")


def _ontology(args: argparse.Namespace) -> int:
    from ..errors import UnknownNameError
    from ..ontology import sources_with_names
    from ..ontology.vocabulary import LABELLED, vocabulary

    for kind in args.kind or ():
        if kind not in LABELLED:
            raise UnknownNameError("kind of label", kind, LABELLED)
    for source in args.source or ():
        if source not in sources_with_names():
            raise UnknownNameError("source", source, sources_with_names(), where="the ontology")
    entries = vocabulary([kind for kind in LABELLED if kind in (args.kind or LABELLED)], args.source)
    if args.label is not None:
        known = {entry.concept.id for entry in entries}
        if args.label not in known:
            raise UnknownNameError("label", args.label, known, where="the ontology")
        entries = [entry for entry in entries if entry.concept.id == args.label]
    if args.json:
        print_json([_entry_dict(entry) for entry in entries])
    elif args.label is not None:
        for entry in entries:
            _print_entry(entry)
    else:
        rows = [
            (e.concept.kind, e.concept.id, e.concept.broader, len(e.native), len(e.names), _short(", ".join(e.names)))
            for e in entries
        ]
        say(table(("kind", "label", "broader", "sources", "names", "native names"), rows))
        sources = {source for entry in entries for source in entry.native}
        say(f"\n{len(entries)} labels, {sum(r[4] for r in rows)} native names, {len(sources)} tables of names")
    return 0


def _entry_dict(entry: Entry) -> Mapping[str, Any]:
    concept = entry.concept
    return {
        "kind": concept.kind,
        "id": concept.id,
        "name": concept.name,
        "definition": concept.definition,
        "catch_all": concept.catch_all,
        "broader": concept.broader,
        "narrower": list(entry.narrower),
        "native": {source: list(names) for source, names in entry.native.items()},
        "fold": entry.fold,
        "codes": dict(entry.codes),
    }


def _print_entry(entry: Entry) -> None:
    concept = entry.concept
    say(f"{concept.kind} {concept.id}: {concept.name}")
    say(wrapped(concept.definition, "  "))
    if concept.catch_all:
        say("  stands for whatever none of the other labels fits; left out of answers by default")
    if concept.broader:
        say(f"  a kind of {concept.broader}")
    if entry.narrower:
        say(f"  covers {', '.join(entry.narrower)}")
    for system, code in entry.codes.items():
        say(f"  {system} {code}")
    for source, names in entry.native.items():
        say(f"    {source}: {', '.join(names)}")
    if not entry.native:
        say("    no source has a name for it")
    if entry.fold:
        say(wrapped(f"One label: {entry.fold}", "  "))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


COMMANDS = (
    Command(
        name="labels",
        help="how every label is said, as a sheet to review",
        description="Every label in every form that questions and answers use, as Markdown with a box to tick: nouns, "
        "articles, plurals, short names, phrases with an object, and the words for what each modality shows.",
        examples=(("surgsigma labels > labels.md", "the sheet, for a surgeon to read"),),
        arguments=lambda parser: None,
        run=_labels,
    ),
    Command(
        name="ontology",
        help="every label, and what each source calls it",
        description="The one vocabulary of all sources: labels by kind, the names that sources give them, which is "
        "broader than which, and why names that differ are one label.",
        examples=(
            ("surgsigma ontology", "a table"),
            ("surgsigma ontology hook", "one label: definition, every source's name of it"),
            ("surgsigma ontology --kind phase --source cholec80", "the phases of one source"),
            ("surgsigma ontology --json", "everything known of each"),
        ),
        arguments=_ontology_arguments,
        run=_ontology,
        json=True,
    ),
)
