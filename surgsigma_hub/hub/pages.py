"""The words of the cards: Markdown from counted facts, and from prose shipped with the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from ..schema import FORMAT_VERSION, MEMBERS
from ..shards.config_names import FRAMES, split_order
from ..shards.frontmatter import split_card
from ..shards.manifest import Manifest
from ..source import SourceInfo
from ..visible import size_text
from .assets import Drawn, may_show, task_picture
from .closing_sections import closing, labellers, overlap
from .configs import Config, ConfigSplit
from .leaks import in_two_splits
from .markdown import MARK, Markup, code, link, plain
from .measured import wording_parts
from .narrow import narrow
from .root_sections import banner, charts, command, count, image, one_sample, source_list, summary, task_table, words
from .told_sample import in_part, told
from .tree_facts import Held, TreeFacts


def _pairs(facts: TreeFacts) -> list[str]:
    """The configs of one task of one source; nothing where one source gives every task its samples."""
    if len(facts.sources) == 1:
        return []
    listed = _config_list(c for c in facts.configs if c.kind == "pair")
    return [f"<details><summary>One task of one source</summary>\n\n{listed}\n\n</details>"]


def readme_page(facts: TreeFacts, drawn: Mapping[str, Drawn]) -> str:
    """The body of README.md; ``drawn`` are the pictures that lie beside it."""
    recorded = [s for s in facts.sources if not facts.synthetic(s)]
    sections = [
        MARK,
        "# SurgSigma" + (" (synthetic)" if not recorded else ""),
        *banner(drawn),
        summary(facts),
        command(facts.configs[0].name),
        "Each sample is one conversation about one medium: `json` (messages, typed answer, provenance) and its media. "
        "Videos are left as bytes. With the package `surgsigma-hub`, `surgsigma_hub.load_dataset` gives flat "
        "columns. Any WebDataset reader can read the tars.",
        "## Tasks",
        task_table(facts, drawn),
        "Each task and each source is a config; `task-source` is one task of one source, and `all` is everything.",
        "<details><summary>Configs, split by split</summary>\n\n"
        + _config_list(c for c in facts.configs if c.kind != "pair")
        + "\n\n</details>",
        *_pairs(facts),
        *_layout_text(facts),
        "## Sources",
        source_list(facts),
        *one_sample(facts, drawn),
        *charts(drawn),
        "## Splits and leakage",
        _leak_text(facts),
        overlap(facts),
        "## Who labelled",
        labellers(facts),
        "## Form",
        f"Format version {FORMAT_VERSION}; [schema.json](schema.json) defines the JSON member. Tars hold, per sample, "
        f"`<id>.json` and some of {', '.join(f'`<id>.{m}`' for m in MEMBERS)}. Boxes are x1 y1 x2 y2 in 0..1 of the "
        "frame as stored; `frame_index` is 0-based at `fps`. A manifest in each folder of `data/` lists every "
        "tar with its sha256.",
        *closing(facts),
    ]
    return "\n\n".join(sections)


def source_page(facts: TreeFacts, name: str) -> str:
    """The card of one source."""
    info, mine = facts.info(name), facts.held(source=name)
    rows: list[tuple[str, object]] = [("Licence", facts.license(name))]
    if info is not None:
        rows = [
            ("Specialty", words(info.specialty.value)),
            ("Procedure", words(info.procedure.value)),
            ("Modality", words(info.modality.value)),
            *rows,
            ("Access", f"{words(info.access.value)}. {info.access_steps}"),
            ("Home", Markup(f"<{info.homepage}>")),
            ("Labels", words(info.label_origin)),
            ("May be redistributed", _redistribution(info)),
        ]
    if facts.synthetic(name):
        rows.insert(0, ("Kind", Markup("**synthetic**, made by a program, not recorded")))
    title = f"# {info.title if info else name}" + (" (synthetic)" if facts.synthetic(name) else "")
    return _page(
        _titled(_prose(f"{name}.md"), title),
        "## Facts",
        "\n".join(f"- **{title}:** {said if isinstance(said, Markup) else plain(said)}" for title, said in rows),
        "## In this tree",
        f"{_in_configs(mine)}: {mine.samples:,} samples, {size_text(mine.bytes)}.",
        _by_task(facts, name),
        *_built_with(facts, name),
    )


def task_page(facts: TreeFacts, name: str, drawn: Mapping[str, Drawn]) -> str:
    """The card of one task; ``drawn`` are the pictures that lie beside the root card."""
    task, mine = facts.task(name), facts.held(task=name)
    prose = _prose(f"task_{name}.md")
    about: list[str] = []
    if task is not None:
        about = [] if prose else [task.description]
        about.append(f"Family: {task.family}. Looks at: {task.media_in.value}. Answers with: {task.answer.value}.")
    mine_by = [m for m in facts.manifests if name in m.counts]
    counts = [
        f"- **{plain(facts.named(source))}:** {_splits([m for m in mine_by if m.source == source], name)}"
        for source in sorted({m.source for m in mine_by})
    ]
    return _page(
        prose or f"# {task.title if task else words(name)}",
        *about,
        *_example(facts, name, drawn),
        "## In this tree",
        f"{_in_configs(mine)}: {mine.samples:,} samples, {size_text(mine.bytes)}; members "
        f"{', '.join(f'`{m}`' for m in sorted(mine.members)) or 'none besides the JSON'}.",
        "\n".join(counts),
        *wording_parts(facts.wording.get(name)),
    )


def _by_task(facts: TreeFacts, source: str) -> str:
    """What there is of a source, a line for each task or layout."""
    mine = [m for m in facts.manifests if m.source == source]
    lines = []
    for name in sorted({m.task for m in mine}):
        task = facts.task(name)
        title = link(task.title if task else words(name), f"task_{name}.md") if name in facts.tasks else plain(name)
        lines.append(f"- {title}: {_splits([m for m in mine if m.task == name])}")
    return "\n".join(lines)


def _splits(manifests: Iterable[Manifest], task: str = "") -> str:
    """Samples by split, of one task where the layout has several in one tar."""
    return "; ".join(
        f"{plain(m.split)} {m.counts[task] if task else m.samples:,} ({size_text(m.bytes)}, "
        f"{count(len(m.videos), 'video')})"
        for m in sorted(manifests, key=lambda m: split_order(m.split))
    )


def _built_with(facts: TreeFacts, source: str) -> list[str]:
    """The options of the build; of each task where not all were built with the same."""
    by: dict[str, set[str]] = {}
    for m in facts.manifests:
        if m.source == source:
            by.setdefault(_options(m.options), set()).add(m.task)
    if len(by) == 1:
        return [f"Built with {code(options)}." for options in by if options]
    return ["\n".join(f"- Built with {code(o) or 'no option'}: {plain(', '.join(sorted(t)))}" for o, t in by.items())]


def _in_configs(held: Held) -> str:
    """The configs that have something, for the start of a sentence."""
    return f"Config{'s' if len(held.configs) > 1 else ''} {', '.join(f'`{name}`' for name in held.configs)}"


def _page(*parts: str) -> str:
    return "\n\n".join((MARK, *map(narrow, parts))) + "\n"


def _layout_text(facts: TreeFacts) -> list[str]:
    """What is laid out by medium, where something is."""
    mine = [m for m in facts.manifests if m.layout == "frames"]
    if not mine:
        return []
    talks, media = sum(m.rows for m in mine), sum(m.samples for m in mine)
    stay = sorted({m.task for m in facts.manifests if m.layout == "tasks"})
    others = f" Laid out by task: {', '.join(map(code, stay))}." if stay else ""
    return [
        f"Config `{FRAMES}` holds each image or clip once, with all that is asked about it in `json.conversations`: "
        f"{talks:,} conversations about {count(media, 'medium', 'media')}. Tasks whose answer is a medium are laid "
        f"out by task, a sample for each conversation.{others}"
    ]


def _titled(prose: str, title: str) -> str:
    """Prose under a title: its own where it begins with one."""
    return prose if prose.startswith("# ") else "\n\n".join(filter(None, (title, prose)))


def _prose(name: str) -> str:
    """A page of the package's own prose, without front matter; empty where there is none."""
    path = resources.files("surgsigma_hub.dataset_cards") / name
    return split_card(path.read_text("utf-8"), where=name)[1].strip() if path.is_file() else ""


