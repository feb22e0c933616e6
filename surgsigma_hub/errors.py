"""Every error this package raises on purpose: what went wrong, where, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SurgSigmaError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: What went wrong and where.
        hint: What to do next; printed after the message.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n  {hint}" if hint else message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep message and hint when a worker process sends the error home."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[SurgSigmaError], message: str, hint: str) -> SurgSigmaError:
    error = kind.__new__(kind)
    SurgSigmaError.__init__(error, message, hint=hint)
    return error


class UnknownNameError(SurgSigmaError):
    """A name outside a closed vocabulary (source, task, split, config, option, label)."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        options = sorted(known)
        close = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
        shown = ", ".join(options[:40]) + (", ..." if len(options) > 40 else "")
        hint = f"Did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
        place = f" in {where}" if where else ""
        super().__init__(f"unknown {kind} {name!r}{place}", hint=f"{hint}Known: {shown or '(none)'}.")


class LabelError(UnknownNameError):
    """A native label that the ontology does not know: never guessed."""


class LayoutError(SurgSigmaError):
    """A source root that does not look like the dataset's published layout."""


class BadRowError(SurgSigmaError):
    """One native row, file or string that breaks the format of its source."""


class MediaError(SurgSigmaError):
    """A picture or film that cannot be read or is not acceptable.

    Args:
        reason: One of the quarantine reasons of ``records.Reason``.
    """

    def __init__(self, message: str, *, reason: str = "media_unreadable", hint: str = "") -> None:
        self.reason = reason
        super().__init__(message, hint=hint)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_media, (self.message, self.reason, self.hint))


def _rebuild_media(message: str, reason: str, hint: str) -> MediaError:
    return MediaError(message, reason=reason, hint=hint)


class SampleError(SurgSigmaError):
    """A sample that breaks the schema or one of the invariants of a sample."""


class BadAnswerError(SurgSigmaError):
    """A text that cannot be read as an answer of its task: says what was expected and quotes the text, shortened."""


class BuildError(SurgSigmaError):
    """A build that cannot start or go on."""


class ShardError(SurgSigmaError):
    """A shard or manifest that is damaged, foreign or of a newer format version."""


class MissingExtraError(SurgSigmaError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, *, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            hint=f"pip install 'surgsigma-hub[{extra}]'",
        )


class EndpointError(SurgSigmaError):
    """A service asked over the network that cannot be used: wrong address, refused key, or no answers."""


class UnfitError(SurgSigmaError):
    """A sample that a trainer's format cannot express, or a text that cannot be put in a convention of boxes.

    Args:
        reason: One of ``adapters.REASONS``, for counting.
    """

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        self.reason = reason
        super().__init__(message, hint=hint)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_unfit, (self.message, self.reason, self.hint))


def _rebuild_unfit(message: str, reason: str, hint: str) -> UnfitError:
    return UnfitError(message, reason=reason, hint=hint)
