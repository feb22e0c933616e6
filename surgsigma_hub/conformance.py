"""Whether a document conforms to our JSON Schema, fast enough for every sample that is read.

``jsonschema`` says all that is wrong, in 0.5 ms a sample, and is what ``validate`` uses. A reader only has to know
whether it can go on, and if not, why: the keywords that ``schema.py`` writes become functions, which take 0.03 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from .schema import Layout, json_schema

_Check = Callable[[Any, str], str]
"""What is wrong with a value at a place; empty where nothing is."""
_LONGEST = 60
_NAMES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list | tuple,  # type: ignore[dict-item]
    "string": str,
    "boolean": bool,
    "integer": int | float,  # type: ignore[dict-item]
    "number": int | float,  # type: ignore[dict-item]
    "null": type(None),
}
_WRITTEN = frozenset(
    {
        *("$schema", "title", "description", "type", "enum", "pattern", "maxLength", "minimum", "maximum"),
        *("exclusiveMinimum", "minItems", "items", "properties", "required", "additionalProperties"),
    }
)


def form_problem(document: object, fields: Iterable[str] = (), *, layout: Layout = "tasks") -> str:
    """The first thing that keeps a document from being the JSON of a sample, empty where there is none.

    Args:
        document: As parsed from JSON.
        fields: Fields of a conversation to look at, wherever the layout has them; none looks at all of the document,
            and at fields that should not be there.
        layout: The form that the sample should have.

    >>> form_problem({"id": "a-1", "media": 7}, fields=("id", "media"))
    'media is 7, expected array'
    """
    return _compiled(tuple(fields), layout)(document, "")


@cache
def _compiled(fields: tuple[str, ...], layout: Layout) -> _Check:
    schema = json_schema(layout)
    return _check(_with_fields(schema, fields) if fields else schema)


def _with_fields(schema: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """What a schema says of some fields; of those that it does not have, what it says of them in conversations."""
    kept = {f: schema["properties"][f] for f in fields if f in schema["properties"]}
    inner = tuple(f for f in fields if f not in kept)
    if inner:
        talks = schema["properties"]["conversations"]
        kept["conversations"] = {**talks, "items": _with_fields(talks["items"], inner)}
    return {"type": "object", "required": tuple(kept), "properties": kept}


def _check(schema: Mapping[str, Any]) -> _Check:
    assert set(schema) <= _WRITTEN, f"schema.py writes keywords that are not checked here: {set(schema) - _WRITTEN}"
    if "enum" in schema:
        return _enum(schema["enum"])
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    bounds = _bounds(schema)
    inner = _array(schema) if "array" in types else _object(schema) if "object" in types else None
    wanted = tuple(_NAMES[name] for name in types)
    no_bool, whole = "boolean" not in types, "integer" in types

    def check(value: Any, place: str) -> str:
        # True is an int to Python, not to JSON; 64.0 is an integer to JSON, not to Python.
        if (
            not isinstance(value, wanted)
            or (no_bool and isinstance(value, bool))
            or (whole and isinstance(value, float) and not value.is_integer())
        ):
            return _wrong(value, place, " or ".join(types))
        if value is None:
            return ""
        for holds, expected in bounds:
            if not holds(value):
                return _wrong(value, place, expected)
        return inner(value, place) if inner is not None else ""

    return check


def _enum(values: Iterable[Any]) -> _Check:
    known = tuple(values)
    expected = "one of " + ", ".join(map(str, known))
    return lambda value, place: "" if value in known else _wrong(value, place, expected)


def _bounds(schema: Mapping[str, Any]) -> list[tuple[Callable[[Any], bool], str]]:
    found: list[tuple[Callable[[Any], bool], str]] = []
    if "pattern" in schema:
        matches = re.compile(schema["pattern"]).search
        found.append((lambda v: matches(v) is not None, f"a text that matches {schema['pattern']}"))
    for keyword, holds, words in (
        ("maxLength", lambda v, bound: len(v) <= bound, "at most {} characters"),
        ("minItems", lambda v, bound: len(v) >= bound, "at least {} of them"),
        ("minimum", lambda v, bound: v >= bound, "{} or more"),
        ("maximum", lambda v, bound: v <= bound, "at most {}"),
        ("exclusiveMinimum", lambda v, bound: v > bound, "more than {}"),
    ):
        if keyword in schema:
            bound = schema[keyword]
            found.append((lambda v, holds=holds, bound=bound: holds(v, bound), words.format(bound)))  # type: ignore[misc]
    return found


def _array(schema: Mapping[str, Any]) -> _Check:
    item = _check(schema["items"])

    def check(value: Any, place: str) -> str:
        for n, one in enumerate(value):
            if problem := item(one, f"{place}[{n}]"):
                return problem
        return ""

    return check


def _object(schema: Mapping[str, Any]) -> _Check:
    required = schema["required"]
    properties = {name: _check(inner) for name, inner in schema["properties"].items()}
    closed = schema.get("additionalProperties", True) is False

    def check(value: Any, place: str) -> str:
        dot = f"{place}." if place else ""
        for name in required:
            if name not in value:
                return f"{dot}{name} is missing"
            if problem := properties[name](value[name], f"{dot}{name}"):
                return problem
        if closed and len(value) > len(properties):
            more = sorted(str(name) for name in value if name not in properties)
            return f"{dot}{more[0][:_LONGEST]} is no field of a sample"
        return ""

    return check


def _wrong(value: Any, place: str, expected: str) -> str:
    return f"{place or 'the document'} is {_short(value)}, expected {expected}"


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = "an object" if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
