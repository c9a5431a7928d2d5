"""An operator is inferred once for equal settings and inputs, and anew for others."""

import pytest
import torch

from densefit.engine.torch import meta_outputs as module
from densefit.engine.torch.meta_outputs import meta_outputs
from densefit.engine.torch.operators import registry
from densefit.engine.torch.operators.attributes import Attributes
from densefit.model.symbol_graph import Node


@pytest.fixture
def calls(monkeypatch):
    """Shapes of the inputs of an operator `counted`, a call each; it repeats its input."""
    seen = []

    def make(attrs):
        repeats = attrs.whole("repeats", 1)

        def compute(run, x):
            seen.append(tuple(x.shape))
            return torch.cat([x] * repeats)

        return compute

    monkeypatch.setitem(registry._OPERATORS, "counted", make)
    monkeypatch.setattr(module, "_KNOWN", {})
    return seen


def outputs(shape, dtype=torch.float32, subgraphs=(), op="counted", **settings):
    node = Node(op, "any", attrs=settings, subgraphs=subgraphs)
    x = torch.empty(shape, dtype=dtype, device="meta")
    return [(tuple(out.shape), out.dtype) for out in meta_outputs(Attributes(node), [x])]


def test_equal_settings_and_inputs_are_computed_once(calls):
    for _ in range(3):
        assert outputs((2, 3), repeats="2") == [((4, 3), torch.float32)]
    assert calls == [(2, 3)]


def test_others_are_computed_anew(calls):
    outputs((2, 3))
    assert outputs((2, 3), repeats="3") == [((6, 3), torch.float32)]
    assert outputs((5, 3)) == [((5, 3), torch.float32)]
    assert outputs((2, 3), torch.float16) == [((2, 3), torch.float16)]
    assert len(calls) == 4


def test_an_operator_that_is_registered_anew_is_computed_anew(calls, monkeypatch):
    outputs((2, 3))
    monkeypatch.setitem(registry._OPERATORS, "counted", lambda attrs: lambda run, x: (x.T, x))
    assert outputs((2, 3)) == [((3, 2), torch.float32), ((2, 3), torch.float32)]


def test_a_namesake_is_computed_anew(calls, monkeypatch):
    """What makes an operator of several names may read which it is."""

    def make(attrs):
        return lambda run, x: x.sum() if attrs.node.op == "total" else x

    for name in ("total", "counted"):
        monkeypatch.setitem(registry._OPERATORS, name, make)
    assert outputs((2, 3), op="total") == [((), torch.float32)]
    assert outputs((2, 3)) == [((2, 3), torch.float32)]


def test_the_layout_of_inputs_counts(calls, monkeypatch):
    monkeypatch.setitem(registry._OPERATORS, "counted", lambda attrs: lambda run, x: x.view(-1))
    node = Node("counted", "any")
    meta_outputs(Attributes(node), [torch.empty((2, 3), device="meta")])
    with pytest.raises(RuntimeError, match="view"):
        meta_outputs(Attributes(node), [torch.empty((3, 2), device="meta").T])


def test_subgraphs_are_computed_each_time(calls):
    for _ in range(2):
        outputs((2, 3), subgraphs=({},))
    assert len(calls) == 2


def test_few_are_kept(calls, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    for size in (1, 2, 3, 3):
        outputs((size,))
    assert len(module._KNOWN) == 1
    assert len(calls) == 3
