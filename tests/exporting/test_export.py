"""Settings of an export, what it refuses, and users' Symbols."""

import json
import re
import sys

import numpy as np
import onnx
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import (
    BindError,
    ConfigError,
    DataError,
    EngineError,
    ExportError,
    TrainingDiverged,
)
from densefit.symbol import sym as S
from tests.exporting.conftest import SIZE, with_values
from tests.exporting.onnx.converted import run_onnx
from tests.rows import iterator_of_arrays


@pytest.fixture(scope="module")
def network(network_of):
    return network_of("resnet18", "detection", "segmentation")


@pytest.fixture(scope="module")
def shapes():
    return Shapes(6, size=(50, 90), seed=1)


def images_of(rows):
    return np.random.default_rng(0).integers(0, 256, (rows, *SIZE, 3)).astype(np.uint8)


def metadata(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_any_batch_of_images(network, tmp_path):
    df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    model, images = onnx.load(tmp_path / "m.onnx"), images_of(3)
    together = run_onnx(model, {"image": images})
    alone = run_onnx(model, {"image": images[1:2]})
    assert together["detection_boxes"].shape == (3, 100, 6)
    for name, array in alone.items():
        np.testing.assert_allclose(array[0], together[name][1], rtol=1e-4, atol=1e-4)


def test_a_fixed_batch(network, tmp_path):
    exported = df.export(network, tmp_path / "m.onnx", image_size=SIZE, batch=3)
    assert exported.outputs["segmentation_mask"] == (3, *SIZE)
    assert metadata(tmp_path / "m.onnx")["densefit.batch"] == "3"
    assert not [
        node for node in onnx.load(tmp_path / "m.onnx").graph.node if node.op_type == "Shape"
    ]


@pytest.mark.parametrize("opset", [13, 17, 22])
def test_versions_of_operators(network, tmp_path, opset):
    df.export(network, tmp_path / "m.onnx", image_size=SIZE, opset=opset)
    (entry,) = onnx.load(tmp_path / "m.onnx").opset_import
    assert entry.version == opset


def test_half(network, tmp_path):
    whole = df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    half = df.export(network, tmp_path / "h.onnx", image_size=SIZE, half=True)
    assert half.size < 0.6 * whole.size
    kinds = {output.type.tensor_type.elem_type for output in onnx.load(half.path).graph.output}
    assert onnx.TensorProto.FLOAT16 not in kinds


def test_int8(network, shapes, tmp_path):
    whole = df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    small = df.export(
        network, tmp_path / "q.onnx", shapes, image_size=SIZE, int8=True, calibrate=shapes
    )
    assert small.size < 0.5 * whole.size
    assert not small.are_generated
    entries = metadata(small.path)
    assert entries["densefit.precision"] == "int8"
    assert entries.keys() == metadata(whole.path).keys()


def test_a_checkpoints_path(network, tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.exporting.arguments.load", {"runs/ck": network}.get)
    assert df.export("runs/ck", tmp_path / "m.onnx", image_size=SIZE).checked == 8


def test_the_loader_gives_the_size(network, shapes, tmp_path):
    transform = df.transform("resize", height=SIZE[0], width=SIZE[1])
    loader = df.Loader(shapes, batch_size=2, transform=transform, workers=0)
    exported = df.export(network, tmp_path / "m.onnx", loader)
    assert exported.image_size == SIZE
    assert exported.checked == 6
    assert json.loads(metadata(exported.path)["densefit.resize"])["kind"] == "resize"
    assert len(list(loader)) == 3  # it begins an epoch


def test_metadata_build_the_heads(network, tmp_path):
    df.export(network, tmp_path / "m.onnx", image_size=SIZE, metadata={"recipe": "{}"})
    entries = metadata(tmp_path / "m.onnx")
    again = df.Network.from_spec(json.loads(entries["densefit.spec"]))
    assert [head.name for head in again.heads] == ["detection", "segmentation"]
    assert json.loads(entries["densefit.image_size"]) == list(SIZE)
    assert json.loads(entries["densefit.tasks"])["detection"] == "detection"
    assert json.loads(entries["densefit.classes"])["detection"] == ["a", "b", "c"]
    assert json.loads(entries["densefit.outputs"])["detection"]["evaluate"] == ["boxes"]
    assert entries["densefit.recipe"] == "{}"
    assert entries["densefit.version"] == df.__version__


def test_batch_norms_are_folded(network, tmp_path):
    df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    kinds = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert "BatchNormalization" not in kinds


def test_raw_leaves_the_suppression_to_the_reader(network, tmp_path):
    exported = df.export(network, tmp_path / "m.onnx", image_size=SIZE, raw=True)
    kinds = {node.op_type for node in onnx.load(exported.path).graph.node}
    assert not kinds & {"NonMaxSuppression", "ScatterND", "Loop", "If"}
    settings = json.loads(metadata(exported.path)["densefit.nms"])
    assert settings == {
        "detection": {"output": "boxes", "iou": 0.45, "threshold": 0.01, "limit": 100}
    }
    assert exported.outputs["detection_boxes"] == (None, 400, 6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "image_size=None"),
        ({"image_size": (64,)}, "height, width"),
        ({"image_size": (64, 0)}, "height, width"),
        ({"image_size": SIZE, "opset": 9}, "opset=9"),
        ({"image_size": SIZE, "int8": True}, "calibrate=None"),
        ({"image_size": SIZE, "resize": "crop"}, "resize='crop'"),
        ({"image_size": SIZE, "inputs": {"data": (1, 3)}}, "(?s)inputs=.*a user's Symbol"),
        ({"image_size": SIZE, "outputs": ["detection_boxes"]}, "(?s)outputs=.*a user's Symbol"),
        ({"image_size": SIZE, "calibrate": {}}, "int8=True"),
    ],
)
def test_wrong_settings(network, tmp_path, settings, words):
    with pytest.raises(ConfigError, match=words):
        df.export(network, tmp_path / "m.onnx", **settings)
    assert not list(tmp_path.iterdir())


