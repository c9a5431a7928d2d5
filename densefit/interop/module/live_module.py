"""A user's Module that trains itself, and is therefore up to date at any moment."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from densefit.backend import mx
from densefit.engine.mxnet.module import Modules, Shapes, TrainGraph
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import restart_store
from densefit.model.network import Network


class LiveModule(Modules):
    """Binds a user's Module for training, and reshapes it to each batch.

    Its symbol is bound unchanged, without the graph passes that make densefit's graphs faster.

    Args:
        module: the user's, bound, loaded or new.
        limit: shapes for which it stays bound; Module alone rebinds at each change.
    """

    is_steady = False

    def __init__(self, module: Any, limit: int = 16) -> None:
        self.first, self.binds = module, 0
        self._limit = limit
        self._kept: OrderedDict[Any, dict[str, Any]] = OrderedDict()  # what is bound, by shapes

    def prepare(
        self, graph: TrainGraph, network: Network, initializer: Any, is_given: bool
    ) -> None:
        """Bind the Module and set its parameters.

        Args:
            graph: that it is bound to.
            network: with the parameters.
            initializer: for parameters that the network has no value for.
            is_given: the network has other values than the Module.

        Raises:
            ValueError: MXNet's initializers do not know a parameter.
        """
        module, self._graph, self.inputs = self.first, graph, graph.inputs
        self.data_names, self.label_names = list(graph.data_names), list(graph.label_names)
        full = {name: own.shape for name, own in graph.inputs.items()}
        if module.binded and not (module.for_training and module._grad_req == "write"):
            module.get_params()  # brings them into its own arrays, from which it is bound anew
            module.bind(*self._descs(full), for_training=True, force_rebind=True)
        elif not module.binded:
            module.bind(*self._descs(full), for_training=True)
        else:
            module.reshape(*self._descs(full))
        lacks = set(module._param_names) - set(network.parameters)
        lacks |= set(module._aux_names) - set(network.statistics)
        if is_given or lacks or not module.params_initialized:
            module.init_params(
                initializer,
                arg_params=to_ndarrays(network.parameters) or None,
                aux_params=to_ndarrays(network.statistics) or None,
                allow_missing=True,
                allow_extra=True,
                force_init=True,
            )
            if module.optimizer_initialized:
                restart_store(module)

    def of(self, shapes: Shapes) -> Any:
        """Bind the Module for inputs of these shapes; returns it."""
        key, now = self._key(shapes), self._present()
        if key == now:
            return self.first
        if now is not None:
            self._kept[now] = _bound(self.first)
        if key in self._kept:
            self._kept.move_to_end(key)
            _bind_again(self.first, self._kept[key])
        else:
            self._graph.symbol_for(shapes)  # whether they fit its parameters
            self.first.reshape(*self._descs(shapes))
            self.binds += 1
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return self.first

    def _present(self) -> Any:
        """Key of the shapes that the Module is bound to; its user may have changed them."""
        group = self.first._exec_group
        descs = [*group.data_shapes, *(group.label_shapes or ())]
        shapes = {desc[0]: tuple(desc[1]) for desc in descs}
        return self._key(shapes) if set(shapes) == set(self.inputs) else None

    def evaluate(self, number: int, batch: Any) -> None:
        """Compute a batch of a validation for a callback that reads the Module's outputs.

        Args:
            number: of the batch, from 0.
            batch: skipped if it lacks an input of the train graph.
        """
        if not self.first.binded:
            return
        given = batch.arrays
        if any(name not in given for name in self.inputs):
            return
        arrays = {name: own.fit(given[name]) for name, own in self.inputs.items()}
        shapes = {name: tuple(array.shape) for name, array in arrays.items()}
        made = to_ndarrays(arrays)
        data = [made[name] for name in self.data_names]
        label = [made[name] for name in self.label_names] or None
        self.of(shapes).forward(
            mx.io.DataBatch(data, label, pad=batch.rows - batch.real), is_train=False
        )

    def _descs(self, shapes: Shapes) -> tuple[list[Any], list[Any] | None]:
        graph = self._graph
        descs = {
            name: mx.io.DataDesc(name, tuple(shapes[name]), own.dtype)
            for name, own in graph.inputs.items()
        }
        labels = [descs[name] for name in graph.label_names]
        return [descs[name] for name in graph.data_names], labels or None


# What `Module.reshape` changes in a Module and in its group of executors.
_OF_MODULE = ("_data_shapes", "_label_shapes")
_OF_GROUP = (
    *("execs", "batch_size", "slices", "data_shapes", "label_shapes"),
    *("data_layouts", "label_layouts", "data_names", "label_names"),
)


def _bound(module: Any) -> dict[str, Any]:
    """Executors and shapes that a Module is bound to."""
    group = module._exec_group
    found = {name: getattr(module, name) for name in _OF_MODULE}
    found.update({name: getattr(group, name) for name in _OF_GROUP if hasattr(group, name)})
    return {**found, "execs": list(group.execs)}


def _bind_again(module: Any, kept: dict[str, Any]) -> None:
    """Restore what `_bound` returned."""
    group = module._exec_group
    for name in _OF_MODULE:
        setattr(module, name, kept[name])
    for name in _OF_GROUP:
        if name in kept:
            setattr(group, name, kept[name])
    group.execs = list(kept["execs"])
    group._collect_arrays()
