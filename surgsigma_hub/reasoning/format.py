"""The published text form of a trace: written for trainers, read from releases and from what a model says."""

from __future__ import annotations

import re

from ..parsers.trace import Level, answer_of, parse_trace
from ..records import Reasoning

_ASKS = {
    1: "This is a Level 1 task, which asks what is seen and where.",
    2: "This is a Level 2 task, which asks how instruments and anatomy interact.",
    3: "This is a Level 3 task, which asks for the place in the operation.",
}


_SENTENCE = re.compile(r"(?<=[.])\s+(?=[A-Z])")


def shortened(reasoning: Reasoning) -> Reasoning:
    """The short form of a trace that rules made: what it takes to come to the answer, and no more.

    Rules put what is in view first and what the answer follows from last. Of level 1 the first sentence stays, and the
    last one where there is no other level; of level 2 the last one; of level 3 the last two: the reason and the answer.
    Levels that a model wrote, and those of captions, which name all that is seen, are better left as they are.

    >>> shortened(Reasoning(2, "A hook. Smoke.", "It cuts. So: division.")).relational
    'So: division.'
    """
    texts = (reasoning.perceptual, reasoning.relational, reasoning.contextual)
    kept: list[str | None] = []
    for level, text in enumerate(texts, 1):
        sentences = _SENTENCE.split(text) if text else []
        if level == 1 and reasoning.level > 1:
            sentences = sentences[:1]
        elif level == 1:
            sentences = [*sentences[:1], *sentences[1:][-1:]]
        else:
            sentences = sentences[-2:] if level == 3 else sentences[-1:]
        kept.append(" ".join(sentences) or None)
    return Reasoning(reasoning.level, *kept)


def write_trace(reasoning: Reasoning, answer_text: str, *, headings: str = "Level {n}: ", preamble: bool = True) -> str:
    r"""``<think>...</think>`` and ``<answer>...</answer>`` as the public releases write them.

    Args:
        reasoning: A trace without any level gives an empty ``<think>``.
        answer_text: What stands in ``<answer>``.
        headings: What each level begins with; ``{n}`` is its number.
        preamble: Whether a first sentence names the depth of the task.

    >>> write_trace(Reasoning(1, "A hook."), "hook", preamble=False)
    '<think>Level 1: A hook.</think>\n<answer>hook</answer>'
    """
    parts = [_ASKS[reasoning.level]] if preamble and reasoning.level else []
    texts = (reasoning.perceptual, reasoning.relational, reasoning.contextual)
    parts += [f"{headings.format(n=n)}{text}" for n, text in enumerate(texts, 1) if text]
    thought = "\n\n".join(parts)
    return f"<think>{thought}</think>\n<answer>{answer_text}</answer>"


def read_trace(text: str, *, unmarked: Level | None = None) -> tuple[Reasoning, str | None]:
    """The levels of a trace and its answer; the known variations of headings and tags are read alike.

    Args:
        text: With or without tags; the sentence before the first level is dropped.
        unmarked: The level that a text without any heading belongs to; None reads no level from such a text.

    Returns:
        The trace, ``Reasoning()`` where there is none, and the text of the answer, None where no tag marks one.

    Raises:
        BadRowError: control tokens of a language model (``<|``).

    >>> read_trace("<think>Level 1:A hook.</think><answer>hook</answer>")[1]
    'hook'
    """
    trace = parse_trace(text, unmarked=unmarked)
    answer = answer_of(text)
    if trace is None:
        return Reasoning(), answer
    levels = (trace.perceptual, trace.relational, trace.contextual)
    return Reasoning(max(n for n, level in enumerate(levels, 1) if level), *levels), answer
