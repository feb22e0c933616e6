"""The odd forms that public models print, written by us, and what each reads as."""

from __future__ import annotations

import pytest
from surgsigma_hub.errors import BadAnswerError
from surgsigma_hub.ontology import Kind, concept
from surgsigma_hub.tasks import get_task
from surgsigma_hub.tasks.reading.labels import OneLabel, labels_in
from surgsigma_hub.tasks.reading.lexicon import Lexicon, lexicon_of
from surgsigma_hub.tasks.reading.strip import answer_part
from surgsigma_hub.tasks.reading.words import phrase, verb_forms

TRACE = (
    "<think>This is a Level 3 task.\n\nLevel 1:The The hook retracts.\n\nLevel 3: ClippingCutting phase.\n\n\n</think>"
)

LABELS = {
    "phase_recognition": [
        (f"{TRACE}\n<answer>CalotTriangleDissection</answer>", "calot_triangle_dissection"),
        ("<answer>GallbladderPackaging", "gallbladder_packaging"),
        ("<answer></answer>\n<answer>GallbladderPackaging</answer><|im_end|>", "gallbladder_packaging"),
        ("The The phase is Preparation.", "preparation"),
        ("**Answer:** `Calot Triangle Dissection`", "calot_triangle_dissection"),
        ("I look at the field.\n\nFinal answer: carlot-triangle-dissection", "calot_triangle_dissection"),
        ("The identified phase is gallbladder retraction. In this phase, the bag is closed after gallbladder "
         "packaging and pulled out.", "gallbladder_extraction"),
        ("ClippingCutting", "clipping_and_cutting"),
        ("CLIPPING & CUTTING", "clipping_and_cutting"),
        ("clipping_and_cutting", "clipping_and_cutting"),
        ("dissection of the gallbladder", "gallbladder_dissection"),
        ("gallbladder packing", "gallbladder_packaging"),
        ("C. Gallbladder dissection", "gallbladder_dissection"),
        ("not preparation but gallbladder dissection", "gallbladder_dissection"),
        ("gallbladder dissection rather than preparation", "gallbladder_dissection"),
        ('{"phase": "cleaning-and-coagulation"}', "cleaning_and_coagulation"),
        (r"\boxed{preparation}", "preparation"),
    ],
    "step_recognition": [
        ("The step is hepatocystic triangle clearing, and during the step, removal of the specimen is far.",
         "clear_triangle"),
        ("OpeningOfThePeritoneum", "open_peritoneum"),
        ("The demonstrated step is opening a peritoneum.", "open_peritoneum"),
    ],
    "next_action_planning": [
        ("The next action is dissection.", "dissect"),
        ("After clipping, the next action is cutting", "cut"),
        ("Packaging", "pack"),
        ("coagulates", "coagulate"),
    ],
}  # fmt: skip
SETS = {
    "instrument_recognition": [
        ("They belong to the categories Grasper, Hook.", "grasper hook"),
        ('["Hook", "SpecimenBag"]', "hook specimen_bag"),
        ("Graspers and clip-appliers", "grasper clipper"),
        ("A grasper, and no hook.", "grasper"),
        ("No hook, scissors or clipper; only a grasper", "grasper"),
        ("hook and scissors are not visible, a grasper is visible", "grasper"),
        ("The grasper isn't visible, the hook is", "hook"),
        ("grasper: yes, hook: no", "grasper"),
        ("not only a grasper but also a hook", "grasper hook"),
        ("No tools detected", ""),
        ("No instrument", ""),
        ("none", ""),
        ("[]", ""),
        ("I cannot see any surgical instrument in it", ""),
    ],
    "action_recognition": [
        ("The hook is dissecting, not cutting.", "dissect"),
        ("the clip applier is clipping", "clip"),
        ("Tissue retraction and packaging", "retract pack"),
        ("It is being grasped, retracted and cut", "grasp retract cut"),
        ("knotting and needleGrasping", "tie_knot grasp_needle"),
        ("Knot-tying, Suture Pulling", "tie_knot pull_suture"),
        ("null_verb", ""),
        ("aspiration of fluid by suction", "aspirate"),
    ],
    "tissue_recognition": [
        ("They are zapperoid, liver and the abdominal wall.", "abdominal_wall_cavity liver"),
        ("Blood vessels and cystic-duct", "cystic_duct blood_vessel"),
        ("No tissue can be named", ""),
    ],
}
REFUSED = {
    "phase_recognition": [
        "", " . ", "zzz", "C", "preparation or gallbladder dissection", "It is preparation; clipping and cutting",
        "<think>It is preparation", "not preparation", "a" * 9000, "none",
    ],
    "instrument_recognition": [
        "Their categories are " + "a zapper scalpel.", "no hook", "I do not know",
        "Their categories are Dissecting and clamping forceps.", "...", "<answer></answer>",
    ],
    "action_recognition": ["a clip applier", "something"],
    "tissue_recognition": ["specimen bag", "a hook"],
    "triplet_recognition": [
        "hook", "hook dissect", "dissect gallbladder", "zapper dissect gallbladder, grasper retract liver",
        "hook dissect gallbladder, zapper retract liver", "The hook is not dissecting the gallbladder", "gallbladder",
    ],
    "instrument_localization": [
        "hook", "hook [0.5, 0.5, 0.1, 0.1]", "hook [nan, 0.1, 0.2, 0.3]", "hook [0.1, 0.2, 0.3]",
        "hook 0.1, 0.2, 0.3, 0.4, 0.5", "hook [0.1, 0.2, 0.3, 0.4]; grasper [0.1, 0.2", "hook [2000, 1, 3000, 5]",
        'hook [{"bbox_2d": [1, 2, 3], "label": "hook"}]', "hook [-0.5, 0.1, 0.2, 0.3]",
    ],
    "safety_assessment": [
        "I think so", "two structures", "two structures: yes; two structures: no", "Criterion 7: yes", "all of them",
        "The critical view is not achieved",
    ],
    "action_remaining_prediction": [
        "soon", "a few seconds", "5-10 seconds", "between 5 and 10 seconds", "less than 5 seconds", "-3 seconds", "inf",
        "1,5 s", "3 seconds or 4 seconds", "900000 seconds", "at least ten seconds", "nan",
    ],
    "image_captioning": ["", "...", "<think>A hook", "1 2 3"],
    "instrument_segmentation": ["a cat"],
}  # fmt: skip
H, G = "hook", "grasper"
TRIPLETS = [
    ("grasper retract gallbladder", [(G, "retract", "gallbladder")]),
    ("Grasper Retract Gallbladder, Hook Dissect Gallbladder",
     [(G, "retract", "gallbladder"), (H, "dissect", "gallbladder")]),
    (f"{TRACE}<answer>grasper grasp gallbladder</answer>", [(G, "grasp", "gallbladder")]),
    ("The instrument is hook, performing dissect on cystic duct.", [(H, "dissect", "cystic_duct")]),
    ("The tool, a grasper, is performing a retract action on the gallbladder, and the instrument hook is performing a "
     "dissect action on the liver", [(G, "retract", "gallbladder"), (H, "dissect", "liver")]),
    ("The bipolar tool is present but not interacting with any tissue or target.", [("bipolar", "null", "null")]),
    ("<bipolar, null_v., null_t>", [("bipolar", "null", "null")]),
    ("(grasper,null_verb,null_target), (hook, dissect, cystic_duct)",
     [(G, "null", "null"), (H, "dissect", "cystic_duct")]),
    ("hook, no action, liver; grasper, grasp, no target", [(H, "null", "liver"), (G, "grasp", "null")]),
    ("the gallbladder is retracted by the grasper", [(G, "retract", "gallbladder")]),
    ("The surgeon is dissecting the cystic duct with the hook.", [(H, "dissect", "cystic_duct")]),
    ("hook dissects the cystic duct and the cystic artery",
     [(H, "dissect", "cystic_duct"), (H, "dissect", "cystic_artery")]),
    ("The hook is dissecting and coagulating the cystic plate",
     [(H, "dissect", "cystic_plate"), (H, "coagulate", "cystic_plate")]),
    ("The grasper and the hook are retracting the liver", [(G, "retract", "liver"), (H, "retract", "liver")]),
    ("grasper grasps specimen_bag, specimen_bag packs gallbladder",
     [(G, "grasp", "specimen_bag"), ("specimen_bag", "pack", "gallbladder")]),
    ("the clip applier clips the cystic artery while the grasper is idle",
     [("clipper", "clip", "cystic_artery"), (G, "null", "null")]),
    ('[{"instrument": "hook", "verb": "dissect", "target": "gallbladder"}]', [(H, "dissect", "gallbladder")]),
    ("grasper retract gallbladder; grasper retract gallbladder", [(G, "retract", "gallbladder")]),
    ("No interaction.", []),
]  # fmt: skip
HOOK = ("hook", 0.643, 0.0, 0.92, 0.298)
GRASPER = ("grasper", 0.0, 0.048, 0.547, 0.49)
NAMELESS = ("", 0.179, 0.75, 0.398, 0.999)
BOXES = [
    ("hook (643,0),(920,298) grasper(0,48),(547,490)", [HOOK, GRASPER]),
    ("<|object_ref_start|>hook<|object_ref_end|><|box_start|>(643,0),(920,298)<|box_end|><|im_end|>", [HOOK]),
    ("<ref>hook</ref><box>[[643, 0, 920, 298]]</box>", [HOOK]),
    ("hook<box>643 0 920 298</box>", [HOOK]),
    ('```json\n[{"bbox_2d": [643, 0, 920, 298], "label": "hook"},\n{"bbox_2d": [0, 48, 547, 490], "label": "Grasper"}]'
     "\n```", [HOOK, GRASPER]),
    ('Here is the hook:\n[{"label": "hook", "bbox": {"x1": 0.643, "y1": 0, "x2": 0.92, "y2": 0.298}}]', [HOOK]),
    ('{"hook": [[643, 0], [920, 298]], "grasper": [[0, 48, 547, 490]]}', [HOOK, GRASPER]),
    ('[{"box_2d": [0, 643, 298, 920], "label": "hook"}]', [HOOK]),
    ("hook at (0.643, 0) to (0.92, 0.298)", [HOOK]),
    ("hook: x1=643, y1=0, x2=920, y2=298", [HOOK]),
    ("hook 0.643, 0.0, 0.92, 0.298", [HOOK]),
    ("1. Hook: [0.643, 0, .92, 0.298]\n2. Grasper: [0, 0.048, 0.547, 0.49]", [HOOK, GRASPER]),
    ("The box [643, 0, 920, 298] holds the hook, the box [0, 48, 547, 490] the grasper", [HOOK, GRASPER]),
    ("The hook and the grasper are at [643, 0, 920, 298] and [0, 48, 547, 490] respectively.", [HOOK, GRASPER]),
    ("hook [643, 0, 920, 298], [643, 0, 920, 298]; zapper [643, 0, 920, 298]", [HOOK, HOOK, ("", *HOOK[1:])]),
    ("The location is [0.179, 0.75, 0.398, 0.999].", [NAMELESS]),
    ("(179,750), (398,999)", [NAMELESS]),
    ("No tools detected", []),
    ("[]", []),
]  # fmt: skip
VERDICTS = [
    ("Criterion 1: Yes. Criterion 2: No. Criterion 3: Yes.", "yny"),
    ("Criterion 1: No; Criterion 2: No; Criterion 3: Yes.", "nny"),
    ("(1) Yes (2) No (3) Yes", "yny"),
    ("Criteria 1 and 2 are met, 3 is not.", "yyn"),
    ("Yes, No, Yes", "yny"),
    ("All three criteria are met.", "yyy"),
    ("None of the criteria are met.", "nnn"),
    ("Two tubular structures are visible; the hepatocystic triangle has not been cleared; the cystic plate is not yet "
     "exposed.", "ynn"),
    ("Met: two structures and cystic plate. Not met: Calot's triangle.", "yny"),
    ('{"two_structures": true, "hepatocystic_triangle": false, "cystic_plate": true}', "yny"),
    ("two structures: yes", "y"),
    ("Neither two structures nor the hepatocystic triangle is visible", "nn"),
]  # fmt: skip
SECONDS = [
    ("10 seconds", 10), ("1.5 s", 1.5), ("about ten seconds", 10), ("0:10", 10), ("2 minutes 5 seconds", 125),
    ("10", 10), ("2m5s", 125), ("1 min and 30 s", 90), ("half a minute", 30), ("one and a half seconds", 1.5),
    ("500 ms", 0.5), ("a minute and a half", 90), ("twenty-five seconds", 25),
    ("The action is over in 10 seconds.", 10), ("ten", 10), ("10 seconds (0:10)", 10), ('{"seconds": 12}', 12),
    ("1:02:03", 3723), ("~7 more seconds", 7), ("0 seconds", 0), ("<think>5 seconds?</think><answer>4</answer>", 4),
    ("1 second", 1),
]  # fmt: skip


