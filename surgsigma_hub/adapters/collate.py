"""From conversations with pictures to a training batch of which only the assistant's words are learned."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError, SurgSigmaError
from .base import Options
from .formats.trl import ADAPTER as TRL

if TYPE_CHECKING:
    from ..streaming import StreamSample

logger = logging.getLogger(__name__)

IGNORED = -100
"""Label of a token that is not learned."""

_TAGS = re.compile(r"<(image|video)>\n?")
_PER_TOKEN = ("token_type_ids", "mm_token_type_ids")


class VlmCollator:
    """Makes batches for ``SFTTrainer(data_collator=...)``, for the ``Trainer`` of transformers and for own loops.

    A row is an item of a stream, or what ``get_adapter("trl")`` makes of one: ``messages`` (or ``prompt`` and
    ``completion``), and ``images`` or ``videos`` in the order of their places; ``id`` names it in errors. Videos that
    are frames (arrays, lists of images) come with ``video_fps``, a number of frames a second for each: Qwen-VL tells
    its models the times of frames, and all that are given are shown.

    The conversation is cut where the assistant begins to speak, and the pieces are tokenized one by one: what is
    learned is what the model has to say after just such a prompt, its end-of-turn token included. Prompts, media
    tokens, padding and what the template writes behind the end of a turn are not learned. Any chat template will do,
    with or without ``{% generation %}``, if it only appends to what it has written for earlier turns.

    Nothing is cut: a truncated picture is an error of the model a few lines later, a truncated answer teaches to
    stop in the middle.

    Args:
        processor: With a chat template and a tokenizer with a padding token, as ``AutoProcessor`` gives it.
        max_length: Most tokens of a row, media tokens included. None: any number.
        pad_to_multiple_of: The length of a batch is a multiple of this.
        options: How items of a stream become conversations: boxes, reasoning, frames.

    Raises:
        SurgSigmaError: no chat template or padding token.
    """

    def __init__(
        self,
        processor: Any,
        *,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        options: Options | None = None,
    ) -> None:
        tokenizer = getattr(processor, "tokenizer", None)
        if tokenizer is None or getattr(processor, "chat_template", None) is None:
            raise SurgSigmaError(
                f"{type(processor).__name__} has no tokenizer or no chat template",
                hint="Give the processor of an instruction-tuned model, as AutoProcessor.from_pretrained gives it.",
            )
        if tokenizer.pad_token_id is None:
            raise SurgSigmaError("the tokenizer has no padding token", hint="Set processor.tokenizer.pad_token.")
        self.processor = processor
        self.max_length = max_length
        self.multiple = pad_to_multiple_of or 1
        self.options = options
        self._warned = False

    def __call__(self, rows: Sequence[Mapping[str, Any] | StreamSample]) -> dict[str, Any]:
        """The batch: ``input_ids``, ``attention_mask``, ``labels`` and what the processor makes of the media.

        Raises:
            SurgSigmaError: a row without an answer, with media that do not fit its messages, or longer than
                ``max_length``; the error names it.
            MissingExtraError: torch is not installed.
        """
        if not rows:
            raise SurgSigmaError("an empty batch", hint="Expected one row or more.")
        records = [row if isinstance(row, Mapping) else TRL.item(row, self.options) for row in rows]
        talks = [_messages(row) for row in records]
        pieces = [self._pieces(talk, row) for talk, row in zip(talks, records, strict=True)]
        media = {
            f"{kind}s": [_media(row, talk, kind) for row, talk in zip(records, talks, strict=True)]
            for kind in ("image", "video")
        }
        prompts = self.processor(
            text=[self._bare(piece[0]) for piece in pieces],
            **{name: each if any(each) else None for name, each in media.items() if name == "images" or any(each)},
            **_clocks(records, media["videos"]),
            padding=True,
            padding_side="left",  # so that the prompts of a batch end at the same place
            add_special_tokens=False,  # the template has written them
            return_tensors="pt",
        )
        return self._joined(prompts, [piece[1:] for piece in pieces], records)

    # -- text -------------------------------------------------------------------------------------------------------

    def _pieces(self, talk: list[dict[str, Any]], row: Mapping[str, Any]) -> list[str]:
        """Prompt and answer in turn; the first prompt holds all media."""
        turns = [n for n, message in enumerate(talk) if message["role"] == "assistant"]
        if not turns or turns[-1] != len(talk) - 1 or turns[0] == 0:
            raise _wrong(row, "the conversation must begin with a question and end with an answer")
        if any(part["type"] != "text" for message in talk[turns[0] :] for part in message["content"]):
            raise _wrong(row, "media after the first answer, or in an answer; they must stand in the first question")
        written, found = "", []
        for turn in turns:
            asked = self._written(talk[:turn], opened=False)
            text = self._written(talk[: turn + 1], opened=False)
            # Templates of reasoning models open a turn with words of their own ("<think>") that an answer may repeat.
            opened = _common_start(self._written(talk[:turn], opened=True), text)
            if not asked.startswith(written) or not opened.startswith(asked):
                raise _wrong(row, "the chat template changes earlier turns when a later one is added")
            found += [opened[len(written) :], text[len(opened) :]]
            written = text
        return found

    def _bare(self, prompt: str) -> str:
        """The prompt with nothing around the places of videos, where the processor of Qwen3-VL writes that itself.

        The chat template puts a start and an end around a place, and the processor around each step of time. From
        transformers 5.19 on (5.24 too) it leaves those of the template standing, which the published models never saw;
        5.6 replaces them. Without them both give the same tokens.
        """
        if not any(kind.__name__ == "Qwen3VLProcessor" for kind in type(self.processor).__mro__):
            return prompt
        start, place, end = (getattr(self.processor, f"{n}_token") for n in ("vision_start", "video", "vision_end"))
        return prompt.replace(f"{start}{place}{end}", place)

    def _written(self, talk: list[dict[str, Any]], *, opened: bool) -> str:
        return str(self.processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=opened))

    def _tokens(self, pieces: Sequence[str]) -> tuple[list[int], list[bool]]:
        """Token ids of the pieces behind the first prompt, and which of them are learned."""
        tokenizer = self.processor.tokenizer
        ids: list[int] = []
        learned: list[bool] = []
        for n, piece in enumerate(pieces):
            own = list(tokenizer(piece, add_special_tokens=False)["input_ids"])
            ends = [at for at, id in enumerate(own) if id == tokenizer.eos_token_id]
            if n % 2:  # a later prompt
                learned += [False] * len(own)
            elif ends:
                learned += [at <= ends[-1] for at in range(len(own))]
            else:
                if not self._warned:
                    logger.warning(
                        "the chat template ends answers without %r: nothing teaches the model to stop",
                        tokenizer.eos_token,
                    )
                    self._warned = True
                learned += [True] * len(own)
            ids += own
        return ids, learned

    # -- tensors ----------------------------------------------------------------------------------------------------

    def _joined(
        self, prompts: Mapping[str, Any], answers: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        torch = _torch()
        ids: list[Any] = []
        labels: list[Any] = []
        kinds: dict[str, list[Any]] = {name: [] for name in _PER_TOKEN if name in prompts}
        for n, row in enumerate(rows):
            real = prompts["attention_mask"][n].bool()
            prompt = prompts["input_ids"][n][real]
            said, learned = self._tokens(answers[n])
            answer = torch.tensor(said, dtype=prompt.dtype)
            length = len(prompt) + len(answer)
            if self.max_length is not None and length > self.max_length:
                raise _wrong(
                    row,
                    f"{length} tokens ({len(prompt)} of the prompt with its media, {len(answer)} behind it), more than "
                    f"max_length={self.max_length}",
                    hint="Raise max_length, or make media smaller: Rgb(short_side=...) or fewer frames.",
                )
            ids.append(torch.cat([prompt, answer]))
            labels.append(
                torch.cat([torch.full_like(prompt, IGNORED), answer.masked_fill(~torch.tensor(learned), IGNORED)])
            )
            for name, each in kinds.items():
                each.append(torch.cat([prompts[name][n][real], torch.zeros_like(answer)]))
        longest = -(-max(map(len, ids)) // self.multiple) * self.multiple

        def padded(each: Sequence[Any], value: int) -> Any:
            return torch.stack([torch.nn.functional.pad(one, (0, longest - len(one)), value=value) for one in each])

        batch = {name: value for name, value in prompts.items() if name not in kinds}
        batch["input_ids"] = padded(ids, self.processor.tokenizer.pad_token_id)
        batch["attention_mask"] = padded([torch.ones_like(one) for one in ids], 0)
        batch["labels"] = padded(labels, IGNORED)
        return batch | {name: padded(each, 0) for name, each in kinds.items()}


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "train", purpose="VlmCollator") from None
    return torch


def _common_start(a: str, b: str) -> str:
    return a[: next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))]


def _messages(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conversation with typed parts; tags in a text become places for media."""
    if "messages" in row:
        messages = row["messages"]
    elif "prompt" in row and "completion" in row:
        messages = [*row["prompt"], *row["completion"]]
    else:
        raise _wrong(
            row,
            "neither messages nor prompt and completion",
            hint="Expected items of a stream, or get_adapter('trl') of them.",
        )
    made = [{**message, "content": list(_parts(message))} for message in messages]
    asked = next((message for message in made if message["role"] == "user"), None)
    for kind in ("image", "video"):
        if asked and not any(part["type"] == kind for message in made for part in message["content"]):
            # As TRL has it: media of messages without places stand before the first question.
            asked["content"] = [*({"type": kind} for _ in row.get(f"{kind}s") or ()), *asked["content"]]
    return made


