"""Copies of SurgSigma-DB v0.1 that cannot be read, and tables of task types that are wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError, SurgSigmaError

from sigma_reading import FIXTURE, defects, load


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"images": [], "annos": [{"id": 1,', "line 1"),
        ("", "cut or damaged"),
        ("[]", "'images' and 'annos'"),
        ('{"images": [], "annos": {}}', "'images' and 'annos'"),
        ('{"images": [], "annos": []}', "no annotation"),
    ],
)
@pytest.mark.parametrize("cached", [False, True])
def test_an_unusable_json_is_refused_by_name(copy: Path, tmp_path: Path, text: str, told: str, cached: bool) -> None:
    shutil.rmtree(copy / "dense_prediction")
    (copy / "surgsigma_v01.json").write_text(text)
    with pytest.raises(LayoutError, match=told) as caught:
        load(copy, cache=tmp_path / "cache" if cached else None)
    assert "surgsigma_v01.json" in str(caught.value)
    made = list((tmp_path / "cache").glob("surgsigma*"))
    assert bool(made) == (cached and told == "no annotation")  # a JSON that cannot be read leaves nothing behind


def test_a_wrong_root_is_refused(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(LayoutError, match=r"no \*\.json"):
        load(tmp_path / "copy" / "raw_data")
    with pytest.raises(LayoutError, match="not a folder"):
        load(tmp_path / "nowhere")
    (copy / "second.json").write_text("{}")
    with pytest.raises(LayoutError, match=r"second\.json.*annotations=NAME"):
        load(copy)
    assert load(copy, annotations="surgsigma_v01.json") == load(copy, annotations="surgsigma_v01.json")
    with pytest.raises(LayoutError, match=r"third\.json"):
        load(copy, annotations="third.json")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,instrument_localization\n9,phase", "line 3.*'9' as 'phase'"),
        ("x,instrument_localization", "line 2"),
        ("1,instrument_localization\n1,instrument_localization", "line 3"),
    ],
)
def test_the_table_of_task_types_is_checked(tmp_path: Path, rows: str, told: str) -> None:
    table = tmp_path / "types.csv"
    table.write_text(f"type,kind\n{rows}\n")
    with pytest.raises(SurgSigmaError, match=told):
        load(FIXTURE, task_types=str(table))


def test_the_table_of_task_types_can_be_replaced(tmp_path: Path) -> None:
    table = tmp_path / "types.csv"
    table.write_text("type,kind\n2,instrument_localization\n")
    found = load(FIXTURE, task_types=str(table))
    assert "task type 1 " in defects(found["VID92"])[0].detail
    with pytest.raises(SurgSigmaError, match="task_types"):
        load(FIXTURE, task_types=str(tmp_path / "nowhere.csv"))