def test_a_network_without_parameters(tmp_path):
    network = df.Network("resnet18", [df.head("classification", classes=2)])
    with pytest.raises(BindError, match="no parameters"):
        df.export(network, tmp_path / "m.onnx", image_size=32)


def test_a_model_that_is_off_is_refused(network, tmp_path, monkeypatch):
    from densefit.exporting.onnx import registry

    monkeypatch.setitem(registry.CONVERTERS, "Activation", lambda layer: layer.data)
    with pytest.raises(ExportError, match="computes another 'detection_boxes'"):
        df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    assert not list(tmp_path.iterdir())


def symbol_network(symbol, routes=None, **shapes):
    network = df.Network(symbol=symbol, routes=routes or {})
    arguments, _, states = symbol.infer_shape(**shapes)
    rng = np.random.default_rng(0)
    values = [
        {
            name: rng.random(shape).astype(np.float32)
            for name, shape in zip(names, all_shapes)
            if name not in shapes and not name.endswith("label")
        }
        for names, all_shapes in (
            (symbol.list_arguments(), arguments),
            (symbol.list_auxiliary_states(), states),
        )
    ]
    network.set_params(*values)
    return network


def two_outputs():
    data = S.Variable("data")
    hidden = S.BatchNorm(S.FullyConnected(data, num_hidden=6, name="hidden"), name="bn")
    hidden = S.Activation(hidden, act_type="relu")
    return S.Group(
        [
            S.SoftmaxOutput(S.FullyConnected(hidden, num_hidden=3, name="f"), name="softmax"),
            S.LinearRegressionOutput(S.FullyConnected(hidden, num_hidden=1, name="g"), name="age"),
        ]
    )


def test_a_symbol_without_its_labels(tmp_path):
    route = df.Route(outputs=["age_output"], labels=["age_label"], metrics=["mae"])
    network = symbol_network(two_outputs(), {"age": route}, data=(4, 5))
    exported = df.export(network, tmp_path / "m.onnx", inputs={"data": (None, 5)})
    assert exported.outputs == {"softmax": (None, 3), "age": (None, 1)}
    assert exported.program is None
    model = onnx.load(exported.path)
    assert [entry.name for entry in model.graph.input] == ["data"]
    routes = json.loads(metadata(exported.path)["densefit.routes"])
    assert routes["age"]["labels"] == ["age_label"]


