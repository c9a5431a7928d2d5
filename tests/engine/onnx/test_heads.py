"""Every head predicts the same from an exported model as from the network."""

import cv2
import numpy as np
import pytest
from pycocotools import mask

import densefit as df
from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError
from densefit.evaluation.images import ImageArrays
from densefit.model.heads.head import heads
from densefit.model.parameters import shapes
from densefit.visualize.fitted import Fitted

SIZE = (64, 96)
SSD = {"strides": [8, 16], "channels": 8, "max_detections": 20, "score_threshold": 0.2}
REGIONS = {**SSD, "sizes": [3.0], "hidden": 16, "proposals": 20}
HEADS = {
    "classification": {"classes": 4},
    "multilabel": {"classes": 3},
    "detection": {"classes": 3, **SSD},
    **{detector: {"classes": 3, **SSD} for detector in ("fcos", "retinanet", "yolox")},
    "faster_rcnn": {"classes": 3, **REGIONS},
    "mask_rcnn": {"classes": 3, "mask_channels": 8, "detection": REGIONS},
    "segmentation": {"classes": 4, "channels": 8},
    "depth": {"channels": 8},
    "normals": {"channels": 8},
    "keypoints": {"keypoints": ["nose", "left_eye", "right_eye"], "channels": 8},
    "instance": {"classes": 3, "channels": 8, "prototypes": 4, "detection": SSD},
    "panoptic": {
        "classes": ["ground", "circle", "square"],
        "things": ["circle", "square"],
        "segmentation": {"channels": 8},
        "instance": {"channels": 8, "prototypes": 4, "detection": SSD},
    },
}


def network_of(*tasks):
    """Heads on one small trunk, with random parameters."""
    heads = [df.head(task, name=task, **HEADS[task]) for task in tasks]
    network = df.Network("resnet18", heads, settings={"width": 8})
    rng = np.random.default_rng(0)
    values = {}
    for name, shape in shapes(network, SIZE).items():
        scale = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1
        values[name] = rng.normal(0, scale, shape).astype(np.float32)
        if name.endswith(("_gamma", "_moving_var", "_running_var")):
            values[name] += 1
    statistics = [name for name in values if "moving" in name or "running" in name]
    network.set_params(
        {name: value for name, value in values.items() if name not in statistics},
        {name: values[name] for name in statistics},
    )
    return network


@pytest.fixture(scope="module")
def network():
    return network_of(*HEADS)


@pytest.fixture(scope="module")
def exports(network, tmp_path_factory):
    """What `df.export` says of the two models, whose outputs it has compared."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "evaluate": df.export(network, folder / "evaluate.onnx", image_size=SIZE),
        "raw": df.export(network, folder / "raw.onnx", image_size=SIZE, raw=True, batch=2),
    }


@pytest.fixture(scope="module")
def exported(exports):
    return {mode: df.load(export.path) for mode, export in exports.items()}


@pytest.fixture(scope="module")
def images():
    """Photographs of other sizes than the model's."""
    return [cv2.GaussianBlur(Shapes(3, (80, 70), seed=7)[i].image, (3, 3), 0) for i in range(3)]


@pytest.fixture(scope="module")
def predictions(network, exported, images):
    """Predictions of all heads, by the network itself and by its exported models."""
    fit = df.transform("letterbox", height=SIZE[0], width=SIZE[1])
    models = {"network": network, **exported}
    return {
        name: dict(df.predict(model, images, transform=fit, batch_size=3))
        for name, model in models.items()
    }


def test_all_are_tried():
    registered = {
        name for name in heads.names() if heads.get(name).__module__.startswith("densefit.")
    }
    assert registered == set(HEADS)


def test_all_outputs_are_compared(network, exports):
    names = [name for head in network.adapters.values() for name in head.outputs("evaluate")]
    whole, raw = exports["evaluate"], exports["raw"]
    assert list(whole.outputs) == list(whole.parity) == names
    assert list(raw.parity) == names  # compared after what is left to the host
    assert raw.nodes < whole.nodes
    assert raw.program is None


def assert_close(first, second, where):
    assert type(first) is type(second), where
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key, value in first.items():
            assert_close(value, second[key], f"{where}.{key}")
    elif isinstance(first, np.ndarray):
        assert (first.shape, first.dtype) == (second.shape, second.dtype), where
        if first.dtype.kind in "ub":
            assert (first == second).mean() > 0.99, where
        else:
            np.testing.assert_allclose(first, second, rtol=2e-3, atol=2e-3, err_msg=where)
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), where
        for run_lengths in zip(first, second):
            masks = [mask.decode(dict(coded)) for coded in run_lengths]
            assert (masks[0] == masks[1]).mean() > 0.99, where
    else:
        assert first == second, where


@pytest.mark.parametrize("mode", ["evaluate", "raw"])
@pytest.mark.parametrize("task", HEADS)
def test_predictions_are_equal(predictions, task, mode):
    expected, received = predictions["network"], predictions[mode]
    assert expected.keys() == received.keys() == {"0", "1", "2"}
    for key, prediction in expected.items():
        assert_close(prediction[task], received[key][task], f"{key}: {task}")


def merged_views(model, images):
    views = df.Views(flip=True, scales=(1.0, 1.5))
    settings = {"input_size": SIZE, "batch_size": 4, "views": views, "workers": 0}
    return dict(df.predict(model, df.Loader.views(ImageArrays(images), **settings)))


def test_views_of_maps_that_the_model_puts_out_are_averaged(images, tmp_path):
    network = network_of("normals", "classification", "detection", "depth")
    df.export(network, tmp_path / "model.onnx", image_size=SIZE)
    expected = merged_views(network, images)
    received = merged_views(df.load(tmp_path / "model.onnx"), images)
    for key, prediction in expected.items():
        assert_close(prediction, received[key], key)


def test_views_of_probabilities_are_averaged(images, tmp_path):
    network = network_of("segmentation", "panoptic", "depth")
    exported = df.export(network, tmp_path / "model.onnx", image_size=SIZE, views=True)
    assert exported.parity["segmentation_views_scores"].differing == 0
    model, expected = df.load(tmp_path / "model.onnx"), merged_views(network, images)
    for key, prediction in merged_views(model, images).items():
        assert_close(prediction, expected[key], key)
    once = df.export(network, tmp_path / "once.onnx", image_size=SIZE)
    assert exported.size < 1.2 * once.size  # the trunk and its weights are there once
    model = df.load(once.path)
    with pytest.raises(ConfigError, match="--views"):
        merged_views(model, images)


def test_predictions_are_drawn(exported, images):
    for head in exported["evaluate"].heads:
        prediction = df.predict(exported["evaluate"], images[0])[head.name]
        fitted = Fitted(images[0].shape[:2], (160, 140))
        assert head.draw(fitted.image(images[0]), fitted(prediction)).shape == (160, 140, 3)
