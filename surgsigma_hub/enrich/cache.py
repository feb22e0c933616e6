"""Answers that were paid for, kept by what was asked: a run that was killed goes on without asking again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import orjson

from ..shards.manifest import write_atomic
from .prompts import PROMPT_VERSION, Ask

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. ``finish`` is why it ended (``stop``, ``length``, ...), ``tokens`` what it cost in all."""

    text: str
    finish: str
    tokens: int


class AnswerCache:
    """One small JSON file per answer under ``folder``, named by the digest of its request; each is written whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, digest: str) -> Reply | None:
        """The answer to a request; None where there is none, or none that can be read."""
        path = self._path(digest)
        try:
            raw = orjson.loads(path.read_bytes())
            return Reply(str(raw["text"]), str(raw["finish"]), int(raw["tokens"]))
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            logger.warning("cached answer %s cannot be read; it is asked for again", path.name)
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
        write_atomic(self._path(ask.digest), orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE))

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.json"
