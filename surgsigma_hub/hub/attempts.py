"""Steps at the Hub that are tried again where the failure may pass, and looked at before that.

A step whose answer was lost may have been done; one that was refused may have been refused because it had. The token is
never printed or kept.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TypeVar

from ..errors import SurgSigmaError

logger = logging.getLogger(__name__)

TRIES = 3
"""How often one step is tried, after 1 and 2 s; huggingface_hub tries most requests five times more by itself."""

_PASSING = (408, 425, 429, 500, 502, 503, 504)
_T = TypeVar("_T")


class PushError(SurgSigmaError):
    """The Hub did not take what was sent."""


def attempt(
    name: str,
    step: Callable[[], _T],
    what: str,
    *,
    wait: Callable[[float], None],
    landed: Callable[[], _T | None] | None = None,
) -> _T:
    """The result of a step, tried again where its failure may pass.

    Args:
        name: Of the dataset or bucket, for errors.
        step: What is tried.
        what: Of it failed, for errors: "it could not be looked at".
        wait: Called with the seconds to wait before another try.
        landed: Asked after each failure: the result, if the step was done all the same.

    Raises:
        PushError: it failed for good.
    """
    from huggingface_hub.errors import HfHubHTTPError

    for number in range(1, TRIES + 1):
        try:
            return step()
        # The errors of whichever HTTP library this huggingface_hub uses; RuntimeError where it gives up on its own.
        except (OSError, RuntimeError, ValueError, *HfHubHTTPError.__bases__) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise PushError(f"{error.filename}: {error.strerror or error}") from None  # a file of the tree
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status is None and isinstance(error, PermissionError):  # hf_xet says no number
                status = 401
            logger.info("%s: %s, try %d: %s", name, what, number, without_secrets(error))
            if landed is not None and (found := landed()):
                return found
            passing = status in _PASSING or (status is None and not isinstance(error, ValueError))
            if number == TRIES or not passing:
                raise _refused(name, what, status, error) from None
            wait(2.0 ** (number - 1))
    raise AssertionError


def _refused(name: str, what: str, status: int | None, error: Exception) -> PushError:
    cure = "Run the same command again: it goes on from what has arrived."
    if status in (401, 403):
        cure = "Log in with: hf auth login (a token that may write to this place), then run this again."
    if status == 412:
        cure = "Somebody else committed to it. Run the same command again: it looks at what is there now."
    said = without_secrets(error)
    if status is None and error.__cause__ is not None:  # of a file that did not arrive, only this says why
        said = f"{said.rstrip('.')}: {without_secrets(str(error.__cause__))}"
    return PushError(f"{name}: {what}: {said}", hint=cure)


def without_secrets(error: Exception | str) -> str:
    """The first line of an error without tokens and without what signs a link to a storage.

    >>> without_secrets("403 for https://s3.example/x?X-Amz-Signature=abc with hf_abcdefghijklmnopq")
    '403 for https://s3.example/x?... with hf_***'
    """
    from huggingface_hub import get_token

    text = " ".join(str(error).split())
    if token := get_token():
        text = text.replace(token, "***")
    text = re.sub(r"hf_[A-Za-z0-9]{8,}", "hf_***", text)
    return re.sub(r"(https?://[^\s?]+)\?\S+", r"\1?...", text)[:400] or type(error).__name__
