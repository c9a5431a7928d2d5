"""Operators by MXNet's names: which there are, and what is said of others."""

import re
from pathlib import Path

import pytest

from densefit.backend import mx
from densefit.engine.torch.operators import supported
from densefit.engine.torch.program import Program
from densefit.errors import EngineError
from densefit.model.symbol_graph import SymbolGraph

PROGRAMS = Path(__file__).parents[3] / "programs"
NAMESPACES = {"contrib.": "_contrib_", "random.": "_random_", "linalg.": "_linalg_", "sparse.": ""}
BUILDERS = {"Variable", "Group", "var", "Custom"}


def test_every_operator_of_the_programs():
    """Custom is Python on MXNet's arrays, and alone refused."""
    used = set()
    for path in PROGRAMS.glob("test_*.py"):
        pattern = r"\b(?:sym|F)\.((?:contrib|random|linalg|sparse)\.)?([A-Za-z]\w+)\("
        for namespace, name in re.findall(pattern, path.read_text()):
            used.add(NAMESPACES.get(namespace, "") + name)
    assert len(used) > 40
    assert used - BUILDERS <= set(supported())


def test_an_unknown_operator():
    graph = SymbolGraph.of(mx.sym.contrib.fft(mx.sym.Variable("x"), name="transform"))
    with pytest.raises(EngineError, match="(?s)no operator _contrib_fft.*node 'transform'.*mxnet"):
        Program(graph)


def test_a_custom_operator():
    node = SymbolGraph.of(mx.sym.relu(mx.sym.Variable("x"), name="mine"))
    node.nodes[-1].op = "Custom"
    with pytest.raises(EngineError, match="(?s)no operator Custom.*node 'mine'.*with operators"):
        Program(node)


def test_a_setting_that_is_no_number():
    graph = SymbolGraph.of(mx.sym.clip(mx.sym.Variable("x"), 0, 1, name="limits"))
    graph.nodes[-1].attrs = {"a_min": "zero", "a_max": "1"}
    with pytest.raises(EngineError, match="(?s)'a_min'.*clip.*'zero'.*node 'limits'"):
        Program(graph)


def test_a_setting_that_is_missing():
    graph = SymbolGraph.of(mx.sym.clip(mx.sym.Variable("x"), 0, 1, name="limits"))
    graph.nodes[-1].attrs = {}
    with pytest.raises(EngineError, match="(?s)clip lacks its setting 'a_min'.*node 'limits'"):
        Program(graph)
