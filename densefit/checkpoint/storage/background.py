"""Writes checkpoints while training continues."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.content import Content, check_name, prepare
from densefit.checkpoint.storage.tensors import Arrays
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class BackgroundWriter:
    """Writes one checkpoint at a time, in a thread, each whole or not at all.

    An error of the thread is logged when it happens and raised by whichever of `submit`, `wait`
    and `close` comes next. As a context manager it closes at the end; an exception that is on its
    way then is not replaced.

        with BackgroundWriter() as writer:
            writer.submit(directory, "update-00000010", {"model": arrays}, state)
            ...  # training goes on
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._closed = False

    def __enter__(self) -> BackgroundWriter:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if error is None:
            self.close()
            return
        self._closed = True
        self._join()

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._thread is not None and self._thread.is_alive()

    def submit(
        self,
        directory: Path,
        name: str,
        parts: Mapping[str, Arrays],
        state: Any,
        then: Callable[[], Any] | None = None,
    ) -> Path:
        """Begin to write a checkpoint; waits only for the one before, if that is not done.

        Args:
            directory: as in `store.write`, and so is the rest.
            name: of the checkpoint.
            parts: of arrays that nobody changes until this is done, such as copies on the host.
                (MXNet's own arrays must not be read by another thread.)
            state: taken as it is now; it may change afterwards.
            then: called in the thread after it is written, e.g. to remove older ones.

        Returns:
            The path that the checkpoint will have.

        Raises:
            CheckpointError: something cannot be stored, or the checkpoint before this one could
                not be written.
            ConfigError: the writer was closed.
            Exception: what `then` of the one before has raised.
        """
        self.wait()
        if self._closed:
            raise ConfigError("The writer of checkpoints was closed")
        path = Path(directory) / check_name(name)
        content = prepare(parts, state)
        self._thread = threading.Thread(
            target=self._write, args=(path, content, then), name="checkpoint"
        )
        self._thread.start()
        return path

    def wait(self) -> None:
        """Wait until nothing is being written: before checkpoints are read, say.

        Raises:
            CheckpointError: the last checkpoint could not be written.
            Exception: what its `then` has raised.
        """
        self._join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """`wait`, and take no more."""
        self._closed = True
        self.wait()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _write(self, path: Path, content: Content, then: Callable[[], Any] | None) -> None:
        try:
            store.write_content(path.parent, path.name, content)
            if then is not None:
                then()
        except BaseException as error:  # it is the caller's, wherever it came from
            _log.warning("%s", error)
            self._error = error
