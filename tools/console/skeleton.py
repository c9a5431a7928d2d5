"""Text of a new task: a plugin file with a head and a metric, and a recipe that trains it."""

from __future__ import annotations

_PLUGIN = '''\
"""The task {name}: how many objects a picture has. CHANGE what is marked to what yours is."""

import numpy as np

import densefit as df
from densefit.metrics import Mean, metrics
from densefit.model.heads.head import heads
from densefit.symbol import sym


@metrics.register("{name}_error")
class {kind}Error(Mean):
    """Mean absolute error over the dataset. CHANGE: the score that says how good the task is."""

    def __init__(self):
        super().__init__(key="{name}_error", higher_is_better=False)

    def update(self, predictions, targets, ids):
        super().update(np.abs(np.subtract(predictions, targets)), targets, ids)


@heads.register("{name}")
class {kind}(df.Head):
    """A number for each picture, from the mean of the deepest map."""

    targets = ("boxes",)  # CHANGE: what samples must have, see df.Sample

    def __init__(self, name="{name}", weight=1.0):
        self.name, self.weight = name, weight  # CHANGE: add settings; a recipe states them

    def number_of(self, targets):
        """CHANGE: what is learned, from the targets of a sample."""
        return float(len(targets["boxes"]))

    def labels(self, input_size):
        """Arrays of one sample that the loss compares with."""
        return [df.Label("number", (1,))]

    def encode(self, sample):
        """These arrays, of a sample behind all transforms."""
        return {{"number": np.array([self.number_of(sample.targets)], np.float32)}}

    def number(self, features):
        """CHANGE: the layers; `features.maps` is stride -> map of the backbone."""
        deepest = features.maps[max(features.maps)]
        mean = sym.Pooling(deepest, global_pool=True, kernel=(1, 1), pool_type="avg")
        return sym.FullyConnected(sym.flatten(mean), num_hidden=1, name=f"{{self.name}}_fc")

    def train(self, features, labels):
        """CHANGE: losses, one for each sample."""
        error = sym.smooth_l1(self.number(features) - labels["number"], scalar=1.0)
        return {{"loss": sym.sum(error, axis=1)}}

    def evaluate(self, features):
        """Outputs that predictions are made of."""
        return {{"number": self.number(features)}}

    def decode(self, outputs, geometries):
        """A prediction for each sample, in coordinates of the original pictures."""
        return [float(number) for number in outputs["number"][:, 0]]

    def ground_truth(self, targets):
        """What predictions are compared with; None where it is not known."""
        return self.number_of(targets) if "boxes" in targets else None

    def metrics(self):
        """The first one chooses the best checkpoint."""
        return [{kind}Error()]
'''

_RECIPE = """\
# The task {name} on generated pictures, under a minute on 2 cores. Your own photographs:
#   densefit train --config {name}.yaml --data.dataset coco --data.root DIR --out runs/{name}
plugins: [{name}.py]
data:
  dataset: shapes
  settings: {{length: 200, size: [96, 96]}}
model:
  backbone: resnet18
  settings: {{width: 16}}
  heads:
    {name}: {{}}
training:
  epochs: 4
  batch_size: 16
  optimizer: adam
  optimizer_params: {{wd: 1.0e-4}}
  schedule: {{name: cosine, lr: 2.0e-3, warmup: 5%}}
  augment:
    - {{name: random_flip}}
input_size: [64, 64]
score_batch_size: 16
out: runs/{name}
"""


def plugin_text(name: str) -> str:
    """The plugin file of a task.

    >>> "class LaneLines(df.Head)" in plugin_text("lane_lines")
    True
    """
    kind = "".join(part.title() for part in name.split("_"))
    return _PLUGIN.format(name=name, kind=kind)


def recipe_text(name: str) -> str:
    """The recipe that trains a task by its plugin file beside it."""
    return _RECIPE.format(name=name)
