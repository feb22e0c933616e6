"""From the JSON of a sample to ``records.Sample`` or ``records.MediumSample``, by the type hints of the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from ..conformance import form_problem
from ..errors import ShardError
from ..records import MediumSample, Sample
from ..schema import Layout


def typed_sample(raw: Mapping[str, Any]) -> Sample:
    """The record behind a parsed JSON member.

    Raises:
        ShardError: keys missing or of the wrong shape.
    """
    made: Sample = _typed(raw, Sample, "tasks")
    return made


def typed_medium(raw: Mapping[str, Any]) -> MediumSample:
    """The record behind the JSON of a medium with its conversations.

    Raises:
        ShardError: keys missing or of the wrong shape.
    """
    made: MediumSample = _typed(raw, MediumSample, "frames")
    return made


def _typed(raw: Mapping[str, Any], kind: type, layout: Layout) -> Any:
    if problem := form_problem(raw, layout=layout):
        raise ShardError(
            f"sample {str(raw.get('id'))[:200]!r} does not have the form of records.{kind.__name__}: {problem}"
        )
    return _maker(kind)(raw)


@cache
def _maker(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        makers = [(f.name, _maker(hints[f.name])) for f in fields(hint)]
        return lambda raw: hint(**{name: make(raw[name]) for name, make in makers})
    if get_origin(hint) is tuple:
        inner = _maker(get_args(hint)[0])
        return lambda raw: tuple(inner(value) for value in raw)
    return lambda raw: raw
