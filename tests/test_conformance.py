"""The fast check of a sample's form agrees with the JSON Schema validator, whatever the document."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from surgsigma_hub import records as r
from surgsigma_hub.conformance import form_problem
from surgsigma_hub.schema import json_schema

from handmade import sample

ANSWER = r.Answer(
    "Preparation.",
    labels=("preparation",),
    triplets=(r.AnswerTriplet("hook", "dissect", "gallbladder"),),
    boxes=(r.AnswerBox("hook", 0.1, 0.2, 0.3, 0.4),),
    criteria=(r.AnswerCriterion("two_structures", True, (1.0, 0.0, 1.0)),),
    seconds=12.5,
)
HONEST: dict[str, Any] = orjson.loads(orjson.dumps(sample(answer=ANSWER)[0]))
VALIDATOR = Draft202012Validator(json_schema())
VALUES = st.sampled_from(
    [None, True, False, 0, -1, 1, 7, 64.0, 0.5, 1e300, 10**30, "", "a", "image.jpg", "mask", "1.0", "f" * 64, [], [1],
     ["a"], [None], {}, {"a": 1}, [[]], [{}]]
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for step, one in inner for place in places(one, (*way, step)))]


def put(document: Any, way: tuple[Any, ...], value: Any, how: str) -> Any:
    made = copy.deepcopy(document)
    if not way:
        return value
    inner = made
    for step in way[:-1]:
        inner = inner[step]
    if how == "remove":
        del inner[way[-1]]
    elif how == "add" and isinstance(inner, dict):
        inner["unheard_of"] = value
    else:
        inner[way[-1]] = value
    return made


@given(st.sampled_from(places(HONEST)), VALUES, st.sampled_from(["set", "remove", "add"]))
def test_both_checks_agree(way: tuple[Any, ...], value: Any, how: str) -> None:
    document = put(HONEST, way, value, how)
    assert (form_problem(document) == "") is VALIDATOR.is_valid(document), (way, value, how)


def test_every_field_is_checked_in_every_way_that_the_schema_knows() -> None:
    assert not form_problem(HONEST)
    values = [None, True, -1, 0.5, 1e300, "", [], {}, [1], [{}]]
    for way in places(HONEST):
        for value in values:
            document = put(HONEST, way, value, "set")
            assert (form_problem(document) == "") is VALIDATOR.is_valid(document), (way, value)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("media", 0, "kind"), "hologram", "media[0].kind is 'hologram', expected one of image, video, mask, depth"),
        (("answer", "boxes", 0, "x1"), 3, "answer.boxes[0].x1 is 3, expected at most 1"),
        (("messages",), [], "messages is a list of 0, expected at least 2 of them"),
        (("width",), "64", "width is '64', expected integer or null"),
        (("license",), "x" * 500, ""),
        (("id",), "x" * 500, f"id is '{'x' * 59}..., expected at most 88 characters"),
    ],
)
def test_the_problem_names_the_place_and_what_was_expected(place: tuple[Any, ...], value: Any, problem: str) -> None:
    assert form_problem(put(HONEST, place, value, "set")) == problem


def test_only_the_fields_that_are_asked_for_count() -> None:
    assert not form_problem({"id": "a", "answer": 7}, ("id",))
    assert form_problem({"id": "a"}, ("id", "task")) == "task is missing"
    assert form_problem({**HONEST, "unheard_of": 1}) == "unheard_of is no field of a sample"


def test_what_json_has_not_is_told_where_it_is_looked_at() -> None:
    assert form_problem({"id": {1}, "task": "a"}, ("id", "task")) == "id is {1}, expected string"
    assert not form_problem({"id": "a", "image": object()}, ("id",))
    assert not form_problem({**HONEST, "messages": tuple(HONEST["messages"])})
    assert form_problem({**HONEST, "messages": (), 7: 1}) == "messages is a list of 0, expected at least 2 of them"
