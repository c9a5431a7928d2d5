"""A network is exported where MXNet is not, to the same model."""

import json
import sys

import numpy as np
import onnx
import pytest

import densefit as df
from tests import forked
from tests.exporting.conftest import SIZE
from tests.exporting.onnx.converted import run_onnx

CODE = """
import json, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # importing it raises
import numpy as np
import densefit as df
network = df.Network.from_spec(json.loads(sys.argv[2]))
arrays = dict(np.load(sys.argv[3]))
statistics = {name: array for name, array in arrays.items() if name.endswith(("_mean", "_var"))}
network.set_params({n: a for n, a in arrays.items() if n not in statistics}, statistics)
print(df.export(network, sys.argv[4], image_size=json.loads(sys.argv[5])))
"""


@pytest.mark.parametrize(
    ("blocked", "words"), [("mxnet,torch", "not compared"), ("mxnet", "compared with the network")]
)
def test_the_same_model(network_of, tmp_path, blocked, words):
    network = network_of("resnet18", "detection", "segmentation")
    df.export(network, tmp_path / "a.onnx", image_size=SIZE)
    np.savez(tmp_path / "values.npz", **network.parameters, **network.statistics)
    paths = [str(tmp_path / name) for name in ("values.npz", "b.onnx")]
    done = forked.run(
        [sys.executable, "-c", CODE, blocked, json.dumps(network.spec), *paths, json.dumps(SIZE)],
        capture_output=True, text=True, timeout=120, forget=["densefit", *blocked.split(",")],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3)).astype(np.uint8)
    one, other = (
        run_onnx(onnx.load(tmp_path / name), {"image": images}) for name in ("a.onnx", "b.onnx")
    )
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_without_onnx_the_extra_is_named():
    code = """
import sys
sys.modules["onnx"] = None
import densefit as df
try:
    df.export
except df.errors.EngineError as error:
    print(error)
"""
    done = forked.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        forget=["densefit", "onnx"],
    )  # fmt: skip
    assert "densefit[onnx]" in done.stdout, done.stderr