def _parts(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = message["content"]
    if not isinstance(content, str):
        yield from content
        return
    if message["role"] == "assistant":
        yield {"type": "text", "text": content}
        return
    at = 0
    for tag in _TAGS.finditer(content):
        if content[at : tag.start()]:
            yield {"type": "text", "text": content[at : tag.start()]}
        yield {"type": tag[1]}
        at = tag.end()
    if content[at:]:
        yield {"type": "text", "text": content[at:]}


def _media(row: Mapping[str, Any], talk: Sequence[Mapping[str, Any]], kind: str) -> list[Any]:
    """The media of a row: those in its messages, and its column for places that hold none."""
    column = iter(row.get(f"{kind}s") or ())
    found = []
    for part in (part for message in talk for part in message["content"] if part["type"] == kind):
        own = part.get(kind)
        found.append(own if own is not None else next(column, None))
    if any(one is None for one in found) or next(column, None) is not None:
        given = len(row.get(f"{kind}s") or ())
        raise _wrong(row, f"{len(found)} places for a {kind} in its messages, but {given} in column {kind}s")
    return found


def _clocks(rows: Sequence[Mapping[str, Any]], videos: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """What a processor is told of videos that are frames already: none is left out, and when each was taken."""
    found: list[dict[str, Any]] = []
    for row, shown in zip(rows, videos, strict=True):
        rates = row.get("video_fps") or [None] * len(shown)
        if len(rates) != len(shown):
            raise _wrong(row, f"{len(shown)} videos, but {len(rates)} numbers in column video_fps")
        for video, rate in zip(shown, rates, strict=True):
            if isinstance(video, str | bytes):
                continue
            if rate is None or not rate > 0:
                raise _wrong(
                    row,
                    f"a video of {len(video)} frames without its frames a second ({rate!r})",
                    hint="Give a column video_fps with a number for each video, or the path of a video file.",
                )
            count = len(video)
            about = {"fps": float(rate), "duration": count / rate, "total_num_frames": count}
            found.append({**about, "frames_indices": list(range(count))})
    if not found:
        return {}
    if len(found) != sum(map(len, videos)):
        raise SurgSigmaError("a batch of videos as frames and as files", hint="Give all of them in one form.")
    return {"video_metadata": found, "do_sample_frames": False}


def _wrong(row: Mapping[str, Any], what: str, *, hint: str = "") -> SurgSigmaError:
    name = row.get("id") or row.get("key") or "(without id)"
    return SurgSigmaError(f"sample {name}: {what}", hint=hint)
