import json
import random

import pytest

from densefit.backend import mx
from densefit.interop.files import mxnet_symbol


def network():
    x = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(3, 3), num_filter=4, name="conv")
    x = mx.sym.BatchNorm(x, name="bn")
    parts = mx.sym.SliceChannel(x, num_outputs=2, axis=1, name="parts")
    both = mx.sym.topk(parts[0] + parts[1], k=2, ret_typ="both", name="top")
    x = mx.sym.FullyConnected(both[0], num_hidden=3, name="fc")
    return mx.sym.Group([mx.sym.SoftmaxOutput(x, name="softmax"), mx.sym.BlockGrad(both[1])])


def test_what_is_written_is_read():
    symbol = network()
    for text in (symbol.tojson(), symbol.tojson().encode()):
        assert mxnet_symbol.load(text).tojson() == symbol.tojson()
    alone = mx.sym.Variable("x")
    assert mxnet_symbol.load(alone.tojson()).list_outputs() == ["x"]


def test_loops_in_a_graph():
    def body(item, state):
        return item + state, state + 1

    out, _ = mx.sym.contrib.foreach(body, mx.sym.Variable("x"), mx.sym.Variable("s"))
    assert mxnet_symbol.load(out.tojson()).list_arguments() == out.list_arguments()
    graph = json.loads(out.tojson())
    (node,) = (node for node in graph["nodes"] if "subgraphs" in node)
    node["subgraphs"][0]["nodes"][-1]["inputs"][0] = [0, 9, 0]
    with pytest.raises(ValueError, match="no output 9"):
        mxnet_symbol.load(json.dumps(graph))


def test_symbols_of_older_versions():
    """As MXNet 0.8 wrote them: without a version, attributes as `param`, aux states left out."""
    variables = [{"op": "null", "name": name, "inputs": [], "param": {}, "backward_source_id": -1}
                 for name in ("data", "bn_gamma", "bn_beta")]  # fmt: skip
    norm = {"op": "BatchNorm", "name": "bn", "param": {"eps": "0.001"},
            "inputs": [[0, 0], [1, 0], [2, 0]], "backward_source_id": -1}  # fmt: skip
    parts = {"op": "SliceChannel", "name": "parts", "param": {"num_outputs": "3"},
             "inputs": [[3, 0]], "backward_source_id": -1}  # fmt: skip
    graph = {"nodes": [*variables, norm, parts], "arg_nodes": [0, 1, 2], "heads": [[4, 2]]}
    symbol = mxnet_symbol.load(json.dumps(graph))
    assert symbol.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert symbol.list_outputs() == ["parts_output2"]
    graph["heads"] = [[4, 3]]
    with pytest.raises(ValueError, match="no output 3"):
        mxnet_symbol.load(json.dumps(graph))


def nodes(change):
    """The network's JSON with a change of its layers by name."""
    graph = json.loads(network().tojson())
    change({node["name"]: node for node in graph["nodes"]})
    return json.dumps(graph)


def graph(**changes):
    return json.dumps({**json.loads(network().tojson()), **changes})


HOSTILE = {
    "nothing": "",
    "no JSON": "symbol",
    "a list": "[]",
    "no graph": "{}",
    "deep": "[" * 100_000,
    "nodes that are none": graph(nodes=[1]),
    "nodes that are one": graph(nodes={"op": "null"}),
    "no heads": graph(heads=[]),
    "a head that is not there": graph(heads=[[999, 0, 0]]),
    "an output that a layer has not": graph(heads=[[3, 9, 0]]),
    "an output of a variable": graph(heads=[[0, 1, 0]]),
    "an output before the first": graph(heads=[[0, -1, 0]]),
    "an argument that is not there": graph(arg_nodes=[999]),
    "another output as an input": nodes(lambda n: n["fc"]["inputs"].__setitem__(0, [9, 7, 0])),
    "a later layer as an input": nodes(lambda n: n["conv"]["inputs"].__setitem__(0, [14, 0, 0])),
    "a layer before the first": nodes(lambda n: n["conv"]["inputs"].__setitem__(0, [-1, 0, 0])),
    "half a place": nodes(lambda n: n["conv"]["inputs"].__setitem__(0, [0])),
    "a place of text": nodes(lambda n: n["conv"]["inputs"].__setitem__(0, ["0", 0, 0])),
    "inputs of a variable": nodes(lambda n: n["conv_weight"]["inputs"].append([0, 0, 0])),
    "outputs without end": nodes(lambda n: n["parts"]["attrs"].update(num_outputs="2000000000")),
    "a number that is none": nodes(lambda n: n["parts"]["attrs"].update(num_outputs="two")),
    "an unknown layer": nodes(lambda n: n["conv"].update(op="Nothing")),
    "a wrong setting": nodes(lambda n: n["conv"]["attrs"].update(num_filter="many")),
    "no name": nodes(lambda n: n["conv"].pop("name")),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_symbols(text):
    with pytest.raises(ValueError, match=r"\w"):
        mxnet_symbol.load(text)


def test_damage_at_random():
    """MXNet ends the process for some of these; here each is an error, or a graph."""
    text = network().tojson()
    rng = random.Random(1)
    read = 0
    for _ in range(300):
        changed = list(text)
        for _ in range(rng.randrange(1, 3)):
            changed[rng.randrange(len(changed))] = rng.choice('0123456789[]{},":-e')
        try:
            symbol = mxnet_symbol.load("".join(changed))
        except ValueError:
            continue
        read += 1
        symbol.get_internals().list_outputs()
    assert read > 10