def _config_list(configs: Iterable[Config]) -> str:
    """A line for each config: lists fold on a telephone where tables do not."""
    return "\n".join(f"- {code(c.name)}: {', '.join(map(_split, c.splits))}" for c in configs)


def _split(split: ConfigSplit) -> str:
    videos = count(len(split.videos), "video")
    return f"{plain(split.name)} {split.samples:,} ({size_text(split.bytes)}, {videos})"


def _redistribution(info: SourceInfo) -> str:
    return ", ".join(part.words for part in info.terms.published) or "nothing"


def _leak_text(facts: TreeFacts) -> str:
    leaks = in_two_splits(facts.manifests)
    intro = (
        "Splits are those of each source, and several sources may annotate the same surgeries: "
        "`json.canonical_video_id` names the surgery whatever the source."
    )
    if not leaks:
        return f"{intro} Counted here: no surgery is in two different splits."
    videos = {v for found in leaks.values() for v in found}
    lines = [  # a list, since these names are wider than a telephone
        f"- {' and '.join(plain(f'{facts.named(source)}: {split}') for source, split in (one, other))}: {len(found)} "
        f"({plain(', '.join(found))})"
        for (one, other), found in leaks.items()
    ]
    head = (
        f"{intro} Counted here: **{count(len(videos), 'surgery is', 'surgeries are')} in two "
        "different splits**. Training on one side and testing on the other leaks; leave them out of one side."
    )
    return "\n".join((head, "", *lines))


def _example(facts: TreeFacts, task: str, drawn: Mapping[str, Drawn]) -> list[str]:
    """A sample of a task: its picture where that may be shown, what is said, and its JSON folded."""
    sources = sorted({m.source for m in facts.manifests if task in m.counts})
    quoted = [s for s in sources if facts.may_quote(s)]
    source = next((s for s in quoted if may_show(facts, s)), next(iter(quoted), None))
    if source is None:
        return [
            "## A sample",
            f"Not shown, since the terms of {', '.join(map(plain, sources))} do not let us quote it.",
        ]
    doc = facts.first_sample(source=source, task=task)
    picture = drawn.get(task_picture(task)) if may_show(facts, source) else None
    return [
        "## A sample" + (" (synthetic)" if facts.synthetic(source) else ""),
        *([image(picture, "240", root="../")] if picture else []),
        *told(doc),
        f"<details><summary>Its JSON, in part</summary>\n\n{in_part(doc)}\n\n</details>",
    ]


def _options(options: Any) -> str:
    return ", ".join(f"{key}={_safe(value)}" for key, value in sorted(options.items()))


def _safe(value: Any) -> str:
    """An option for print; a path of the builder's machine stays there."""
    if isinstance(value, dict):
        return "{" + _options(value) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_safe(v) for v in value) + "]"
    text = str(value)
    if text.startswith("~") or PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        return "(a path)"
    return text
