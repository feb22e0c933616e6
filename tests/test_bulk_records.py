"""Constructors that set slots directly make what the ones of dataclasses make."""

from __future__ import annotations

import gc
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.boxes import TOLERANCE, from_xywh, from_xyxy
from surgsigma_hub.records import Box, Fact, Frame, Label, LabeledBox, Origin
from surgsigma_hub.records.bulk import collection_paused


def test_a_frame_has_its_defaults_and_shares_none_of_them() -> None:
    one, other = Frame(index=3, fps=25.0), Frame(index=3, fps=25.0)
    assert one == other and one.phase is None and one.variant == "" and one.checks == ()
    assert {f.name for f in fields(one) if getattr(one, f.name) == {}} == {"asked", "origins", "coverage"}
    assert one.origins is not other.origins
    changed = replace(one, phase=Label("cut"), origins={Fact.PHASE: Origin("derived")})
    assert changed.phase == Label("cut") and changed.index == 3 and pickle.loads(pickle.dumps(changed)) == changed


def test_records_stay_frozen_and_refuse_what_they_do_not_know() -> None:
    box = LabeledBox(Label("hook"), Box(0.1, 0.2, 0.3, 0.4))
    assert not box.clipped and repr(box.box) == "Box(x1=0.1, y1=0.2, x2=0.3, y2=0.4)"
    with pytest.raises(FrozenInstanceError):
        box.clipped = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        Frame(3, 25.0)  # type: ignore[misc]
    with pytest.raises(TypeError):
        Label("hook", ids="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("was", [True, False])
def test_the_search_for_cycles_is_as_it_was_afterwards(was: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was else gc.disable)()
        with pytest.raises(ValueError, match="x"), collection_paused():
            assert not gc.isenabled()
            raise ValueError("x")
        assert gc.isenabled() is was
    finally:
        (gc.enable if before else gc.disable)()


def test_what_was_made_meanwhile_is_not_declared_old() -> None:
    """Else a stream that was dropped half-way would stay until everything is searched: see test_stream_leaks."""
    before = gc.isenabled()
    try:
        gc.enable()
        gc.collect()
        with collection_paused():
            made = Label("hook")
        gc.disable()
        assert any(young is made for young in gc.get_objects(generation=0))
    finally:
        (gc.enable if before else gc.disable)()


EDGES = (-1e13, -1.0, -TOLERANCE, -0.0, 0, 0.25, 1, 1 + TOLERANCE, 1.5, 1e12, 10**400, float("inf"), float("nan"))


@pytest.mark.parametrize("side", [1.0, 2, 1e12, 1e13, float("inf"), 5e-324])
def test_a_box_inside_is_taken_as_it_is_and_nothing_else_is(side: float) -> None:
    for x1 in EDGES:
        for x2 in EDGES:
            try:
                (box, clipped) = from_xyxy(x1, 0.0, x2, side / 2, width=side, height=side)
            except (BadRowError, OverflowError):
                assert not 0 <= x1 < x2 <= side or side > 1e6 or side < 1
                continue
            assert (box.x1, box.x2) == (max(x1 / side, 0.0), min(x2 / side, 1.0)) and box.x1 < box.x2
            assert clipped is (not 0 <= x1 < x2 <= side)
            assert x1 / side >= -TOLERANCE and x2 / side <= 1 + TOLERANCE
    for bad in (0, -0.1, float("nan"), float("inf"), 1e13):
        with pytest.raises(BadRowError):
            from_xywh(0.1, 0.1, bad, 0.1)
