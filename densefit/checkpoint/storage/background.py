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
    """Write checkpoints in a thread, one at a time, each atomically.

    An error in the thread is logged at once and raised by the next call of `submit`, `wait` or
    `close`. As a context manager the writer closes at the end; an exception raised in the block
    is not replaced.

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
        """Return whether a checkpoint is being written."""
        return self._thread is not None and self._thread.is_alive()

    def submit(
        self,
        directory: Path,
        name: str,
        parts: Mapping[str, Arrays],
        state: Any,
        then: Callable[[], Any] | None = None,
    ) -> Path:
        """Start writing a checkpoint, after waiting for the previous one.

        Args:
            directory: directory of checkpoints, see `store.write`.
            name: name of the checkpoint.
            parts: named arrays by part. Nothing may change them until the write is done: pass
                copies on the host. (MXNet's arrays must not be read by another thread.)
            state: serialized at once; may change afterwards.
            then: called in the thread after the write, e.g. to remove older checkpoints.

        Returns:
            The path that the checkpoint will have.

        Raises:
            CheckpointError: a value cannot be stored, or the previous checkpoint could not be
                written.
            ConfigError: the writer was closed.
            Exception: raised by the previous checkpoint's `then`.
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
        """Wait until nothing is being written, e.g. before checkpoints are read.

        Raises:
            CheckpointError: the last checkpoint could not be written.
            Exception: raised by the checkpoint's `then`.
        """
        self._join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait, and refuse further checkpoints."""
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
        except BaseException as error:  # raised again in the caller's thread
            _log.warning("%s", error)
            self._error = error
