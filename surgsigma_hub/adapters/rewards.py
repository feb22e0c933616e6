r"""Rewards for reinforcement learning, in TRL's form: ``f(completions, **columns) -> list[float]``, each 0 to 1.

Pure rules: no torch, no model, no network. The truth scores 1, what does not read as an answer scores 0.

- :func:`answer_reward` reads each completion with the ``parse`` of its task and compares it with ``solution``.
- :func:`trace_reward` looks at the form alone: ``<think>``, its levels in order, ``<answer>``.

Give both to ``GRPOTrainer(reward_funcs=[answer_reward, trace_reward], ...)`` and weigh them with ``reward_weights``.
The columns that they need are those of ``get_adapter("grpo")``. :func:`verl_reward` is the first in the form of verl,
:func:`easyr1_reward` both in that of EasyR1.

TRL decodes completions with ``skip_special_tokens=True``: a tokenizer that holds ``<think>`` or ``<answer>`` as
*special* tokens loses them before a reward sees them. Add them as ordinary tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ..errors import BadAnswerError, SurgSigmaError
from ..parsers.trace import levels_of
from ..records import Answer, AnswerBox, AnswerCriterion, AnswerTriplet
from ..tasks import get_task
from ..tasks.common.base import Space
from .scores import score

__all__ = ["answer_reward", "easyr1_reward", "read_solution", "trace_reward", "verl_reward"]

Completion = str | Sequence[Mapping[str, Any]]
"""What TRL hands over: a text, or the messages of the assistant."""

_THOUGHT = re.compile(r"\s*<think>(?P<thought>.*?)</think>", re.DOTALL)
_ANSWER = re.compile(r"<answer>(?P<answer>.*?)</answer>\s*\Z", re.DOTALL)
_TAG = re.compile(r"</?(?:think|answer)>")


def answer_reward(
    completions: Sequence[Completion],
    solution: Sequence[str | Mapping[str, Any] | Answer],
    task: Sequence[str],
    size: Sequence[Sequence[int] | None] | None = None,
    space: Sequence[Space | None] | None = None,
    prompts: Sequence[Completion] | None = None,
    **_: Any,
) -> list[float]:
    """How right the typed answers are, by the rules of :mod:`surgsigma_hub.adapters.scores`.

    Args:
        completions: What the model printed; tags and reasoning may be there and do not count.
        solution: The truth of each: ``sample["answer"]``, the same as JSON, or an answer's text.
        task: The task of each, one of ``adapters.formats.grpo.verifiable_tasks()``; its names are configs.
        size: Width and height of each picture as the model saw it, for boxes in pixels.
        space: What the numbers of boxes are; None decides by their size, as ``parse`` does.
        prompts: What was asked, which TRL hands over: without it a letter or a bare yes cannot be read.

    Raises:
        SurgSigmaError: columns of unequal length, a task without a rule, or a solution that is no answer of its task.
            A completion never raises.
    """
    columns = {"solution": solution, "task": task, "size": size, "space": space, "prompts": prompts}
    for name, column in columns.items():
        if column is not None and len(column) != len(completions):
            raise SurgSigmaError(f"{len(completions)} completions, but {len(column)} values in column {name!r}")
    found: list[float] = []
    for n, completion in enumerate(completions):
        truth = read_solution(task[n], solution[n])
        wide_high = size[n] if size is not None else None
        parse = get_task(task[n]).parse
        try:
            answer = parse(
                text_of(completion),
                size=(int(wide_high[0]), int(wide_high[1])) if wide_high else None,
                space=space[n] if space is not None else None,
                question=text_of(prompts[n]) if prompts is not None else None,
            )
        except BadAnswerError:
            found.append(0.0)
        else:
            found.append(score(task[n], answer, truth))
    return found


def verl_reward(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Mapping[str, Any] | None = None, **_: Any
) -> float:
    """How right one answer is, 0 to 1, in the form that verl calls for rows of ``get_adapter("verl")``.

    Args:
        data_source: Not used: ``extra_info`` names the task.
        solution_str: What the model printed.
        ground_truth: The typed answer as JSON.
        extra_info: The task, the question, and what the numbers of boxes are.

    Raises:
        SurgSigmaError: rows that are not of our export. An answer never raises.

    >>> truth = '{"text": "The hook.", "labels": ["hook"]}'
    >>> verl_reward("surgsigma", "A hook.", truth, {"task": "instrument_recognition"})
    1.0
    """
    told = extra_info or {}
    if "task" not in told:
        raise SurgSigmaError(
            f"a row of {data_source!r} without a task in extra_info",
            hint="Expected rows of: surgsigma export --format verl",
        )
    size = told.get("size")
    (found,) = answer_reward(
        [solution_str],
        [ground_truth],
        [told["task"]],
        size=[None if size is None else [int(side) for side in size]],
        space=[told.get("space")],
        prompts=[told["question"]] if told.get("question") else None,
    )
    return found


def easyr1_reward(reward_inputs: Sequence[Mapping[str, Any]], **_: Any) -> list[dict[str, float]]:
    """How right answers are, 0 to 1, in the form that EasyR1 calls for rows of ``get_adapter("easyr1")``.

    Args:
        reward_inputs: Of each answer its ``response``, what the model printed, and ``ground_truth`` of the row.

    Returns:
        Of each: ``accuracy``, as :func:`answer_reward`; ``format``, as :func:`trace_reward`, which is only told; and
        ``overall``, the reward itself, which is the accuracy.

    Raises:
        SurgSigmaError: rows that are not of our export. An answer never raises.

    >>> truth = '{"solution": {"text": "The hook.", "labels": ["hook"]}, "task": "instrument_recognition"}'
    >>> easyr1_reward([{"response": "A hook.", "ground_truth": truth}])
    [{'overall': 1.0, 'format': 0.0, 'accuracy': 1.0}]
    """
    found = []
    for one in reward_inputs:
        try:
            told = orjson.loads(one["ground_truth"])
            solution = orjson.dumps(told["solution"]).decode()
        except (KeyError, TypeError, orjson.JSONDecodeError):
            raise SurgSigmaError(
                f"a ground truth that is none of ours: {str(one.get('ground_truth'))[:60]!r}",
                hint="Expected rows of: surgsigma export --format easyr1",
            ) from None
        right = verl_reward("easyr1", one["response"], solution, told)
        (form,) = trace_reward([one["response"]])
        found.append({"overall": right, "format": form, "accuracy": right})
    return found


def trace_reward(
    completions: Sequence[Completion], reasoning_level: Sequence[int | None] | None = None, **_: Any
) -> list[float]:
    """How well formed the traces are: a quarter for each of four marks.

    1. One closed ``<think>`` at the start.
    2. One closed ``<answer>`` that is not empty, at the end.
    3. Both, once each, with nothing but blanks around and between them.
    4. In a closed ``<think>``, headings ("Level 1:") that begin with 1 and climb by one, down to ``reasoning_level``
       where that column names a depth; depth 0 wants none. Without the column any depth from 1 on is right.

    Only the form counts: a well-formed trace with a false answer has 1. Use it beside :func:`answer_reward`.

    >>> trace_reward(["<think>Level 1: A hook.</think><answer>hook</answer>", "<answer>hook</answer>", "hook"])
    [1.0, 0.25, 0.0]
    """
    if reasoning_level is not None and len(reasoning_level) != len(completions):
        raise SurgSigmaError(f"{len(completions)} completions, but {len(reasoning_level)} values in 'reasoning_level'")
    levels = reasoning_level if reasoning_level is not None else [None] * len(completions)
    return [_form(text_of(c), level) for c, level in zip(completions, levels, strict=True)]


def _form(text: str, level: int | None) -> float:
    tags = _TAG.findall(text)
    thought, answer = _THOUGHT.match(text), _ANSWER.search(text)
    has_thought = thought is not None and tags.count("<think>") == tags.count("</think>") == 1
    has_answer = answer is not None and tags.count("<answer>") == tags.count("</answer>") == 1
    has_answer = has_answer and bool(answer and answer["answer"].strip())
    marks = has_thought + has_answer
    if thought and answer and has_thought and has_answer:
        marks += thought.end() <= answer.start() and not text[thought.end() : answer.start()].strip()
    if thought and has_thought:
        found = levels_of(thought[0])
        climbs = found == tuple(range(1, len(found) + 1))
        marks += climbs and (len(found) == level if level is not None else bool(found))
    return marks / 4


def text_of(completion: Completion) -> str:
    """The text of a completion: as it is, or of its last message, whose content is a string or parts.

    Raises:
        SurgSigmaError: neither a text nor messages.
    """
    if isinstance(completion, str):
        return completion
    content: Any = completion[-1].get("content") if len(completion) else ""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, Sequence):
        return "".join(str(part.get("text", "")) for part in content)
    raise SurgSigmaError(
        f"a completion with content of the type {type(content).__name__}",
        hint="Expected a text, or messages whose content is a text or a list of parts.",
    )


def read_solution(task: str, solution: str | Mapping[str, Any] | Answer) -> Answer:
    """The typed truth behind a column ``solution``.

    Raises:
        SurgSigmaError: not the form of an answer.
        BadAnswerError: a text that does not read as an answer of the task.
    """
    if isinstance(solution, Answer):
        return solution
    raw: Any = solution
    if isinstance(solution, str):
        try:
            raw = orjson.loads(solution)
        except orjson.JSONDecodeError:
            return get_task(task).parse(solution)
        if not isinstance(raw, dict):  # "10" is both JSON and an answer
            return get_task(task).parse(solution)
    try:
        return Answer(
            text=raw["text"],
            labels=tuple(raw.get("labels") or ()),
            triplets=tuple(AnswerTriplet(**t) for t in raw.get("triplets") or ()),
            boxes=tuple(AnswerBox(**b) for b in raw.get("boxes") or ()),
            criteria=tuple(
                AnswerCriterion(c["criterion"], c["met"], tuple(c.get("scores") or ()))
                for c in raw.get("criteria") or ()
            ),
            seconds=raw.get("seconds"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise SurgSigmaError(
            f"a solution of {task!r} does not have the form of an answer ({error!r})",
            hint="Expected sample['answer'], the same as JSON, or the answer's text.",
        ) from None
