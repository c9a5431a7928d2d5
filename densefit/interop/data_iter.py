"""A densefit loader as an `mx.io.DataIter`, for Module.fit and other programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.interop.data_batch import data_batch


def as_data_iter(loader: Any) -> LoaderIter:
    """Wrap a Loader, OriginalSizeLoader or ViewLoader as an `mx.io.DataIter`.

    Args:
        loader: the loader to read; `reset` starts its next epoch.

    Returns:
        An `mx.io.DataIter` of DataBatches, whose arrays are NDArrays on the CPU.

    Example:
        `mx.mod.Module(symbol).fit(df.interop.as_data_iter(loader), num_epoch=1)`
    """
    return LoaderIter(loader)


class LoaderIter(mx.io.DataIter):  # type: ignore[misc]
    """An `mx.io.DataIter` of a loader's batches.

    Other attributes (`dataset`, `set_epoch`, `ready`, ...) are the loader's.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader.batch_size)
        self.loader = loader
        self._batches: Iterator[Batch] | None = None
        self._latest: Any = None

    @property
    def provide_data(self) -> list[Any]:
        """DataDescs of the inputs."""
        return [mx.io.DataDesc(*spec) for spec in self.loader.provide_data]

    @property
    def provide_label(self) -> list[Any]:
        """DataDescs of the labels."""
        return [mx.io.DataDesc(*spec) for spec in self.loader.provide_label]

    def __len__(self) -> int:
        return len(self.loader)

    def reset(self) -> None:
        """Go to the start of the next epoch."""
        self._batches = None
        self.loader.reset()

    def next(self) -> Any:
        """Return the next DataBatch.

        Raises:
            StopIteration: the epoch is over.
        """
        if self._batches is None:
            self._batches = iter(self.loader)
        return data_batch(next(self._batches))

    def iter_next(self) -> bool:
        """Read the next batch, for `getdata` etc.; returns False at the end of the epoch."""
        try:
            self._latest = self.next()
        except StopIteration:
            return False
        return True

    def getdata(self) -> Any:
        """Return the inputs of the batch that `iter_next` read."""
        return self._latest.data

    def getlabel(self) -> Any:
        """Return the labels of the batch that `iter_next` read."""
        return self._latest.label

    def getindex(self) -> Any:
        """Return the sample indices of the batch that `iter_next` read."""
        return self._latest.index

    def getpad(self) -> int:
        """Return the number of padding rows of the batch that `iter_next` read."""
        return int(self._latest.pad)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "loader":
            raise AttributeError(name)
        return getattr(self.loader, name)
