"""One OpenAI-compatible endpoint: ``POST {endpoint}/chat/completions``, with patience for what passes by itself."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from ..errors import EndpointError
from ..streaming.storage.connection import (
    Address,
    LongAnswerError,
    connect,
    find_proxy,
    host_and_port,
    read_body,
    set_clock,
)
from .budget import Budget
from .cache import Reply
from .prompts import Ask
from .secret import holds, masked

logger = logging.getLogger(__name__)

MAX_REPLY = 8 * 2**20
"""Bytes of an answer above which it is no answer."""
_MAX_ERROR = 64 * 2**10
"""Bytes of an error page that are read."""
MAX_WAIT = 300.0
"""Longest pause in seconds that an endpoint may ask for; one that wants more is treated as failed."""

_PATH = "/chat/completions"
_AGAIN = frozenset({408, 409, 425, 429})
_NO_KEY = "The key is read from the environment variable named by --api-key-env."


class FailCode(StrEnum):
    """Why a request got no answer."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_REPLY = "bad_reply"
    REFUSED = "refused_request"
    BUDGET = "budget"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. ``again`` says whether another try may help, ``wait`` how many seconds the endpoint asked for."""

    code: FailCode
    detail: str
    again: bool = False
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to ask and how patiently.

    Attributes:
        url: Base address, for example ``http://localhost:8000/v1``.
        key: Sent as bearer token; never shown.
        concurrency: Requests on their way at once.
        retries: Further tries of one request.
        timeout: Seconds one try may take in all.
        backoff: Seconds before the first further try; doubles each time.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    concurrency: int = 8
    retries: int = 4
    timeout: float = 120.0
    backoff: float = 1.0

    @property
    def address(self) -> str:
        """The full address that requests go to.

        Raises:
            EndpointError: not an address of http or https, or one that carries a password.

        >>> Endpoint(url="http://localhost:8000/v1/").address
        'http://localhost:8000/v1/chat/completions'
        """
        hint = "Expected a base address such as http://localhost:8000/v1"
        try:
            parts = urlsplit(self.url.strip())
            _ = parts.port
        except ValueError as error:
            raise EndpointError(f"--endpoint cannot be read as an address ({error})", hint=hint) from None
        if parts.username or parts.password:
            raise EndpointError(
                "--endpoint holds a user name or password", hint=f"Leave it out of the address. {_NO_KEY}"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EndpointError(f"--endpoint {self.url!r} is not an address of http or https", hint=hint)
        path = parts.path.rstrip("/").removesuffix(_PATH)
        return urlunsplit((parts.scheme, parts.netloc, path + _PATH, parts.query, ""))

    @property
    def shown(self) -> str:
        """The address for messages, without a query that may hold a secret."""
        return self.address.partition("?")[0]


class Client:
    """Asks, waits and asks again; safe to use from several threads. Use as a context manager.

    Raises:
        EndpointError: the address or the key cannot be sent.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget) -> None:
        # Answers come unpacked: a few packed bytes could fill the memory.
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if endpoint.key:
            if not (endpoint.key.isascii() and endpoint.key.isprintable()) or " " in endpoint.key.strip():
                raise EndpointError("the API key holds characters that no key has, such as a line break", hint=_NO_KEY)
            headers["Authorization"] = f"Bearer {endpoint.key.strip()}"
        self._endpoint = endpoint
        self._address = Address.of(endpoint.address)
        self._headers = headers
        self._budget = budget
        self._stop = threading.Event()
        self._hold_until = 0.0
        self._idle: list[HTTPConnection] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        while self._idle:
            self._idle.pop().close()

    def stop(self) -> None:
        """Send nothing any more; requests on their way are waited for, since they are paid for."""
        self._stop.set()

    def ask(self, ask: Ask) -> Reply | Failure:
        """The answer, or why there is none after all tries.

        Raises:
            EndpointError: what no further request will change: a refused key, a wrong address or model.
        """
        outcome: Reply | Failure = Failure(FailCode.STOPPED, "stopped before it was sent")
        for attempt in range(self._endpoint.retries + 1):
            if attempt and isinstance(outcome, Failure):
                self._wait(self._pause(attempt, outcome))
            self._wait(self._hold_until - time.monotonic())
            if self._stop.is_set():
                return Failure(FailCode.STOPPED, "stopped before it was sent")
            if not self._budget.take(ask.tokens, again=attempt > 0):
                return Failure(FailCode.BUDGET, f"the budget of {self._budget.spent} is spent")
            used = 0
            try:
                outcome = self._send(ask)
                used = self._cost(ask, outcome)
            finally:
                self._budget.settle(ask.tokens, used)
            if isinstance(outcome, Reply):
                return outcome
            logger.info("%s, %s: %s", ask.sample, ask.what, outcome.detail)
            if not outcome.again:
                return outcome
        return outcome

    def _cost(self, ask: Ask, outcome: Reply | Failure) -> int:
        if isinstance(outcome, Reply):
            return outcome.tokens
        return (
            ask.tokens if outcome.code in (FailCode.TIMEOUT, FailCode.BAD_REPLY) else 0
        )  # the work may have been done

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(min(seconds, self._budget.seconds_left(), threading.TIMEOUT_MAX))

    def _pause(self, attempt: int, failure: Failure) -> float:
        """Seconds before a further try: as asked for, else doubling; spread, so that threads come back apart."""
        if failure.wait is not None:
            return failure.wait
        return float(min(60.0, self._endpoint.backoff * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))

    def _send(self, ask: Ask) -> Reply | Failure:
        try:
            status, headers, data = self._post(ask.body, time.monotonic() + self._endpoint.timeout)
        except LongAnswerError:
            return Failure(FailCode.BAD_REPLY, f"an answer of more than {MAX_REPLY} bytes")
        except TimeoutError:
            return self._timed_out()
        except (OSError, HTTPException, ValueError) as error:
            detail = masked(str(error), self._endpoint.key)[:200] or type(error).__name__
            return Failure(FailCode.CONNECTION, f"no connection to {self._endpoint.shown}: {detail}", again=True)
        if status != 200:
            return self._refused(status, headers, data)
        if headers.get("content-encoding", "identity") != "identity":
            return Failure(FailCode.BAD_REPLY, "an answer that is packed, which was not asked for", again=True)
        return self._reply(data, ask)

    def _post(self, body: bytes, until: float) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content of one answer; no wait for any byte of it goes beyond ``until``."""
        (scheme, host, port), path, headers = self._address.origin, self._address.path, self._headers
        proxy = find_proxy(scheme, host, port) if scheme == "http" else None
        if proxy:
            path, headers = f"http://{host_and_port(host, port)}{path}", {**headers, **proxy[1]}
        while True:
            try:
                connection, used = self._idle.pop(), True
            except IndexError:
                connection, used = connect(scheme, host, port), False
            answered = False
            try:
                set_clock(connection, self._endpoint.timeout, until)
                connection.request("POST", path, body=body, headers=headers)
                response = connection.getresponse()
                answered = True
                found = {name.lower(): value for name, value in response.getheaders()}
                try:
                    data = read_body(response, MAX_REPLY if response.status == 200 else _MAX_ERROR)
                except LongAnswerError:
                    if response.status == 200:
                        raise
                    connection.close()
                    return response.status, found, b""
            except ConnectionError:
                connection.close()
                if used and not answered:
                    continue  # the server had closed a connection that nobody used; that is no fault
                raise
            except BaseException:
                connection.close()  # the rest of an answer must not be taken for the next one
                raise
            if response.will_close:
                connection.close()
            else:
                self._idle.append(connection)
            return response.status, found, data

    def _timed_out(self) -> Failure:
        return Failure(FailCode.TIMEOUT, f"no whole answer within {self._endpoint.timeout:g} s", again=True)

    def _refused(self, status: int, headers: Mapping[str, str], data: bytes) -> Failure:
        said = self._said(data)
        what = f"{self._endpoint.shown} answered HTTP {status}{said}"
        if status in _AGAIN or status >= 500:
            code = FailCode.RATE_LIMITED if status == 429 else FailCode.SERVER_ERROR
            wait = _retry_after(headers.get("retry-after", ""))
            if wait is not None and wait > MAX_WAIT:
                return Failure(code, f"{what}; it wants a pause of {wait:.0f} s")
            if wait is not None and status == 429:
                self._hold_until = max(self._hold_until, time.monotonic() + wait)  # meant for all threads
            return Failure(code, what, again=True, wait=wait)
        if status in (401, 403):
            sent = "the API key was refused" if self._endpoint.key else "it asks for an API key, and none was sent"
            raise EndpointError(f"{what}: {sent}", hint=_NO_KEY)
        if status == 402:
            raise EndpointError(f"{what}: the account cannot pay", hint="Answers so far are kept; run it again later.")
        if status in (404, 405, 410) or 300 <= status < 400:
            raise EndpointError(
                f"{what}: no such address or model there",
                hint="Expected --endpoint to be the base address, such as http://localhost:8000/v1, "
                "and --model a name that it serves.",
            )
        return Failure(FailCode.REFUSED, what)

    def _reply(self, data: bytes, ask: Ask) -> Reply | Failure:
        try:
            raw = orjson.loads(data)
            choice = raw["choices"][0]
            text = _text(choice["message"].get("content"))
            finish = str(choice.get("finish_reason") or "stop")[:40]
        except orjson.JSONDecodeError:
            return Failure(FailCode.BAD_REPLY, f"{self._endpoint.shown} answered no JSON{self._said(data)}", again=True)
        except IndexError:
            return Failure(FailCode.BAD_REPLY, f"{self._endpoint.shown} answered without any choice", again=True)
        except (KeyError, TypeError, AttributeError):
            what = f"{self._endpoint.shown} answered JSON that is no chat completion{self._said(data)}"
            return Failure(FailCode.BAD_REPLY, what, again=True)
        if holds(text, self._endpoint.key):
            return Failure(FailCode.BAD_REPLY, f"{self._endpoint.shown} answered with the API key in its text")
        usage = raw.get("usage")
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
        return Reply(text, finish, tokens if isinstance(tokens, int) and tokens >= 0 else ask.tokens)

    def _said(self, data: bytes) -> str:
        """What an answer says, short and on one line, without the key should the endpoint have echoed it."""
        text = data[:4000].decode("utf-8", "replace")
        try:
            error = orjson.loads(data)["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            pass
        text = masked(" ".join(text.split()), self._endpoint.key)
        return f" ({text[:200]}{'...' if len(text) > 200 else ''})" if text else ""


def _text(content: Any) -> str:
    if isinstance(content, list):  # some servers answer in parts
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return "" if content is None else str(content)


def _retry_after(value: str) -> float | None:
    """Seconds to wait as a ``Retry-After`` header says, which holds seconds or a date; None where it says nothing."""
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
