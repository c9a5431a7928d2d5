"""Symbol: outputs of a graph that is built without MXNet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError, EngineError
from densefit.symbol.builder import inference, json_format, types
from densefit.symbol.builder.arithmetic import Arithmetic
from densefit.symbol.builder.attributes import hidden_name, with_short_names
from densefit.symbol.builder.methods import Methods
from densefit.symbol.builder.nodes import Entry, copy_nodes, nodes_of

_ENGINES = ("bind", "simple_bind", "eval", "gradient", "optimize_for", "get_backend_symbol")
_ARRAYS = ("asnumpy", "asscalar", "wait_to_read", "copy", "as_in_context", "detach", "backward")


class Symbol(Arithmetic, Methods):
    """Outputs of nodes, like MXNet's Symbol.

    Args:
        entries: the outputs.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    @property
    def name(self) -> str | None:
        """Name of the node; None for outputs of several nodes."""
        node = self._single_node()
        return node.name if node is not None else None

    def _single_node(self) -> Any:
        nodes = {id(entry.node): entry.node for entry in self.entries}
        return next(iter(nodes.values())) if len(nodes) == 1 else None

    def __repr__(self) -> str:
        if self.name is None:
            return f"<Symbol group [{', '.join(str(output.name) for output in self)}]>"
        return f"<Symbol {self.name}>"

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Symbol]:
        return (Symbol([entry]) for entry in self.entries)

    def __getitem__(self, index: int | str | slice) -> Symbol:
        if isinstance(index, slice):
            entries = self.entries[index]
            if not entries:
                raise TypeError("Expected a list of symbols as input")
            return Symbol(entries)
        if isinstance(index, str):
            names = self.list_outputs()
            if names.count(index) > 1:
                raise ValueError(f'There are multiple outputs with name "{index}"')
            if index not in names:
                raise ValueError(f'Cannot find output that matches name "{index}"')
            index = names.index(index)
        if not isinstance(index, int):
            raise TypeError("Symbol only support integer index to fetch i-th output")
        if not 0 <= index < len(self.entries):
            raise IndexError(f"output {index} of {len(self.entries)}")
        return Symbol([self.entries[index]])

    def list_arguments(self) -> list[str]:
        """Names of inputs and parameters, in the order of the graph."""
        variables, states = self._variables()
        return [node.name for node in variables if id(node) not in states]

    def list_auxiliary_states(self) -> list[str]:
        """Names of variables that operators write to, e.g. moving statistics."""
        variables, states = self._variables()
        return [node.name for node in variables if id(node) in states]

    def list_inputs(self) -> list[str]:
        """Names of all variables."""
        return [node.name for node in self._variables()[0]]

    def _variables(self) -> tuple[list[Any], set[int]]:
        nodes = nodes_of(self.entries)
        states = {
            id(node.inputs[position].node)
            for node in nodes
            if node.operator is not None
            for position in node.form.states
            if position < len(node.inputs)
        }
        return [node for node in nodes if node.is_variable], states

    def list_outputs(self) -> list[str]:
        """Names of the outputs."""
        return [entry.node.output_name(entry.number) for entry in self.entries]

    def get_internals(self) -> Symbol:
        """All outputs of all nodes."""
        entries = []
        for node in nodes_of(self.entries):
            version = node.version if node.is_variable else 0
            numbers = range(len(node.form.outputs))
            entries += [Entry(node, number, version) for number in numbers]
        return Symbol(entries)

    def get_children(self) -> Symbol | None:
        """Inputs of the nodes; None for variables."""
        nodes = {id(entry.node): entry.node for entry in self.entries}
        entries = [entry for node in nodes.values() for entry in node.inputs]
        return Symbol(entries) if entries else None

    def attr(self, key: str) -> str | None:
        """Attribute of the node; None if it has none, or the Symbol is a group."""
        node = self._single_node()
        return None if node is None else with_short_names(node.attrs).get(key)

    def list_attr(self, recursive: bool = False) -> dict[str, str]:
        """All attributes of the node."""
        if recursive:
            raise DeprecationWarning("Symbol.list_attr(recursive=True) is now attr_dict()")
        node = self._single_node()
        return {} if node is None else with_short_names(node.attrs)

    def attr_dict(self) -> dict[str, dict[str, str]]:
        """Name of each node with attributes -> its attributes."""
        return {
            node.name: with_short_names(node.attrs) for node in nodes_of(self.entries) if node.attrs
        }

    def _set_attr(self, **attributes: str) -> None:
        node = self._single_node()
        if node is None:
            raise ConfigError("Attributes are set on one node, and this is a group", received=self)
        for key, value in attributes.items():
            if not isinstance(value, str):
                raise ValueError("Set Attr only accepts string values")
            node.attrs[hidden_name(key)] = value

    def infer_shape(self, *shapes: Any, **named: Any) -> tuple[Any, Any, Any]:
        """Shapes of (arguments, outputs, auxiliary states); (None, None, None) if any is unknown.

        Args:
            shapes: shape of each argument in their order, None for an unknown one.
            named: name of an argument -> shape; 0 for an unknown dimension.

        Raises:
            BindError: shapes contradict each other.
            ConfigError: the shapes of an operator are not known without an engine.
        """
        return inference.infer_shapes(self, shapes, named, is_partial=False)

    def infer_shape_partial(self, *shapes: Any, **named: Any) -> tuple[Any, Any, Any]:
        """Shapes like `infer_shape`, with () for an unknown shape and 0 for a dimension."""
        return inference.infer_shapes(self, shapes, named, is_partial=True)

    _infer_shape_impl = inference.infer_shape_impl

    def infer_type(self, *kinds: Any, **named: Any) -> tuple[Any, Any, Any]:
        """Types of (arguments, outputs, auxiliary states); (None, None, None) if any is unknown."""
        return types.infer_types(self, kinds, named, is_partial=False)

    def infer_type_partial(self, *kinds: Any, **named: Any) -> tuple[Any, Any, Any]:
        """Types like `infer_type`, with None for an unknown one."""
        return types.infer_types(self, kinds, named, is_partial=True)

    def tojson(self, remove_amp_cast: bool = True) -> str:
        """Text in MXNet's format.

        Args:
            remove_amp_cast: whether casts of automatic mixed precision are left out.
        """
        return json_format.dump(self.entries, remove_amp_cast)

    def save(self, fname: str | Path, remove_amp_cast: bool = True) -> None:
        """Write `tojson` to a file."""
        Path(fname).write_text(self.tojson(remove_amp_cast), encoding="utf-8")

    def debug_str(self) -> str:
        """Nodes with their inputs and attributes, for people."""
        return "\n".join(
            f"{node.operator.name if node.operator else 'Variable'}:{node.name} "
            f"{[entry.node.name for entry in node.inputs]} {node.attrs}"
            for node in nodes_of(self.entries)
        )

    def __call__(self, *inputs: Symbol, name: str | None = None, **named: Symbol) -> Symbol:
        """A copy of the graph that reads other Symbols instead of variables.

        Args:
            inputs: not supported, as in MXNet.
            name: new name of the node.
            named: name of a variable -> Symbol of one output.
        """
        if inputs or not all(isinstance(symbol, Symbol) for symbol in named.values()):
            raise TypeError("A graph is composed with Symbols by the names of its variables")
        unknown = set(named) - set(self.list_inputs())
        if unknown:
            raise ConfigError(
                "The graph has no such variables",
                expected=", ".join(self.list_inputs()),
                received=", ".join(sorted(unknown)),
            )
        copied = self.__deepcopy__({})
        for node in nodes_of(copied.entries):
            node.inputs = [
                named[entry.node.name].entries[0]
                if entry.node.is_variable and entry.node.name in named
                else entry
                for entry in node.inputs
            ]
        if name:
            copied.entries[0].node.name = name
        return copied

    def __copy__(self) -> Symbol:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Symbol:
        copies = copy_nodes(nodes_of(self.entries))
        return Symbol([entry._replace(node=copies[id(entry.node)]) for entry in self.entries])

    def __getstate__(self) -> dict[str, str]:
        return {"handle": self.tojson()}

    def __setstate__(self, state: Mapping[str, str]) -> None:
        self.entries = tuple(json_format.load(state["handle"]))

    def as_nd_ndarray(self) -> Symbol:
        """The Symbol itself."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name in _ENGINES:
            raise EngineError(
                f"Symbol.{name} computes with MXNet, and this Symbol is densefit's",
                fix='df.fit and df.score compute it; or pip install "densefit[mxnet]" and '
                "mx.sym.load_json(symbol.tojson())",
            )
        if name in _ARRAYS:
            raise NotImplementedError(f"Symbol.{name}: a Symbol holds no numbers")
        raise AttributeError(f"'Symbol' object has no attribute {name!r}")
