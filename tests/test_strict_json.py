"""JSON by a quick reader where it says the same as the strict one, and by that where it would not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.strict_json import Pairs, parse_json, repeated_in


class Members(list[tuple[str, Any]]):
    """The members of an object to be written, keys repeated or not."""


WORDS = st.sampled_from(["a", "b", "26", "a:", ":", ' ":', "\\", "é", "\n", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(WORDS, inner), max_size=4).map(Members),
    max_leaves=12,
)


def text(value: object, colon: str, plain: bool) -> str:
    if isinstance(value, Members):
        inside = ", ".join(json.dumps(k, ensure_ascii=plain) + colon + text(v, colon, plain) for k, v in value)
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ",".join(text(one, colon, plain) for one in value) + "]"
    return json.dumps(value, ensure_ascii=plain)


def told(read: object) -> object:
    """A document with the repeated keys of each object; floats and whole numbers are told apart."""
    if isinstance(read, dict):
        return {"keys": sorted(repeated_in(read)), "of": [(k, told(v)) for k, v in read.items()]}
    return [told(one) for one in read] if isinstance(read, list) else (type(read), repr(read))


@given(VALUES, st.sampled_from([":", ": ", " :", "\n\t: "]), st.booleans())
def test_the_quick_reader_is_taken_only_where_it_says_the_same(value: object, colon: str, plain: bool) -> None:
    data = text(value, colon, plain).encode()
    assert told(parse_json(data)) == told(json.loads(data, object_pairs_hook=Pairs.of))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b'{"a": [{"b": 1}, {}]}', dict), (b'{"a": 1, "\\u0061": 2}', Pairs), (b'{"a": {"b" :1, "b" : 1}}', Pairs)],
)
def test_a_key_that_is_repeated_anywhere_is_found(data: bytes, kind: type) -> None:
    assert type(parse_json(data)) is kind


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b'{"a": 1} x', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_our_own_error(data: bytes) -> None:
    with pytest.raises(BadRowError):
        parse_json(data)
