"""A bucket on the Hub: what it holds, and where its files are asked for; it has no versions to pin."""

from __future__ import annotations

from ...errors import SurgSigmaError
from .deadline import within
from .options import RemoteOptions

_HINT = "Check the spelling of hf://buckets/ORG/NAME; for a private one log in: hf auth login"


def bucket_url(name: str, folder: str) -> str:
    """Where the files below a folder of a bucket are, with a slash at the end."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/buckets/{name}/resolve/" + (f"{folder}/" if folder else "")


def list_bucket(name: str, folder: str, options: RemoteOptions) -> list[str]:
    """Paths of all files below a folder of a bucket, relative to it.

    Args:
        name: ``ORG/NAME``.
        folder: Empty for the whole of it.
        options: Clock.

    Raises:
        SurgSigmaError: no network, no such bucket, no access, or a client that knows no buckets.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    api, below = HfApi(), f"{folder}/" if folder else ""
    if not hasattr(api, "list_bucket_tree"):
        raise SurgSigmaError(
            "the installed huggingface_hub knows no buckets", hint="pip install -U 'huggingface_hub>=1.31'"
        )

    def ask() -> list[str]:
        found = api.list_bucket_tree(name, prefix=folder or None, recursive=True)
        return [one.path.removeprefix(below) for one in found if one.type == "file" and one.path.startswith(below)]

    try:
        return within(options.deadline, ask)
    except (OSError, ValueError, *HfHubHTTPError.__bases__) as error:
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise SurgSigmaError(f"bucket {name} could not be opened at {constants.ENDPOINT}: {what}", hint=_HINT) from None
