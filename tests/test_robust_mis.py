"""The ROBUST-MIS loader: its fixture, instances by any number, and what an aborted download leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

from surgsigma_hub.media.masks import render
from surgsigma_hub.records import Defect, Fact, Frame, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES

Loader = get_source("robust_mis")
ROOT = FIXTURES / "robust_mis"


def read(root: Path) -> tuple[dict[tuple[str, int], Frame], list[Defect]]:
    source = Loader(root)
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def test_every_value_is_an_instance_whatever_its_number() -> None:
    frames, (defect,) = read(ROOT)
    counts = {key: len(frame.instrument_masks or ()) for key, frame in frames.items()}
    assert counts == {
        ("Proctocolectomy_1", 28): 2,
        ("Proctocolectomy_1", 278): 0,
        ("Proctocolectomy_1", 778): 1,
        ("RectalResection_4", 28): 3,
        ("SigmoidResection_8", 3300): 2,
    }
    assert (
        frames["Proctocolectomy_1", 278].holds_all(Fact.INSTRUMENT_MASKS) and frames["Proctocolectomy_1", 28].fps == 25
    )
    _, second = frames["SigmoidResection_8", 3300].instrument_masks or ()
    assert second.label is None and render([second.mask], width=96, height=64).sum() == 255 * 20 * 40
    assert defect.reason is Reason.MEDIA_MISSING and "either no instrument is in view" in defect.detail


def test_an_operation_is_in_one_split_though_the_challenge_has_it_in_two() -> None:
    assert [(v.id, v.split, v.canonical_id) for v in Loader(ROOT).videos()] == [
        ("Proctocolectomy_1", "train", "heico/Proctocolectomy_1"),
        ("RectalResection_4", "test", "heico/RectalResection_4"),
        ("SigmoidResection_8", "test", "heico/SigmoidResection_8"),
    ]


def test_empty_files_and_foreign_folders(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "Training/Proctocolectomy/1/28/instrument_instances.png").write_bytes(b"")
    (root / "Training/Proctocolectomy/1/._28").mkdir()
    shutil.copytree(root / "Training/Proctocolectomy/1", root / "Training/Appendectomy/1")
    frames, defects = read(root)
    assert len(frames) == 4 and [d.reason for d in defects] == [Reason.MEDIA_UNREADABLE, Reason.MEDIA_MISSING]
    assert "is empty" in defects[0].detail and defects[0].where.startswith("Training/Proctocolectomy/1/28/")
