"""Start a program as several ranks: `densefit launch --nproc 2 -- train.py --epochs 5`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from densefit.distributed.environment import TOKEN, split_address
from densefit.distributed.launcher import Launch, Launcher
from densefit.errors import ConfigError
from densefit.tools.console.argument_parser import Parser
from densefit.tools.recipes.program import program

_USAGE = "densefit launch [options] -- program [arguments]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status of the first rank that failed, else 0."""
    status = 0

    def work() -> None:
        nonlocal status
        status = Launcher(parse(sys.argv[1:] if arguments is None else arguments)).run()

    return program(work) or status


def parse(arguments: Sequence[str]) -> Launch:
    """Read the command line.

    Raises:
        ConfigError: an option is unknown or out of range, or there is no program.
    """
    parser = Parser(
        fix=_USAGE,
        prog="densefit launch",
        usage=_USAGE,
        description="Start a program as several ranks that train together, on one machine or "
        "several; see docs/distributed.md.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--nproc", type=int, default=1, metavar="N", help="ranks on this machine (default: 1)")
    add("--nnodes", type=int, default=1, metavar="N", help="machines (default: 1)")
    add("--node-rank", type=int, default=0, metavar="I", help="number of this machine, from 0")
    add("--master", metavar="HOST:PORT", help="address of machine 0, which uses PORT and PORT + 1")
    add(
        "--restarts",
        type=int,
        default=0,
        metavar="N",
        help="how often all ranks begin again, from the newest checkpoint, after one has died "
        "(default: 0: all end)",
    )
    add("--all-output", action="store_true", help="show what other ranks than 0 print, too")
    add("program", nargs=argparse.REMAINDER, help="a .py file, -m module, or a command")
    chosen = parser.parse_args(list(arguments))
    _check(chosen)
    words = chosen.program[1:] if chosen.program[:1] == ["--"] else chosen.program
    return Launch(
        command(words),
        nproc=chosen.nproc,
        nnodes=chosen.nnodes,
        node_rank=chosen.node_rank,
        master=None if chosen.master is None else split_address(chosen.master, "--master"),
        restarts=chosen.restarts,
        all_output=chosen.all_output,
    )


def command(words: Sequence[str]) -> list[str]:
    """Command of a rank: Python files and modules run in this interpreter.

    Raises:
        ConfigError: there is no program, or it is not found.
    """
    if not words:
        raise ConfigError("There is no program to start", expected=_USAGE)
    if words[0] == "-m" or words[0].endswith(".py"):
        if words[0] != "-m" and not os.path.exists(words[0]):
            raise ConfigError("The program does not exist", received=words[0])
        return [sys.executable, *words]
    if words[0] == "densefit":
        return [sys.executable, "-m", "densefit.tools.cli", *words[1:]]
    if shutil.which(words[0]) is None:
        raise ConfigError(
            "The program is not found",
            expected="a .py file, -m and a module, or a command on the path",
            received=words[0],
        )
    return list(words)


def _check(chosen: argparse.Namespace) -> None:
    """Raise ConfigError for numbers out of range, and machines that cannot meet."""
    for name, least in (("nproc", 1), ("nnodes", 1), ("node_rank", 0), ("restarts", 0)):
        if getattr(chosen, name) < least:
            option = "--" + name.replace("_", "-")
            raise ConfigError(
                f"{option} is out of range",
                expected=f"{least} or more",
                received=getattr(chosen, name),
            )
    if chosen.node_rank >= chosen.nnodes:
        raise ConfigError(
            "--node-rank is out of range",
            expected=f"0 to {chosen.nnodes - 1}, as --nnodes is {chosen.nnodes}",
            received=chosen.node_rank,
        )
    if chosen.nnodes > 1 and (chosen.master is None or not os.environ.get(TOKEN)):
        raise ConfigError(
            "Machines need an address to meet at, and a common secret",
            expected=f"--master host:port, and the environment variable {TOKEN} on each",
            fix=f"export {TOKEN}=$(openssl rand -hex 16), the same on all machines",
        )


if __name__ == "__main__":
    sys.exit(main())
