"""Loading of MXNet symbols from JSON that may be damaged.

MXNet's reader reports most errors, but not all: an input that refers to the seventh output of a
layer with two outputs ends the process. So node and output indices are checked first.
"""

from __future__ import annotations

from typing import Any

from densefit.checkpoint.storage import strict_json
from densefit.errors import ConfigError
from densefit.symbol import load_graph, sym

MOST_OUTPUTS = 10_000  # of one layer


def load(text: str | bytes) -> Any:
    """Load a Symbol from JSON of any version that MXNet 1.9.1 reads.

    Raises:
        ValueError: the text is not a symbol, or is damaged.
    """
    graph = strict_json.parse(text)
    try:
        _check(graph)
        return sym.load_json(text if isinstance(text, str) else text.decode("utf-8"))
    except ConfigError as error:
        raise ValueError(error.what) from error
    except RuntimeError as error:  # MXNet's
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(f"MXNet says: {lines[-1]:.300}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a graph ({type(error).__name__}: {error})") from error


def _check(graph: Any) -> None:
    """Check that all nodes and outputs that a graph refers to exist.

    Raises:
        ValueError: a node or output is missing.
        KeyError, TypeError, AttributeError: the JSON is not a graph.
    """
    nodes = graph["nodes"]
    if not graph["heads"]:
        raise ValueError("it has no outputs")
    outputs: dict[int, int] = {}  # node -> its highest output in use, if not the first
    for index, node in enumerate(nodes):
        attributes = node.get("attrs", node.get("attr", node.get("param", {})))
        if any(int(attributes.get(key, 1)) > MOST_OUTPUTS for key in ("num_outputs", "sections")):
            raise ValueError(f"{node['name']!r:.80} has an impossible number of outputs")
        for subgraph in node.get("subgraphs", ()):
            _check(subgraph)
        if node["op"] == "null" and node["inputs"]:
            raise ValueError(f"the variable {node['name']!r:.80} has inputs")
        for of, output in _entries(node["inputs"], index):
            if output:
                outputs[of] = max(outputs.get(of, 0), output)
    if any(type(index) is not int or not 0 <= index < len(nodes) for index in graph["arg_nodes"]):
        raise ValueError("an argument is not there")
    for of, output in _entries(graph["heads"], len(nodes)):
        if output:
            outputs[of] = max(outputs.get(of, 0), output)
    for of, output in outputs.items():
        if output >= _outputs(nodes[of], graph.get("attrs", {})):
            raise ValueError(f"{nodes[of]['name']!r:.80} has no output {output}")


def _entries(entries: list[list[int]], end: int) -> list[tuple[int, int]]:
    """Return (node, output) of each entry; raises ValueError for a node not before `end`."""
    for entry in entries:
        if not 2 <= len(entry) <= 3 or any(type(number) is not int for number in entry):
            raise ValueError("a place is not two or three numbers")
        if not 0 <= entry[0] < end or not 0 <= entry[1] < MOST_OUTPUTS:
            raise ValueError(f"there is nothing at {entry}")
    return [(entry[0], entry[1]) for entry in entries]


def _outputs(node: dict[str, Any], attributes: dict[str, Any]) -> int:
    """Count the outputs of a layer by loading a graph of the layer alone.

    Args:
        node: the layer.
        attributes: attributes of the layer's graph, with the version of MXNet that wrote it.
    """
    if node["op"] == "null":
        return 1
    count = len(node["inputs"])
    variables = [{"op": "null", "name": f"input{index}", "inputs": []} for index in range(count)]
    alone = {**node, "inputs": [[index, 0, 0] for index in range(count)]}
    graph = {
        "nodes": [*variables, alone],
        "arg_nodes": list(range(count)),
        "heads": [[count, 0, 0]],
        "attrs": attributes,
    }
    symbol = load_graph(graph)
    return len(symbol.get_internals().list_outputs()) - len(symbol.list_inputs())
