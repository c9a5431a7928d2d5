"""Rooms that compute with numpy alone: they are imported, and work, where MXNet is not."""

import subprocess
import sys

ROOMS = ("callbacks", "checkpoint.storage", "data", "metrics", "visualize")
WITHOUT = """
import importlib, pkgutil, sys
sys.modules["mxnet"] = None  # `import mxnet` raises
import densefit
"""


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_of_these_rooms_is_imported():
    code = f"""
for room in {ROOMS!r}:
    package = importlib.import_module(f"densefit.{{room}}")
    for module in pkgutil.walk_packages(package.__path__, f"densefit.{{room}}."):
        importlib.import_module(module.name)
assert "densefit.backend" not in sys.modules
"""
    python(code)


def test_a_loader_and_a_metric_work():
    code = """
import numpy as np
import densefit as df
samples = [df.Sample(str(i), np.full((8, 8, 3), i, np.uint8), {}) for i in range(5)]
class Images:
    classes = ["a"]
    def __len__(self): return 5
    def id_of(self, index): return str(index)
    def __getitem__(self, index): return samples[index]
ids = [i for batch in df.Loader(Images(), batch_size=2, workers=0) for i in batch.ids[: batch.real]]
assert ids == list("01234"), ids
metric = df.metrics.MAE()
metric.update(np.zeros(2), np.ones(2), ["a", "b"])
print(metric.compute())
"""
    assert "1.0" in python(code)