def test_a_symbol_on_the_data_of_an_iterator(tmp_path):
    network = symbol_network(two_outputs(), data=(4, 5))
    data = iterator_of_arrays(
        np.random.rand(8, 5), {"softmax_label": np.zeros(8), "age_label": np.zeros(8)}, 4
    )
    exported = df.export(network, tmp_path / "m.onnx", data)
    assert exported.checked == 4
    assert not exported.are_generated
    assert [entry.name for entry in onnx.load(exported.path).graph.input] == ["data"]


@pytest.mark.parametrize(
    "setting", [{"raw": True}, {"views": True}, {"image_size": SIZE}, {"resize": "letterbox"}]
)
def test_settings_that_a_symbol_has_not(tmp_path, setting):
    network = symbol_network(two_outputs(), data=(4, 5))
    ((name, value),) = setting.items()
    with pytest.raises(ConfigError, match=re.escape(f"{name}={value!r}")) as error:
        df.export(network, tmp_path / "m.onnx", inputs={"data": (None, 5)}, **setting)
    assert all(word in str(error.value) for word in ("inputs", "outputs", "batch"))
    assert not list(tmp_path.iterdir())


def test_some_outputs_of_a_symbol(tmp_path):
    network = symbol_network(two_outputs(), data=(4, 5))
    shapes = {"inputs": {"data": (2, 5)}, "outputs": ["age_output"]}
    exported = df.export(network, tmp_path / "m.onnx", **shapes)
    assert exported.outputs == {"age": (2, 1)}
    assert "batches of 2" in str(exported)
    with pytest.raises(ConfigError, match="no such output"):
        df.export(network, tmp_path / "m.onnx", inputs={"data": (2, 5)}, outputs=["years"])
    with pytest.raises(ConfigError, match="no input 'dat'"):
        df.export(network, tmp_path / "m.onnx", inputs={"dat": (2, 5)})


def test_an_operator_without_counterpart(tmp_path):
    symbol = S.CTCLoss(S.Variable("data"), S.Variable("labels"), name="ctc")
    network = symbol_network(
        symbol * S.Variable("scale", shape=(2,)), data=(5, 2, 3), labels=(2, 4)
    )
    with pytest.raises(ExportError) as error:
        df.export(network, tmp_path / "m.onnx", inputs={"data": (5, 2, 3), "labels": (2, 4)})
    assert all(word in str(error.value) for word in ("CTCLoss", "'ctc'", "outputs=[...]"))


def test_a_fixed_batch_in_a_reshape(tmp_path):
    symbol = S.Reshape(S.Variable("data"), shape=(4, 3, 2), name="cut")
    network = symbol_network(S.FullyConnected(symbol, num_hidden=2, name="f"), data=(4, 6))
    with pytest.raises(ExportError, match="batch=") as error:
        df.export(network, tmp_path / "m.onnx", inputs={"data": (None, 6)})
    assert "'cut'" in str(error.value)
    assert df.export(network, tmp_path / "m.onnx", inputs={"data": (4, 6)}).outputs == {"f": (4, 2)}


def test_sizes_that_no_stride_divides(tmp_path):
    heads = [
        df.head("detection", classes=2, strides=(8, 16), channels=8),
        df.head("segmentation", classes=3, decoder="fcn", channels=8),
    ]
    network = with_values(df.Network("resnet18", heads, settings={"width": 8}), (37, 51))
    df.export(network, tmp_path / "m.onnx", image_size=(37, 51))


DENSE = {"inputs": {"data": (None, 3)}}


def test_a_symbol_by_itself(tmp_path):
    symbol = S.FullyConnected(S.Variable("data"), num_hidden=2, name="f")
    arguments = {"f_weight": np.ones((2, 3), np.float32), "f_bias": np.zeros(2, np.float32)}
    exported = df.export(symbol, tmp_path / "s.onnx", arg_params=arguments, **DENSE)
    assert exported.outputs == {"f": (None, 2)}
    with pytest.raises(BindError, match="no parameters"):
        df.export(symbol, tmp_path / "s.onnx", **DENSE)


