"""Curves for TensorBoard, written with tensorboardX."""

from __future__ import annotations

import struct
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.main_number import is_main
from densefit.errors import ConfigError, writing
from densefit.numeric import whole

_FILES = "events.out.tfevents.*"


@callbacks.register("tensorboard")
class TensorBoard(Callback):
    """Writes curves over the updates, for `tensorboard --logdir DIR`.

    - `optimizer/lr` and `optimizer/gradient_norm`, every few updates,
    - `train/<head>/<metric>`, likewise: training metrics of the epoch so far,
    - `epoch/<head>/<metric>`: training metrics of the whole epoch,
    - `validation/<head>/<metric>`: all scores that are defined,

    and metrics of single classes beside them, as `validation_classes/<head>/<metric>/<class>`.
    TensorBoard writes _ for characters that it does not allow in names.

    A resumed training continues the same curves: the points of updates that are made again are
    dropped, and no point is written twice. A training that begins at update 0 drops all. Points
    are flushed to the operating system as soon as they are written.

    Args:
        directory: directory of this run; TensorBoard compares the runs in one folder.
        every: updates between points.

    Raises:
        ConfigError: tensorboardX is not installed, or `every` is less than 1.
    """

    def __init__(self, directory: str | Path, every: int = 50) -> None:
        _tensorboard()
        self.directory = Path(directory)
        self.every = whole(every, "every", 1, where="TensorBoard")
        self._writer: Any = None
        self._last: dict[str, int] = {}  # tag -> update of its last point

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Open another file, which marks the points of earlier files to drop."""
        events_writer, protocol, _ = _tensorboard()
        self._last = dict.fromkeys(tags_at(self.directory, state.update), state.update)
        self.directory.mkdir(parents=True, exist_ok=True)
        # Files are read in the order of their names, which begin with the current second.
        number = len(list(self.directory.glob(_FILES)))
        self._writer = events_writer(str(self.directory / "events"), f".{number:04d}")
        resumed = protocol.SessionLog(status=protocol.SessionLog.START)
        first = state.update + 1 if state.update else 0
        self._write(protocol.Event(step=first, session_log=resumed))

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Drop the points of updates that are made again."""
        self.fit_ended(state, None)
        self.fit_started(state, control)

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Write points every few updates."""
        if state.update % self.every == 0:
            self._add(state.update, "train", state.train())
            numbers = {"lr": state.lr, "gradient_norm": state.gradient_norm}
            self._add(state.update, "optimizer", numbers)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Write the epoch's training metrics."""
        self._add(state.update, "epoch", state.train())

    def validated(self, state: TrainState, control: Control) -> None:
        """Write the scores that are defined."""
        scores = {key: value for key, value in state.validation.items() if value == value}
        self._add(state.update, "validation", scores, getattr(state.network, "adapters", ()))

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add(
        self, update: int, group: str, numbers: Mapping[str, Any], heads: Collection[str] = ()
    ) -> None:
        """Write a point for each value whose curve has none at this update."""
        if self._writer is None:
            return
        _, protocol, scalar = _tensorboard()
        event = protocol.Event(step=update)
        for key, value in numbers.items():
            folder = group if is_main(key, heads) else f"{group}_classes"
            for point in scalar(f"{folder}/{key}", value).value:
                if self._last.get(point.tag, -1) < update:
                    self._last[point.tag] = update
                    event.summary.value.append(point)
        if event.summary.value:
            self._write(event)

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        with writing(self.directory):
            self._writer.write_event(event)
            # A point of before a checkpoint must not be lost with the process.
            self._writer.flush()


def tags_at(directory: str | Path, update: int) -> set[str]:
    """Return the curves of a run that have a point at `update` already."""
    tags: set[str] = set()
    for path in sorted(Path(directory).glob(_FILES)):
        for event in read_events(path):
            if event.HasField("session_log") and event.step <= update:
                tags.clear()
            elif event.step == update:
                tags.update(value.tag for value in event.summary.value)
    return tags


def read_events(path: str | Path) -> Iterator[Any]:
    """Iterate over the events of a file, up to one that is cut off or damaged.

    A record is its length (8 bytes), 4 bytes of checksum, the event, 4 bytes of checksum.
    """
    _, protocol, _ = _tensorboard()
    from google.protobuf.message import DecodeError  # comes with tensorboardX

    content, offset = Path(path).read_bytes(), 0
    while offset + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, offset)
        start = offset + 12
        offset = start + length + 4
        if offset > len(content):
            return
        try:
            event = protocol.Event.FromString(content[start : start + length])
        except DecodeError:
            return
        yield event


def _tensorboard() -> tuple[Any, Any, Any]:
    """Import the writer of event files, the message types and the function that makes a point.

    SummaryWriter hands events to a thread, whose queue is lost when the process is killed.
    """
    try:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2
        from tensorboardX.summary import scalar
    except ImportError as error:
        raise ConfigError(
            "TensorBoard's curves need tensorboardX, which is not installed",
            fix="pip install densefit[tb]",
        ) from error
    return EventsWriter, event_pb2, scalar
