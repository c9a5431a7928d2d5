"""Compute a Symbol on the engine that is installed: MXNet, or PyTorch where MXNet is not."""

import numpy as np

from densefit.engine.selection import engine_name


class Executor:
    """A Symbol with arrays, like MXNet's Executor; all arrays are numpy's.

    Args:
        symbol: a Symbol.
        types: name of an input -> dtype; float32 by default.
        gradients: whether `backward` is called.
        shapes: shapes of the inputs by name; further names are ignored.

    Attributes:
        arg_dict, aux_dict: inputs and parameters, and moving statistics, by name; to be filled.
        outputs: arrays of the last `forward`.
        output_dict: the same by name.
        grad_dict: gradients of `backward`.
    """

    def __init__(self, symbol, types=None, gradients=True, **shapes):
        inputs = set(symbol.list_inputs())
        shapes = {name: shape for name, shape in shapes.items() if name in inputs}
        arguments, _, states = symbol.infer_shape(**shapes)
        types = types or {}
        self._set(
            symbol,
            {
                name: np.zeros(shape, types.get(name, np.float32))
                for name, shape in zip(symbol.list_arguments(), arguments)
            },
            {
                name: np.zeros(shape, np.float32)
                for name, shape in zip(symbol.list_auxiliary_states(), states)
            },
            gradients,
        )

    @classmethod
    def of_arrays(cls, symbol, arguments, states, gradients=True):
        """An executor of arrays by name, where the shapes of operators may be unknown."""
        executor = cls.__new__(cls)
        executor._set(symbol, arguments, states, gradients)
        return executor

    def _set(self, symbol, arguments, states, gradients):
        self.symbol, self.gradients = symbol, gradients
        self.arg_dict, self.aux_dict = arguments, states
        self.outputs, self.grad_dict = [], {}
        compute = {"mxnet": MXNet, "torch": Torch}[engine_name()]
        self._engine = compute(self)

    @property
    def output_dict(self):
        return dict(zip(self.symbol.list_outputs(), self.outputs))

    def forward(self, is_train=False, **inputs):
        for name, array in inputs.items():
            self.arg_dict[name][:] = array
        self.outputs = self._engine.forward(is_train)
        return self.outputs

    def backward(self, *head_gradients):
        """Compute the gradients; head gradients are ones by default."""
        heads = head_gradients or [np.ones_like(output) for output in self.outputs]
        self.grad_dict = self._engine.backward([np.asarray(head, np.float32) for head in heads])


class MXNet:
    """Compute an Executor's Symbol by MXNet."""

    def __init__(self, executor):
        from densefit.backend import mx

        self.executor = executor
        self.mx, symbol = mx, executor.symbol
        if not isinstance(symbol, mx.sym.Symbol):
            symbol = mx.sym.load_json(symbol.tojson())
        self.symbol = symbol

    def forward(self, is_train):
        arguments, states = (
            {name: self.mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()}
            for arrays in (self.executor.arg_dict, self.executor.aux_dict)
        )
        gradients = {name: self.mx.nd.zeros_like(array) for name, array in arguments.items()}
        self.bound = self.symbol.bind(
            self.mx.cpu(),
            arguments,
            gradients if self.executor.gradients else None,
            aux_states=states,
        )
        return [output.asnumpy() for output in self.bound.forward(is_train=is_train)]

    def backward(self, heads):
        self.bound.backward([self.mx.nd.array(head) for head in heads])
        return {name: array.asnumpy() for name, array in self.bound.grad_dict.items()}


class Torch:
    """Compute an Executor's Symbol by PyTorch."""

    def __init__(self, executor):
        import torch

        from densefit.engine.torch.program import Program, Run
        from densefit.model.symbol_graph import SymbolGraph

        self.executor, self.torch, self.run = executor, torch, Run
        self.program = Program(SymbolGraph.of(executor.symbol))

    def forward(self, is_train):
        arguments, states = self.executor.arg_dict, self.executor.aux_dict
        self.tensors = {
            name: self.torch.from_numpy(np.array(array))
            for name, array in {**arguments, **states}.items()
        }
        if self.executor.gradients and is_train:
            for name in arguments:
                if self.tensors[name].is_floating_point():
                    self.tensors[name].requires_grad_()
        self.results = self.program(self.tensors, self.run(training=is_train))
        return [result.detach().numpy() for result in self.results]

    def backward(self, heads):
        roots = [
            (result, self.torch.from_numpy(head))
            for result, head in zip(self.results, heads)
            if result.requires_grad
        ]
        if roots:
            self.torch.autograd.backward(*zip(*roots))
        return {
            name: np.zeros(array.shape, np.float32)
            if self.tensors[name].grad is None
            else self.tensors[name].grad.numpy()
            for name, array in self.executor.arg_dict.items()
        }


def compute(symbol, values, types=None, is_train=False):
    """Compute the outputs of a Symbol, all of whose variables have values.

    Args:
        symbol: a Symbol.
        values: name of a variable -> array, cast to float32.
        types: name of an input -> another dtype.
        is_train: whether operators behave as in training.
    """
    types = types or {}
    arrays = {name: np.array(value, types.get(name, np.float32)) for name, value in values.items()}
    arguments, states = (
        {name: arrays[name] for name in names}
        for names in (symbol.list_arguments(), symbol.list_auxiliary_states())
    )
    return Executor.of_arrays(symbol, arguments, states, gradients=False).forward(is_train)


def engine_array(array):
    """An array of the installed engine: an NDArray or a tensor."""
    if engine_name() == "torch":
        import torch

        return torch.from_numpy(np.array(array))
    from densefit.backend import mx

    return mx.nd.array(array, dtype=np.asarray(array).dtype)