def test_a_module(mx, tmp_path):
    symbol = S.FullyConnected(S.Variable("data"), num_hidden=2, name="f")
    module = mx.mod.Module(S.SoftmaxOutput(symbol, name="softmax"))
    module.bind([("data", (4, 3))], [("softmax_label", (4,))])
    module.init_params()
    assert df.export(module, tmp_path / "m.onnx", **DENSE).outputs == {"softmax": (None, 2)}


def test_an_exported_model_is_not_exported_again(network, tmp_path):
    df.export(network, tmp_path / "m.onnx", image_size=SIZE)
    with pytest.raises(ConfigError, match="cannot be exported again"):
        df.export(df.load(tmp_path / "m.onnx"), tmp_path / "n.onnx", image_size=SIZE)


@pytest.mark.parametrize("task", ["keypoints", "instance", "depth", "classification"])
def test_half_of_other_heads(network_of, tmp_path, task):
    df.export(network_of("mobilenetv2", task), tmp_path / "m.onnx", image_size=SIZE, half=True)


def test_parameters_that_are_not_finite(network_of, tmp_path):
    network = network_of("resnet18", "classification")
    values = {name: array.copy() for name, array in network.parameters.items()}
    values["classification_class_bias"][:] = np.nan
    network.set_params(values, network.statistics)
    with pytest.raises(TrainingDiverged, match="classification_class_bias"):
        df.export(network, tmp_path / "m.onnx", image_size=SIZE)


def convolutions():
    data = S.Variable("data")
    for number in range(3):
        data = S.Activation(
            S.Convolution(data, num_filter=8, kernel=(3, 3), pad=(1, 1), name=f"c{number}"),
            act_type="relu",
            name=f"a{number}",
        )
    pooled = S.Flatten(S.Pooling(data, global_pool=True, pool_type="avg"))
    return S.SoftmaxOutput(S.FullyConnected(pooled, num_hidden=3, name="f"), name="softmax")


@pytest.mark.mxnet
def test_int8_of_a_symbol(tmp_path):
    network = symbol_network(convolutions(), data=(4, 3, 16, 16))
    images = np.random.default_rng(0).random((10, 3, 16, 16)).astype(np.float32)
    settings = {"inputs": {"data": (None, 3, 16, 16)}, "int8": True}
    iterator = iterator_of_arrays(images, np.zeros(10), 4, label_name="softmax_label")
    batches = [{"data": images[:6]}, {"data": images[6:]}]
    for number, calibrate in enumerate(({"data": images}, images, iterator, batches)):
        path = tmp_path / f"{number}.onnx"
        exported = df.export(network, path, calibrate=calibrate, **settings)
        kinds = [node.op_type for node in onnx.load(path).graph.node]
        assert "QuantizeLinear" in kinds
        assert metadata(path)["densefit.precision"] == exported.precision == "int8"
        assert "equal: off by at most 50% of the value" in exported.tolerance
    batched = df.export(network, tmp_path / "b.onnx", calibrate=images, batch=4, **settings)
    assert batched.outputs == {"softmax": (4, 3)}
    with pytest.raises(ConfigError, match="too few samples"):
        df.export(network, tmp_path / "t.onnx", calibrate=images, batch=16, **settings)
    with pytest.raises(DataError, match="other arrays"):
        df.export(network, tmp_path / "t.onnx", calibrate={"image": images}, **settings)


def test_int8_needs_onnx_runtime(monkeypatch, tmp_path):
    network = symbol_network(convolutions(), data=(4, 3, 16, 16))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    settings = {"inputs": {"data": (None, 3, 16, 16)}, "int8": True}
    images = np.zeros((4, 3, 16, 16), np.float32)
    with pytest.raises(EngineError, match=r"densefit\[onnx\]"):
        df.export(network, tmp_path / "m.onnx", calibrate=images, **settings)


def test_int8_without_a_convolution(tmp_path):
    network = symbol_network(two_outputs(), data=(4, 5))
    rows = np.random.default_rng(0).random((9, 5)).astype(np.float32)
    settings = {"inputs": {"data": (None, 5)}, "int8": True, "calibrate": rows}
    with pytest.raises(ExportError, match="No layer can be quantised"):
        df.export(network, tmp_path / "m.onnx", rows, **settings)
    assert not list(tmp_path.iterdir())


