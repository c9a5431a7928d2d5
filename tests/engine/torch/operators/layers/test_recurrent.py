"""Recurrent layers and the loss of label sequences equal MXNet's."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.program import Program, Run
from densefit.errors import EngineError
from densefit.model.symbol_graph import SymbolGraph

V = mx.sym.Variable
GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


def layer(mode, layers, bidirectional, **settings):
    states = {"state": V("state")} | ({"state_cell": V("cell")} if mode == "lstm" else {})
    return mx.sym.RNN(
        V("data"), V("parameters"), **states, state_size=5, num_layers=layers, mode=mode,
        bidirectional=bidirectional, **settings,
    )  # fmt: skip


def arrays_of(mode, layers, bidirectional, steps=6, batch=3, width=4, size=5):
    random = np.random.RandomState(0)
    directions, gates = 1 + bidirectional, GATES[mode]
    length = sum(
        directions * gates * size * ((size * directions if number else width) + size + 2)
        for number in range(layers)
    )
    arrays = {
        "data": random.normal(size=(steps, batch, width)),
        "parameters": random.normal(0, 0.5, length),
        "state": random.normal(size=(layers * directions, batch, size)),
    }
    if mode == "lstm":
        arrays["cell"] = random.normal(size=arrays["state"].shape)
    return arrays


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers(compare, mode, layers, bidirectional):
    arrays = arrays_of(mode, layers, bidirectional)
    for has_states in (False, True):
        symbol = layer(mode, layers, bidirectional, state_outputs=has_states)
        symbol = mx.sym.Group(list(symbol))
        compare(symbol, arrays, list(arrays), training=True, rtol=1e-4, atol=1e-5)


def test_dropout_is_between_layers_and_in_training_only():
    symbol = layer("lstm", 2, False, p=0.5)
    values = {
        name: torch.from_numpy(array.astype("f"))
        for name, array in arrays_of("lstm", 2, False).items()
    }
    program = Program(SymbolGraph.of(symbol))
    (first,), (second,) = (program(values, Run(training=True)) for _ in range(2))
    (third,), (fourth,) = (program(values, Run()) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(third, fourth)


@pytest.mark.parametrize("mode", GATES)
def test_a_state_of_one_row_is_that_of_all(mode):
    """MXNet's symbols begin with zeros whose batch is inferred; PyTorch's kernels do not check."""
    values = {
        name: torch.from_numpy(array.astype("f"))
        for name, array in arrays_of(mode, 2, True).items()
    }
    states = [name for name in ("state", "cell") if name in values]
    values.update({name: torch.zeros_like(values[name]) for name in states})
    program = Program(SymbolGraph.of(layer(mode, 2, True)))
    (expected,) = program(values, Run())
    values.update({name: values[name][:, :1] for name in states})
    (output,) = program(values, Run())
    assert torch.equal(output, expected)
    values.update({name: torch.zeros(4, 2, 5) for name in states})
    with pytest.raises(RuntimeError, match="expanded size"):
        program(values, Run())


def test_what_a_recurrent_layer_lacks_is_said():
    symbol = layer("lstm", 1, False, projection_size=3, name="encoder")
    with pytest.raises(EngineError, match="(?s)projection_size.*'encoder'"):
        Program(SymbolGraph.of(symbol))


def ctc_inputs(first, classes=6, steps=9, batch=5, longest=4):
    random = np.random.RandomState(0)
    low = 1 if first else 0
    label = random.randint(low, classes - 1 + low, (batch, longest)).astype("f")
    padding = 0 if first else -1
    label[0, 2:] = label[1, 1:] = label[2, :] = padding
    label[3] = label[3, 0]  # repeats need blanks between
    return {"data": random.normal(size=(steps, batch, classes)), "label": label}


@pytest.mark.parametrize("blank", ["first", "last"])
@pytest.mark.parametrize("lengths", [(), ("data",), ("label",), ("data", "label")])
def test_sequence_losses(compare, blank, lengths):
    arrays = ctc_inputs(blank == "first")
    if "label" in lengths:  # nothing but classes; the lengths say where they end
        arrays["label"] = np.maximum(arrays["label"], 1 if blank == "first" else 0)
    inputs = {"data": V("data"), "label": V("label")}
    for name, values in (("data", [9, 7, 8, 9, 6]), ("label", [4, 3, 1, 2, 4])):
        if name in lengths:
            inputs[f"{name}_lengths"] = V(f"{name}_lengths")
            arrays[f"{name}_lengths"] = np.array(values)
    symbol = mx.sym.contrib.ctc_loss(
        **inputs, blank_label=blank, use_data_lengths="data" in lengths,
        use_label_lengths="label" in lengths,
    )  # fmt: skip
    compare(symbol, arrays, ["data"], training=True, rtol=1e-4, atol=1e-5)


def test_labels_that_are_too_long_cost_nothing(compare):
    arrays = ctc_inputs(True, steps=4)  # four equal labels need seven steps
    symbol = mx.sym.ctc_loss(V("data"), V("label"))
    (losses,), _ = compare(symbol, arrays, rtol=1e-4, atol=1e-5)
    assert losses[3] == 0
