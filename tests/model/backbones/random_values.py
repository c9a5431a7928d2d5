"""Random parameters and statistics of a Symbol."""

import numpy as np


def random_value(name, shape, rng):
    """A value with which neither features nor statistics vanish or explode."""
    if name.endswith(("_data_bn_gamma", "_data_bn_beta")):  # fixed in ResNet v2
        return np.full(shape, name.endswith("_gamma"), float)
    if name.endswith(("_gamma", "_var")):
        return rng.uniform(0.5, 1.0, shape)
    if name.endswith(("_beta", "_bias", "_mean")):
        return rng.normal(0, 0.1, shape)
    if name.endswith("_scale"):
        return rng.uniform(0.2, 0.5, shape)
    return rng.normal(0, np.prod(shape[1:]) ** -0.5, shape)


def random_values(symbol, size, batch):
    """name -> array of each parameter and statistic of a Symbol."""
    shapes, _, states = symbol.infer_shape(data=(batch, 3, *size))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    rng = np.random.default_rng(0)
    return {
        name: random_value(name, shape, rng)
        for name, shape in zip(names, [*shapes, *states])
        if name != "data"
    }
