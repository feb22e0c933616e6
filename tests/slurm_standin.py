"""A queue that runs arrays as Slurm does: sbatch, squeue, scancel, scontrol and srun, one file by five names.

``install`` puts them into a folder. State lies beside them: a file for each job with the process that runs its tasks.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("sbatch", "squeue", "scancel", "scontrol", "srun")


def install(folder: Path) -> Path:
    """Write the commands into a folder, for the front of PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        path = folder / name
        path.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text("utf-8"), "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return folder


def sbatch(args: list[str], home: Path) -> int:
    """Start the tasks of an array in a session of their own, one after the other."""
    script = Path(args[-1]).read_text("utf-8")
    last = int(re.search(r"--array=0-([0-9]+)", script)[1])  # type: ignore[index]
    exported = dict(
        part.split("=", 1) for a in args if a.startswith("--export=") for part in a.split(",") if part.count("=") == 1
    )
    number = 1 + len(list(home.glob("*.job")))
    (home / f"{number}.sh").write_text(script, "utf-8")
    child = subprocess.Popen(
        [sys.executable, __file__, "run", str(home), str(number), str(last)],
        env={**os.environ, **exported}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (home / f"{number}.job").write_text(str(child.pid), "ascii")
    print(f"Submitted batch job {number}")
    return 0


def run(home: Path, number: str, last: int) -> int:
    """What the queue does with a job."""
    for task in range(last + 1):
        named = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_JOB_ID": number, "SLURM_NODELIST": "node1"}
        with (home / f"{number}-{task}.out").open("wb") as out:
            subprocess.run(
                ["bash", str(home / f"{number}.sh")], env={**os.environ, **named}, stdout=out, stderr=out, check=False
            )
    return 0


def squeue(args: list[str], home: Path) -> int:
    """A line for a job that runs."""
    job = home / f"{args[args.index('-j') + 1]}.job"
    if not job.is_file():
        print("slurm_load_jobs error: Invalid job id specified", file=sys.stderr)
        return 1
    state = Path(f"/proc/{job.read_text('ascii')}/stat")
    if state.is_file() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        print(f"{job.stem} R")
    return 0


def srun(command: list[str], home: Path) -> int:
    """Run a task; where a file ``kill`` lies beside the commands, the first one that has a unit done is killed."""
    child = subprocess.Popen(command)
    marks = Path(command[1]).parents[1] / "done"
    while child.poll() is None:
        if (home / "kill").exists() and any(marks.iterdir()):
            child.kill()
            (home / "kill").unlink()
        time.sleep(0.005)
    return child.returncode


def main() -> int:
    """By the name of the file."""
    if len(sys.argv) > 1 and sys.argv[1] == "run":
        return run(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    name, args, home = Path(__file__).name, sys.argv[1:], Path(__file__).parent
    if name == "sbatch":
        return sbatch(args, home)
    if name == "squeue":
        return squeue(args, home)
    if name == "scancel":
        os.killpg(int((home / f"{args[0]}.job").read_text("ascii")), signal.SIGKILL)
        return 0
    if name == "scontrol":
        print(args[-1])
        return 0
    return srun(args[3:], home)  # srun -l -n 1 COMMAND ...


if __name__ == "__main__":
    sys.exit(main())
