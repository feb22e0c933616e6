"""Sentences of CoPESD: known wordings are read whole, everything else is refused."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.ontology import native_names
from surgsigma_hub.parsers.releases.esd_boxes import FORCEPS, KNIFE, Placed, convention_of, parse_boxes
from surgsigma_hub.parsers.releases.esd_motions import (
    FLAP,
    MOTIONS,
    MUSCLE,
    NO_TARGET,
    SUBMUCOSA,
    TARGETS,
    parse_motions,
)
from surgsigma_hub.parsers.releases.esd_views import says_no_view

F, K = "Forceps[0.10, 0.20, 0.40, 0.70]", "Knife[0.55, 0.30, 0.80, 0.75]"

FORCEPS_SAYS = {
    "reach": [
        f"direct the {F} towards the mucosal flap's edge",
        f"move the {F} to reach the boundary of the mucosa flap",
        f"shift the {F} to touch the margin of mucosa flap",
        f"adjust the {F} to arrive at the mucosa flap's border",
    ],
    "grasp": [
        f"take hold of the mucosa flap' s edge with the {F}",
        f"clamp down on the mucosa flap's boundary using the {F}",
        f"use the {F} to capture the edge of the mucosa flap",
        f"the {F} seizes the mucosa flap",
    ],
    "rotate": [f"rotate the {F}", f"twist the {F}", f"turn the {F}", f"the {F} pivots"],
    "idle": [f"keep the {F} in place", f"the {F} stays at rest"],
    "move": [f"move the {F} to the upper left", f"draw the {F} back"],
    "release": [f"let go of the mucosa flap with the {F}", f"the {F} releases the flap's edge"],
    "lift": [
        f"hoist the mucosa flap in an upward direction with the {F}",
        f"draw the mucosa flap to the right using the {F}",
        f"employ the {F} to lift the mucosa flap to the lower left",
        f"transport the mucosa flap to the upper left using the {F}",
    ],
    "hold countertraction": [
        f"keep countertraction with the {F} to hold the mucosal flap steady",
        f"employ the {F} to consistently lift the mucosal flap",
        f"ensure the {F} maintain countertraction on the mucosal flap",
    ],
}
KNIFE_SAYS = {
    "dissect": [
        f"conduct the lower right dissection of the mucosa flap with the {K}",
        f"dissecting the mucosa flap to the left using the {K}",
        f"utilize the {K} to dissect the mucosa flap upward",
        f"make an upward cut with the {K}",
        f"the {K} cuts downward",
    ],
    "idle": [
        f"the {K} continues to remain idle",
        f"keeping the {K} unmoved",
        f"maintaining the {K}'s idle state",
        f"maintaining the {K} in its original position",
    ],
    "reach": [
        f"position the {K} at the mucosal flap's border as well",
        f"relocate the {K} to that edge",
        f"move the {K} to the mucosa flap edge concurrently",
    ],
    "lift": [f"the {K} hoists the mucosa flap upward", f"raise the mucosa flap upward with the {K}"],
}
JOINTS = (", ", " and ", " while ", " as ", " and also ", " while simultaneously ")


def said(table: dict[str, list[str]]) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from([(motion, clause) for motion, clauses in table.items() for clause in clauses])


def target(motion: str) -> str:
    return NO_TARGET if motion in ("rotate", "idle", "move") else FLAP


@given(said(FORCEPS_SAYS), said(KNIFE_SAYS), st.sampled_from(JOINTS))
def test_any_two_known_clauses_make_a_sentence(first: tuple[str, str], second: tuple[str, str], joint: str) -> None:
    text = f"{first[1].capitalize().replace('forceps', 'Forceps')}{joint}{second[1]}."
    assert [(m.instrument, m.motion, m.target) for m in parse_motions(text)] == [
        (FORCEPS, first[0], target(first[0])),
        (KNIFE, second[0], target(second[0])),
    ]
    assert parse_boxes(text) == (Placed(FORCEPS, (0.1, 0.2, 0.4, 0.7)), Placed(KNIFE, (0.55, 0.3, 0.8, 0.75)))


@pytest.mark.parametrize("table", [FORCEPS_SAYS, KNIFE_SAYS])
def test_one_instrument_alone(table: dict[str, list[str]]) -> None:
    for motion, clauses in table.items():
        for clause in clauses:
            assert [m.motion for m in parse_motions(f"{clause}.")] == [motion], clause


def test_the_motions_are_those_of_the_table_of_native_names() -> None:
    names = native_names("copesd")
    assert {n for kind, n in names if kind == "action"} == set(MOTIONS) == set(FORCEPS_SAYS) | set(KNIFE_SAYS)
    assert {n for kind, n in names if kind == "target"} == {*TARGETS}
    assert {n for kind, n in names if kind == "instrument"} == {FORCEPS, KNIFE}


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "the Knife.",
        f"Rotate the {F}",  # cut short: no stop
        f"Rotate the {F} and",
        f"Keep the {K} idle while the {F} lifts the mucosa flap...",  # something is left out
        f"Keep the {K} idle and move the {F}",
        f"Rotate the {F} the {K} remains idle.",
        f"Do not rotate the {F}.",
        f"Lift the polyp upward with the {K}.",
        f"Lift the mucosa flap somewhere with the {K}.",
        f"Pull and rotate the mucosa flap with the {F}.",  # two motions of one instrument
        f"Grasp the mucosa flap with the {K}.",  # a knife has no jaws
        f"Dissect the mucosa flap with the {F}.",
        f"Lift the mucosa flap with the {F} and the {F}.",
        f"Rotate the {F} and the {K} remains idle and more.",
    ],
)
def test_other_sentences_are_refused(text: str) -> None:
    with pytest.raises(BadRowError, match=r"no whole sentence|known (?:words|way)"):
        parse_motions(text)


@pytest.mark.parametrize(
    ("text", "motions"),
    [
        (f"While the {K} remains idle, lift the mucosa flap upward with the {F}.", ["lift", "idle"]),
        (f"Rotate the {F}. The {K} remains idle.", ["rotate", "idle"]),
        (f"Rotate the {F} and then the {K} remains idle.", ["rotate", "idle"]),
        (f"Keep the {F} and the {K} still.", ["idle", "idle"]),
        (f"Move the {F} and the {K} to the edge of the mucosa flap.", ["reach", "reach"]),
        (f"The dissection is finished, hold the {F} and the {K} still.", ["idle", "idle"]),
        (
            f"Having finished the dissection, keep the {F} holding the mucosa flap and the {K} idle.",
            ["hold countertraction", "idle"],
        ),
        (f"Apply countertraction with the {F} while the {K} cuts downward.", ["hold countertraction", "dissect"]),
        (f"The {K} dissects the mucosa flap as the {F} keeps it taut.", ["hold countertraction", "dissect"]),
        (
            f"The {K} has finished its dissection while the {F} keeps holding the flap.",
            ["hold countertraction", "idle"],
        ),
        (f"Carefully seize the exposed mucosal flap with the {F}; the {K} does not move.", ["grasp", "idle"]),
        (f"Pull the {F} back from the mucosa flap and turn the {K} clockwise.", ["move", "rotate"]),
        (
            f"Take a firm hold of the flap's rim with the {F}, and carry out an upward cut with the {K}.",
            ["grasp", "dissect"],
        ),
        (f"Withdraw the {F} to the lower-left while the {K} carries the flap up and to the right.", ["move", "lift"]),
        (f"After lifting the flap with the {F}, dissect it with the {K}.", None),
        (f"Instead of lifting the flap with the {F}, dissect it with the {K}.", None),
        (f"Stop cutting the flap with the {K}.", None),
        (f"The {F} hardly lifts the mucosa flap upward.", None),
        (f"Lift the lesion upward with the {F}.", None),
        (f"With the {F} seizing the mucosa flap, cut it upward with the {K}.", ["grasp", "dissect"]),
    ],
)
def test_the_language_is_read_in_other_orders_and_words(text: str, motions: list[str] | None) -> None:
    if motions is None:
        with pytest.raises(BadRowError):
            parse_motions(text)
    else:
        assert [m.motion for m in parse_motions(text)] == motions


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        (f"Dissect the submucosa with the {K}.", [SUBMUCOSA]),
        (f"Perform submucosal dissection using the {K} while the {F} holds the mucosa flap.", [FLAP, SUBMUCOSA]),
        (f"Perform submucosal dissection of the flap using the {K}.", [FLAP]),
        (f"The {K} cuts through the muscle layer.", [MUSCLE]),
        (f"Along the edge of the mucosa flap, dissect the submucosa with the {K}.", [SUBMUCOSA]),
        (f"The submucosa is cut to the left by the {K}.", [SUBMUCOSA]),
        (f"Incise the tissue beneath the mucosal flap with the {K}.", [SUBMUCOSA]),
        (f"Separate the mucosa from the muscle layer with the {K}.", [FLAP]),
        (f"Lift the mucosa flap off the submucosa with the {F}.", [FLAP]),
        (f"Lift the muscle upward with the {F}.", [MUSCLE]),
        (f"The submucosa is moved upward by the {F}.", [SUBMUCOSA]),
        (f"Dissect the submucosa and the muscle layer with the {K}.", None),
        (f"Cut above the muscle layer with the {K}.", None),
        (f"Dissect the submucosa with the {K} while the {F} keeps it taut.", None),
    ],
)
def test_the_tissue_is_the_one_that_the_verb_is_done_to(text: str, targets: list[str] | None) -> None:
    if targets is None:
        with pytest.raises(BadRowError):
            parse_motions(text)
    else:
        assert [m.target for m in parse_motions(text)] == targets


@pytest.mark.parametrize(
    "text",
    [
        f"Lift the mucosa flap upward with the {F} ,and keep  the {K} idle",
        f"LIFT THE MUCOSA FLAP UP-WARD WITH THE {F.upper()} WHILE KEEPING THE {K.upper()} UNMOVED.",
        f"lift the mucosa flap to the upperleft with the {F.lower()}while the {K.lower()}remains idle .",
        f"{F}: lift the mucosa flap upward. {K}: idle.",
    ],
)
def test_spacing_case_and_signs_do_not_matter(text: str) -> None:
    assert [m.motion for m in parse_motions(text)] == ["lift", "idle"]
    assert [placed.instrument for placed in parse_boxes(text)] == [FORCEPS, KNIFE]


def further() -> list[tuple[str, str]]:
    """Sentences written for tests alone, and what they say: "no view", or nothing where they say no known motion."""
    with (Path(__file__).parent / "esd_sentences.csv").open(newline="") as file:
        rows = [(row["sentence"], row["motions"]) for row in csv.DictReader(file)]
    return [(text.replace("Forceps", F).replace("Knife", K), motions) for text, motions in rows]


def test_further_sentences_are_read_as_they_are_meant() -> None:
    assert len(further()) > 950
    wrong: list[str] = []
    for text, motions in further():
        try:
            said = "; ".join(m.motion for m in parse_motions(text))
        except BadRowError:
            said = ""
        if motions == "no view":
            said = motions if says_no_view(text) else said
        if said != motions:
            wrong.append(f"{said!r} instead of {motions!r}: {text}")
    assert not wrong, "\n".join(wrong)


ALONE = [
    (text, motions)
    for text, motions in further()
    if motions and ";" not in motions and motions != "no view" and not re.search(r"\bit\b", text)
]


@given(
    *(st.sampled_from([one for one in ALONE if name in one[0]]) for name in (F, K)), st.sampled_from([*JOINTS, "; "])
)
def test_any_two_of_them_make_a_sentence(first: tuple[str, str], second: tuple[str, str], joint: str) -> None:
    text = f"{first[0][:-1]}{joint}{second[0][:1].lower()}{second[0][1:]}"
    assert [m.motion for m in parse_motions(text)] == [first[1], second[1]]


@given(st.text(max_size=60))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_motions, parse_boxes):
        try:
            parse(text)
        except BadRowError:
            continue


@pytest.mark.parametrize(
    "box",
    [
        *("[0.1, 0.2, 0.3]", "[0.1, 0.2, 0.3, 0.4, 0.5]", "[0.1 0.2 0.3 0.4]", "[a, 0.2, 0.3, 0.4]", "[]", ""),
        *(
            "(0.1, 0.2, 0.3, 0.4)",
            "[0.1, 0.2, 0.3, 0.4",
            "0.1, 0.2, 0.3, 0.4]",
            "[1e3, 0, 1, 1]",
            "[0.1, 0.2, 0.3, .4]",
        ),
    ],
)
def test_a_box_of_another_form_is_refused(box: str) -> None:
    with pytest.raises(BadRowError, match="outside a box"):
        parse_boxes(f"Rotate the {F} while the Knife{box} remains idle.")


def test_boxes_of_unknown_or_repeated_instruments_are_refused() -> None:
    for text in (f"Rotate the Snare[0.1, 0.2, 0.3, 0.4] and the {K} remains idle.", f"{F} {F}", "Nothing here."):
        with pytest.raises(BadRowError):
            parse_boxes(text)


def test_a_call_for_the_lens_is_no_motion() -> None:
    text = "Scenes are confusing and need to clean the camera lens! Both the Forceps and the Knife are idle."
    assert says_no_view("The scene is unclear.") and says_no_view("The view is not clear, please clean the lens.")
    assert says_no_view(text) and not says_no_view(f"Rotate the {F}.")
    for parse in (parse_motions, parse_boxes):
        with pytest.raises(BadRowError):
            parse(text)


CORNERS = st.tuples(*[st.integers(0, 45)] * 2, *[st.integers(50, 100)] * 2)


@given(st.lists(CORNERS, min_size=1, max_size=30))
def test_the_meaning_of_boxes_is_never_told_wrongly(boxes: list[tuple[int, int, int, int]]) -> None:
    corners = [Placed(KNIFE, (a / 100, b / 100, c / 100, d / 100)) for a, b, c, d in boxes]
    sizes = [Placed(KNIFE, (a / 100, b / 100, (c - a) / 100, (d - b) / 100)) for a, b, c, d in boxes]
    assert convention_of(corners) in ("corners", None)
    assert convention_of(sizes) in ("sizes", None)
    assert convention_of([]) is None


def test_the_meaning_is_told_in_spite_of_a_few_bad_boxes() -> None:
    corner, size = Placed(KNIFE, (0.6, 0.3, 0.8, 0.8)), Placed(KNIFE, (0.6, 0.5, 0.2, 0.3))
    assert convention_of([corner] * 30 + [size]) == "corners"
    assert convention_of([size] * 30 + [corner]) == "sizes"
    assert convention_of([size] * 5 + [corner] * 5) is None
    assert convention_of([Placed(KNIFE, (0.1, 0.1, 0.4, 0.4))] * 9) is None
