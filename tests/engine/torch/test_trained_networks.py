"""Networks of the built-in heads train alike for several updates.

Their activations are smooth: a ReLU near 0 flips by rounding, after which trainings part.
"""

import pytest

import densefit as df
from benchmarks.parity_networks import Pictures, Smooth, heads
from tests.engine.torch.both_engines import assert_close, train_alike

NETWORKS = {
    "several": ["detection", "segmentation fcn", "classification", "keypoints"],
    "instance": ["instance"],
    # Without segformer: BatchNorm cancels its biases, and Adam enlarges what rounding leaves.
    "segmentation": [f"segmentation {kind}" for kind in ("lraspp", "pspnet", "unet", "losses")],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_alike(name):
    chosen = [heads()[head] for head in NETWORKS[name]]

    def make():
        made = [
            df.head(task, name=f"head{number}", **settings)
            for number, (task, settings) in enumerate(chosen)
        ]
        return Smooth("resnet18", made, settings={"width": 4})

    def data(network):
        return df.Loader(Pictures(8), batch_size=4, heads=network.heads, workers=0)

    settings = {"optimizer": "adam", "schedule": df.Cosine(lr=2e-3, warmup="5%"), "updates": 8}
    assert_close(*train_alike(make, data, tolerance=1e-4, **settings), tolerance=1e-2)
