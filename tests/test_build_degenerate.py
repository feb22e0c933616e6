"""Tasks that one answer nearly always fits are refused by the build, with a line in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building.degenerate import LEAST, Refusal, counted_answer, refusals
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BuildError
from surgsigma_hub.records import Answer, AnswerBox
from surgsigma_hub.tasks import Draft, get_task

from chole_files import label_file, pictures, vector

BOTH = [vector(17, 0, 1, 0, 1), vector(60, 2, 2, 0, 1)]


def part(**answers: int) -> dict[str, Any]:
    return {"answers": {"phase_recognition": answers}}


def test_the_share_is_counted_over_all_parts() -> None:
    assert refusals([part(a=96, b=4)]) == (Refusal("phase_recognition", "a", 96, 100),)
    assert refusals([part(a=95, b=5)]) == (), "95 in 100 is not above 95 %"
    assert refusals([part(a=60), part(a=30, b=10)]) == ()
    assert refusals([part(a=60), part(a=38, b=2)]) == (Refusal("phase_recognition", "a", 98, 100),)
    assert refusals([part(a=LEAST - 1)]) == () and refusals([part(a=LEAST)])
    assert refusals([]) == ()


def test_media_and_places_are_no_answers_that_repeat() -> None:
    box = Answer("hook [0.100, 0.100, 0.200, 0.200]", boxes=(AnswerBox("hook", 0.1, 0.1, 0.2, 0.2),))
    places, depth, phases = map(get_task, ("instrument_localization", "depth_estimation", "phase_recognition"))
    assert counted_answer(places, Draft(answer=box)) == ""
    assert counted_answer(places, Draft(answer=Answer("none"))) == "none"
    assert counted_answer(depth, Draft(answer=Answer("depth map"))) is None
    assert counted_answer(phases, Draft(answer=Answer("preparation"))) == "preparation"
    assert counted_answer(phases, Draft(answer=Answer("yes"), question="existence")) is None, "asked besides"
    assert refusals([{"answers": {"instrument_localization": {"": 99, "none": 1}}}]) == ()
    assert refusals([{"answers": {"instrument_localization": {"": 1, "none": 99}}}])


@pytest.fixture
def alike(tmp_path: Path) -> Path:
    """A copy of CholecT50 in which every frame shows the same, but for the phase."""
    rows = {str(n): [[*v[:-1], n % 4] for v in BOTH] for n in range(24)}
    label_file(tmp_path / "copy", "VID01", rows)
    pictures(tmp_path / "copy", "VID01", range(24))
    return tmp_path / "copy"


def test_the_build_refuses_them_and_says_so(alike: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = alike.parent / "surgsigma"
    assert main(["build", "cholect50", "--root", str(alike), "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Not built: instrument_recognition: 24 of 24 answers are 'grasper, hook'. With one answer above 95%" in said
    built = {p.name for p in (out / "data").iterdir()}
    assert "phase_recognition" in built
    assert not built & {"instrument_recognition", "tissue_recognition", "triplet_recognition", "action_recognition"}
    report = json.loads((out / "reports" / "cholect50.json").read_text())
    assert {one["task"] for one in report["refused"]} >= {"instrument_recognition", "tissue_recognition"}


def test_where_nothing_else_was_asked_for_the_error_says_why(alike: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no sample came out") as caught:
        build("cholect50", root=alike, out=tmp_path / "t", tasks=["instrument_recognition"])
    assert "instrument_recognition: 24 of 24 answers" in str(caught.value.hint)
    assert not (tmp_path / "t" / "data").exists()
