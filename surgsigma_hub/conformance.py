"""Whether a document conforms to our JSON Schema, fast enough for every sample that is read.

``jsonschema_rs`` judges a sample in 3 us where ``jsonschema`` takes 430. What it does not let pass is asked of
``jsonschema``, which has the last word, and whose first finding is told in the words of a reader's errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .schema import Layout, json_schema

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_LONGEST = 60
_EXPECTED: Mapping[str, str] = {
    "pattern": "a text that matches {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "minimum": "{} or more",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
}


def form_problem(document: object, fields: Iterable[str] = (), *, layout: Layout = "tasks") -> str:
    """What keeps a document from being the JSON of a sample, empty where nothing does; of several things one.

    Args:
        document: As parsed from JSON.
        fields: Fields of a conversation to look at, wherever the layout has them; none looks at all of the document,
            and at fields that should not be there.
        layout: The form that the sample should have.

    >>> form_problem({"id": "a-1", "media": 7}, fields=("id", "media"))
    'media is 7, expected array'
    """
    chosen = tuple(fields)
    if chosen and isinstance(document, dict):
        document = {name: document[name] for name in _schema(chosen, layout)["properties"] if name in document}
    if certainly_fits(document, chosen, layout=layout):
        return ""
    error = next(_explainer(chosen, layout).iter_errors(document), None)
    return "" if error is None else _words(error)


def certainly_fits(document: object, fields: tuple[str, ...] = (), *, layout: Layout = "tasks") -> bool:
    """Whether nothing is wrong with a document; where this is False, ``jsonschema`` may still find nothing."""
    try:
        return _judge(fields, layout).is_valid(document)
    except ValueError:  # it holds what JSON has not, such as half a character
        return False


@cache
def _schema(fields: tuple[str, ...], layout: Layout) -> dict[str, Any]:
    schema = json_schema(layout)
    return _with_fields(schema, fields) if fields else schema


@cache
def _judge(fields: tuple[str, ...], layout: Layout) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_schema(fields, layout))


@cache
def _explainer(fields: tuple[str, ...], layout: Layout) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine("array", lambda _, value: isinstance(value, list | tuple))
    made: Draft202012Validator = extend(Draft202012Validator, type_checker=types)(_schema(fields, layout))  # type: ignore[no-untyped-call]
    return made


def _with_fields(schema: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """What a schema says of some fields; of those that it does not have, what it says of them in conversations."""
    kept = {f: schema["properties"][f] for f in fields if f in schema["properties"]}
    inner = tuple(f for f in fields if f not in kept)
    if inner:
        talks = schema["properties"]["conversations"]
        kept["conversations"] = {**talks, "items": _with_fields(talks["items"], inner)}
    return {"type": "object", "required": tuple(kept), "properties": kept}


def _words(error: ValidationError) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)[1:]
    rule = str(error.validator)
    said: Any = error.validator_value
    found: Any = error.instance
    schema: Any = error.schema
    dot = f"{place}." if place else ""
    if rule == "required":
        return f"{dot}{next(name for name in said if name not in found)} is missing"
    if rule == "additionalProperties":
        strange = min(str(name) for name in found if name not in schema["properties"])
        return f"{dot}{strange[:_LONGEST]} is no field of a sample"
    if rule == "type":
        expected = said if isinstance(said, str) else " or ".join(said)
    elif rule == "enum":
        expected = "one of " + ", ".join(map(str, said))
    else:
        expected = _EXPECTED[rule].format(said)
    return f"{place or 'the document'} is {_short(found)}, expected {expected}"


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = "an object" if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