@pytest.mark.parametrize(("task", "text", "id"), [(t, *row) for t, rows in LABELS.items() for row in rows])
def test_one_label(task: str, text: str, id: str) -> None:
    read = get_task(task).parse(text)
    assert read.labels == (id,)
    assert read.text == concept(get_task(task).label_kinds[0], id).name


@pytest.mark.parametrize(("task", "text", "ids"), [(t, *row) for t, rows in SETS.items() for row in rows])
def test_label_sets(task: str, text: str, ids: str) -> None:
    read = get_task(task).parse(text)
    assert {*read.labels} == {*ids.split()}
    assert (read.text == "none") == (not ids)


@pytest.mark.parametrize(("task", "text"), [(t, x) for t, rows in REFUSED.items() for x in rows])
def test_what_is_no_answer_is_refused(task: str, text: str) -> None:
    with pytest.raises(BadAnswerError, match=r"^expected .*does not read as that: ") as caught:
        get_task(task).parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("text", "triplets"), TRIPLETS)
def test_triplets(text: str, triplets: list[tuple[str, str, str]]) -> None:
    read = get_task("triplet_recognition").parse(text)
    assert [(t.instrument, t.action, t.target) for t in read.triplets] == triplets


@pytest.mark.parametrize(("text", "boxes"), BOXES)
def test_boxes(text: str, boxes: list[tuple[str, float, float, float, float]]) -> None:
    read = get_task("instrument_localization").parse(text)
    assert [(b.label, b.x1, b.y1, b.x2, b.y2) for b in read.boxes] == boxes


