"""Answers that were paid for, kept by what was asked: a run that was killed goes on without asking again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import orjson

from ..whole_files import WholeFiles
from .prompts import PROMPT_VERSION, Ask

logger = logging.getLogger(__name__)


_MOST = 8 << 20
"""Bytes of an answer; a model that is asked for 2,000 tokens writes a hundredth of a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. ``finish`` is why it ended (``stop``, ``length``, ...), ``tokens`` what it cost in all."""

    text: str
    finish: str
    tokens: int


class AnswerCache:
    """One small JSON file per answer under ``folder``, named by the digest of its request; each is written whole.

    Nothing is removed: an answer costs more to ask for again than to keep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = WholeFiles(folder, each=_MOST)

    def get(self, digest: str) -> Reply | None:
        """The answer to a request; None where there is none, or none that can be read."""
        try:
            data = self._files.read(_name(digest))
            if data is None:
                return None
            raw = orjson.loads(data)
            return Reply(str(raw["text"]), str(raw["finish"]), int(raw["tokens"]))
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            logger.warning("cached answer %s.json cannot be read; it is asked for again", digest)
            return None

    def put(self, ask: Ask, reply: Reply) -> None:
        """Keep an answer."""
        found = {
            "text": reply.text,
            "finish": reply.finish,
            "tokens": reply.tokens,
            "prompts": PROMPT_VERSION,
            "sample": ask.sample,
            "what": ask.what,
        }
        self._files.write(_name(ask.digest), orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE))


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}.json"
