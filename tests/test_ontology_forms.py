"""How labels are said: every label has its forms, and the sheet for review shows them all."""

from __future__ import annotations

import csv
from importlib import resources
from itertools import product

import pytest
from surgsigma_hub.cli import main
from surgsigma_hub.ontology import KINDS, NULL, Kind, concepts
from surgsigma_hub.ontology.forms import Article, acting_on, forms, near, view_of
from surgsigma_hub.ontology.sheet import review_sheet
from surgsigma_hub.registry import all_sources

EVERY: list[tuple[Kind, str]] = [(kind, id) for kind in KINDS for id in concepts(kind)]  # type: ignore[arg-type, misc]
TABLES = {"criterion": "criteria"}


def rows(kind: str) -> dict[str, dict[str, str]]:
    table = resources.files("surgsigma_hub.ontology") / "forms" / f"{TABLES.get(kind, kind + 's')}.csv"
    return {row["id"]: row for row in csv.DictReader(table.read_text("utf-8").splitlines())}


@pytest.mark.parametrize("kind", KINDS)
def test_every_label_has_a_row_and_no_cell_has_blanks_at_its_ends(kind: str) -> None:
    """A label without a row is said by rule, which a reader has to have seen: add its row to ontology/forms."""
    found = rows(kind)
    assert set(found) == set(concepts(kind))  # type: ignore[arg-type]
    assert all(cell == cell.strip() for row in found.values() for cell in row.values())


def test_short_names_and_nouns_tell_labels_of_one_kind_apart() -> None:
    for kind, of in (("phase", "short"), ("step", "short"), ("action", "noun"), ("action", "doing")):
        said = [getattr(forms(kind, id), of).lower() for id in concepts(kind)]  # type: ignore[arg-type]
        assert len(set(said)) == len(said), kind


def test_no_noun_of_an_action_is_a_bare_verb() -> None:
    for id, concept in concepts("action").items():
        if id not in (NULL, "approach", "release"):
            assert forms("action", id).noun.split()[0] != concept.name.split()[0], id


def test_articles_fit() -> None:
    assert forms("target", "fluid").a == "fluid" and forms("target", "liver").a == "the liver"
    assert forms("target", "blood_vessel").a == "a blood vessel" and forms("target", "adhesion").a == "adhesions"
    assert forms("instrument", "scissors").counted(2) == "two pairs of scissors"
    assert forms("instrument", "irrigator").counted(1) == "an irrigator"
    for kind, id in EVERY:
        one = forms(kind, id)
        assert (one.be == "are") == (one.article is Article.PLURAL)
        assert not one.a.startswith(("a a", "a e", "a i", "a o")), one.a


def test_every_action_is_said_with_every_target() -> None:
    for action, target in product(concepts("action"), concepts("target")):
        text = acting_on(action, target)
        assert "{" not in text and text == text.strip()
    assert acting_on("pack", "gallbladder") == "placing the gallbladder in the specimen bag"


def test_near_labels_are_neighbours_or_of_one_group() -> None:
    phases = tuple(concepts("phase"))[:7]
    assert near("phase", "clipping_and_cutting", phases)[:2] == ["calot_triangle_dissection", "gallbladder_dissection"]
    assert near("target", "cystic_duct", ("liver", "cystic_artery"))[0] == "cystic_artery"


def test_every_modality_of_a_source_has_its_words() -> None:
    for source in all_sources().values():
        assert view_of(source.info.modality).view != "surgical view", source.info.modality


def test_the_sheet_shows_every_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels"]) == 0
    sheet = capsys.readouterr().out
    assert sheet.strip() == review_sheet(sorted({s.info.modality for s in all_sources().values()})).strip()
    lines = [line for line in sheet.splitlines() if line.startswith("| [ ] |")]
    for kind, id in EVERY:
        if id != NULL:
            assert any(concepts(kind)[id].name in line for line in lines), (kind, id)
    assert "| the surgeon is applying countertraction |" in sheet and "| the leak test phase |" in sheet
    assert len({line.count("|") for line in sheet.splitlines() if line.startswith("|")}) < 8, "tables are whole"
