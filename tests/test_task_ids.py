"""Ids of samples: readable while they fit, and never too long for a shard."""

from __future__ import annotations

from surgsigma_hub.records import Answer, Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import KEY, MAX_KEY
from surgsigma_hub.tasks import Draft, get_task
from surgsigma_hub.tasks.common.compose import sample_id

from task_frames import frame

INFO, TASK = get_source("synthetic").info, get_task("triplet_recognition")
VIDEO = Video(id="S000-V0001", canonical_id="synthetic/S000-V0001", split="train")


def made(key: str) -> str:
    return sample_id(TASK, INFO, VIDEO, frame(), Draft(answer=Answer("yes"), key=key))


def test_a_key_that_fits_is_told() -> None:
    assert made("") == "synthetic-S000-V0001-000007-triplet_recognition"
    assert made("of-hook") == "synthetic-S000-V0001-000007-triplet_recognition-of-hook"


def test_a_key_that_does_not_fit_is_hashed() -> None:
    """In the demo one id had 90 characters, and its sample was left out."""
    long = "does-grasper-retract-abdominal_wall_cavity"
    found = {made(long), made(long + "x"), made("does-monopolar_curved_scissors-cauterize-abdominal_wall_cavity")}
    assert len(found) == 3 and all(len(id) <= MAX_KEY and KEY.fullmatch(id) for id in found)
    assert made(long) == made(long)
