"""A damaged graph is refused with an error of densefit, or read; nothing else is raised."""

import json
import random

from densefit.errors import DensefitError
from densefit.symbol.builder import sym

JUNK = [None, -1, 10**11, "", "x", [], {}, 1.5, True, "(3,", "((", "-7"]


def graph():
    x = sym.Convolution(sym.var("data", shape=(0, 3, 0, 0)), kernel=(3, 3), num_filter=4)
    first, second = sym.split(sym.BatchNorm(x), num_outputs=2)
    x = sym.reshape(first + second, shape=(0, -1))
    return sym.SoftmaxOutput(sym.FullyConnected(x, num_hidden=3), name="softmax")


def damaged(parsed, rng):
    """The graph with one to three entries deleted or replaced."""
    parsed = json.loads(json.dumps(parsed))
    for _ in range(rng.randint(1, 3)):
        part = parsed
        while isinstance(part, (dict, list)) and part:
            key = rng.choice(list(part)) if isinstance(part, dict) else rng.randrange(len(part))
            if rng.random() < 0.4 or not isinstance(part[key], (dict, list)):
                if rng.random() < 0.2:
                    del part[key]
                else:
                    part[key] = rng.choice(JUNK)
                break
            part = part[key]
    return json.dumps(parsed)


def test_damaged_graphs():
    rng, parsed, refused = random.Random(1), json.loads(graph().tojson()), 0
    for _ in range(600):
        text = damaged(parsed, rng)
        try:
            symbol = sym.load_json(text)
            symbol.infer_shape_partial(
                **{name: (2, 3, 8, 8) for name in symbol.list_arguments()[:1]}
            )
            json.loads(symbol.tojson())
            symbol.get_internals().list_outputs()
        except DensefitError:
            refused += 1
    assert 100 < refused < 600
