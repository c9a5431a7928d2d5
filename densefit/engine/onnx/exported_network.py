"""The network of an exported model: its heads' code, and a file in place of symbols."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from densefit.data.transforms import transforms
from densefit.engine.onnx.model_file import ModelFile
from densefit.errors import CheckpointError, ConfigError
from densefit.model.heads.head import Head
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.route import Route
from densefit.model.heads.routed_head import RoutedHead
from densefit.model.network import Network


class ExportedNetwork(Network):
    """A network that is scored and predicts, and has neither symbols nor parameters.

    Args:
        file: the exported model.
        heads: heads of the network that was exported, with its settings.
        routes: name -> Route, for the model of a user's Symbol.

    Raises:
        CheckpointError: the file lacks an output of a head.
        BindError: a route names an output that the model does not have.
    """

    image_size: tuple[int, int] | None

    def __init__(
        self, file: ModelFile, heads: Sequence[Head], routes: Mapping[str, Route] | None = None
    ) -> None:
        self.file, self.heads = file, list(heads)
        self._parameters, self._statistics, self._refresh = {}, {}, None
        self._graphs, self._symbol, self._train = OrderedDict(), None, None
        spec = file.metadata.spec
        self._spec = None if spec is None else dict(spec)
        self.image_size = file.metadata.image_size
        self.input_names = list(file.inputs)
        if self.image_size is not None:
            self.fitting = _fitting(self.image_size, file.metadata.resize)
        self.adapters = {head.name: self._adapter(head) for head in heads}
        outputs = list(file.outputs)
        for name, route in (routes or {}).items():
            self.adapters[name] = RoutedHead(name, route, outputs)

    @property
    def engine_name(self) -> str | None:
        """The engine "onnx"; setting another one raises ConfigError."""
        return "onnx"

    @engine_name.setter
    def engine_name(self, name: str | None) -> None:
        if name not in (None, "onnx"):
            raise ConfigError(
                "An exported model is computed by ONNX Runtime alone",
                received=f"engine {name!r}",
                where=self.file.path,
                fix="leave the engine out, or load the checkpoint that it was exported from",
            )

    def __repr__(self) -> str:
        """File, heads, size of the images, batch and precision."""
        batch = "any batch" if self.file.batch is None else f"batches of {self.file.batch}"
        images = "" if self.image_size is None else "images of {}x{}, ".format(*self.image_size)
        return (
            f"ExportedNetwork({str(self.file.path)!r}: {', '.join(self.adapters) or 'no heads'}; "
            f"{images}{batch}, {self.file.metadata.precision})"
        )

    @property
    def output_names(self) -> list[str]:
        """Full names of the outputs."""
        return [f"{name}_output" for name in self.file.outputs]

    def with_routes(self, routes: Mapping[str, Route]) -> ExportedNetwork:
        """Return the network of the same file with other routes."""
        if self.heads:
            raise ConfigError("Routes are for the model of a Symbol", received=list(routes))
        return ExportedNetwork(self.file, [], routes)

    @property
    def initialized(self) -> bool:
        """True: the parameters are in the file."""
        return True

    def check_initialized(self) -> NoReturn:
        """Raise ConfigError: nothing reads the parameters of an exported model."""
        raise self.refusal("has no parameters that could be read")

    def set_params(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any] | None = None
    ) -> NoReturn:
        """Raise ConfigError: the parameters are constants of the file."""
        raise self.refusal("has fixed parameters")

    def peek(self, mode: str, input_size: Any = None, weigh: Any = None) -> NoReturn:
        """Raise ConfigError: an exported model has no Symbol."""
        raise self.refusal("has no Symbol, and cannot be trained")

    def refusal(self, what: str) -> ConfigError:
        """Make the error for work that needs more than outputs.

        Args:
            what: what an exported model lacks, as a verb with its object.
        """
        return ConfigError(
            f"An exported model {what}: it can be scored, and predict",
            where=self.file.path,
            fix="load the checkpoint that it was exported from: df.load('runs/NAME')",
        )

    def _adapter(self, head: Head) -> NetworkHead:
        """Make the adapter of a head, with the outputs that the file has in place of a graph's."""
        adapter = NetworkHead(head)
        outputs = self.file.metadata.outputs.get(head.name, {})
        adapter.evaluate_outputs = list(outputs.get("evaluate", ()))
        adapter.raw_outputs = list(outputs.get("raw", ()))
        views = list(outputs.get("views", ()))
        adapter.view_outputs = views if adapter.head.has_view_outputs else adapter.evaluate_outputs
        expected = adapter.outputs(self.file.metadata.mode)
        missing = [name for name in expected if name not in self.file.outputs]
        if missing or not expected or not adapter.evaluate_outputs:
            raise CheckpointError(
                f"The exported model has no outputs of the head {head.name!r}",
                expected=missing or "its names in the metadata",
                received=list(self.file.outputs),
                where=self.file.path,
                fix="export the network again: df.export(network, path)",
            )
        return adapter


def _fitting(size: tuple[int, int], settings: Mapping[str, Any]) -> Any:
    """The transform of an image to the input of the model."""
    fill = settings.get("fill") if settings.get("kind") == "letterbox" else None
    more = {} if fill is None else {"fill": tuple(fill) if isinstance(fill, list) else fill}
    kind = settings.get("kind", "letterbox")
    return transforms.create(kind, height=size[0], width=size[1], **more)
