"""Damage of every kind to every table of every fixture: no error but ours, other videos unchanged, defects counted."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from surgsigma_hub.errors import SurgSigmaError

import damage
import sources


@pytest.mark.parametrize("name", sources.WITH_FILES)
def test_damage_of_a_table_costs_its_own_videos_and_is_told(name: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    faults: list[str] = []
    whole = damage.said(sources.opened(name, tmp_path / "cache", root))
    owners = owners_of(name, tmp_path / "cache", root)
    found = list(damage.tables(root))
    like = Counter(one_of(path, owners) for path in found)
    tried = Counter[object]()
    for path in found:
        group = one_of(path, owners)
        tried[group] += 1
        if tried[group] > 2:  # of a file a frame, two will do
            continue
        data = path.read_bytes()
        for n, kind in enumerate(damage.KINDS):
            damaged = kind(data)
            path.unlink() if damaged is None else path.write_bytes(damaged)
            place = f"{path.relative_to(root)}, {kind.__name__}"
            try:
                after = damage.outcome(lambda n=n: sources.opened(name, tmp_path / f"cache{n}", root))  # type: ignore[misc]
                mine = frozenset(owners.get(path, ()))
                table = Table(path, data, mine, alone(path, owners), one_of_many=like[group] > 1)
                faults += (f"{place}: {fault}" for fault in faults_of(kind, table, whole, after, tmp_path))
            except Exception as error:
                faults.append(f"{place}: {type(error).__name__} instead of a defect: {error}")
            path.write_bytes(data)
    assert not faults, "\n".join([f"{len(faults)} faults of {len(found)} tables", *faults])


@pytest.mark.parametrize("name", sources.WITH_FILES)
def test_a_value_of_another_kind_is_no_traceback(name: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / name, tmp_path / "copy"))
    faults: list[str] = []
    alike = {shape(path): path for path in damage.tables(root) if damage.is_document(path.read_bytes())}
    for path in alike.values():
        data = path.read_bytes()
        for n, (what, damaged) in enumerate(damage.other_kinds(data)):
            path.write_bytes(damaged)
            try:
                damage.outcome(lambda n=n: sources.opened(name, tmp_path / f"cache{n}", root))  # type: ignore[misc]
            except Exception as error:
                faults.append(f"{path.relative_to(root)}, {what}: {type(error).__name__} instead of a defect: {error}")
        path.write_bytes(data)
    assert not faults, "\n".join([f"{len(faults)} faults", *faults[:20]])


def owners_of(name: str, cache: Path, root: Path) -> dict[Path, set[str]]:
    """Videos that each file belongs to, as the loader says."""
    owners: dict[Path, set[str]] = {}
    for video in sources.opened(name, cache, root).videos():
        for path in video.files:
            owners.setdefault(path, set()).add(video.id)
    return owners


def alone(path: Path, owners: dict[Path, set[str]]) -> bool:
    """Whether a file is of one video by its name: another one has a file whose name differs in numbers only."""
    mine = owners.get(path, set())
    like = {id for other, ids in owners.items() if shape(other) == shape(path) for id in ids}
    return len(mine) == 1 and like > mine


def one_of(path: Path, owners: dict[Path, set[str]]) -> object:
    """What a file has in common with others of which there is one a frame: folder, name but for numbers, videos."""
    return path.parent, shape(path), frozenset(owners.get(path, ()))


def shape(path: Path) -> tuple[str, ...]:
    return tuple(re.sub("[0-9]+", "#", part) for part in path.parts)


@dataclass(frozen=True)
class Table:
    """A table of a fixture before it was damaged.

    Attributes:
        owners: The videos whose file it is.
        alone: Whether it is of one of them by its name.
        one_of_many: Whether that video has others like it, one a frame: that one is missing cannot be seen.
    """

    path: Path
    data: bytes
    owners: frozenset[str]
    alone: bool
    one_of_many: bool


def names_file(path: Path, before: damage.Said, after: damage.Said) -> bool:
    """Whether something new is told that names the file: where all moments are lost, fewer are told than before."""
    return any(path.name in defect.where + defect.detail for defect in after.defects if defect not in before.defects)


def faults_of(
    kind: object,
    table: Table,
    whole: dict[str, damage.Said],
    after: dict[str, damage.Said] | SurgSigmaError,
    place: Path,
) -> list[str]:
    """What is wrong with what came of one damage, with what to do about it."""
    by_row = kind in damage.OF_A_ROW and not damage.is_document(table.data)
    if isinstance(after, SurgSigmaError):
        if str(place) in after.message.replace(str(place / "copy"), ""):
            return [f"the error names a path outside the root: {after.message}"]
        if kind in damage.HARMLESS:
            return [f"refused although no word changed: {after.message}"]
        if table.alone:
            return [f"the whole source is refused for the file of one video; give a Defect: {after.message}"]
        if by_row and not table.owners:  # what codes mean is no row of a video: it may be refused, by place
            named = table.path.name in after.message
            return [] if named else [f"the error does not say that {table.path.name} is damaged: {after.message}"]
        if by_row and len(whole) > 1:
            return [f"the whole source is refused for one line; give a Defect: {after.message}"]
        return []
    changed = {id for id in whole if id not in after or after[id].records != whole[id].records}
    if kind is damage.missing_file and table.one_of_many:
        return []
    silent = [
        id
        for id in sorted(changed)
        if id in after and after[id].told <= whole[id].told and not names_file(table.path, whole[id], after[id])
    ]
    found = [f"{id} changed and nothing is told; yield a Defect" for id in silent]
    if kind in damage.HARMLESS and (changed or any(after[id].told != whole[id].told for id in after if id in whole)):
        found.append(f"{sorted(changed)} changed although no word did; read text with parsers.cells.table_text")
    if table.alone and changed - table.owners:
        found.append(f"other videos changed: {sorted(changed - table.owners)}")
    if by_row and table.owners and len(changed) > 1:
        found.append(f"one line changed {len(changed)} videos: {sorted(changed)}")
    outside = [d for one in after.values() for d in one.defects if str(place) in d.where + d.detail]
    return [*found, *(f"a defect names a path of this machine: {d}" for d in outside[:1])]
