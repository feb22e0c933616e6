"""Commands of this package as processes of their own, started in a fraction of a second: forked from one that waits.

Clients of the Hub keep state per process, and a test that kills one must not kill itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = os.environ.get("SURGSIGMA_CLIENT_PYTHON", sys.executable)
"""Of the clients: another one has another huggingface_hub, see trainers/test_clients.py."""

_WAITING = """
import importlib, json, os, sys
import datasets, huggingface_hub.hf_api, huggingface_hub.lfs
from surgsigma_hub import cli
from surgsigma_hub.hub import push, verify
cli.commands()
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setsid()
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, number)
        os.environ.update(asked["environment"])
        for place, value in asked["constants"].items():
            module, _, name = place.rpartition(".")
            module = importlib.import_module("surgsigma_hub." + module)
            assert hasattr(module, name), place
            setattr(module, name, value)
        code = cli.main(asked["command"])
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """How a command ended; ``code`` is below 0 where it was killed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Client:
    """Runs commands one after the other.

    Attributes:
        pid: Of the command that runs, or ran last.
        environment: Variables that each command gets beside those of the process.
    """

    process: subprocess.Popen[str]
    folder: Path
    pid: int = 0
    constants: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *command: object, environment: Mapping[str, str] | None = None) -> Done:
        out, err = self.folder / "out", self.folder / "err"
        asked = {
            "command": [str(word) for word in command],
            "out": str(out),
            "err": str(err),
            "environment": {**self.environment, **(environment or {})},
            "constants": self.constants,
        }
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline())
        code = int(self.process.stdout.readline())
        return Done(code, out.read_text(), err.read_text())


@contextmanager
def waiting(environment: Mapping[str, str], folder: Path) -> Iterator[Client]:
    """A client in ``environment``, whose relative paths begin at ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [PYTHON, "-c", _WAITING],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield Client(process, folder)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(30)
