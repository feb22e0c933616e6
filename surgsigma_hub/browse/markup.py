"""One sample as HTML: head, media, conversation, typed answer, reasoning with the claims that the checker doubts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from ..ontology import concepts
from ..reasoning.check import Objection, check
from ..reasoning.facts import Facts
from ..records import without_tags
from ..streaming.typed import typed_sample
from ..tasks import all_tasks
from ..tasks.common.further import thing_asked_by
from .escape import label, text, words
from .gallery import Place, Shown
from .media import media_html

LEVELS = ("perceptual", "relational", "contextual")


def sample_html(shown: Shown, *, overlays: bool = True) -> str:
    """A whole sample; every text of it is escaped.

    Args:
        shown: The sample.
        overlays: Whether boxes and masks are drawn into the picture.
    """
    doc = shown.doc
    said = conversation_html(doc["messages"]) + _answer(doc["answer"]) + _reasoning(doc) + _origin(doc)
    return (
        f'<article class="ss-sample" data-id="{text(doc["id"])}">{_head(shown)}<div class="ss-columns">'
        f"{media_html(doc, shown.media, overlays=overlays)}<div>{said}</div></div></article>"
    )


def conversation_html(messages: Iterable[Mapping[str, Any]]) -> str:
    """Turns of a conversation, each under who says it."""
    turns = []
    for turn in messages:
        content = without_tags(turn["content"])
        role = "question" if turn["role"] == "user" else "answer"
        turns.append(f'<div class="ss-turn ss-{role}"><small>{text(turn["role"])}</small><p>{text(content)}</p></div>')
    return f'<section class="ss-talk">{"".join(turns)}</section>'


def together_html(looked: Shown, samples: Sequence[Shown], total: int) -> str:
    """The conversations of several samples of one moment beside its picture, each with a link to its sample.

    Args:
        looked: The sample whose moment it is.
        samples: Those that are shown.
        total: How many there are.
    """
    parts = [f"<p>{total:,} conversations look at this moment" + (f"; {len(samples)} of them:" if total > len(samples)
             else ":") + "</p>"]  # fmt: skip
    for one in samples:
        doc = one.doc
        parts.append(
            f'<div class="ss-other"><h4>{link(one.place, doc["id"], _title(doc["task"]))}</h4>'
            f"{conversation_html(doc['messages'])}{_answer(doc['answer'])}</div>"
        )
    picture = media_html(looked.doc, looked.media, overlays=False)
    return f'<div class="ss-together ss-columns">{picture}<div>{"".join(parts)}</div></div>'


def link(place: Place, id: str, title: str) -> str:
    """A link that opens the page at a sample, also after the tree was built again."""
    return f'<a href="?{html.escape(urlencode({"at": str(place), "id": id}))}">{text(title)}</a>'


def doubted(doc: Mapping[str, Any]) -> tuple[Objection, ...]:
    """What the checker has against a trace, held against the typed answer and what rules stated of the sample."""
    if doc["task"] not in all_tasks() or not any(doc["reasoning"][level] for level in LEVELS):
        return ()
    record = typed_sample(doc)
    asked = thing_asked_by(doc["id"], doc["task"])
    return check(record.reasoning, Facts.of_sample(doc), record.answer, all_tasks()[doc["task"]], asked=asked)


def marked(said: str, objections: Iterable[Objection]) -> str:
    """A text in which the words that are doubted are marked, with the reason; what is not in it stands behind it.

    >>> marked("A hook is left.", [Objection(1, "hook", "the facts hold none")])
    'A <mark title="the facts hold none">hook</mark> is left.'
    """
    spans: list[tuple[int, int, str]] = []
    behind = []
    for one in objections:
        at = said.lower().find(one.claim.lower()) if one.claim else -1
        if (
            at < 0
            or len(said.lower()) != len(said)
            or any(at < end and start < at + len(one.claim) for start, end, _ in spans)
        ):
            behind.append(f'<mark title="{text(one.why)}">{text(one.claim)}</mark> <small>({text(one.why)})</small>')
        else:
            spans.append((at, at + len(one.claim), one.why))
    made, done = "", 0
    for start, end, why in sorted(spans):
        made += f'{text(said[done:start])}<mark title="{text(why)}">{text(said[start:end])}</mark>'
        done = end
    made += text(said[done:])
    return made + (f"<br><small>doubted: </small>{', '.join(behind)}" if behind else "")


def _head(shown: Shown) -> str:
    doc = shown.doc
    when = f"frame {doc['frame_index']}" if doc["frame_index"] is not None else ""
    if doc["start_seconds"] is not None:
        end = f" to {doc['end_seconds']:g}" if doc["end_seconds"] is not None else ""
        when += f", {doc['start_seconds']:g}{end} s"
    facts = [doc["source"], doc["split"], doc["specialty"], doc["procedure"], doc["video_id"], when, doc["license"]]
    chips = "".join(f"<span>{words(fact)}</span>" for fact in facts if fact)
    return (
        f"<header><h3>{text(_title(doc['task']))}</h3><div class='ss-chips'>{chips}</div>"
        f"<p><code>{text(doc['id'])}</code> {link(shown.place, doc['id'], 'link to this sample')}</p></header>"
    )


def _title(task: str) -> str:
    known = all_tasks().get(task)
    return known.title if known else task.replace("_", " ").capitalize()


def _answer(answer: Mapping[str, Any]) -> str:
    """The typed answer, field by field."""
    rows = []
    if answer["labels"]:
        rows.append(("labels", ", ".join(map(label, answer["labels"]))))
    if answer["triplets"]:
        listed = [" &rarr; ".join(label(t[k]) for k in ("instrument", "action", "target")) for t in answer["triplets"]]
        rows.append(("triplets", "<br>".join(listed)))
    if answer["boxes"]:
        listed = [f"{label(b['label'])} [{', '.join(f'{b[k]:.3f}' for k in ('x1', 'y1', 'x2', 'y2'))}]"
                  for b in answer["boxes"]]  # fmt: skip
        rows.append(("boxes", "<br>".join(listed)))
    if answer["criteria"]:
        names = concepts("criterion")
        listed = []
        for one in answer["criteria"]:
            concept = names.get(one["criterion"])
            listed.append(
                f"{'met' if one['met'] else 'not met'}: {words(concept.name if concept else one['criterion'])}"
            )
        rows.append(("criteria", "<br>".join(listed)))
    if answer["seconds"] is not None:
        rows.append(("seconds", text(f"{answer['seconds']:g}")))
    if not rows:
        return ""
    body = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f'<table class="ss-answer">{body}</table>'


def _reasoning(doc: Mapping[str, Any]) -> str:
    said = [(n, doc["reasoning"][level]) for n, level in enumerate(LEVELS, 1) if doc["reasoning"][level]]
    if not said:
        return ""
    objections = doubted(doc)
    items = "".join(
        f"<li value='{n}'>{marked(words_, [o for o in objections if o.level == n])}</li>" for n, words_ in said
    )
    rest = [o for o in objections if o.level not in [n for n, _ in said]]
    beside = f"<p>{marked('', rest)}</p>" if rest else ""
    count = f"{len(objections)} doubted" if objections else "nothing doubted"
    head = f"<h4>Reasoning <small>({count} by the checker)</small></h4>"
    return f'<section class="ss-trace">{head}<ol>{items}</ol>{beside}</section>'


def _origin(doc: Mapping[str, Any]) -> str:
    provenance = doc["provenance"]
    facts = [f"{name.replace('_', ' ')}: {value}" for name, value in provenance.items() if value not in (None, [], "")]
    raw = text(orjson.dumps(doc, option=orjson.OPT_INDENT_2).decode())
    listed = "".join(f"<span>{text(fact)}</span>" for fact in facts)
    return (
        f"<footer><div class='ss-chips'>{listed}</div>"
        f"<details><summary>JSON of the sample</summary><pre>{raw}</pre></details></footer>"
    )
