"""Sections of the root card that say what a visitor asks first: what, how much, may I, of which sources."""

from __future__ import annotations

from collections.abc import Mapping

from ..shards.config_names import split_order
from ..source import Access
from ..source.terms import Condition
from ..visible import size_text
from .assets import BANNER, SAMPLE, Drawn, may_show, task_picture, whole_sample
from .licenses import terms_of_tree
from .markdown import link, plain
from .told_sample import said, told
from .tree_facts import TreeFacts

_LONGEST = 160
_NOT = {
    Condition.NON_COMMERCIAL: "use it commercially",
    Condition.NO_DERIVATIVES: "publish what you derive from it",
    Condition.DATA_USE_AGREEMENT: "use it without agreeing to the data use agreement of its source",
    Condition.FORM: "use it without the form of its source",
}
_BUT = {
    Condition.ATTRIBUTION: "name the sources",
    Condition.SHARE_ALIKE: "pass it on under the same licence only",
    Condition.CODE_SHARING: "share the code of what you publish",
}


def banner(drawn: Mapping[str, Drawn]) -> list[str]:
    """The picture on top; nothing where there is none."""
    return [image(drawn[BANNER], "100%")] if BANNER in drawn else []


def summary(facts: TreeFacts) -> str:
    """Four lines: what it is, how much, what a reader may and may not."""
    whole = facts.held()
    recorded = [s for s in facts.sources if not facts.synthetic(s)]
    made = [s for s in facts.sources if facts.synthetic(s)]
    kinds = f" ({len(recorded)} recorded and {len(made)} synthetic)" if recorded and made else ""
    made_samples = sum(facts.held(source=name).samples for name in made)
    share = f"{made_samples:,} of the {whole.samples:,} samples are" if recorded else "All of it is"
    note = (
        f" **{share} synthetic** (made by a program, not recorded): {', '.join(f'`{s}`' for s in made)}."
        if made
        else ""
    )
    may, may_not = _terms(facts)
    lines = (
        "**What:** images and clips of operations with questions, typed answers and reasoning, all in one form. "
        "Tasks and name follow SurgSigma-DB (arXiv:2603.16822).",
        f"**How much:** {count(whole.samples, 'sample')} of {count(whole.videos, 'surgery', 'surgeries')}, "
        f"{count(len(facts.tasks), 'task')}, {count(len(facts.sources), 'source')}{kinds}, "
        f"{size_text(whole.bytes)}.{note}",
        f"**You may** {may}.",
        f"**You may not** {may_not}. Terms by source: [LICENSES.md](LICENSES.md).",
    )
    return "\n".join(f"- {line}" for line in lines)


def command(config: str) -> str:
    """The one command, in lines that fit a telephone."""
    return (
        "```python\nfrom datasets import load_dataset\n\nds = load_dataset(\n"
        f'  "surgsigma",  # or "ORG/NAME"\n  "{config}",\n  streaming=True,\n)\n```'
    )


def task_table(facts: TreeFacts, drawn: Mapping[str, Drawn]) -> str:
    """All tasks in one table: picture, question and answer of a sample, samples by split, sources."""
    rows = ["| task | one question and its answer; samples |", "| --- | --- |"]
    for name in facts.tasks:
        task = facts.task(name)
        mine = [m for m in facts.manifests if name in m.counts]
        splits = sorted({m.split for m in mine}, key=split_order)
        counts = " · ".join(f"{plain(s)} {sum(m.counts[name] for m in mine if m.split == s):,}" for s in splits)
        sources = ", ".join(facts.named(s) for s in sorted({m.source for m in mine}))
        title = link(task.title if task else words(name), _card(name))
        picture = f"{image(drawn[task_picture(name)], '120')}<br>" if task_picture(name) in drawn else ""
        rows.append(f"| {picture}{title} | {_asked(facts, name)}<br>**{counts}**<br>{plain(sources)} |")
    return "\n".join(rows)


