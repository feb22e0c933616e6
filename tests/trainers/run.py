"""Make the environments of trainers and engines, and run all that is tested in them.

    python tests/trainers/run.py                        # all of them: about 20 GB, and hours on two cores
    python tests/trainers/run.py llamafactory swift     # some
    python tests/trainers/run.py hub_client             # all whose name begins so
    python tests/trainers/run.py --place /big/disk ...  # elsewhere than ~/.cache/surgsigma-trainers

Run it in the environment of this project, with the extra ``dev``. Nothing is downloaded but the pinned packages.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PLACE = "SURGSIGMA_TRAINERS"
"""The variable that names the folder of the environments."""
PINS = HERE / "environments"
"""A file of requirements for each environment."""
KNOWN = sorted(path.stem for path in PINS.glob("*.txt"))


def make(name: str, place: Path) -> None:
    """An environment with the versions of ``environments/<name>.txt``; nothing is done where they are there already."""
    pins, folder = PINS / f"{name}.txt", place / name
    ready = folder / "ready"
    if ready.is_file() and ready.read_text("utf-8") == pins.read_text("utf-8"):
        return
    print(f"{name}: installing {pins} into {folder}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", "--no-compile", "-r", pins], cwd=ROOT, check=True)
    ready.write_text(pins.read_text("utf-8"), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(KNOWN)} (default: all)")
    parser.add_argument("--place", type=Path, default=Path.home() / ".cache" / "surgsigma-trainers")
    args = parser.parse_args()
    asked = args.names or KNOWN
    found = {name: {known for known in KNOWN if f"{known}_".startswith(f"{name}_")} for name in asked}
    if unknown := [name for name in asked if not found[name]]:
        parser.error(f"no environment {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    names = sorted(set().union(*found.values()))
    args.place.mkdir(parents=True, exist_ok=True)
    for name in names:
        make(name, args.place)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "--timeout", "3000", str(HERE), "-k", " or ".join(names)]
    return subprocess.run(command, env={**os.environ, PLACE: str(args.place)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
