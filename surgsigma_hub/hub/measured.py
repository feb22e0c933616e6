"""The part of a task's card that says how varied its language is, and what guesses without an image score."""

from __future__ import annotations

from ..shards.wording_statistics import Variety, Wording
from .markdown import code, table


def wording_parts(found: Wording | None) -> list[str]:
    """Markdown, part by part; nothing for a task without samples."""
    if found is None:
        return []
    texts = (("questions", found.questions), ("answers", found.answers), ("reasoning", found.traces))
    rows = [(what, *_figures(variety)) for what, variety in texts if variety is not None]
    kinds = ", ".join(f"{code(kind)} {count / found.samples:.0%}" for kind, count in found.kinds.items())
    parts = [
        "## Language",
        f"Counted on {found.samples:,} samples (`surgsigma info TREE --wording`). Kinds of question: {kinds}.",
        table(("", "different per 1,000", "2-grams", "3-grams", "self-BLEU", "words (median)"), rows),
    ]
    if found.blind:
        blind = [(b.source, f"{b.constant:.0%}", _percent(b.question), _percent(b.box)) for b in found.blind]
        parts += [
            "## Without the image",
            "What guesses score that look at no image: the most frequent answer, always; the most frequent answer to "
            "the same question in other videos; the median box of the label in other videos (IoU of 0.5 or more). "
            "Print them beside a model's score.",
            table(("source", "constant", "question only", "median box"), blind),
        ]
    return parts


def _figures(one: Variety) -> tuple[object, ...]:
    bleu = "" if one.self_bleu is None else f"{one.self_bleu:.2f}"
    return f"{one.per_thousand:,}", f"{one.bigrams:.3f}", f"{one.trigrams:.3f}", bleu, one.words[1]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
