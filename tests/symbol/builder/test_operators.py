"""Each operator makes the node that MXNet makes, and infers the shapes that MXNet infers."""

import contextlib
import importlib.util
import io
import json
from pathlib import Path

import pytest

from densefit.backend import mx
from densefit.errors import DensefitError
from densefit.symbol.builder import NameManager, sym

SPEC = importlib.util.spec_from_file_location(
    "operator_cases", Path(__file__).with_name("operator_cases.py")
)
operator_cases = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(operator_cases)
CASES = operator_cases.CASES

#: MXNet accepts them and cannot compute them, or cannot infer what follows from the input.
STRICTER = [
    ("reshape", {"shape": (5, 25)}),
    ("slice", {"begin": (3,), "end": (2,)}),
]
MORE_IS_INFERRED = [
    ("reshape", {"shape": (-2, -4, 2, 2), "reverse": True}),
    ("reshape", {"shape": (-4, 2, -1, 0, 0), "reverse": True}),
    ("Pooling", {"kernel": (2,), "stride": (2,), "pooling_convention": "same"}),
    ("contrib.DeformableConvolution", {"kernel": (3, 3), "num_filter": 4, "pad": (1, 1)}),
]


def build(namespace, manager, name, shapes, settings):
    with manager():
        function = namespace
        for part in name.split("."):
            function = getattr(function, part)
        return function(*(namespace.Variable(f"in{i}") for i in range(len(shapes))), **settings)


def inferred(symbol, is_partial, shapes):
    """Shapes, or "refused"."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return symbol._infer_shape_impl(is_partial, **shapes)
        except (mx.base.MXNetError, DensefitError):
            return "refused"


def do_agree(ours, theirs):
    """Whether no dimension that both know differs; what MXNet refuses may be unknown."""
    if "refused" in (ours, theirs):
        return True
    if ours[0] is None or theirs[0] is None:
        return theirs[0] is None
    pairs = [pair for ours_part, part in zip(ours, theirs) for pair in zip(ours_part, part)]
    return all(
        len(x) == len(y) and all(a == b or not a or not b for a, b in zip(x, y))
        for x, y in pairs
        if x and y
    )


@pytest.mark.parametrize(("name", "shapes", "settings"), CASES)
def test_nodes_are_mxnets(name, shapes, settings):
    theirs = build(mx.sym, mx.name.NameManager, name, shapes, settings)
    ours = build(sym, NameManager, name, shapes, settings)
    assert json.loads(ours.tojson()) == json.loads(theirs.tojson())
    assert ours.list_outputs() == theirs.list_outputs()
    assert ours.list_inputs() == theirs.list_inputs()
    assert ours.list_auxiliary_states() == theirs.list_auxiliary_states()
    assert ours.attr_dict() == theirs.attr_dict()
    assert ours.get_internals().list_outputs() == theirs.get_internals().list_outputs()


@pytest.mark.parametrize(("name", "shapes", "settings"), CASES)
def test_shapes_are_mxnets(name, shapes, settings):
    theirs = build(mx.sym, mx.name.NameManager, name, shapes, settings)
    ours = build(sym, NameManager, name, shapes, settings)
    complete = {f"in{i}": shape for i, shape in enumerate(shapes)}
    for is_partial in (False, True):
        pair = [inferred(symbol, is_partial, complete) for symbol in (ours, theirs)]
        if (name, settings) in STRICTER:
            assert pair[0] == "refused"
        elif (name, settings) in MORE_IS_INFERRED:
            assert pair[1] == "refused"
        else:
            assert pair[0] == pair[1]
    for key, shape in complete.items():
        some = [
            {k: v for k, v in complete.items() if k != key},
            {**complete, key: (0, *shape[1:])},
            {**complete, key: (*shape[:-1], 0)},
        ]
        for shapes_known in some:
            pair = [inferred(symbol, True, shapes_known) for symbol in (ours, theirs)]
            assert do_agree(*pair), (shapes_known, pair)


@pytest.mark.parametrize("kind", ["float32", "float64", "int32"])
def test_types_are_mxnets(kind):
    """Of an operator's inputs of one type."""
    for name, shapes, settings in CASES:
        theirs = build(mx.sym, mx.name.NameManager, name, shapes, settings)
        ours = build(sym, NameManager, name, shapes, settings)
        types = {f"in{i}": kind for i in range(len(shapes))}
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                expected = theirs._infer_type_impl(False, **types)
            except mx.base.MXNetError:
                continue
        if expected[1] is not None:
            assert ours.infer_type(**types) == expected, (name, settings)
