"""Print how far the gradients of recipes' trunks are off: run as a script, in a fresh process.

{recipe: [error of float32 against float64, error of float32 against differences of the loss]},
both relative. The arguments are recipes of several heads in configs/, all by default. Their
networks are narrow and see pictures of 64x64 pixels. Differences are taken in float64, in drawn
directions of the trunk's parameters. A number that float32 rounds to the other side of a ReLU's
bend makes a gradient another one; so of a few draws of parameters the best counts.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np

from densefit.backend import mx
from densefit.data.sample import datasets
from densefit.model.parameters import trunk_parameters
from densefit.registry import load_plugins
from densefit.tools.recipes.data.multi_dataset import training_side

RECIPES = Path(__file__).parents[1] / "tools" / "recipes" / "test_multi_recipe.py"
SIZE, BATCH, WIDTH, STEP, DIRECTIONS = (64, 64), 2, 16, 1e-8, 2
DRAWS, ENOUGH = 4, 5e-5
LEFT_OUT = {
    "multi_cspdarknet_bdd100k",  # argmin and argmax in YOLOX's assignment give float32 alone
    "multi_resnet50_nyuv2",  # the heads of multi_resnet18_nyuv2
}


def stand_ins():
    """The module in which generated pictures stand in for the recipes' datasets."""
    spec = importlib.util.spec_from_file_location("test_multi_recipe", RECIPES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepared(module, path):
    """(network, a batch) of a recipe, without random transforms."""
    recipe = module.recipe_of(path)
    recipe.input_size, recipe.training.augment = list(SIZE), []
    recipe.training.batch_size, recipe.model.settings = BATCH, {"width": WIDTH}
    for part in recipe.datasets.values():
        part.augment = None
    network, loader = training_side(recipe)
    return network, next(iter(loader))


class Bound:
    """A train graph with given parameters, in one precision."""

    def __init__(self, symbol, inputs, parameters, dtype):
        if dtype is np.float64:  # what the graph casts to, too
            symbol = mx.sym.load_json(symbol.tojson().replace("float32", "float64"))
        arguments = symbol.list_arguments()
        self.executor = symbol.simple_bind(
            mx.cpu(),
            {name: "write" if name in parameters else "null" for name in arguments},
            dict.fromkeys(arguments, dtype),
            **{name: value.shape for name, value in inputs.items()},
        )
        self.set({**inputs, **parameters})

    def set(self, values):
        for name, value in values.items():
            self.executor.arg_dict[name][:] = value

    def losses(self):
        return np.array([out.asnumpy().sum() for out in self.executor.forward(is_train=True)])

    def gradients(self, names):
        self.losses()
        self.executor.backward()
        return {name: self.executor.grad_dict[name].asnumpy().astype(float) for name in names}


def drawn(symbol, inputs, seed):
    """Parameters of about the size that they have at the begin of a training."""
    shapes, _, _ = symbol.infer_shape(**{name: value.shape for name, value in inputs.items()})
    rng = np.random.default_rng(seed)
    made = {}
    for name, shape in zip(symbol.list_arguments(), shapes):
        if name not in inputs:
            made[name] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
            if name.endswith("_gamma"):
                made[name] = rng.uniform(0.5, 1.5, shape)
    return made


def least_errors(network, batch):
    best = np.inf, np.inf
    for seed in range(DRAWS):
        best = min(best, errors(network, batch, seed), key=max)
        if max(best) < ENOUGH:
            break
    return best


def errors(network, batch, seed):
    symbol = network.graph("train", SIZE)
    inputs = batch.arrays
    factors = []  # on each output
    for head, adapter in zip(network.heads, network.adapters.values()):
        inputs.update({name: np.ones(BATCH) for name in adapter.weights})
        factors += [head.weight] * len(adapter.outputs("train"))
    inputs = {name: value for name, value in inputs.items() if name in symbol.list_arguments()}
    parameters, trunk = drawn(symbol, inputs, seed), trunk_parameters(network)
    single, double = (Bound(symbol, inputs, parameters, t) for t in (np.float32, np.float64))
    found, exact = single.gradients(trunk), double.gradients(trunk)
    of_precision = max(
        np.linalg.norm(found[name] - exact[name]) / np.linalg.norm(exact[name]) for name in trunk
    )
    rng = np.random.default_rng(1)
    of_differences = 0.0
    for _ in range(DIRECTIONS):
        way = {n: rng.normal(0, np.std(parameters[n]), parameters[n].shape) for n in trunk}
        ends = []
        for sign in (1, -1):
            double.set({name: parameters[name] + sign * STEP * way[name] for name in trunk})
            ends.append(double.losses() @ factors)
        slope = (ends[0] - ends[1]) / (2 * STEP)
        error = abs(sum((found[name] * way[name]).sum() for name in trunk) - slope) / abs(slope)
        of_differences = max(of_differences, error)
    return of_precision, of_differences


def main(names):
    module = stand_ins()

    def stand_in(kind):
        return lambda root=None, split="train", **rest: module.StandIn(kind, root, split, **rest)

    load_plugins()  # the datasets that are replaced
    datasets._factories = {**datasets._factories, **{kind: stand_in(kind) for kind in module.OF}}
    stems = [path.stem for path in module.RECIPES]
    paths = [path for path in module.RECIPES if path.stem in (names or {*stems} - LEFT_OUT)]
    return {path.stem: least_errors(*prepared(module, path)) for path in paths}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
