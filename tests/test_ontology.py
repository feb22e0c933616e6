"""The vocabularies: complete, defined, and never guessed at."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from surgsigma_hub.errors import LabelError, UnknownNameError
from surgsigma_hub.ontology import (
    KINDS,
    Concept,
    concept,
    concepts,
    native_names,
    resolve,
    resolve_frame,
    sources_with_names,
    with_broader,
)
from surgsigma_hub.ontology.vocabulary import codes, folds, spelling, vocabulary
from surgsigma_hub.records import Frame, Label, Triplet
from surgsigma_hub.registry import all_sources


@pytest.mark.parametrize("kind", KINDS)
def test_every_concept_has_a_name_and_a_definition_of_its_own(kind: str) -> None:
    found = concepts(kind)  # type: ignore[arg-type]
    assert found
    assert all(c.definition.endswith(".") and c.definition[0].isupper() for c in found.values())
    assert len({c.definition for c in found.values()}) == len(found)
    assert len({c.name for c in found.values()}) == len(found)


@pytest.mark.parametrize("source", all_sources())
def test_every_native_name_resolves(source: str) -> None:
    for (kind, native), id in native_names(source).items():
        assert resolve(source, kind, native) == Label(native, id)  # type: ignore[arg-type]
    assert concept("procedure", all_sources()[source].info.procedure)


@pytest.mark.parametrize(
    ("source", "kind", "files", "column"),
    [
        ("cholect50", "phase", ["cholect50_phases"], "name"),
        ("cholect50", "instrument", ["cholect50_instruments"], "name"),
        ("cholect50", "action", ["cholect50_verbs"], "name"),
        ("cholect50", "target", ["cholect50_targets"], "name"),
        ("cholec80", "phase", ["cholec80_phases"], "native_name"),
        ("cholec80", "instrument", ["cholec80_tools"], "name"),
        ("bsa10", "action", ["bsa10_actions"], "name"),
        ("cholecinstanceseg", "instrument", ["cholecinstanceseg_classes"], "name"),
    ],
)
def test_tables_hold_exactly_the_names_of_the_releases(
    real: Path, source: str, kind: str, files: list[str], column: str
) -> None:
    expected: set[str] = set()
    for name in files:
        with (real.parent / "vocab" / f"{name}.csv").open(newline="") as file:
            expected |= {row[column] for row in csv.DictReader(file)}
    assert {native for k, native in native_names(source) if k == kind} == expected


def test_an_unknown_label_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(LabelError, match="Did you mean 'carlot-triangle-dissection'"):
        resolve("cholect50", "phase", "calot-triangle-dissection")
    with pytest.raises(LabelError, match="source cholec80"):
        resolve("cholec80", "instrument", "grasper")
    with pytest.raises(UnknownNameError, match="the ontology"):
        concept("phase", "nap")


def test_one_bad_label_stops_the_whole_frame() -> None:
    good = Triplet(Label("hook"), Label("dissect"), Label("gallbladder"))
    frame = Frame(index=0, fps=1, triplets=(good, Triplet(Label("hook"), Label("dance"), Label("gallbladder"))))
    with pytest.raises(LabelError, match="'dance'"):
        resolve_frame("cholect50", frame)


def test_the_ten_actions_of_bsa_resolve(real: Path) -> None:
    """BSA-10 names actions across operations; the table has no loader, for its videos are not published."""
    with (real.parent / "vocab" / "bsa10_actions.csv").open(newline="") as file:
        theirs = {row["name"]: row["definition"] for row in csv.DictReader(file)}
    table = native_names("bsa10")
    assert table.keys() == {("action", name) for name in theirs} and len(set(table.values())) == 10
    for (_, name), id in table.items():
        assert resolve("bsa10", "action", name) == Label(name, id)
        assert concept("action", id).definition != theirs[name], "definitions are words of our own"


def test_what_stands_for_none_of_the_others_is_marked_and_named_so() -> None:
    marked = {(kind, c.id): c.name for kind in KINDS for c in concepts(kind).values() if c.catch_all}  # type: ignore[arg-type]
    assert marked.keys() == {
        ("phase", "idle"),
        ("phase", "other_intervention"),
        ("step", "idle"),
        ("step", "outside_listed_steps"),
    }
    assert all("listed" in name for name in marked.values())


def test_names_that_differ_by_more_than_spelling_are_one_label_for_a_stated_reason() -> None:
    entries = {(e.concept.kind, e.concept.id): e for e in vocabulary()}
    differ = {key for key, entry in entries.items() if len({*map(spelling, entry.names)}) > 1}
    assert differ - folds().keys() == set(), "say in ontology/folds.csv why these names are one label"
    assert folds().keys() - differ == set(), "ontology/folds.csv has a row of names that do not differ"
    assert all(reason.endswith(".") and reason[0].isupper() for reason in folds().values())


def test_no_label_is_without_a_source_that_names_it() -> None:
    used = {(e.concept.kind, broader) for e in vocabulary() if e.native for broader in _broader(e.concept)}
    unnamed = {(e.concept.kind, e.concept.id) for e in vocabulary() if not e.native} - used
    assert unnamed == set(), "remove these from the ontology, or add the table of names that they come from"


def _broader(concept: Concept) -> tuple[str, ...]:
    return with_broader(concept.kind, concept.id)  # type: ignore[arg-type]


_TIMES = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_MOVED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def checks(code: str) -> bool:
    """Whether the last digit of a number of SNOMED CT is the check digit of the others (Verhoeff)."""
    rest = 0
    for place, digit in enumerate(reversed(code)):
        rest = int(_TIMES[rest][int(_MOVED[place % 8][int(digit)])])
    return rest == 0


def test_numbers_of_terminologies_are_whole_and_of_one_label_each() -> None:
    assert checks("28231008") and not checks("28231080") and not checks("28231009")
    coded = {(e.concept.kind, e.concept.id): e.codes for e in vocabulary() if e.codes}
    assert coded == codes() and len(coded) >= 30
    given = [(system, code) for of in coded.values() for system, code in of.items()]
    assert len(set(given)) == len(given) and {system for system, _ in given} == {"SNOMED CT", "OntoSPM"}
    assert all(checks(code) if system == "SNOMED CT" else re.fullmatch("[a-z_]+", code) for system, code in given)


def test_the_vocabulary_of_one_source_holds_all_its_names_and_no_other() -> None:
    for source in sources_with_names():
        found = {
            (e.concept.kind, name): e.concept.id for e in vocabulary(sources=[source]) for name in e.native[source]
        }
        assert found == native_names(source)
    gut = next(e for e in vocabulary(["target"]) if e.concept.id == "gut")
    assert {"stomach", "colon", "small_bowel"} <= {*gut.narrower}
