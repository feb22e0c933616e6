"""A sheet of every label in every form that sentences use, in Markdown, for a surgeon to read and tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import NULL, Kind, concepts
from .forms import Forms, act_of, acting_on, forms, number_word, view_of

Column = tuple[str, Callable[[Forms], str]]

_THING: tuple[Column, ...] = (
    ("first mention", lambda f: f"{f.a} {f.be} in view"),
    ("again", lambda f: f.the),
    ("two", lambda f: f.counted(2) if f.several else "cannot be counted"),
    ("short", lambda f: f.short),
    ("mistaken for", lambda f: f.near),
)

_COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    "procedure": (("in a sentence", lambda f: f"this is {f.a}"), ("short", lambda f: f.short)),
    "phase": (("long", lambda f: f"the phase is {f.name}"), ("short", lambda f: f"the {f.short} phase")),
    "step": (("long", lambda f: f"the step is {f.name}"), ("short", lambda f: f"the surgeon is performing {f.short}")),
    "instrument": (*_THING, ("acts on tissue", lambda f: "yes" if f.acts else "no")),
    "action": (
        ("noun", lambda f: f.noun),
        ("doing", lambda f: f"the surgeon is {f.doing}"),
        ("with an object", lambda f: acting_on(f.id, "gallbladder")),
        ("noun with an object", lambda f: act_of(f.id, "gallbladder")),
        ("mistaken for", lambda f: f.near),
    ),
    "target": _THING,
    "criterion": (("question", lambda f: f.ask), ("met", lambda f: f.met), ("not met", lambda f: f.unmet)),
    "part": _THING[:3],
}


def review_sheet(modalities: Sequence[str]) -> str:
    """The sheet: a table a vocabulary, a row a label, with an empty box before each row.

    Args:
        modalities: Those of the sources, whose words for the view are listed last.
    """
    said = [
        "# How every label is said",
        "",
        "Tick what is right; write beside it what you would say instead.",
        "",
    ]
    for kind, columns in _COLUMNS.items():
        said += [f"## {kind}", "", _row("ok", "label", *(name for name, _ in columns), "definition")]
        said.append(_row(*["---"] * (len(columns) + 3)))
        for id, concept in concepts(kind).items():
            if id != NULL:
                one = forms(kind, id)
                said.append(_row("[ ]", concept.name, *(form(one) for _, form in columns), concept.definition))
        said.append("")
    said += ["## view", "", _row("ok", "modality", "view", "image"), _row(*["---"] * 4)]
    for modality in modalities:
        view = view_of(modality)
        said.append(_row("[ ]", modality.replace("_", " "), view.view, view.image))
    return "\n".join([*said, "", f"Numbers: {', '.join(map(number_word, range(1, 13)))}.", ""])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
