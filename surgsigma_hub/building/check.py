"""The invariants of one sample that its types do not hold by themselves; checked on every sample written."""

from __future__ import annotations

from ..errors import SampleError
from ..records import Sample
from ..schema import KEY, MAX_KEY


def check_sample(sample: Sample) -> None:
    """Refuse a sample that breaks an invariant of the format.

    Raises:
        SampleError: naming the field, what it holds and what was expected.
    """
    if not KEY.fullmatch(sample.id) or len(sample.id) > MAX_KEY:
        raise SampleError(f"id {sample.id!r} must match {KEY.pattern} and have at most {MAX_KEY} characters")
    roles = [m.role for m in sample.messages]
    if len(roles) < 2 or len(roles) % 2 or roles != ["user", "assistant"] * (len(roles) // 2):
        raise SampleError(f"messages must alternate user and assistant and end with assistant, not {roles}")
    for kind in ("image", "video"):
        tags = sum(m.content.count(f"<{kind}>") for m in sample.messages)
        inputs = sum(m.kind == kind and m.role == "input" for m in sample.media)
        if tags != inputs:
            raise SampleError(f"messages hold {tags} <{kind}> tags for {inputs} input media of that kind")
    if not all(m.content.strip() for m in sample.messages):
        raise SampleError("messages hold an empty turn")
    for box in sample.answer.boxes:
        if not (0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1):
            raise SampleError(f"answer.boxes holds {box}, expected 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1")
