"""What boxes tell by measure, and how the checker holds what is said of it against the boxes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from surgsigma_hub.reasoning import Facts, check
from surgsigma_hub.reasoning.measures import Measure, Name, of_boxes, of_motion

from reasoning_cases import PROCEDURE, RICH, moment, next_action
from task_frames import boxed, frame

HOOK, GRASPER = boxed("hook", 0.6, 0.5, 1.0, 0.9), boxed("grasper", 0.0, 0.1, 0.2, 0.3)
GALLBLADDER, LIVER = boxed("gallbladder", 0.5, 0.4, 0.7, 0.6), boxed("liver", 0.3, 0.0, 0.5, 0.2)
SCENE = frame(instrument_boxes=(HOOK, GRASPER), tissue_boxes=(GALLBLADDER, LIVER))
FACTS = Facts.of_frame(SCENE, PROCEDURE)


def test_what_two_boxes_tell() -> None:
    found = set(of_boxes(SCENE.instrument_boxes or (), SCENE.tissue_boxes or ()))
    assert Measure(Name.SIDE, "hook", "grasper", "right") in found
    assert Measure(Name.SIDE, "hook", "grasper", "below") in found
    assert Measure(Name.OVERLAP, "hook", "gallbladder", "") in found
    assert Measure(Name.APART, "grasper", "liver", "") in found and Measure(Name.APART, "hook", "liver", "") in found
    assert Measure(Name.NEAREST, "grasper", "liver", "") in found
    assert Measure(Name.EDGE, "hook", "", "right") in found and Measure(Name.EDGE, "grasper", "", "left") in found
    assert Measure(Name.SHARE, "hook", "", "16.0") in found


def test_nothing_is_measured_between_classes_with_several_boxes() -> None:
    two = of_boxes((HOOK, replace(HOOK, box=GRASPER.box), GRASPER), (GALLBLADDER,))
    assert not any("hook" in (m.subject, m.other) for m in two if m.name not in (Name.SHARE, Name.EXTENT, Name.EDGE))


def test_motion_is_from_the_first_to_the_last_boxes_of_a_clip() -> None:
    frames = [moment(n, instrument_boxes=(boxed("hook", 0.1 + n / 50, 0.5, 0.2 + n / 50, 0.6),)) for n in range(10)]
    assert of_motion(frames) == (Measure(Name.MOVED, "hook", "", "to the right"),)
    assert of_motion(frames[:1]) == () and of_motion([moment(3)]) == ()
    (still,) = of_motion([frames[0], replace(frames[0], index=9)])
    assert still.way == ""


TRUE = """The hook is to the right of the grasper.
The grasper lies above the hook.
Below the grasper lies the hook.
The hook overlaps the gallbladder in the image.
The boxes of the gallbladder and the hook overlap.
The grasper is clear of the liver.
The grasper and the gallbladder are apart.
Nearest to the grasper is the liver.
The hook touches the right edge of the image.
The grasper comes in from the left edge.
The box of the hook takes up about 16.0 % of the image.
The box of the hook takes up 40.0 % of the width and 40.0 % of the height.
The box of the hook spans 40.0 % of the image's height and 40.0 % of its width.
The liver touches the top edge.
16.0 % of the view is in the box of the hook.""".splitlines()

FALSE = """The hook is to the left of the grasper.
The hook lies above the grasper.
The hook overlaps the liver in the image.
The boxes of the grasper and the liver overlap.
The hook is clear of the gallbladder.
The hook and the gallbladder are apart.
Nearest to the grasper is the gallbladder.
The hook touches the left edge of the image.
The grasper comes in from the top edge.
The box of the hook takes up about 26.0 % of the image.
The box of the hook takes up 40.0 % of the width and 20.0 % of the height.
The box of the hook spans 20.0 % of the image's height and 40.0 % of its width.
The liver touches the bottom edge.
The hook moves to the right.
The grasper stays in place.""".splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_measure_is_accepted(text: str) -> None:
    assert check(f"Level 1: {text}", FACTS) == ()


@pytest.mark.parametrize("text", FALSE)
def test_a_false_measure_is_objected_to(text: str) -> None:
    assert check(f"Level 1: {text}", FACTS)


def test_motion_is_held_against_the_clip() -> None:
    _, seen, draft = next_action(RICH, 40, 50, "clip")
    moments = tuple(
        replace(m, instrument_boxes=(boxed("hook", 0.1, 0.9 - m.index / 100, 0.2, 0.95 - m.index / 100),))
        for m in RICH.moments
    )
    facts = Facts.of_frame(seen, PROCEDURE, replace(RICH, moments=moments), draft=draft)
    assert check("Level 1: The hook moves up.", facts) == ()
    assert check("Level 1: The hook moves down.", facts) and check("Level 1: The hook stays in place.", facts)