def source_list(facts: TreeFacts) -> str:
    """The sources in plain words: what they are of, what is shipped, what you bring, under which terms."""
    terms = terms_of_tree(facts)
    lines = []
    for name in facts.sources:
        info = facts.info(name)
        title = f"**{link(facts.named(name), f'cards/{name}.md')}**"
        samples = f"{facts.held(source=name).samples:,} samples, licence {plain(facts.license(name))}"
        if info is None:
            lines.append(f"- {title}: {samples}. This version of the package does not know it.")
            continue
        held = [one for one in terms.held if one.source == name]
        out = [one.part.words for one in held if one.terms.redistribute.may and not one.withheld]
        home = [one.part.words for one in held if one.part.words not in out]
        may = f"May be passed on: {', '.join(out) or 'nothing'}" + (f"; not: {', '.join(home)}" if home else "")
        bring = "" if info.access is Access.SYNTHETIC else f" What you bring: {plain(info.access_steps)}"
        what = f"{words(info.specialty.value)}, {words(info.procedure.value).lower()}"
        if any(m.without_media for m in facts.manifests if m.source == name):
            bring += f" Here without media, which `surgsigma join {name} --media DIR --annotations ORG/NAME` adds."
        lines.append(f"- {title}: {plain(info.title)}. {plain(what)}; {samples}. {may}.{bring}")
    return "\n".join(lines)


def one_sample(facts: TreeFacts, drawn: Mapping[str, Drawn]) -> list[str]:
    """One sample whole: its picture, conversation, typed answer and trace."""
    found = whole_sample(facts)
    if found is None:
        return []
    doc = found.doc
    text = [image(drawn[SAMPLE], "420")] if SAMPLE in drawn else []
    text += told(doc)
    made = " Drawn by a program." if facts.synthetic(doc["source"]) else ""
    task = facts.task(doc["task"])
    title = link(task.title if task else words(doc["task"]), _card(doc["task"]))
    text.append(f"Task: {title}. Source: {plain(facts.named(doc['source']))}.{made}")
    return ["## One sample", *text]


def charts(drawn: Mapping[str, Drawn]) -> list[str]:
    """The charts that were drawn, each with a text for those who do not see it."""
    found = [f"**{plain(one.title)}**\n\n{image(one, '560')}" for one in drawn.values() if one.title]
    return ["## In numbers", *found] if found else []


def hidden(facts: TreeFacts) -> list[str]:
    """Sources of which no picture stands in the card, for their terms."""
    return [facts.named(s) for s in facts.sources if not may_show(facts, s)]


def count(n: int, one: str, many: str = "") -> str:
    """A number of something, in words.

    >>> count(1, "surgery", "surgeries"), count(1200, "sample")
    ('1 surgery', '1,200 samples')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def words(name: str) -> str:
    """A name as the beginning of a sentence."""
    return name.replace("_", " ").capitalize()


def _terms(facts: TreeFacts) -> tuple[str, str]:
    """What may and may not be done, from the terms of all that is in the tree."""
    conditions = terms_of_tree(facts).conditions
    licences = ", ".join(sorted({facts.license(source) for source in facts.sources}))
    but = [said for condition, said in _BUT.items() if condition in conditions]
    never = [said for condition, said in _NOT.items() if condition in conditions]
    never += ["decide anything about a patient with it", "try to find out who a patient or surgeon is"]
    may = f"use it for research and teaching under {licences}" + (f"; {', '.join(but)}" if but else "")
    return plain(may), f"{', '.join(never[:-1])} or {never[-1]}"


def _asked(facts: TreeFacts, task: str) -> str:
    """Question and answer of one sample of a task, where the terms let it be quoted."""
    sources = sorted({m.source for m in facts.manifests if task in m.counts})
    quoted = [s for s in sources if facts.may_quote(s)]
    source = next((s for s in quoted if may_show(facts, s)), next(iter(quoted), None))
    if source is None:
        return "not shown, for its terms"
    messages = facts.first_sample(source=source, task=task)["messages"]
    return " → ".join(said(messages[n], _LONGEST) for n in (0, 1))


def image(one: Drawn, width: str, *, root: str = "") -> str:
    """A picture of our own making; names of tasks and labels in its text are escaped.

    Args:
        one: The picture.
        width: In pixels of the page, or a share of it.
        root: The way from the page to the root of the tree.
    """
    alt = plain(one.alt).replace("\\", "").replace('"', "&quot;")
    return f'<img src="{root}{one.path}" alt="{alt}" width="{width}">'


def _card(task: str) -> str:
    return f"cards/task_{task}.md"
