"""Random graphs: the same nodes, names and shapes as MXNet's."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.backend import mx
from densefit.symbol.builder import NameManager, sym

SIZES = st.integers(1, 5)
STEP = st.tuples(st.integers(0, 21), st.integers(0, 100), st.integers(0, 100), SIZES)


def step(s, stack, shape_of, kind, first, second, size):
    """One more node; `shape_of` gives shapes of MXNet's graph, so that both take the same way."""
    x, y = stack[first % len(stack)], stack[second % len(stack)]
    shape, other = shape_of[first % len(stack)], shape_of[second % len(stack)]
    axis = second % len(shape)
    if kind == 0 and len(shape) == 4 and min(shape[2:]) >= 3:
        return s.Convolution(x, kernel=(3, 3), num_filter=size, stride=(1 + size % 2,) * 2)
    if kind == 1:
        return s.FullyConnected(x, num_hidden=size, flatten=bool(size % 2) or len(shape) < 3)
    if kind == 2 and len(shape) > 1:
        return s.BatchNorm(x, axis=second % len(shape), fix_gamma=False)
    if kind == 3 and len(shape) == 4 and min(shape[2:]) >= 2:
        return s.Pooling(x, kernel=(2, 2), stride=(size, size), pooling_convention="full")
    if kind == 4 and shape == other:
        return (x + y) * size
    if kind == 5:
        return s.reshape(x, shape=(0, -1) if size % 2 else (-1, 1))
    if kind == 6:
        return s.transpose(x)
    if kind == 7:
        return s.expand_dims(x, axis=axis)
    if kind == 8:
        return s.squeeze(x)
    if kind == 9:
        return x.mean(axis=axis, keepdims=bool(size % 2))
    if kind == 10:
        return s.slice_axis(x, axis=axis, begin=0, end=min(size, shape[axis]))
    if kind == 11:
        return s.tile(x, reps=(1,) * axis + (2,))
    if kind == 12:
        return s.concat(x, x, dim=axis)
    if kind == 13:
        return s.stack(x, x, axis=axis)
    if kind == 14 and shape[axis] % size == 0:
        return s.split(x, num_outputs=size, axis=axis)[0]
    if kind == 15:
        return 1 - s.relu(x) / 2.5
    if kind == 16:
        return s.broadcast_add(x, s.sum(x, axis=axis, keepdims=True))
    if kind == 17:
        return s.argmax(x, axis=axis, keepdims=True)
    if kind == 18:
        return s.topk(x, k=1, axis=axis, ret_typ="both")[1]
    if kind == 19:
        return s.LayerNorm(x, axis=axis)
    if kind == 20:
        return s.batch_dot(x, x, transpose_b=True) if len(shape) == 3 else s.flatten(x)
    return s.maximum(x, size) > y if shape == other else s.L2Normalization(x)


def shape_in_mxnet(symbol, shape):
    return symbol.infer_shape(x0=shape)[1][0]


@settings(max_examples=150, deadline=None)
@given(st.lists(SIZES, min_size=2, max_size=4), st.lists(STEP, min_size=1, max_size=8))
def test_the_same_graph_is_built(shape, steps):
    shape = tuple(shape)
    with mx.name.NameManager():
        theirs, shapes = [mx.sym.Variable("x0")], [shape]
        for entry in steps:
            node = step(mx.sym, theirs, shapes, *entry)
            out = shape_in_mxnet(node, shape)
            if len(out) > 5:
                node, out = theirs[-1], shapes[-1]
            theirs.append(node)
            shapes.append(out)
        group = mx.sym.Group(theirs)
    with NameManager():
        ours = [sym.Variable("x0")]
        for number, entry in enumerate(steps):
            node = step(sym, ours, shapes[: number + 1], *entry)
            ours.append(node if theirs[number + 1] is not theirs[number] else ours[-1])
        own_group = sym.Group(ours)
    assert json.loads(own_group.tojson()) == json.loads(group.tojson())
    assert own_group.infer_shape(x0=shape) == group.infer_shape(x0=shape)
    assert own_group.list_outputs() == group.list_outputs()
