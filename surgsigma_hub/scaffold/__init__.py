"""The files of a new source, by the form of its labels: a loader, label names, a card, terms and a fixture script.

What is written works on its own fixture. Each thing that only the source's reader can say is marked ``TODO``, and the
contract (``tests/test_contract.py``) refuses a source with such a mark.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Template

from ..errors import SurgSigmaError, UnknownNameError

FORMS = {
    "frame-table": "a table by frame: a number, then phase, step or instruments, as in Cholec80",
    "intervals": "a table of intervals: from here to there a label holds, as in JIGSAWS",
    "coco": "COCO JSON: boxes and outlines of single images",
    "class-masks": "images whose pixel values name classes, one beside each image",
    "questions": "files of questions and answers, one a frame, as in Cholec80-VQA",
}
"""What each form is, by the name that ``--like`` takes."""

PLACES = {
    "loader.txt": "loaders/{name}.py",
    "labels.csv": "surgsigma_hub/ontology/native/{name}.csv",
    "card.txt": "dataset_cards/{name}.md",
    "terms.txt": "loaders/terms/{name}.yaml",
    "fixture.txt": "tests/fixtures/{name}.py",
}
"""Where each template goes in a checkout; those that a form has none of are shared by all."""


def new_source(name: str, like: str, checkout: Path) -> list[Path]:
    """Write the files of a new source into a checkout of this project.

    Args:
        name: Of the source: lower case letters, digits and underscores.
        like: One of :data:`FORMS`.
        checkout: The folder with ``loaders/`` and ``tests/``.

    Returns:
        The files, in the order in which to fill them in.

    Raises:
        UnknownNameError: no such form.
        SurgSigmaError: the name cannot be one, the folder is no checkout, or one of the files is there already.
    """
    if like not in FORMS:
        raise UnknownNameError("form", like, FORMS, where="--like")
    if not re.fullmatch("[a-z][a-z0-9_]{1,39}", name):
        raise SurgSigmaError(
            f"{name!r} cannot be the name of a source",
            hint="Use 2 to 40 lower case letters, digits and underscores, a letter first, such as heichole.",
        )
    missing = [folder for folder in ("loaders", "tests/fixtures") if not (checkout / folder).is_dir()]
    if missing:
        raise SurgSigmaError(
            f"{checkout} is no checkout of surgsigma-hub: it has no folder {missing[0]}/",
            hint="Clone the repository, run the command in it, or name its folder with --checkout.",
        )
    files = {checkout / place.format(name=name): rendered(kind, name, like) for kind, place in PLACES.items()}
    for path in files:
        if path.exists() and not (path.parent.name == "terms"):
            raise SurgSigmaError(
                f"{path} is there already", hint="Choose another name, or remove the files of that source."
            )
    for path, text in files.items():
        if not path.exists():  # the terms of some sources were read before their loader was written
            path.write_text(text, "utf-8")
    return list(files)


def rendered(kind: str, name: str, like: str) -> str:
    """One file of a new source.

    Args:
        kind: A key of :data:`PLACES`.
        name: Of the source.
        like: A key of :data:`FORMS`.
    """
    forms = resources.files(__package__) / "forms"
    own = forms / like / kind
    template = own if own.is_file() else forms / kind
    told = forms / like / "options.txt"
    return Template(template.read_text("utf-8")).substitute(
        name=name,
        Name="".join(part.capitalize() for part in name.split("_")),
        title=name.replace("_", " ").title(),
        options=told.read_text("utf-8") if told.is_file() else "",
    )
