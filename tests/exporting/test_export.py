"""Settings of an export, what it refuses, and users' Symbols."""

import json

import numpy as np
import onnx
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import BindError, ConfigError, ExportError, TrainingDiverged
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


def test_some_outputs_of_a_symbol(tmp_path):
    network = symbol_network(two_outputs(), data=(4, 5))
    shapes = {"inputs": {"data": (2, 5)}, "outputs": ["age_output"]}
    exported = df.export(network, tmp_path / "m.onnx", **shapes)
    assert exported.outputs == {"age": (2, 1)}
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
