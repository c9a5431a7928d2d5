"""Log a training with Weights & Biases, offline."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from densefit.callbacks.callback import callbacks
from densefit.callbacks.run_tracker import RunTracker
from densefit.errors import ConfigError

_PICTURES = (".png", ".jpg", ".jpeg")
_MODES = ("offline", "online")


@callbacks.register("wandb")
class WandB(RunTracker):
    """Log a training as a run of Weights & Biases, in files.

    Each start of a training writes a folder `wandb/offline-run-...` of the same run; `wandb sync
    FOLDER` uploads them, in their order. Nothing leaves the machine with `mode="offline"`.
    `RunTracker` says what is logged.

    Args:
        directory: folder in which the folder `wandb` is made.
        every: updates between points of the training.
        project: name of the project.
        params: settings of the training by dotted key.
        run_name: name of the run.
        mode: "offline", or "online" to upload while training.

    Raises:
        ConfigError: wandb is not installed, another mode, or `every` is less than 1.
    """

    def __init__(
        self,
        directory: str | Path,
        every: int = 50,
        project: str = "densefit",
        params: Mapping[str, Any] = MappingProxyType({}),
        run_name: str | None = None,
        mode: str = "offline",
    ) -> None:
        super().__init__(every, params, run_name)
        if mode not in _MODES:
            raise ConfigError(
                "Weights & Biases has no such mode here",
                expected=" or ".join(_MODES),
                received=mode,
                where="mode of WandB",
            )
        _wandb()
        self.directory, self.project, self.mode = Path(directory), project, mode
        self._tracked: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Return the run's identifier, and the updates of its last points."""
        return {**super().state_dict(), "last": dict(self._last)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the run's identifier, and the updates of its last points."""
        super().load_state_dict(state)
        self._last = dict(state.get("last", {}))

    def _open(self, earlier: str | None) -> tuple[str, dict[str, int]]:
        wandb = _wandb()
        self.directory.mkdir(parents=True, exist_ok=True)
        identifier = earlier or secrets.token_hex(4)
        self._tracked = wandb.init(
            project=self.project,
            name=self.run_name,
            id=identifier,
            dir=str(self.directory),
            mode=self.mode,
            # Offline there is nothing to resume from: files of one run have one id.
            resume="allow" if self.mode == "online" else None,
            config=self.params,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )
        return identifier, {} if earlier is None else self._last

    def _write(self, update: int, points: Mapping[str, float]) -> None:
        self._tracked.log(dict(points), step=update)

    def _add_files(self, files: Collection[Path]) -> None:
        image = _wandb().Image
        pictures = {
            f"pictures/{path.stem}": image(str(path)) for path in files if path.suffix in _PICTURES
        }
        if pictures:
            self._tracked.log(pictures, step=self._update)
        folder = Path(self._tracked.dir)
        for path in files:
            if path.suffix not in _PICTURES:
                shutil.copyfile(path, folder / path.name)  # `save` would link to it
                self._tracked.save(str(folder / path.name), base_path=str(folder), policy="end")

    def _close(self, error: BaseException | None) -> None:
        tracked, self._tracked = self._tracked, None
        tracked.finish(exit_code=0 if error is None else 1)


def _wandb() -> Any:
    """Import wandb."""
    try:
        import wandb
    except ImportError as error:
        raise ConfigError(
            "A log of Weights & Biases needs wandb, which is not installed",
            fix="pip install densefit[wandb]",
        ) from error
    return wandb
