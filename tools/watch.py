"""Show trainings while they run: `densefit watch runs/`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import ConfigError, MissingPackageError
from densefit.tools.console.argument_parser import Parser
from densefit.tools.recipes.program import program
from densefit.tools.serving import web_server

_HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(arguments))


def run(arguments: Sequence[str] | None = None) -> None:
    """Serve the pages of a folder's runs until SIGINT or SIGTERM."""
    parser = Parser(
        description="Show the trainings in a folder, several side by side, while they run. Only "
        "browsers on this machine are answered.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", nargs="?", default="runs", help="folder of runs (default: runs)")
    parser.add_argument(
        "--port", type=int, default=8765, help="port; 0 for any that is free (default: 8765)"
    )
    chosen = parser.parse_args(arguments)
    root = Path(chosen.folder)
    if not root.is_dir():
        raise ConfigError("There is no such folder", received=root, fix="densefit watch runs")
    try:
        import uvicorn  # noqa: F401

        from densefit.tools.watching.app import make_app
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "The server needs packages that are not installed",
            received=str(error),
            fix='pip install "densefit[serve]"',
        ) from error
    with web_server.listening(_HOST, chosen.port) as listener:
        print(
            f"watching {root} on http://{_HOST}:{listener.getsockname()[1]}/ (Ctrl-C ends it)",
            flush=True,
        )
        web_server.run(make_app(root), listener, seconds=2)


if __name__ == "__main__":
    sys.exit(main())
