"""Pascal VOC files: one XML document an image, with a box and a name for each object. Found by tags, in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ..errors import BadRowError
from ..media.boxes import BoxOutsideError, from_xyxy
from ..plain_file import MAX_TEXT, read_plain
from ..records import Defect, Label, LabeledBox, Reason

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class VocImage:
    """What one document says.

    Attributes:
        boxes: All boxes; None where one of them cannot be read, since the list would be half true.
        size: Width and height in pixels; None where the document does not say.
        defects: What is left out.
    """

    boxes: tuple[LabeledBox, ...] | None
    size: tuple[int, int] | None
    defects: tuple[Defect, ...] = ()


def read_voc(path: Path, where: str, names: Mapping[str, str]) -> VocImage:
    """Read a document; one that cannot be used is one defect.

    Args:
        path: The XML file.
        where: Its place for messages, relative to the root.
        names: Native name by the name in small letters: files of one release differ in case.
    """
    try:
        return parse_voc(read_plain(path, most=MAX_TEXT), where, names)
    except OSError as error:
        return _nothing(where, f"the file cannot be opened ({error.strerror})")


def parse_voc(data: bytes, where: str, names: Mapping[str, str]) -> VocImage:
    """As :func:`read_voc`, from bytes.

    >>> size = "<size><width>100</width><height>50</height></size>"
    >>> box = "<bndbox><xmin>10</xmin><ymin>5</ymin><xmax>60</xmax><ymax>25</ymax></bndbox>"
    >>> text = f"<annotation>{size}<object><name>HOOK</name>{box}</object></annotation>"
    >>> parse_voc(text.encode(), "a.xml", {"hook": "Hook"}).boxes[0].box
    Box(x1=0.1, y1=0.1, x2=0.6, y2=0.5)
    >>> parse_voc(text.encode()[:40], "a.xml", {"hook": "Hook"}).defects[0].detail
    'not XML, or cut short: line 1, column 36'
    """
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data or b"<\0!\0" in data:
        return _nothing(where, "it declares a document type, which no release does and which can make it grow")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (1, 0))
        return _nothing(where, f"not XML, or cut short: line {line}, column {column}")
    size = (_number(root, "size/width"), _number(root, "size/height"))
    if size[0] is None or size[1] is None or min(size[0], size[1]) < 1:
        return _nothing(where, "size/width and size/height are no numbers from 1 up")
    width, height = int(size[0]), int(size[1])
    boxes: list[LabeledBox] = []
    defects: list[Defect] = []
    twice: list[Defect] = []
    for n, found in enumerate(root.findall("object"), 1):
        try:
            box = _box(found, names, width, height)
            if box in boxes:
                twice.append(
                    Defect(Reason.DUPLICATE_ID, f"{where} object {n}", "the same box occurs twice; it counts once")
                )
            else:
                boxes.append(box)
        except BadRowError as error:
            reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
            defects.append(Defect(reason, f"{where} object {n}", f"{error.message}: the image has no list of boxes"))
    return VocImage(None if defects else tuple(boxes), (width, height), (*defects, *twice))


def _nothing(where: str, detail: str) -> VocImage:
    return VocImage(None, None, (Defect(Reason.ROW_MALFORMED, where, detail),))


def _number(node: ElementTree.Element, tag: str) -> float | None:
    text = (node.findtext(tag) or "").strip()
    try:
        return float(text) if text.isascii() and len(text) <= 12 and "_" not in text else None
    except ValueError:
        return None


def _box(node: ElementTree.Element, names: Mapping[str, str], width: int, height: int) -> LabeledBox:
    """The box of an object.

    Raises:
        BadRowError: a corner is no number, the box is none, or the name is unknown.
    """
    said = (node.findtext("name") or "").strip()
    name = names.get(said.casefold())
    if name is None:
        raise BadRowError(f"name {said[:40]!r} is not one of {', '.join(names.values())}")
    corners = [_number(node, f"bndbox/{tag}") for tag in _CORNERS]
    x1, y1, x2, y2 = (float("nan") if c is None else c for c in corners)
    box, clipped = from_xyxy(x1, y1, x2, y2, width=width, height=height)
    return LabeledBox(Label(name), box, clipped)
