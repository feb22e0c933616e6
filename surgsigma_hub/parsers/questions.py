"""Question files: lines ``question|answer`` or a table of them, and what each question asks for, by its form."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadRowError
from ..plain_file import plain_size
from ..records import Defect, NativeQA, Reason
from .cells import table_text
from .strict_json import read_json

_LONGEST = 4096
"""Most characters of a question or an answer: longer ones are no such thing."""
MAX_PARQUET = 8 << 30
"""Most bytes of a parquet file of questions, pictures included."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its place for messages, question and answer letter by letter, and what else its row holds."""

    where: str
    question: str
    answer: str
    rest: tuple[str, ...] = ()

    @property
    def native(self) -> NativeQA:
        """Question and answer as they stand."""
        return NativeQA(self.question, self.answer)


def read_question_lines(path: Path, where: str, *, rest: Sequence[int] = (0,)) -> Iterator[Asked | Defect]:
    """The lines ``question|answer`` of a text file, blank ones passed over; a file without any is told.

    Args:
        path: UTF-8 or, with its mark, UTF-16; any line ends.
        where: The file, for messages.
        rest: How many further fields a line may have, each parted by ``|`` too.

    Raises:
        OSError: the file cannot be read.
    """
    yield from parse_question_lines(table_text(path), where, rest=rest)


def parse_question_lines(text: str, where: str, *, rest: Sequence[int] = (0,)) -> Iterator[Asked | Defect]:
    r"""As :func:`read_question_lines`, from text.

    >>> list(parse_question_lines("what is it?|hook\n\nbroken\n", "1.txt"))[0]
    Asked(where='1.txt line 1', question='what is it?', answer='hook', rest=())
    """
    if not text.strip():
        yield Defect(Reason.LABEL_MISSING, where, "the file holds no question")
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("|")]
        place = f"{where} line {number}"
        if len(cells) - 2 not in rest:
            wanted = " or ".join(str(2 + n) for n in rest)
            detail = (
                f"{len(cells)} field{'s' * (len(cells) > 1)} parted by '|', expected {wanted}: {line.strip()[:80]!r}"
            )
            yield Defect(Reason.ROW_MALFORMED, place, detail)
        else:
            yield _checked(place, cells[0], cells[1], tuple(cells[2:]))


def read_question_table(
    path: Path, where: str, *, question: str = "question", answer: str = "answer", others: Sequence[str] = ()
) -> Iterator[Asked | Defect]:
    """The rows of a table of questions: JSON, JSON lines, CSV or parquet, by the ending of its name.

    Args:
        path: JSON is a list of objects; of parquet only the named columns are read.
        where: The file, for messages.
        question: Column of the question.
        answer: Column of the answer.
        others: Further columns wanted, as text in ``rest``; an empty text where a row has none.

    Raises:
        BadRowError: the file is no such table, or lacks a column; the message does not name it.
        OSError: the file cannot be read.
    """
    columns = (question, answer, *others)
    for number, row in _rows(path, columns):
        place = f"{where} row {number}"
        cells = [row.get(c) for c in columns] if isinstance(row, Mapping) else []
        if len(cells) < 2 or not isinstance(cells[0], str) or not isinstance(cells[1], str | bool | int):
            yield Defect(Reason.ROW_MALFORMED, place, f"no text {question!r} and {answer!r}: {str(row)[:80]}")
            continue
        rest = tuple("" if cell is None else str(cell) for cell in cells[2:])
        yield _checked(place, cells[0].strip(), str(cells[1]).strip(), rest)


