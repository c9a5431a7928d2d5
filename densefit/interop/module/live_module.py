"""In-place training of a user's Module, which is therefore always up to date."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from densefit.backend import mx
from densefit.engine.mxnet.module import Modules, Shapes, TrainGraph
from densefit.engine.mxnet.ndarrays import to_ndarrays
from densefit.engine.mxnet.optimizers.resume import restart_store
from densefit.model.network import Network


class LiveModule(Modules):
    """Bind a user's Module for training, and reshape it to each batch.

    The symbol is bound unchanged, without densefit's optimizing graph passes.

    Args:
        module: the user's Module, bound, loaded or new.
        limit: number of shapes whose bound executors are cached; Module rebinds at each change.
    """

    is_steady = False

    def __init__(self, module: Any, limit: int = 16) -> None:
        self.first, self.binds = module, 0
        self._limit = limit
        #: Shapes -> executors that were bound for them.
        self._bound_states: OrderedDict[Any, dict[str, Any]] = OrderedDict()

    def prepare(
        self, graph: TrainGraph, network: Network, initializer: Any, is_given: bool
    ) -> None:
        """Bind the Module and set its parameters.

        Args:
            graph: train graph to bind.
            network: network with the parameters.
            initializer: initializer of parameters without a value.
            is_given: whether the network's values differ from the Module's.

        Raises:
            ValueError: MXNet's initializers cannot initialize a parameter.
        """
        module, self._graph, self.inputs = self.first, graph, graph.inputs
        self.data_names, self.label_names = list(graph.data_names), list(graph.label_names)
        full = {name: graph_input.shape for name, graph_input in graph.inputs.items()}
        if module.binded and not (module.for_training and module._grad_req == "write"):
            module.get_params()  # copies them to the Module's CPU arrays, for the new bind
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
            self._bound_states[now] = _bound(self.first)
        if key in self._bound_states:
            self._bound_states.move_to_end(key)
            _bind_again(self.first, self._bound_states[key])
        else:
            self._graph.symbol_for(shapes)  # raises if they do not fit the parameters
            self.first.reshape(*self._descs(shapes))
            self.binds += 1
        while len(self._bound_states) > self._limit:
            self._bound_states.popitem(last=False)
        return self.first

    def _present(self) -> Any:
        """Return the key of the bound shapes, which the user may have changed."""
        group = self.first._exec_group
        descs = [*group.data_shapes, *(group.label_shapes or ())]
        shapes = {desc[0]: tuple(desc[1]) for desc in descs}
        return self._key(shapes) if set(shapes) == set(self.inputs) else None

    def evaluate(self, number: int, batch: Any) -> None:
        """Compute a batch of a validation for a callback that reads the Module's outputs.

        Args:
            number: index of the batch, from 0.
            batch: batch to compute; skipped if it lacks an input of the train graph.
        """
        if not self.first.binded:
            return
        present = batch.arrays
        if any(name not in present for name in self.inputs):
            return
        arrays = {name: graph_input.fit(present[name]) for name, graph_input in self.inputs.items()}
        shapes = {name: tuple(array.shape) for name, array in arrays.items()}
        ndarrays = to_ndarrays(arrays)
        data = [ndarrays[name] for name in self.data_names]
        label = [ndarrays[name] for name in self.label_names] or None
        self.of(shapes).forward(
            mx.io.DataBatch(data, label, pad=batch.rows - batch.real), is_train=False
        )

    def _descs(self, shapes: Shapes) -> tuple[list[Any], list[Any] | None]:
        graph = self._graph
        descs = {
            name: mx.io.DataDesc(name, tuple(shapes[name]), graph_input.dtype)
            for name, graph_input in graph.inputs.items()
        }
        labels = [descs[name] for name in graph.label_names]
        return [descs[name] for name in graph.data_names], labels or None


# Attributes that `Module.reshape` changes in a Module and in its executor group.
_OF_MODULE = ("_data_shapes", "_label_shapes")
_OF_GROUP = (
    *("execs", "batch_size", "slices", "data_shapes", "label_shapes"),
    *("data_layouts", "label_layouts", "data_names", "label_names"),
)


def _bound(module: Any) -> dict[str, Any]:
    """Return a Module's bound executors and shapes."""
    group = module._exec_group
    state = {name: getattr(module, name) for name in _OF_MODULE}
    state.update({name: getattr(group, name) for name in _OF_GROUP if hasattr(group, name)})
    return {**state, "execs": list(group.execs)}


def _bind_again(module: Any, state: dict[str, Any]) -> None:
    """Restore the executors and shapes that `_bound` returned."""
    group = module._exec_group
    for name in _OF_MODULE:
        setattr(module, name, state[name])
    for name in _OF_GROUP:
        if name in state:
            setattr(group, name, state[name])
    group.execs = list(state["execs"])
    group._collect_arrays()
