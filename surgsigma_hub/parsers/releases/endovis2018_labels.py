"""Tables of EndoVis 2018, and the kinds of its instruments as ISINet's release adds them: one mask an instrument.

The number of the kind stands in a mask's name (``frame000_1_class4.png``); what it means stands in a table of the
release alone, of which there are two with different numbers. Without the table nothing is told by a number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...records import Coverage, Defect, Fact, FileImage, Frame, Label, LabeledBox, LabeledMask, Origin, Reason
from ..class_masks import Colour, MaskCodes, facts_in, read_class_mask
from ..strict_json import read_json

_BACKGROUND = (0, 0, 0)
_PARTS = {
    (0, 255, 0): "instrument-shaft",
    (0, 255, 255): "instrument-clasper",
    (125, 255, 12): "instrument-wrist",
}
_INSTRUMENTS = {(123, 15, 175): "suction-instrument", (12, 255, 141): "ultrasound-probe"}
_TISSUES = {(255, 55, 0): "kidney-parenchyma", (24, 55, 125): "covered-kidney", (124, 155, 5): "small-intestine"}
_OTHER = {
    (187, 155, 25): "thread",
    (128, 155, 25): "thread",
    (0, 255, 125): "clamps",
    (255, 255, 125): "suturing-needle",
}
_NAMES: Mapping[Colour, str] = {**_PARTS, **_INSTRUMENTS, **_TISSUES, **_OTHER}
_CODES = MaskCodes.of(_NAMES, _BACKGROUND)
_ALIASES = {"intestine": "small-intestine", "background-tissue": ""}
TYPE_TABLES = {"instrument_labels": "final_labels.json", "instrument_labels_2017": "final_labels_2017.json"}
"""Folders of masks beside the images of a sequence, and the table that names their numbers."""
KINDS = (
    *("bipolar-forceps", "prograsp-forceps", "large-needle-driver", "monopolar-curved-scissors", "vessel-sealer"),
    *("grasping-retractor", "clip-applier", "suction-instrument", "ultrasound-probe"),
)
"""Kinds of instruments, however a table spells them."""
_MASK_NAME = re.compile(r".*frame([0-9]{3}).*class[ _-]?([0-9]{1,3})(?![0-9]).*", re.IGNORECASE)
_COPY = re.compile(r" \([0-9]+\)$")
"""What browsers put behind the name of a file that was downloaded twice."""
_LISTS = (Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES)


def contradicted(path: Path) -> str:
    """What a ``labels.json`` says of a colour against what is known; empty where it agrees.

    Raises:
        BadRowError: it is no JSON.
    """
    read = read_json(path)
    classes = read.get("classes") if isinstance(read, dict) else read
    for entry in classes if isinstance(classes, list) else ():
        name, colour = (entry.get("name"), entry.get("color")) if isinstance(entry, dict) else (None, None)
        rgb = tuple(c for c in colour[:3] if isinstance(c, int)) if isinstance(colour, list) else ()
        if rgb in _NAMES and _ALIASES.get(str(name), str(name)) != _NAMES[rgb]:  # type: ignore[index]
            return f"colour {list(rgb)} is {name!r:.40}, expected {_NAMES[rgb]!r}"  # type: ignore[index]
    return ""


def read_type_names(path: Path) -> dict[int, str]:
    """The kind of each number, as one of :data:`KINDS` where it is known, else as it stands.

    Read are a list of objects with a name and a number (``classid``, ``class_id`` or ``id``), one under ``classes`` or
    ``categories``, and an object of names and numbers, either of which may be the key.

    Raises:
        BadRowError: none of these.
    """
    read = read_json(path)
    if isinstance(read, dict):
        listed = next((read[key] for key in ("classes", "categories") if isinstance(read.get(key), list)), None)
        pairs: list[tuple[Any, Any]] = [*read.items()] if listed is None else _pairs(listed)
    else:
        pairs = _pairs(read if isinstance(read, list) else [])
    found: dict[int, str] = {}
    for one, other in pairs:
        number, name = (other, one) if isinstance(other, int) and not isinstance(other, bool) else (one, other)
        if not str(number).isdecimal() or not isinstance(name, str) or int(number) in found:
            raise BadRowError(f"{str((one, other))[:60]} is no number with a name, or one listed twice")
        plain = re.sub("[ _-]+", "-", name.strip().lower())
        found[int(number)] = plain if plain in KINDS else name
    if not found:
        raise BadRowError("it lists no kind of instrument by number")
    return found


def _pairs(entries: Sequence[Any]) -> list[tuple[Any, Any]]:
    numbers = ("classid", "class_id", "id")
    rows = [entry if isinstance(entry, dict) else {} for entry in entries]
    return [(row.get("name"), next((row[key] for key in numbers if key in row), None)) for row in rows]


def masks_of_types(folder: Path) -> dict[int, list[tuple[int, Path]]]:
    """The masks of a folder by number of the image: number of the kind, and where it is."""
    found: defaultdict[int, list[tuple[int, Path]]] = defaultdict(list)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _MASK_NAME.fullmatch(path.stem)
        if (original := _COPY.sub("", path.stem)) != path.stem and path.with_stem(original).is_file():
            continue  # "frame000_class4 (1).png" would be one instrument more
        if match is not None and path.suffix.lower() == ".png" and not path.name.startswith("._"):
            found[int(match[1])].append((int(match[2]), path))
    return dict(found)


@dataclass(frozen=True, slots=True)
class TypedMasks:
    """The masks by kind of a copy.

    Attributes:
        names: The kind of each number.
        masks: By folder of the sequence, then by number of the image.
        unnamed: A folder of such masks whose table the copy lacks; None where there is none.
    """

    names: Mapping[int, str]
    masks: Mapping[Path, Mapping[int, Sequence[tuple[int, Path]]]]
    unnamed: Path | None = None

    def of(self, sequence: Path, number: int) -> Sequence[tuple[int, Path]] | None:
        """Number of the kind and mask of each instrument of an image; None where its sequence has no such masks."""
        masks = self.masks.get(sequence)
        return None if masks is None else masks.get(number, ())


def typed_masks(folders: Sequence[Path], tables: Mapping[str, Sequence[Path]]) -> TypedMasks:
    """The masks of the first kind of folder whose table is there.

    Args:
        folders: All folders of such masks.
        tables: By name of such folders, the tables that name their numbers; of several all must say the same.

    Raises:
        BadRowError: a table cannot be read, or two differ.
    """
    for name in TYPE_TABLES:
        held = [folder for folder in folders if folder.name.lower() == name]
        read = {}
        for path in tables.get(name, ()) if held else ():
            try:
                read[path] = read_type_names(path)
            except BadRowError as error:
                raise BadRowError(f"{path.name}: {error.message}") from None
        if read:
            first = next(iter(read.values()))
            if any(other != first for other in read.values()):
                raise BadRowError(f"{len(read)} files {TYPE_TABLES[name]} give numbers different kinds; keep one")
            return TypedMasks(first, {folder.parent: masks_of_types(folder) for folder in held})
    return TypedMasks({}, {}, folders[0] if folders else None)


def moment_of_classes(
    number: int,
    image: Path,
    path: Path,
    shown: Callable[[Path], str],
    typed: Sequence[tuple[int, Path]] | None,
    names: Mapping[int, str],
) -> Iterator[Frame | Defect]:
    """What the masks of one image say.

    Args:
        number: Of the image: an order and no time, since the challenge took out still ones.
        image: The image.
        path: Its mask of classes.
        shown: Place of a file for messages.
        typed: Number of the kind and mask of each instrument; None where its sequence has no such masks.
        names: The kind of each number.
    """
    mask, defects = read_class_mask(FileImage(path), shown(path), _CODES)
    yield from defects
    if mask is None:
        return
    facts = facts_in(mask, instruments=_INSTRUMENTS.values(), left_out={*_PARTS.values(), *_OTHER.values()})
    parts = {name: mask.regions[name].mask for name in _PARTS.values() if name in mask.regions}
    # The parts are those of all robotic instruments together, whose kinds nobody names.
    facts["instrument_masks"] += tuple(LabeledMask(None, one) for one in parts.values())
    facts["part_masks"] = tuple(LabeledMask(Label(name), one) for name, one in parts.items())
    facts["instruments"] = facts["tissues"] = None
    if typed == () and facts["instrument_masks"]:
        detail = "no mask of a kind, though its classes show an instrument: kinds are not known"
        yield Defect(Reason.LABEL_MISSING, shown(image), detail)
    elif typed is not None:
        said, told = _by_type(typed, names, shown)
        yield from told
        facts |= {key: {**facts[key], **value} if isinstance(value, dict) else value for key, value in said.items()}
    yield Frame(index=number, fps=1, image=FileImage(image), **facts)


def _by_type(
    masks: Sequence[tuple[int, Path]], names: Mapping[int, str], shown: Callable[[Path], str]
) -> tuple[dict[str, Any], list[Defect]]:
    """The instruments of one image by kind as fields of a frame, and what is left out."""
    defects: list[Defect] = []
    found: list[tuple[Label, LabeledMask, LabeledBox]] = []
    for number, path in masks:
        name = names.get(number)
        if name not in KINDS:
            detail = f"class {number} is {'not listed' if name is None else repr(name)}, none of the known instruments"
            defects.append(Defect(Reason.LABEL_UNKNOWN, shown(path), detail))
            continue
        mask, told = read_class_mask(FileImage(path), shown(path), MaskCodes.two_levels(name))
        defects += told
        for region in mask.regions.values() if mask is not None else ():
            label = Label(name)
            found.append((label, LabeledMask(label, region.mask), LabeledBox(label, region.box)))
    facts: dict[str, Any] = {
        "instruments": tuple(dict.fromkeys(label for label, _, _ in found)),
        "instrument_masks": tuple(mask for _, mask, _ in found),
        "instrument_boxes": tuple(box for _, _, box in found),
        "origins": {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the mask of one")},
        "coverage": dict.fromkeys(_LISTS, Coverage.ANNOTATED_ONLY) if defects else {},
    }
    return facts, defects
