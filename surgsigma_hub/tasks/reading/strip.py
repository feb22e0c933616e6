"""From what a model prints to the words of its answer: no reasoning, no tags, no markup."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import get_args

from ...errors import BadAnswerError
from ...ontology import Kind, concepts
from ...ontology.forms import defined
from ...parsers.grounding import shortened
from .layout import in_words

MAX_TEXT = 100_000
"""Characters of a whole output, reasoning included."""
MAX_ANSWER = 8_000
"""Characters of the answer in it; longer is not an answer, and is not worth the time to search it."""

_ANSWER = re.compile(r"<answer>", re.IGNORECASE)
_ANSWER_END = re.compile(r"</?answer>|<think>", re.IGNORECASE)
_THINK_END = re.compile(r"</think>", re.IGNORECASE)
_THINK = re.compile(r"<think>", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]{1,4000})\}")
_PREFIX = re.compile(
    r"(?:^|\n|(?<=[.;!?])[ ])[ \t>#*_`-]{0,8}(?:(?:my|the|final|correct)[ \t]){0,2}answer[ \t*_`]{0,4}(?::|is:)", re.I
)
_TOKENS = re.compile(r"<\|[^|<>\n]{0,40}\|>|</?(?:s|ref|box|quad|p|br|b|i|em|strong|point)[ \t]{0,2}/?>", re.IGNORECASE)
_FENCE = re.compile(r"```[A-Za-z0-9]{0,12}")
_LINE_MARK = re.compile(r"(?m)^[ \t]{0,8}(?:#{1,6}[ \t]|>|[-*+•][ \t](?!\[))")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\ufe0e\ufe0f]")
_NOT_RUN_ON = re.compile(r"\b((?:is|are|was|were|has|have|had|does|do|did|could|would|should)n)t\b", re.IGNORECASE)
_JOINED = re.compile(
    r"\b((?:gastro|jejuno|duodeno|entero|ileo|colo|recto|vesico|hepato|phaco|capsulo|hydro|visco|adhesio|haemo|hemo))-(?=[a-z])",
    re.IGNORECASE,
)
"""First parts of medical words that some writers set off by a hyphen: "gastro-jejunal", "hepato-cystic"."""
_BLANKS = re.compile(r"\s+")


def answer_part(text: str, expected: str, *, keep_stop: bool = False) -> str:
    r"""The words of the answer, on one line (see :func:`in_words`), without the stop at the end.

    The part in ``<answer>`` (closed or not; the last one that is not empty), else what follows ``</think>``, else
    what follows a line that begins with "Answer:", else everything.

    Args:
        text: What a model printed, or an answer of ours.
        expected: What the task expects, for the error: "one phase".
        keep_stop: Leave the stop at the end and the layout unread, as for a caption.

    Raises:
        BadAnswerError: nothing is left, the reasoning never ends, or the text is absurdly long.

    >>> answer_part("<think>A hook?\n\n</think>\n<answer>**grasper**.", "instruments")
    'grasper'
    """
    if len(text) > MAX_TEXT:
        raise bad(expected, text, f"it has {len(text)} characters, more than {MAX_TEXT}")
    part = _outside_reasoning(text)
    if part is None:
        raise bad(expected, text, "the reasoning never ends and no <answer> follows")
    if len(part) > MAX_ANSWER:
        raise bad(expected, part, f"the answer has {len(part)} characters, more than {MAX_ANSWER}")
    part = "\n".join(line for line in part.splitlines() if line.strip() not in _explanations())
    part = unicodedata.normalize("NFKC", part).replace("’", "'").replace("‘", "'")
    part = _JOINED.sub(r"\1", part)
    part = _NOT_RUN_ON.sub(r"\1't", _TOKENS.sub(" ", _INVISIBLE.sub("", part)))
    boxed = _BOXED.findall(part)
    if boxed and boxed[-1].lstrip().startswith("["):
        part = _BOXED.sub(r"\1", part)  # corners alone: what they enclose is named beside them
    elif boxed:
        part = boxed[-1]
    prefixes = list(_PREFIX.finditer(part))
    if prefixes and part[prefixes[-1].end() :].strip(" \t\n*_`"):
        part = part[prefixes[-1].end() :]
    part = _LINE_MARK.sub("", _FENCE.sub(" ", part)).replace("*", "").replace("`", "")
    part = _BLANKS.sub(" ", part if keep_stop else in_words(part)).strip()
    part = part if keep_stop else part.rstrip(" .;,")
    if not part:
        raise bad(expected, text, "it is empty")
    return part


@cache
def _explanations() -> frozenset[str]:
    """Lines that explain a label instead of answering: definitions that name other labels."""
    return frozenset(defined(kind, id) for kind in get_args(Kind) for id in concepts(kind))


def bad(expected: str, text: str, why: str) -> BadAnswerError:
    """The error for a text that does not read as an answer; it quotes the text, shortened."""
    return BadAnswerError(f"expected {expected}, but {shortened(text)} does not read as that: {why}")


def _outside_reasoning(text: str) -> str | None:
    ends = list(_THINK_END.finditer(text))
    after = text[ends[-1].end() :] if ends else text
    for place in (after, text):  # an answer in front of the reasoning counts only where none follows it
        for tag in reversed(list(_ANSWER.finditer(place))):
            end = _ANSWER_END.search(place, tag.end())
            part = place[tag.end() : end.start() if end else len(place)]
            if part.strip():
                return part
    opened = _THINK.search(after)
    if opened is None:
        return _ANSWER_END.sub(" ", after)
    before = after[: opened.start()]
    return before if before.strip() else None
