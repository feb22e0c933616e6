"""``build --dry-run`` says what a build then makes, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.cli import main
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Reason

from footage_files import cholec80_labels, write_film, write_images
from test_contract import NAMES, options_of, root_of


@pytest.mark.parametrize("name", NAMES)
def test_it_counts_what_a_build_makes(name: str, tmp_path: Path) -> None:
    options = {**options_of(name), "videos": "2"} if name == "synthetic" else options_of(name)
    told = build(name, root=root_of(name), options=options, max_quarantine=1, dry_run=True)
    made = build(name, root=root_of(name), out=tmp_path / "out", options=options, max_quarantine=1)
    views = [report.quarantined.get(Reason.NO_SURGICAL_VIEW, 0) for report in (made, told)]
    dark = views[0] - views[1]  # what only pixels show
    expected, found = ({(r.task, r.split): r.samples for r in report.rows} for report in (made, told))
    assert found.keys() == expected.keys() and sum(found.values()) == sum(expected.values()) + dark
    assert dark or found == expected
    assert {**told.quarantined, Reason.NO_SURGICAL_VIEW: 0} == {**made.quarantined, Reason.NO_SURGICAL_VIEW: 0}
    assert (told.frames, told.footage) == (made.frames, made.footage)
    assert told.refused == made.refused and told.dry_run and not told.committed


def test_it_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = root_of("cholec80")
    (tmp_path / "here").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    assert main(["build", "cholec80", "--root", str(root), "--dry-run", "--workers", "2"]) == 0
    assert "Nothing was written." in capsys.readouterr().out
    assert not [*(tmp_path / "here").iterdir(), *(tmp_path / "scratch").iterdir()]


def test_what_does_not_fit_is_told_with_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A film at 50 frames a second under labels of 25, and one of the declared rate beside it."""
    for video, rate in (("video01", 50), ("video02", 25)):
        cholec80_labels(tmp_path, video, 12)
        write_film(tmp_path / "videos" / f"{video}.mp4", range(12 * 25), rate)
    assert main(["build", "cholec80", "--root", str(tmp_path), "--dry-run"]) == 1
    out = capsys.readouterr().out
    assert "footage_contradicts" in out and "video01" in out and "--option" in out and "FAILED" in out
    assert main(["build", "cholec80", "--root", str(tmp_path), "--dry-run", "--json", "--max-quarantine", "1"]) == 0
    report = orjson.loads(capsys.readouterr().out)
    assert report["dry_run"] and {row["split"] for row in report["rows"]} == {"train"}
    assert report["quarantined_by_video"].keys() == {"video01"}


def test_a_missing_image_is_counted_without_decoding_the_others(tmp_path: Path) -> None:
    """The others hold a header and nothing behind it: a build would find them damaged, a dry run does not look."""
    cholec80_labels(tmp_path, "video01", 12)
    folder = write_images(tmp_path / "frames" / "video01", "video01_{:06d}.png", {n + 1: 25 * n for n in range(12)})
    (folder / "video01_000005.png").unlink()
    for image in folder.iterdir():
        image.write_bytes(image.read_bytes()[:60])
    told = build("cholec80", root=tmp_path, tasks=["phase_recognition"], max_quarantine=1, dry_run=True)
    assert told.quarantined["media_missing"] == 1 and "media_damaged" not in told.quarantined
    assert sum(row.samples for row in told.rows) >= 11


def test_a_root_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayoutError):
        build("cholec80", root=tmp_path, dry_run=True)
