"""Whether a document fits a JSON Schema, as a function that is made once of the few rules that ours uses.

It never says why not: ``jsonschema`` does, and takes twenty times as long, so that only what does not fit is given
to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

Test = Callable[[Any], bool]
Tests = dict[type, Test]
"""What a value must pass, by its type; a type that is not there is wrong."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (NoneType,),
    "array": (list,),
    "object": (dict,),
}
_SAYS_NOTHING = {"$schema", "title", "description"}
_RULES = {
    "type", "enum", "pattern", "maxLength", "minimum", "maximum", "exclusiveMinimum", "items", "minItems",
    "properties", "required", "additionalProperties",
}  # fmt: skip


def matcher(schema: Mapping[str, Any]) -> Test:
    """A function that is true of the JSON values that certainly fit.

    Args:
        schema: Of draft 2020-12, with strings alone in ``enum`` and ``additionalProperties`` at false.

    Returns:
        True: ``jsonschema`` finds nothing. False: ask it; ``1.0``, an integer to it, is none here.

    Raises:
        ValueError: the schema has a rule that is not known here.

    >>> fits = matcher({"type": "object", "properties": {"n": {"type": ["integer", "null"], "minimum": 1}}})
    >>> fits({"n": 1}), fits({}), fits({"n": None}), fits({"n": 0}), fits({"n": True}), fits({"n": "1"}), fits([])
    (True, True, True, False, False, False, False)
    """
    tests = _tests(schema)

    def fits(value: Any) -> bool:
        test = tests.get(type(value))
        return test is not None and test(value)

    return fits


def _tests(schema: Mapping[str, Any]) -> Tests:
    unknown = schema.keys() - _RULES - _SAYS_NOTHING
    if unknown or schema.get("additionalProperties", False) is not False:
        raise ValueError(f"a rule of a schema that is not known here: {sorted(unknown) or 'additionalProperties'}")
    named = schema.get("type", "string" if "enum" in schema else list(_TYPES))
    types = [kind for name in ([named] if isinstance(named, str) else named) for kind in _TYPES[name]]
    return {kind: _MADE.get(kind, _anything)(schema) for kind in types}


def _anything(schema: Mapping[str, Any]) -> Test:
    return _any


def _any(value: Any) -> bool:
    return True


def _text(schema: Mapping[str, Any]) -> Test:
    if "enum" in schema:
        return frozenset(schema["enum"]).__contains__
    most, pattern = schema.get("maxLength"), schema.get("pattern")
    if most is None and pattern is None:
        return _any
    found = re.compile(pattern or "").search
    return lambda value: (most is None or len(value) <= most) and found(value) is not None


def _number(schema: Mapping[str, Any]) -> Test:
    least, most, above = (schema.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
    if least is most is above is None:
        return _any
    return lambda value: (
        (least is None or value >= least) and (most is None or value <= most) and (above is None or value > above)
    )


def _list(schema: Mapping[str, Any]) -> Test:
    least: int = schema.get("minItems", 0)
    if "items" not in schema:
        return lambda values: len(values) >= least
    tests = _tests(schema["items"])

    def fits(values: list[Any]) -> bool:
        for value in values:
            test = tests.get(type(value))
            if test is None or not test(value):
                return False
        return len(values) >= least

    return fits


def _object(schema: Mapping[str, Any]) -> Test:
    parts = {name: _tests(inner) for name, inner in schema.get("properties", {}).items()}
    required, open_to_more = frozenset(schema.get("required", ())), "additionalProperties" not in schema

    def fits(value: dict[str, Any]) -> bool:
        if not value.keys() >= required:
            return False
        for name, one in value.items():
            tests = parts.get(name)
            if tests is None:
                if open_to_more:
                    continue
                return False
            test = tests.get(type(one))
            if test is None or not test(one):
                return False
        return True

    return fits


_MADE: Mapping[type, Callable[[Mapping[str, Any]], Test]] = {
    str: _text, int: _number, float: _number, list: _list, dict: _object,
}  # fmt: skip