def _checked(place: str, question: str, answer: str, rest: tuple[str, ...]) -> Asked | Defect:
    for name, said in (("question", question), ("answer", answer)):
        if not said:
            return Defect(Reason.ROW_MALFORMED, place, f"the {name} is empty")
        if len(said) > _LONGEST or any(c == "\ufffd" or (c < " " and c != "\t") for c in said):
            return Defect(Reason.LABEL_CORRUPT, place, f"the {name} is no line of text: {said[:60]!r}")
    return Asked(place, question, answer, rest)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    match path.suffix.lower():
        case ".json":
            document = read_json(path)
            if not isinstance(document, list):
                raise BadRowError("not a list of questions")
            yield from enumerate(document)
        case ".jsonl":
            for number, line in enumerate(table_text(path).split("\n"), 1):
                if line.strip():
                    yield number, _json_line(line)
        case ".csv" | ".tsv":
            yield from _csv(table_text(path), columns, "\t" if path.suffix.lower() == ".tsv" else ",")
        case ".parquet":
            yield from _parquet(path, columns)
        case other:
            raise BadRowError(f"ending {other!r}: a table of questions is .json, .jsonl, .csv, .tsv or .parquet")


def _json_line(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _csv(text: str, columns: Sequence[str], delimiter: str) -> Iterator[tuple[int, Any]]:
    lines = csv.DictReader(io.StringIO(text.replace("\0", "\ufffd")), delimiter=delimiter)
    try:
        _check_columns(lines.fieldnames or (), columns)
        yield from enumerate(lines, 1)
    except csv.Error as error:
        raise BadRowError(f"not a table parted by {delimiter!r}: {error}") from None


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if plain_size(path) > MAX_PARQUET:
        raise BadRowError(f"more than {MAX_PARQUET >> 30} GiB")
    try:
        with pq.ParquetFile(path) as table:
            _check_columns(table.schema_arrow.names, columns)
            number = 0
            for batch in table.iter_batches(4096, columns=list(columns)):
                for row in batch.to_pylist():
                    yield number, row
                    number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadRowError(f"parquet that cannot be read: {str(error)[:120]}") from None


def _check_columns(names: Iterable[str], columns: Sequence[str]) -> None:
    found = list(names)
    missing = [c for c in columns[:2] if c not in found]
    if missing:
        raise BadRowError(f"no column {missing[0]!r}; it has {', '.join(map(str, found))[:120]}")


# ------------------------------------------------------------------------------------------------- forms of questions


@dataclass(slots=True)
class QuestionForms:
    """What the questions of one video ask for, by form, and an account of those that become no sample.

    Args:
        typed: Patterns of whole questions by name, without regard to case; blanks count as one. The first that fits
            counts.
        untyped: The same of questions whose answers no typed answer holds, such as a count.
    """

    typed: Mapping[str, re.Pattern[str]]
    untyped: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    _left: Counter[str] = field(default_factory=Counter)
    _first: dict[str, Asked] = field(default_factory=dict)

    def read(self, asked: Asked) -> tuple[str, re.Match[str]] | None:
        """Name and match of the form of a question; None, and counted, where it is none of the typed ones."""
        text = " ".join(asked.question.split())
        for name, pattern in self.typed.items():
            if match := pattern.fullmatch(text):
                return name, match
        kind = next((name for name, pattern in self.untyped.items() if pattern.fullmatch(text)), "")
        self.pass_over(asked, kind)
        return None

    def pass_over(self, asked: Asked, kind: str) -> None:
        """Count a question that becomes no sample; an empty kind is a form that is not known."""
        self._left[kind] += 1
        self._first.setdefault(kind, asked)

    def defects(self) -> list[Defect]:
        """What was counted: one entry a kind, with the first question of it."""
        told: list[Defect] = []
        for kind, often in sorted(self._left.items()):
            first = self._first[kind]
            example = f"{first.question[:80]!r}, answered {first.answer[:40]!r}"
            many = f"{often} {'question asks' if often == 1 else 'questions ask'}"
            if kind:
                detail = f"{many} {kind}, which no typed answer holds; the first is {example}"
                told.append(Defect(Reason.QUESTION_UNTYPED, first.where, detail))
            else:
                detail = f"{many} in a form that is not known; the first is {example}"
                told.append(Defect(Reason.TYPE_UNKNOWN, first.where, detail, often))
        return told


def forms(**patterns: str) -> Mapping[str, re.Pattern[str]]:
    """Patterns by name, compiled as :class:`QuestionForms` wants them; ``_`` in a name stands for a blank."""
    return {name.replace("_", " "): re.compile(p, re.IGNORECASE) for name, p in patterns.items()}
