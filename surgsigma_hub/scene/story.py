"""The course of one drawn operation: which step and act each frame belongs to, and how far the anatomy has changed.

A story is a pure function of seed, video number and number of frames. Acts that do not fit into a short film happen
between two frames: their effect is there, they are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from .script import NULL, Act, Hand, State, script


class Interval(NamedTuple):
    """A named run of frames ``[start, end)``."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Planned:
    """An act with its frames ``[start, end)`` and the state of the anatomy before and after it."""

    act: Act
    phase: str
    step: str
    start: int
    end: int
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of a story. ``progress`` runs from 0 to 1 over the act, ``phase_progress`` over the phase."""

    phase: str
    step: str
    hands: tuple[Hand, ...]
    state: State
    progress: float
    phase_progress: float
    act_start: int
    smoke: float


@dataclass(frozen=True, slots=True)
class Story:
    """All acts of one operation in order; ``phases``, ``steps`` and ``actions`` are the intervals they make.

    Those of ``actions`` overlap where several hands do different things; one verb of two hands is one interval.
    """

    name: str
    frames: int
    acts: tuple[Planned, ...]
    phases: tuple[Interval, ...]
    steps: tuple[Interval, ...]
    actions: tuple[Interval, ...]
    by_frame: tuple[int, ...]

    def moment(self, frame: int) -> Moment:
        """What happens at ``frame``."""
        planned = self.acts[self.by_frame[frame]]
        progress = (frame - planned.start + 0.5) / (planned.end - planned.start)
        phase = next(p for p in self.phases if p.start <= frame < p.end)
        state = State(*(a + (b - a) * progress for a, b in zip(planned.before, planned.after, strict=True)))
        smoke = 0.0
        if planned.act.smoke:
            draw = random.Random(f"{self.name}/smoke/{frame}").random()
            smoke = max(0.0, draw * 0.9 - 0.25) * planned.act.smoke * (0.6 + 0.4 * progress)
        return Moment(
            phase=planned.phase,
            step=planned.step,
            hands=planned.act.hands,
            state=state,
            progress=progress,
            phase_progress=(frame - phase.start + 0.5) / (phase.end - phase.start),
            act_start=planned.start,
            smoke=smoke if smoke > 0.06 else 0.0,
        )


@lru_cache(maxsize=16)
def story(seed: int, video: int, frames: int) -> Story:
    """The story of one video with ``frames`` frames."""
    name = f"{seed}/{video}"
    rng = random.Random(f"{name}/story")
    phases = script(rng)
    lengths = _allot([p.weight * rng.uniform(0.8, 1.25) for p in phases], frames)
    planned: list[Planned] = []
    state = State()
    start = 0
    for phase, length in zip(phases, lengths, strict=True):
        acts = [(step.name, act) for step in phase.steps for act in step.acts]
        weights = [act.weight * rng.uniform(0.75, 1.3) for _, act in acts]
        # A film of few frames keeps the weightiest acts, about two frames each, so that an act is seen to last.
        keep = (
            sorted(sorted(range(len(acts)), key=lambda n: -weights[n])[: max(1, (length + 1) // 2)]) if length else []
        )
        shares = dict(zip(keep, _allot([weights[n] for n in keep], length), strict=True))
        for n, (step_name, act) in enumerate(acts):
            after = state._replace(**act.effects)
            if share := shares.get(n, 0):
                planned.append(Planned(act, phase.name, step_name, start, start + share, state, after))
                start += share
            state = after
    return Story(
        name=name,
        frames=frames,
        acts=tuple(planned),
        phases=_runs([(p.phase, p.start, p.end) for p in planned]),
        steps=_runs([(p.step, p.start, p.end) for p in planned]),
        actions=_actions(planned),
        by_frame=tuple(i for i, p in enumerate(planned) for _ in range(p.start, p.end)),
    )


def _actions(planned: Sequence[Planned]) -> tuple[Interval, ...]:
    """What any hand does, as long as it goes on without a break, by start."""
    verbs = dict.fromkeys(hand.verb for p in planned for hand in p.act.hands if hand.verb != NULL)
    found = [
        interval
        for verb in verbs
        for interval in _runs([(verb, p.start, p.end) for p in planned if verb in {h.verb for h in p.act.hands}])
    ]
    return tuple(sorted(found, key=lambda interval: (interval.start, interval.end, interval.name)))


def _allot(weights: Sequence[float], total: int) -> list[int]:
    """Share ``total`` by weight, at least one each where there is enough."""
    base = 1 if total >= len(weights) else 0
    rest, whole = total - base * len(weights), sum(weights)
    done, passed, shares = 0, 0.0, []
    for weight in weights:
        passed += weight
        upto = int(rest * passed / whole + 0.5)
        shares.append(base + upto - done)
        done = upto
    if shares:
        shares[-1] += total - sum(shares)
    return shares


def _runs(parts: list[tuple[str, int, int]]) -> tuple[Interval, ...]:
    """Neighbours of one name joined."""
    runs: list[Interval] = []
    for name, start, end in parts:
        if runs and runs[-1].name == name and runs[-1].end == start:
            runs[-1] = Interval(name, runs[-1].start, end)
        else:
            runs.append(Interval(name, start, end))
    return tuple(runs)
