"""The command ``surgsigma``: arguments in, one call, report out.

Exit codes: 0 fine; 1 the thing checked or built is not; 2 the call was wrong or something on the way was; 130 stopped.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import textwrap
import traceback
from collections.abc import Sequence

from ..errors import SurgSigmaError, UnknownNameError
from ..version import __version__
from .command import Command
from .output import EscapingFormatter, say

GROUPS = (
    "building",
    "repacking",
    "joining",
    "depth",
    "warranting",
    "enriching",
    "listing",
    "vocabulary",
    "looking",
    "exporting",
    "benching",
    "checking",
    "leaking",
    "pointing",
    "publishing",
    "adding",
)
"""Modules of this package that define ``COMMANDS``, in the order of the help."""


def commands() -> dict[str, Command]:
    """Every command by name."""
    found: dict[str, Command] = {}
    for group in GROUPS:
        for command in importlib.import_module(f"{__name__}.{group}").COMMANDS:
            found[command.name] = command
    return found


def _general(parser: argparse.ArgumentParser, *, default: object) -> None:
    parser.add_argument(
        "-v", "--verbose", action="count", default=default, help="log more to stderr; twice for everything"
    )
    parser.add_argument("--debug", action="store_true", default=default, help="show the traceback of an error")


def make_parser(known: dict[str, Command]) -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="surgsigma",
        description="Build, check and look at surgical multimodal conversations as a Hugging Face dataset.",
        epilog="Start with: surgsigma demo\nMore on a command: surgsigma COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"surgsigma-hub {__version__}")
    _general(parser, default=None)
    groups = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in known.values():
        sub = groups.add_parser(
            command.name,
            help=command.help,
            description=textwrap.fill(command.description, 88),
            epilog=command.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.arguments(sub)
        if command.json:
            sub.add_argument("--json", action="store_true", help="print JSON on stdout")
        _general(sub, default=argparse.SUPPRESS)  # so that -v works before and after the command
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    known = commands()
    parser = make_parser(known)
    try:
        first = next((a for a in arguments if not a.startswith("-")), None)
        if first is not None and first not in known:
            raise UnknownNameError("command", first, known)
        parsed, rest = parser.parse_known_args(arguments)
        if rest and parsed.command is not None:
            loose = [word for word in rest if not word.startswith("-")]
            raise SurgSigmaError(
                f"surgsigma {parsed.command} does not know: {' '.join(rest)}",
                hint=f"Put names before the options: surgsigma {parsed.command} ... {' '.join(loose)} --..."
                if loose == rest
                else f"Its options: surgsigma {parsed.command} --help",
            )
        if parsed.command is None:
            parser.print_help()
            return 2
    except SurgSigmaError as error:
        return _failed(error)
    except SystemExit as done:  # argparse ends --help and wrong usage so
        return done.code if isinstance(done.code, int) else 2
    _log(parsed.verbose or 0)
    try:
        code = known[parsed.command].run(parsed)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _say("stopped; run the same command again to go on")
        return 130
    except BrokenPipeError:  # the reader of a pipe has gone, as in `surgsigma tasks | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SurgSigmaError as error:
        if parsed.debug:
            say(traceback.format_exc(), error=True)
        return _failed(error)
    except OSError as error:
        if parsed.debug:
            say(traceback.format_exc(), error=True)
        _say(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        return 2


def _failed(error: SurgSigmaError) -> int:
    _say(f"error: {error.message}")
    if error.hint:
        say(f"  {error.hint}", error=True)
    return 2


def _say(text: str) -> None:
    say(f"surgsigma: {text}".replace("\n", "\n  "), error=True)  # what follows is no line of its own


def _log(verbose: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EscapingFormatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: not record.name.startswith("huggingface_hub."))  # which writes its own to stderr
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("surgsigma_hub").setLevel(level)
