"""Questions of Kvasir-VQA: three of them have typed answers, of the others it is counted what they ask of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...records import Coverage, Defect, Fact, FileImage, Frame, Label, Reason
from ..picture_tables import PictureRow, ending_of
from ..questions import Asked, QuestionForms, forms

_TYPED = forms(
    instruments=r"are there any instruments in the image\?(?: check all that are present\.?)?",
    abnormalities=r"are there any abnormalities in the image\?(?: check all that are present\.?)?",
    landmarks=r"are there any anatomical landmarks in the image\?(?: check all that are present\.?)?",
)
_UNTYPED = forms(
    a_number=r"how many .*",
    a_place_in_the_image=r"where in the image .*",
    a_colour=r"what colou?r .*",
    a_size_a_type_or_a_procedure=r"what (?:is the size|type) .*",
    yes_or_no_of_the_image=r"(?:have all polyps been removed|is th|does this image contain).*",
)
_NONE = frozenset({"none", "no", "normal", ""})


def moment_of_questions(rows: Sequence[Asked], image: Path, where: str) -> Iterator[Frame | Defect]:
    """What the questions of one image say, and what is left out; nothing where none of them is typed.

    Args:
        rows: Its questions.
        image: The image, whose name is its id.
        where: Place of the tables, for messages.
    """
    kinds = QuestionForms(_TYPED, _UNTYPED)
    told: dict[str, Asked] = {}
    for row in rows:
        found = kinds.read(row)
        other = told.setdefault(found[0], row) if found else row
        if other.answer != row.answer:
            detail = f"{row.question!r:.60} has another answer in {other.where}: the image is left out"
            yield Defect(Reason.DUPLICATE_ID, row.where, detail)
            return
    yield from kinds.defects()
    if lacking := [form for form in ("instruments", "abnormalities", "landmarks") if form not in told]:
        yield Defect(Reason.LABEL_MISSING, where, f"no question on {', '.join(lacking)} is on image {image.stem}")
    if not told:
        return
    lists = {form: tuple(_names(row.answer)) for form, row in told.items()}
    tissues = [name for form in ("abnormalities", "landmarks") for name in lists.get(form, ())]
    whole = "abnormalities" in lists and "landmarks" in lists
    yield Frame(
        index=0,
        fps=1,
        image=FileImage(image),
        instruments=tuple(map(Label, lists["instruments"])) if "instruments" in lists else None,
        tissues=tuple(map(Label, dict.fromkeys(tissues))) if tissues or whole else None,
        asked={Fact.INSTRUMENTS: told["instruments"].native} if "instruments" in told else {},
        coverage={} if whole else {Fact.TISSUES: Coverage.ANNOTATED_ONLY},
    )


def _names(answer: str) -> Iterator[str]:
    """The names of an answer, parted by ``;`` or ``,``; none of "none"."""
    for part in re.split("[;,]", answer):
        if (name := " ".join(part.split()).casefold()) not in _NONE:
            yield name


def images_by_id(rows: Iterator[PictureRow | Defect]) -> Iterator[tuple[str, bytes] | Defect]:
    """Each image under its id: the tables hold it anew with every question."""
    for row in rows:
        if isinstance(row, Defect):
            yield row
            continue
        id, picture = row.values.get("img_id"), next(iter(row.pictures.values()), None)
        if picture is None or not isinstance(id, str) or not id:
            yield Defect(Reason.MEDIA_MISSING, row.where, "the row has no image, or no img_id")
        else:
            yield f"images/{id}{ending_of(picture)}", picture
