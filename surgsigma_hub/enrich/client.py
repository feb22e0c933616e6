"""One OpenAI-compatible endpoint: ``POST {endpoint}/chat/completions``, with patience for what passes by itself."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from ..errors import EndpointError, MissingExtraError
from .budget import Budget
from .cache import Reply
from .prompts import Ask

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

MAX_REPLY = 8 * 2**20
"""Bytes of an answer above which it is no answer."""
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
        MissingExtraError: httpx is not installed.
        EndpointError: the address or the key cannot be sent.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("httpx", "enrich", purpose="asking an endpoint") from None
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if endpoint.key:
            if not (endpoint.key.isascii() and endpoint.key.isprintable()) or " " in endpoint.key.strip():
                raise EndpointError("the API key holds characters that no key has, such as a line break", hint=_NO_KEY)
            headers["Authorization"] = f"Bearer {endpoint.key.strip()}"
        self._endpoint = endpoint
        self._address = endpoint.address
        self._budget = budget
        self._stop = threading.Event()
        self._hold_until = 0.0
        limits = httpx.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency)
        self._http = httpx.Client(headers=headers, timeout=endpoint.timeout, limits=limits, follow_redirects=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

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
        import httpx

        end = time.monotonic() + self._endpoint.timeout
        data = bytearray()
        try:
            with self._http.stream("POST", self._address, content=ask.body) as response:
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_REPLY:
                        return Failure(FailCode.BAD_REPLY, f"an answer of more than {MAX_REPLY} bytes")
                    if time.monotonic() > end:  # a server that drips bytes never lets the socket itself time out
                        return self._timed_out()
        except httpx.TimeoutException:
            return self._timed_out()
        except httpx.TransportError as error:
            detail = self._safe(str(error)) or type(error).__name__
            return Failure(FailCode.CONNECTION, f"no connection to {self._endpoint.shown}: {detail}", again=True)
        except httpx.DecodingError as error:
            return Failure(FailCode.BAD_REPLY, f"an answer that cannot be unpacked ({error})", again=True)
        if response.status_code == 200:
            return self._reply(bytes(data), ask)
        return self._refused(response, bytes(data))

    def _timed_out(self) -> Failure:
        return Failure(FailCode.TIMEOUT, f"no whole answer within {self._endpoint.timeout:g} s", again=True)

    def _refused(self, response: httpx.Response, data: bytes) -> Failure:
        status = response.status_code
        said = self._said(data)
        what = f"{self._endpoint.shown} answered HTTP {status}{said}"
        if status in _AGAIN or status >= 500:
            code = FailCode.RATE_LIMITED if status == 429 else FailCode.SERVER_ERROR
            wait = _retry_after(response.headers.get("Retry-After", ""))
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
            finish = str(choice.get("finish_reason") or "stop")
        except orjson.JSONDecodeError:
            return Failure(FailCode.BAD_REPLY, f"{self._endpoint.shown} answered no JSON{self._said(data)}", again=True)
        except IndexError:
            return Failure(FailCode.BAD_REPLY, f"{self._endpoint.shown} answered without any choice", again=True)
        except (KeyError, TypeError, AttributeError):
            what = f"{self._endpoint.shown} answered JSON that is no chat completion{self._said(data)}"
            return Failure(FailCode.BAD_REPLY, what, again=True)
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
        text = self._safe(" ".join(text.split()))
        return f" ({text[:200]}{'...' if len(text) > 200 else ''})" if text else ""

    def _safe(self, text: str) -> str:
        key = (self._endpoint.key or "").strip()
        return text.replace(key, "***") if key else text


def _text(content: Any) -> str:
    if isinstance(content, list):  # some servers answer in parts
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return "" if content is None else str(content)


def _retry_after(value: str) -> float | None:
    """Seconds to wait as a ``Retry-After`` header says, which holds seconds or a date; None where it says nothing."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
