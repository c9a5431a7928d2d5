"""Types of the models and data of `fit`, `score`, `predict` and `find_lr`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from densefit.model.network import Network


@runtime_checkable
class SymbolLike(Protocol):
    """An MXNet Symbol."""

    def list_arguments(self) -> list[str]: ...

    def list_outputs(self) -> list[str]: ...

    def tojson(self) -> str: ...


@runtime_checkable
class ModuleLike(Protocol):
    """An MXNet Module."""

    @property
    def symbol(self) -> Any: ...

    def get_params(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]: ...


@runtime_checkable
class BlockLike(Protocol):
    """A gluon HybridBlock."""

    def hybridize(self, active: bool = ...) -> None: ...

    def collect_params(self, select: str | None = ...) -> Any: ...


@runtime_checkable
class OptimizerLike(Protocol):
    """An `mx.optimizer.Optimizer`."""

    def create_state(self, index: Any, weight: Any) -> Any: ...

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None: ...


#: A Network, an MXNet Symbol or Module, or a gluon HybridBlock.
Model: TypeAlias = Network | SymbolLike | ModuleLike | BlockLike

#: A `df.Loader`, an `mx.io.DataIter`, a DataLoader of gluon or PyTorch, or an iterable of batches:
#: dicts of arrays, or (data, label).
Data: TypeAlias = Iterable[Any]

#: Data, or several by name.
NamedData: TypeAlias = Data | Mapping[str, Data]

#: MXNet contexts: `[mx.cpu()]`, `[mx.gpu(0), mx.gpu(1)]`; or devices of PyTorch: `["cuda:0"]`.
Devices: TypeAlias = Sequence[Any]