def test_settings_that_contradict_each_other(network, shapes, tmp_path):
    path, size = tmp_path / "m.onnx", {"image_size": SIZE}
    with pytest.raises(ConfigError, match="8 or of 16"):
        df.export(network, path, int8=True, half=True, calibrate=shapes, **size)
    with pytest.raises(ConfigError, match="raw model"):
        df.export(network, path, views=True, raw=True, **size)


def test_what_onnx_runtime_cannot_compute_is_refused(tmp_path, monkeypatch):
    from densefit.exporting.onnx import registry

    def row_99(layer):
        return layer.emit("Gather", layer.data, layer.constant([99], np.int64))

    monkeypatch.setitem(registry.CONVERTERS, "Flatten", row_99)
    network = symbol_network(S.Flatten(S.Variable("data"), name="flat"), data=(4, 5))
    network.set_params({"unused": np.zeros(1)})
    with pytest.raises(ExportError, match="ONNX Runtime cannot compute"):
        df.export(network, tmp_path / "m.onnx", inputs={"data": (None, 5)})
    assert not list(tmp_path.iterdir())


def test_int8_of_a_detector_with_suppression(tmp_path):
    features = convolutions().get_internals()["a2_output"]
    anchors = S.contrib.MultiBoxPrior(features, sizes=(0.3, 0.6))
    scores = S.Reshape(
        S.Convolution(features, num_filter=6, kernel=(1, 1), name="s"), shape=(0, 3, -1)
    )
    offsets = S.Flatten(S.Convolution(features, num_filter=8, kernel=(1, 1), name="o"))
    scores = S.SoftmaxActivation(scores, mode="channel")
    symbol = S.contrib.MultiBoxDetection(scores, offsets, anchors, name="detection", nms_topk=20)
    network = symbol_network(symbol, data=(2, 3, 8, 8))
    images = np.random.default_rng(0).random((4, 3, 8, 8)).astype(np.float32)
    shapes = {"inputs": {"data": (None, 3, 8, 8)}}
    exported = df.export(network, tmp_path / "m.onnx", **shapes)
    assert exported.parity["detection"].differing == 0
    df.export(network, tmp_path / "q.onnx", int8=True, calibrate=images, **shapes)


def test_data_in_other_batches_than_the_model(tmp_path):
    network = symbol_network(two_outputs(), data=(4, 5))
    rows = {"data": np.random.default_rng(0).random((5, 5)).astype(np.float32)}
    for settings in ({"batch": 2}, {"inputs": {"data": (2, 5)}}):
        assert df.export(network, tmp_path / "m.onnx", rows, **settings).checked == 2
    with pytest.raises(ConfigError, match="smaller than the batch"):
        df.export(network, tmp_path / "m.onnx", rows, batch=8)


def test_inputs_with_other_numbers_of_rows(tmp_path):
    """Regions of images, and the state of a sequence, whose batch is the second axis."""
    features = S.Convolution(S.Variable("data"), num_filter=4, kernel=(3, 3), name="c")
    regions = S.ROIPooling(features, S.Variable("rois"), pooled_size=(2, 2), spatial_scale=0.5)
    shapes = {"data": (2, 3, 12, 12), "rois": (5, 5)}
    rows = np.array([[0, 0, 0, 9, 9], [1, 2, 2, 8, 5]] * 2 + [[1, 0, 0, 4, 4]], np.float32)
    images = np.random.default_rng(0).random(shapes["data"]).astype(np.float32)
    network = symbol_network(regions, **shapes)
    data = {"data": images, "rois": rows}
    exported = df.export(network, tmp_path / "r.onnx", data, inputs=shapes)
    assert list(exported.outputs.values()) == [(5, 4, 2, 2)]
    steps = S.transpose(S.Variable("data"), axes=(1, 0, 2))
    states = S.RNN(steps, *map(S.Variable, ("flat", "state")), state_size=3, num_layers=1,
                   mode="gru", name="rnn")  # fmt: skip
    network = symbol_network(states, data=(2, 4, 5), state=(1, 2, 3))
    inputs = {"data": (None, 4, 5), "state": (1, None, 3)}
    (parity,) = df.export(network, tmp_path / "s.onnx", inputs=inputs).parity.values()
    assert parity.differing == 0
    assert parity.largest < 1e-5