def test_the_space_of_boxes_is_decided_or_given() -> None:
    parse = get_task("instrument_localization").parse
    text = "grasper(262,0),(473,172)"
    assert parse(text).boxes[0].x1 == 0.262
    assert parse(text, size=(840, 476)).boxes[0].x1 == 262 / 840
    assert parse(text, size=(840, 476), space="thousand").boxes[0].x1 == 0.262
    assert parse("grasper [0, 0, 1, 1]", size=(840, 476)).boxes[0].x2 == 1
    assert parse("grasper [0, 0, 1, 1]", size=(840, 476), space="pixel").boxes[0].x2 == 1 / 840
    with pytest.raises(BadAnswerError, match="outside"):
        parse(text, space="unit")


@pytest.mark.parametrize(("text", "verdicts"), VERDICTS)
def test_criteria(text: str, verdicts: str) -> None:
    read = get_task("safety_assessment").parse(text).criteria
    named = ["two_structures", "hepatocystic_triangle", "cystic_plate"]
    assert [(c.criterion, c.met) for c in read] == [
        (n, v == "y") for n, v in zip(named[: len(verdicts)], verdicts, strict=True)
    ]


@pytest.mark.parametrize(("text", "seconds"), SECONDS)
def test_seconds(text: str, seconds: float) -> None:
    assert get_task("action_remaining_prediction").parse(text).seconds == seconds


