"""Licences as data: what the terms of a source let others publish, and what a tree of several may show."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.hub.licenses import gate_front, licenses_page
from surgsigma_hub.hub.terms import Refusal, parts_of, refuse, tree_terms
from surgsigma_hub.hub.tree_facts import gather
from surgsigma_hub.registry import all_sources
from surgsigma_hub.shards.manifest import Manifest, load_tree
from surgsigma_hub.source.terms import Condition, Part, Redistribute, SourceTerms, parse_terms, terms_of

from handmade import SOURCES, small_tree, write_tree

FILES = sorted(p.name.removesuffix(".yaml") for p in (resources.files("surgsigma_hub.loaders") / "terms").iterdir())
MADE = """\
license: cc-by-nc-sa-4.0
read: 2026-01-31
upstream: [cholec80]
parts:
  annotations: {redistribute: conditional, conditions: [attribution], license: cc-by-4.0, clause: a, evidence: b}
  media: {redistribute: yes, clause: free, evidence: e}
  derived: media
"""


def manifest(source: str, task: str = "phase_recognition", members: tuple[str, ...] = ("image.jpg",)) -> Manifest:
    return Manifest(
        task=task, source=source, split="train", samples=7, bytes=0, media_bytes=0, members=members, videos=(),
        options={}, shards=(),
    )  # fmt: skip


def refused(*manifests: Manifest, gated: bool = False, rights: tuple[str, ...] = ()) -> set[tuple[str, Part, str]]:
    found = tree_terms(manifests).refusals(gated=gated, rights=rights)
    return {(one.source, one.part, one.why) for one in found}


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_terms_reads_and_has_evidence(name: str) -> None:
    terms = terms_of(name)
    assert terms.read is not None
    assert set(terms.upstream) <= set(FILES), "upstream of a source without terms"
    for part in Part:
        stated = terms.effective(part)  # ends: no source is upstream of itself
        assert stated.clause and stated.evidence, part


@pytest.mark.parametrize("name", sorted(all_sources()))
def test_every_source_states_its_terms_under_the_licence_of_its_samples(name: str) -> None:
    info = all_sources()[name].info
    assert name in FILES, f"write loaders/terms/{name}.yaml"
    assert info.terms.license == info.license


def test_what_is_stated_nowhere_is_unknown_and_refused() -> None:
    assert {terms_of("never_heard_of").effective(part).redistribute for part in Part} == {Redistribute.UNKNOWN}
    assert refused(manifest("never_heard_of")) == {
        ("never_heard_of", part, "term") for part in (Part.ANNOTATIONS, Part.MEDIA, Part.QUESTIONS)
    }


def test_labels_never_make_the_frames_of_others_freer() -> None:
    terms = parse_terms(MADE, source="made")
    assert terms.effective(Part.ANNOTATIONS).conditions == {Condition.ATTRIBUTION}
    media = terms.effective(Part.MEDIA)
    assert media.redistribute is Redistribute.CONDITIONAL
    assert Condition.NON_COMMERCIAL in media.conditions
    assert terms.withheld(Part.MEDIA), "what is withheld of a recording is withheld whoever labels it"
    joined = terms_of("cholectrack20").effective(Part.MEDIA)
    assert "data use agreement" in joined.clause and "cholec80" in joined.clause


def test_a_policy_of_ours_is_told_apart_from_a_term() -> None:
    assert refused(manifest("cholec80")) == {("cholec80", Part.MEDIA, "policy")}
    assert refused(manifest("copesd")) == {("copesd", Part.MEDIA, "term")}
    assert refused(manifest("jigsaws", members=())) == {
        ("jigsaws", part, "term") for part in (Part.ANNOTATIONS, Part.QUESTIONS)
    }
    text = str(next(iter(tree_terms([manifest("cholec80")]).refusals())))
    assert "policy of this package, which is no term of the source" in text


def test_annotations_of_psi_ava_go_out_by_its_repository_licence_and_its_frames_do_not() -> None:
    stated = terms_of("psi_ava").effective(Part.ANNOTATIONS)
    assert (stated.redistribute, stated.license) == (Redistribute.CONDITIONAL, "mit")
    assert refused(manifest("psi_ava")) == {("psi_ava", Part.MEDIA, "term")}


def test_what_readers_must_agree_to_needs_a_gate() -> None:
    alone = manifest("cholectrack20", members=())
    assert refused(alone) == {("cholectrack20", part, "gate") for part in (Part.ANNOTATIONS, Part.QUESTIONS)}
    assert not refused(alone, gated=True)


def test_no_derivatives_keeps_everything_at_home() -> None:
    text = MADE.replace("conditions: [attribution]", "conditions: [no-derivatives]").replace(
        "upstream: [cholec80]\n", ""
    )
    found = tree_terms([manifest("made")], {"made": parse_terms(text, source="made")}).refusals()
    assert {one.part for one in found} == {Part.ANNOTATIONS, Part.QUESTIONS}


def test_rights_are_held_of_one_source_by_name() -> None:
    both = manifest("cholec80"), manifest("copesd")
    assert refused(*both, rights=("cholec80",)) == {("copesd", Part.MEDIA, "term")}
    with pytest.raises(UnknownNameError, match="source 'cholec8'"):
        refused(*both, rights=("cholec8",))


@pytest.mark.parametrize(
    ("task", "members", "part"),
    [
        ("phase_recognition", ("image.jpg",), Part.MEDIA),
        ("desmoking", ("image.jpg", "target.jpg"), Part.DERIVED),
        ("depth_estimation", ("image.jpg", "target.png"), Part.DERIVED),
    ],
)
def test_what_a_member_is_follows_from_the_task(task: str, members: tuple[str, ...], part: Part) -> None:
    assert part in parts_of(manifest("x", task, members))
    assert parts_of(manifest("x", "instrument_segmentation", ("target.png",))) == {Part.ANNOTATIONS, Part.QUESTIONS}


def test_a_refusal_names_source_part_clause_and_cure() -> None:
    one = Refusal("copesd", Part.MEDIA, "term", "no terms found", "its README", 7)
    with pytest.raises(
        SurgSigmaError, match=r"copesd: media \(7 samples\).*no terms found \(read in: its README\)"
    ) as e:
        refuse([one])
    assert "--i-hold-the-rights copesd" in e.value.hint
    refuse([])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("media: {redistribute: yes", "media: {redistribute: perhaps"), "perhaps"),
        (("conditions: [attribution]", "conditions: [kindness]"), "kindness"),
        (("  derived: media\n", ""), "nothing is said of derived"),
        (("clause: free, ", ""), "'clause' is missing"),
        (("read: 2026-01-31", "read: lately"), "expected a day"),
        (("redistribute: conditional", "redistribute: yes"), "with 1 conditions"),
        (("license: cc-by-nc-sa-4.0\n", "license: cc-by-nc-sa\n"), "unknown licence id 'cc-by-nc-sa', expected one of"),
        (("license: cc-by-nc-sa-4.0\n", "licence: cc-by-nc-sa-4.0\n"), "unknown field 'licence'"),
        (("parts:", "policy: {withhold: [media]}\nparts:"), "'reason' is missing"),
    ],
)
def test_terms_that_do_not_fit_the_form_are_named(change: tuple[str, str], what: str) -> None:
    assert parse_terms(MADE, source="made").license
    with pytest.raises(SurgSigmaError, match=f"terms of made: .*{what}"):
        parse_terms(MADE.replace(*change), source="made")


def test_the_page_of_licences_says_part_by_part(tmp_path: Path) -> None:
    write_tree(tmp_path)
    page = licenses_page(gather(tmp_path, sources=SOURCES))
    assert "no (unknown)" in page and "no terms found" in page
    assert "of our own making" in page
    assert page == licenses_page(gather(tmp_path, sources=SOURCES))


def test_a_gate_asks_for_what_the_terms_ask(tmp_path: Path) -> None:
    small_tree(tmp_path)
    facts = gather(tmp_path)
    assert gate_front(facts) == {}
    asked: dict[str, SourceTerms] = {"synthetic": terms_of("cholectrack20")}
    made = tree_terms(load_tree(tmp_path), asked)
    assert made.gated and any("data use agreement of CholecTrack20" in gate for gate in made.gates)
