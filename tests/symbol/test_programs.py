"""Typical programs' Symbols, built by densefit's builder instead of MXNet's."""

import importlib.util
import json
from pathlib import Path

import pytest

from densefit import symbol as choice
from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.symbol import builder, initializers

PROGRAMS = Path(__file__).parents[1] / "programs"
#: (file, arguments of its `symbol`, shapes of its data and labels)
CASES = [
    ("ctc", (), None),
    ("fcn", (), {"data": (2, 3, 24, 32), "softmax_label": (2, 24 * 32)}),
    ("image_classification", (), {"data": (2, 3, 20, 20), "softmax_label": (2,)}),
    ("matrix_factorization", (), {"user": (8,), "item": (8,), "score": (8,)}),
    ("multi_task", (), None),
    ("pose", (), None),
    ("public_shapes", (), {"softmax_label": (4,)}),
    ("sparse", ("default",), {"data": (6, 20), "softmax_label": (6,)}),
    ("ssd", (), None),
    ("svm", (True,), {"data": (6, 5), "svm_label": (6,)}),
]


class OwnBuilder:
    """MXNet with densefit's builder as `mx.sym`."""

    sym = symbol = builder.sym
    init = initializer = initializers

    def __getattr__(self, name):
        return getattr(mx, name)


def program(name):
    spec = importlib.util.spec_from_file_location(f"program_{name}", PROGRAMS / f"test_{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(name, arguments, monkeypatch):
    """(densefit's Symbol, MXNet's)."""
    module = program(name)
    with mx.name.NameManager():
        theirs = module.symbol(*arguments)
    monkeypatch.setattr(module, "mx", OwnBuilder())
    with builder.NameManager():
        return module.symbol(*arguments), theirs


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_graphs_are_mxnets(monkeypatch, name, arguments, shapes):
    ours, theirs = built(name, arguments, monkeypatch)
    assert isinstance(ours, builder.Symbol)
    assert json.loads(ours.tojson()) == json.loads(theirs.tojson())
    assert ours.list_arguments() == theirs.list_arguments()
    assert ours.list_outputs() == theirs.list_outputs()
    assert ours.attr_dict() == theirs.attr_dict()
    if shapes is not None:
        assert ours.infer_shape_partial(**shapes) == theirs.infer_shape_partial(**shapes)


@pytest.mark.parametrize("multi", [False, True])
def test_a_graph_with_a_custom_operator_is_read_and_not_built(monkeypatch, multi):
    module = program("faster_rcnn")
    theirs = module.symbol(multi)
    read = builder.sym.load_json(theirs.tojson())
    assert json.loads(read.tojson()) == json.loads(theirs.tojson())
    assert read.list_arguments() == theirs.list_arguments()
    monkeypatch.setattr(module, "mx", OwnBuilder())
    with pytest.raises(ConfigError, match="(?s)operator Custom.*where: +target"):
        module.symbol(multi)


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_graphs_are_read(monkeypatch, name, arguments, shapes):
    ours, theirs = built(name, arguments, monkeypatch)
    read = builder.sym.load_json(theirs.tojson())
    assert json.loads(read.tojson()) == json.loads(theirs.tojson())
    again = mx.sym.load_json(ours.tojson())
    assert json.loads(again.tojson()) == json.loads(theirs.tojson())
    assert choice.is_symbol(ours)
    assert choice.is_symbol(theirs)
