"""Each decoder trains, scores, resumes, predicts and is exported."""

import numpy as np
import pytest

import densefit as df
from densefit.model.decoders import decoders

DATA = df.dataset("shapes", length=4, size=(48, 64), empty=0.0)


def network_of(**settings):
    head = df.head("segmentation", classes=DATA.mask_classes, channels=8, **settings)
    return df.Network("resnet18", [head], settings={"width": 8})


def fit(network, updates, folder, **settings):
    loader = df.Loader(DATA, batch_size=2, heads=network.heads, shuffle=True, workers=0, seed=1)
    schedule = df.Constant(1e-3)
    return df.fit(
        network, loader, updates=updates, schedule=schedule, optimizer="adam", seed=3,
        checkpoint=folder, **settings,
    )  # fmt: skip


CASES = {name: {"decoder": name} for name in decoders.names() if name != "fcn"}
CASES["auxiliary"] = {
    "decoder": "fcn",
    "auxiliary": 0.4,
    "loss": {"cross_entropy": 1, "dice": 0.5, "boundary": 0.01},
}


@pytest.mark.parametrize("case", CASES)
def test_a_whole_run(case, tmp_path):
    settings = CASES[case]
    whole, interrupted, resumed = (network_of(**settings) for _ in range(3))
    history = fit(whole, 2, tmp_path / "whole")
    assert np.isfinite(history.epochs[-1]["train"]["segmentation/loss"])
    fit(interrupted, 1, tmp_path / "run")
    fit(resumed, 2, tmp_path / "run", resume="auto")
    assert set(resumed.parameters) == set(whole.parameters)
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], array, err_msg=name)
    scores = df.score(whole, df.Loader(DATA, batch_size=3, workers=0))
    assert 0 <= scores["segmentation/mIoU"] <= 1
    df.save(whole, tmp_path / "weights")
    loaded = df.load(tmp_path / "weights")
    image = DATA[0].image
    predicted = df.predict(loaded, image)["segmentation"]
    assert predicted.shape == image.shape[:2]
    np.testing.assert_array_equal(predicted, df.predict(whole, image)["segmentation"])
    exported = df.export(loaded, tmp_path / "model.onnx", image_size=(48, 64))
    assert exported.parity["segmentation_mask"].differing < 0.01