def test_free_text_is_stripped() -> None:
    read = get_task("image_captioning").parse("<think>hm</think>\n\n**A hook**  is in\n\nview.<|im_end|>")
    assert read.text == "A hook is in view."
    assert get_task("instrument_segmentation").parse("target.png shows the Hook").text == "mask of hook"


def test_the_answer_part() -> None:
    assert answer_part("<answer>hook</answer><think>never mind", "x") == "hook"
    assert answer_part("<think>a</think>hook <answer>grasper", "x") == "grasper"
    assert answer_part("ＨＯＯＫ\u200b…", "x") == "HOOK"


# ---------------------------------------------------------------------------------------- vocabularies to come


def _small(*lists: dict[str, str]) -> Lexicon:
    return Lexicon({"target": [[(phrase(name), id) for name, id in pairs.items()] for pairs in lists]})


def _read(lexicon: Lexicon, text: str) -> list[tuple[str, ...]]:
    return [span.ids("target") for span in lexicon.find(text)]


def test_the_longest_name_counts() -> None:
    names = {"duct": "d", "cystic duct": "cd", "duct of Luschka": "dl", "common cystic duct stump": "s"}
    assert _read(_small(names), "duct, cystic ducts, the common cystic duct stump") == [("d",), ("cd",), ("s",)]
    assert _read(_small(names), "cystic duct of Luschka") == [("dl",)], "the longer of two that overlap"
    assert _read(_small(names), "CommonCysticDuctStump cystic_duct conduct") == [("s",), ("cd",)]


def test_a_name_that_sources_use_differently_is_not_guessed() -> None:
    own, first = {"vesicle": "v"}, {"gland": "g1", "vesicle": "other"}
    mixed = Lexicon({"target": [[(phrase(n), i) for n, i in own.items()],
                                [(phrase(n), i) for n, i in [*first.items(), ("gland", "g2")]], []]})  # fmt: skip
    assert _read(mixed, "vesicle and gland") == [("v",), ("g1", "g2")]


def test_verbs_and_turned_names() -> None:
    kinds: tuple[Kind, ...] = ("action",)
    extra: dict[Kind, list[tuple[str, str]]] = {"action": [("tie ribbon", "tie"), ("lace pulling", "pull")]}
    lexicon = lexicon_of(kinds, extra)
    for text, id in (("ribbon-tying", "tie"), ("ties the ribbon", "tie"), ("pulls the lace", "pull"),
                     ("lacePulling", "pull"), ("ribbon of", None)):  # fmt: skip
        assert [s.ids("action") for s in lexicon.find(text)] == ([(id,)] if id else []), text
    assert {"tied", "ties", "tying"} <= verb_forms("tie") and {"knot", "knotted"} <= verb_forms("knotting")


def test_sources_tables_are_read() -> None:
    assert labels_in("target", "abdominal_wall_cavity").ids == ("abdominal_wall_cavity",)
    assert OneLabel("phase")("GallbladderRetraction").labels == ("gallbladder_extraction",)
