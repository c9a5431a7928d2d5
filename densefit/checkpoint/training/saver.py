"""Saving of a training to checkpoints, and its resume."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.background import BackgroundWriter
from densefit.checkpoint.storage.claim import Claim, check_free
from densefit.checkpoint.storage.strict_json import dumps
from densefit.checkpoint.training.identity import are_of_other_scores
from densefit.checkpoint.training.policy import Keep
from densefit.checkpoint.training.restore import restore
from densefit.checkpoint.training.session import Session
from densefit.checkpoint.training.snapshot import snapshot
from densefit.distributed import World
from densefit.duration import Duration, DurationLike
from densefit.errors import CheckpointError


class Saver:
    """Write checkpoints of a training into one directory, and resume from them.

    Args:
        directory: directory for the checkpoints of this training.
        every: interval: "5ep", "500st"...; the end of training is always saved.
        keep: retention policy.
        extra: JSON-serializable value stored in every checkpoint, e.g. a recipe.
        background: write in a thread while training continues. Needs memory for one more copy of
            the checkpoint; a write error is raised at the next update or save, or at the end.

    Raises:
        CheckpointError: `extra` is not JSON-serializable.
    """

    def __init__(
        self,
        directory: str | Path,
        every: DurationLike = "1ep",
        keep: Keep | None = None,
        extra: Mapping[str, Any] | None = None,
        background: bool = True,
    ) -> None:
        self.directory = Path(directory)
        self.every = Duration.parse(every, where="every")
        self.keep = keep or Keep()
        self.extra = dict(extra or {})
        dumps({"extra": self.extra})
        self.background = background
        self._writer = BackgroundWriter()
        self._claim = Claim(self.directory)
        self._written: Path | None = None  # not yet returned by `written`
        self.newest: Path | None = None  # saved by this training, or resumed from
        #: Ranks that train together, of which rank 0 writes and reads.
        self.world = World()
        #: Whether the training resumed from another checkpoint than the directory's newest.
        self.is_behind = False

    def begin(self, resume: str | Path, world: World | None = None) -> None:
        """Lock the directory for this training until `end`, and reset the state of earlier ones.

        Args:
            resume: see `fit`.
            world: ranks that train together.

        Raises:
            CheckpointError: another training has locked the directory, or it holds the
                checkpoints of another training.
        """
        self.world = world or World()
        self.keep.begin()
        self._written = self.newest = None
        self.is_behind = False
        if not self.world.is_first:
            return
        self._claim.take()
        check_unmixed(self.directory, resume, is_held=True)

    def end(self) -> None:
        """Unlock the directory."""
        if self.world.is_first:
            self._claim.release()

    def save(self, session: Session) -> Path:
        """Save everything that a resume needs; returns the path of the checkpoint.

        Of several ranks the first one writes.

        Raises:
            CheckpointError: the disk refuses this checkpoint or the previous one.
        """
        self._writer.wait()
        state = session.state
        fresh = state.validated == state.update
        name = self.keep.record(state.update, state.validation if fresh else {})
        if not self.world.is_first:
            self.newest = self.directory / name
            return self.newest
        parts, content = snapshot(session)
        content = {**content, "keep": self.keep.state_dict(), "extra": self.extra}
        self._written = self.newest = self.directory / name
        if self.background:
            self._writer.submit(self.directory, name, parts, content, then=self._tidy)
        else:
            store.write(self.directory, name, parts, content)
            self._tidy()
        return self._written

    def written(self, wait: bool = False) -> Path | None:
        """Return the checkpoint that was completed since the last call; None if there is none.

        Args:
            wait: wait until the current write is complete.

        Raises:
            CheckpointError: the checkpoint could not be written.
        """
        if self._written is None or (self._writer.busy and not wait):
            return None
        completed, self._written = self._written, None
        self._writer.wait()
        return completed

    def abandon(self) -> None:
        """Finish writing after the training failed; a write error is only logged."""
        try:
            self.written(wait=True)
        except Exception:  # already logged by the writer
            self._written = None

    def _tidy(self) -> None:
        self.keep.apply(self.directory)

    def resume(self, what: str | Path, session: Session) -> Path | None:
        """Resume from a checkpoint, if `what` names one; returns its path.

        Args:
            what: "auto", "none" or a path.
            session: the training; its parts are restored.

        Raises:
            CheckpointError: the checkpoint is damaged, holds weights alone, is of a network with
                other heads or parameters, or from mid-epoch with other data.
        """
        loaded = self.world.broadcast(
            "checkpoint to continue from", self._read(what) if self.world.is_first else None
        )
        if loaded is None:
            return None
        path, (parts, content) = Path(loaded[0]), loaded[2]
        self.is_behind = loaded[1]
        try:
            differing = restore(session, path, parts, content)
            if path.resolve().parent == self.directory.resolve():
                self.keep.load_state_dict(content["keep"])
                if are_of_other_scores(differing):
                    self.keep.forget_scores()
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise CheckpointError(
                "The checkpoint does not hold what a training needs to go on "
                f"({type(error).__name__}: {error})",
                where=path,
                fix="was it written by a training? Its weights alone: df.load",
            ) from error
        self.newest = path
        if not self.world.is_first:
            for metric in chain.from_iterable(session.metrics.values()):
                metric.reset()  # rank 0 goes on with the metrics of all
            return path
        recorded = self.keep.records[-1].name if self.keep.records else None
        if recorded in store.names(self.directory):
            self.keep.apply(self.directory)  # finishes what a crash interrupted
        return path

    def _read(self, what: str | Path) -> tuple[str, bool, Any] | None:
        """Read a checkpoint: (path, whether the directory has a newer one, content)."""
        path = store.resolve(what, self.directory)
        if path is None:
            return None
        named = (
            str(what) not in ("auto", "none") and path.parent.resolve() == self.directory.resolve()
        )
        return str(path), named and store.latest(self.directory) != path, store.read(path)


def check_unmixed(directory: Path, resume: str | Path, is_held: bool = False) -> None:
    """Check that a directory is free for a training's checkpoints.

    Args:
        directory: directory for the training's checkpoints.
        resume: checkpoint to resume from, see `fit`.
        is_held: whether the training has locked the directory already.

    Raises:
        CheckpointError: the directory holds checkpoints, and the training is new or resumes from
            another directory; or another training is writing there.
    """
    if not is_held:
        check_free(directory)
    if str(resume) not in ("none", "auto") and store.names(directory):
        checkpoint = store.resolve(resume, directory)
        if checkpoint is not None and checkpoint.resolve().parent != directory.resolve():
            raise CheckpointError(
                "The directory holds the checkpoints of a training, and another one is to be "
                "continued into it",
                expected=f"a checkpoint of {directory}, or a directory without any",
                received=checkpoint,
                where=directory,
                fix="choose another directory for the training that goes on",
            )
    if str(resume) == "none" and store.names(directory):
        raise CheckpointError(
            "The directory holds the checkpoints of a training already",
            received=", ".join(sorted(store.names(directory))),
            where=directory,
            fix='resume="auto" (--resume auto) continues it; choose another directory for a new '
            "training, or remove this one",
        )
