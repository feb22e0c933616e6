"""The inputs and readers by name: what stands in ``table.csv`` must be one of them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .guard import Reader, Sandbox

Maker = Callable[[Sandbox], Path]
"""Makes the input in ``box.inside``; gives the path to read. The input may point at ``box.secret``."""

READERS: dict[str, Reader] = {}
INPUTS: dict[str, Maker] = {}


def reader(name: str) -> Callable[[Reader], Reader]:
    """Register a reader under the name that rows give it."""

    def put(function: Reader) -> Reader:
        assert name not in READERS, name
        READERS[name] = function
        return function

    return put


def hostile(name: str) -> Callable[[Maker], Maker]:
    """Register an input under the name that rows give it, such as ``sample/no-media``."""

    def put(function: Maker) -> Maker:
        assert name not in INPUTS, name
        INPUTS[name] = function
        return function

    return put


@dataclass(frozen=True, slots=True)
class Row:
    """What a reader must make of an input; ``says`` are words that must be in its error or in what it reports."""

    input: str
    reader: str
    verdict: str
    says: str

    def __str__(self) -> str:
        return f"{self.input}-{self.reader}"


def rows() -> list[Row]:
    """The table."""
    with (Path(__file__).parent / "table.csv").open(newline="") as file:
        return [Row(**line) for line in csv.DictReader(file)]
