"""What can happen in a drawn gallbladder removal: phases, their steps, the acts of a step and what each act changes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

NULL = "null"


class State(NamedTuple):
    """How far the anatomy has changed; every value lies in 0..1 and moves evenly while an act lasts."""

    membrane: float = 1.0  # peritoneum over the triangle
    fat: float = 1.0  # fat around duct and artery
    plate: float = 0.0  # lower part of the gallbladder off its plate
    detached: float = 0.0
    clip_duct: float = 0.0
    clip_artery: float = 0.0
    cut_duct: float = 0.0
    cut_artery: float = 0.0
    bagged: float = 0.0
    bag: float = 0.0  # a specimen bag is in the field
    pool: float = 0.0  # fluid
    bleed: float = 0.0  # a bleeding vessel
    adhesion: float = 1.0


@dataclass(frozen=True, slots=True)
class Hand:
    """One instrument: what it does to what, and through which port it comes (``right``, ``left``, ``top``, ``low``)."""

    instrument: str
    verb: str
    target: str
    port: str


@dataclass(frozen=True, slots=True)
class Act:
    """A stretch of work of the same hands; the first hand leads, and its verb names the act."""

    hands: tuple[Hand, ...]
    weight: float = 1.0
    effects: dict[str, float] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """Verb of the leading hand; empty for idle acts."""
        verb = self.hands[0].verb if self.hands else NULL
        return "" if verb == NULL else verb

    @property
    def smoke(self) -> float:
        """How much smoke the act makes: current makes smoke."""
        return {("hook", "dissect"): 1.0, ("bipolar", "coagulate"): 0.9, ("hook", "coagulate"): 1.0}.get(
            (self.hands[0].instrument, self.verb) if self.hands else ("", ""), 0.0
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A step and its acts in order."""

    name: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase, its share of the operation and its steps in order."""

    name: str
    weight: float
    steps: tuple[Step, ...]


def script(rng: random.Random) -> tuple[Phase, ...]:
    """The phases of one operation in surgical order, with the choices of this patient and this surgeon."""
    hold = Hand("grasper", "retract", "gallbladder", "left")
    lift = Hand("grasper", "grasp", "gallbladder", "top")
    push = Hand("grasper", "retract", rng.choice(["liver", "liver", "omentum"]), "low")
    idle = Hand("grasper", NULL, NULL, "left")
    helpers = rng.choice([(hold,), (hold, lift), (hold, push), (hold,)])
    fat_left = rng.choice([0.0, 0.0, 0.0, 0.5])
    plate = rng.choice([1.0, 1.0, 0.0])
    cutter = rng.choice([("hook", "dissect"), ("scissors", "cut")])

    def act(instrument: str, verb: str, target: str, weight: float, *more: Hand, **effects: float) -> Act:
        return Act((Hand(instrument, verb, target, "right"), *more), weight, effects)

    adhesion = [act(*cutter, "adhesion", 1.2, hold, adhesion=0.0)] if rng.random() < 0.45 else []
    preparation = [
        Act((), 2.2),
        act("grasper", NULL, NULL, 0.7),
        act("grasper", "grasp", "gallbladder", 1.4),
        *adhesion,
        act("grasper", "retract", rng.choice(["gallbladder", "omentum", "liver", "gut"]), 1.6, idle, adhesion=0.0),
    ]
    opening = [
        act("hook", "dissect", "peritoneum", 1.8, *helpers, membrane=0.55),
        act(*rng.choice([("scissors", "cut"), ("hook", "dissect")]), "peritoneum", 1.2, hold, membrane=0.0),
    ]
    bleeding = (
        [
            act("hook", "dissect", "cystic_pedicle", 0.5, *helpers, bleed=1.0, pool=0.5),
            act("bipolar", "coagulate", "blood_vessel", 1.2, hold, bleed=0.9),
            act("irrigator", "aspirate", "fluid", 1.2, hold, pool=0.0, bleed=0.0),
        ]
        if rng.random() < 0.5
        else []
    )
    clearing = [
        act("hook", "dissect", "cystic_pedicle", 2.2, *helpers, fat=0.6),
        *bleeding,
        act("hook", "dissect", "cystic_pedicle", 2.0, hold, fat=0.5 if fat_left else 0.2, plate=plate * 0.4),
        act("hook", "dissect", rng.choice(["cystic_duct", "cystic_artery"]), 1.5, *helpers, fat=fat_left, plate=plate),
        act("hook", NULL, NULL, 1.0, hold),
    ]
    order = ["duct", "artery"] if rng.random() < 0.6 else ["artery", "duct"]
    clipping = [act("clipper", "clip", f"cystic_{o}", 1.5, *helpers, **{f"clip_{o}": 1.0}) for o in order]
    cutting = [act("scissors", "cut", f"cystic_{o}", 1.2, hold, **{f"cut_{o}": 1.0}) for o in order]
    detaching = [
        act("hook", "dissect", "gallbladder", 2.0, *helpers, detached=0.35, fat=0.0, plate=1.0),
        act("bipolar", "coagulate", rng.choice(["liver", "cystic_plate"]), 1.0, hold, pool=0.2),
        act("hook", "dissect", "cystic_plate", 1.6, *helpers, detached=0.7),
        act(*cutter, "gallbladder", 1.4, hold, detached=1.0, pool=0.6),
    ]
    bag = Hand("specimen_bag", NULL, NULL, "low")
    bagging = [
        Act((bag, Hand("grasper", NULL, NULL, "right")), 0.8, {"bag": 1.0}),
        act("grasper", "pack", "gallbladder", 2.0, bag, bagged=1.0, bag=1.0),
        act("grasper", "grasp", "specimen_bag", 0.9, bag, pool=0.8),
    ]
    washed = rng.choice(["liver", "abdominal_wall_cavity", "liver"])
    rinsing = [
        act("irrigator", "irrigate", washed, 1.2, hold_liver := Hand("grasper", "retract", "liver", "left"), pool=1.0),
        act("irrigator", "aspirate", "fluid", 1.8, hold_liver, pool=0.35),
        act("bipolar", "coagulate", "liver", 1.0, Hand("irrigator", "aspirate", "fluid", "left")),
        Act((), 0.9),
        act("irrigator", NULL, NULL, 0.6, idle),
    ]
    removing = [
        act("grasper", "grasp", "specimen_bag", 1.5, bag),
        act("grasper", "retract", "specimen_bag", 1.5, bag),
        Act((), 1.3),
    ]
    return (
        Phase("preparation", 0.13, (Step("expose_gallbladder", tuple(preparation)),)),
        Phase(
            "calot_triangle_dissection",
            0.27,
            (Step("open_peritoneum", tuple(opening)), Step("clear_triangle", tuple(clearing))),
        ),
        Phase(
            "clipping_and_cutting",
            0.16,
            (Step("clip_duct_and_artery", tuple(clipping)), Step("divide_duct_and_artery", tuple(cutting))),
        ),
        Phase("gallbladder_dissection", 0.18, (Step("detach_from_liver_bed", tuple(detaching)),)),
        Phase("gallbladder_packaging", 0.08, (Step("bag_specimen", tuple(bagging)),)),
        Phase("cleaning_and_coagulation", 0.11, (Step("rinse_and_inspect", tuple(rinsing)),)),
        Phase("gallbladder_extraction", 0.07, (Step("remove_specimen", tuple(removing)),)),
    )
