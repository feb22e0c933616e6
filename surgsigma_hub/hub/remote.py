"""The few requests to the Hub that reading needs; each failure becomes an error that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import SurgSigmaError
from ..shards.frontmatter import read_card


@dataclass(frozen=True, slots=True)
class HubCard:
    """The card of a dataset, the commit it was read at, and the dataset's page."""

    text: str
    sha: str
    page: str


def fetch_card(repo: str, *, revision: str | None = None, token: str | bool | None = None) -> HubCard:
    """The README.md of a dataset on the Hub (``HF_ENDPOINT`` respected), and the commit that ``revision`` stands for.

    Raises:
        SurgSigmaError: no network, no such dataset or revision, no access, no card.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub import errors as hub

    name = f"{repo} at revision {revision}" if revision else repo
    try:
        path = hf_hub_download(repo, "README.md", repo_type="dataset", revision=revision, token=token)
    except hub.GatedRepoError:
        raise SurgSigmaError(
            f"dataset {name} is gated: {constants.ENDPOINT} did not let this account in",
            hint=f"Ask for access at {constants.ENDPOINT}/datasets/{repo}, then log in with: hf auth login",
        ) from None
    except hub.RepositoryNotFoundError:
        raise SurgSigmaError(
            f"dataset {repo} was not found at {constants.ENDPOINT}",
            hint="Check the spelling of ORG/NAME; for a private dataset log in first with: hf auth login",
        ) from None
    except hub.RevisionNotFoundError:
        raise SurgSigmaError(
            f"dataset {repo} has no revision {revision!r}", hint="Expected a branch, a tag or a commit of the dataset."
        ) from None
    except hub.LocalEntryNotFoundError:
        raise SurgSigmaError(
            f"{constants.ENDPOINT} could not be reached, and the card of {name} is not in the local cache",
            hint="Check the network and the variables HF_ENDPOINT and HF_HUB_OFFLINE, then try again.",
        ) from None
    except hub.EntryNotFoundError:
        raise SurgSigmaError(
            f"dataset {name} has no README.md, so it is not a tree of this package",
            hint="Was it published with: surgsigma publish?",
        ) from None
    except hub.HFValidationError as error:
        raise SurgSigmaError(f"{repo!r} is not a dataset name of the form ORG/NAME ({error})") from None
    except hub.HfHubHTTPError as error:
        raise SurgSigmaError(f"the card of {name} could not be read: {error}", hint="Try again later.") from None
    # huggingface_hub keeps files at .../snapshots/<commit>/README.md: this is how `datasets` learns the commit too.
    place = Path(path)
    return HubCard(read_card(place, where=name), place.parent.name, f"{constants.ENDPOINT}/datasets/{repo}")


def glob_hub(pattern: str, *, token: str | bool | None = None) -> list[str]:
    """The files that an ``hf://`` glob matches, as ``hf://`` paths, sorted.

    Raises:
        SurgSigmaError: the Hub could not be asked.
    """
    from huggingface_hub import HfFileSystem
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return sorted(f"hf://{path}" for path in HfFileSystem(token=token).glob(pattern))
    except FileNotFoundError:
        return []
    except HfHubHTTPError.__bases__ as error:  # the errors of whichever HTTP library this huggingface_hub uses
        raise SurgSigmaError(
            f"{pattern} could not be listed: {error}", hint="Check the network, then try again."
        ) from None
