"""Error messages and exit codes of every tool's `main`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from densefit.errors import ConfigError, DataError, DensefitError, DistributedError
from densefit.process.packages import needed_packages
from densefit.train.signals import TrainingInterrupted

_shows_tracebacks: ContextVar[bool] = ContextVar("shows_tracebacks", default=False)


@contextmanager
def show_tracebacks() -> Iterator[None]:
    """Within the block, errors are printed with their traceback (`--debug`)."""
    token = _shows_tracebacks.set(True)
    try:
        yield
    finally:
        _shows_tracebacks.reset(token)


def program(work: Callable[[], object]) -> int:
    """Run `work` and return the exit code of the program.

    Returns:
        0; 1 for an error of the data, the checkpoint, the disk or the training; 2 for an error in
        the settings; 76 if another rank of a launched program has failed; 128 and the signal's
        number if a signal ended it (130 SIGINT, 143 SIGTERM), for a training after a checkpoint was
        written; 141 (SIGPIPE) if nobody reads the output.
    """
    try:
        with needed_packages():
            work()
        if sys.stdout is not None:  # closed by who started the program
            sys.stdout.flush()
    except BrokenPipeError:
        # Flushing the rest of the buffer at exit would fail again, with a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ConfigError as error:
        return _print_error(error, 2)
    except DistributedError as error:
        from densefit.distributed.environment import LOST_PEER  # with numpy: `--help` is quick

        return _print_error(error, LOST_PEER)
    except DensefitError as error:
        return _print_error(error, 1)
    except OSError as error:
        return _print_error(_of_system(error), 1)
    except TrainingInterrupted as interruption:
        print(interruption, file=sys.stderr)
        return 128 + interruption.signum
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def program_name(name: str) -> str:
    """How the running program is called: `densefit score`, or score.py.

    Args:
        name: name of the program without an ending.
    """
    return sys.argv[0] if sys.argv[0] == f"densefit {name}" else f"{name}.py"


def _of_system(error: OSError) -> Exception:
    """Convert an error of the operating system that has a description to a DataError."""
    if error.strerror is None:
        return error
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    return DataError(error.strerror, where=" -> ".join(paths) or None)


def _print_error(error: Exception, code: int) -> int:
    if _shows_tracebacks.get():
        traceback.print_exc()
    print(f"error: {error}", file=sys.stderr)
    return code
