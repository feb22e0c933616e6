"""One definition gives the JSON Schema, the features and the bytes of a sample."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from surgsigma_hub.errors import ShardError
from surgsigma_hub.records import Answer, Media, Message, Native, Provenance, Reasoning, Sample
from surgsigma_hub.schema import (
    MEMBERS,
    check_format_version,
    json_features,
    json_schema,
    sample_bytes,
    schema_text,
    shard_features,
)

SAMPLE = Sample(
    format_version="1.0", id="s-v-000001-t", task="phase_recognition", family="reasoning", source="synthetic",
    split="train", specialty="general_surgery", procedure="laparoscopic_cholecystectomy", modality="laparoscopy",
    video_id="v", canonical_video_id="synthetic/v", frame_index=None, fps=None, start_seconds=None, end_seconds=None,
    width=None, height=None, media=(Media("image.jpg", "image", "input", "0" * 64),),
    messages=(Message("user", "<image>Which?"), Message("assistant", "This.")), answer=Answer("this"),
    reasoning=Reasoning(), native=Native(), provenance=Provenance("synthetic"), license="cc0-1.0",
)  # fmt: skip


def test_the_exported_schema_is_the_one_in_use() -> None:
    path = Path(__file__).parent.parent / "schema.json"
    assert path.read_text("utf-8") == schema_text(), "run: surgsigma schema --write schema.json"


def test_a_sample_of_nulls_validates_and_a_key_more_or_less_does_not() -> None:
    validator = Draft202012Validator(json_schema())
    Draft202012Validator.check_schema(json_schema())
    doc = orjson.loads(sample_bytes(SAMPLE))
    assert list(doc) == [f.name for f in fields(Sample)]
    validator.validate(doc)
    for name in doc:
        assert not validator.is_valid({k: v for k, v in doc.items() if k != name})
    assert not validator.is_valid({**doc, "extra": 1})
    assert not validator.is_valid({**doc, "id": "v1.0"})
    assert not validator.is_valid({**doc, "family": "guessing"})


def test_features_hold_a_sample_without_change() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(json_features())
    doc = orjson.loads(sample_bytes(SAMPLE))
    assert datasets.Dataset.from_list([doc], features=features)[0] == doc
    assert set(shard_features(frozenset(MEMBERS))) == {"__key__", "json", *MEMBERS}


@pytest.mark.parametrize(
    ("version", "says"), [("1.2", "Upgrade"), ("2.0", "Upgrade"), ("0.9", "Rebuild"), ("x", "form")]
)
def test_other_versions_are_refused(version: str, says: str) -> None:
    with pytest.raises(ShardError, match=says):
        check_format_version(version, where="t")
    for read in ("1.0", "1.1"):
        check_format_version(read, where="t")
