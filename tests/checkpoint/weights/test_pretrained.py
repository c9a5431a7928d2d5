"""Weights of other systems' files in a network: names, shapes, normalisation, refusals."""

import os

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.weights.converting import with_channels_turned
from densefit.checkpoint.weights.maps import layouts_of
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.symbol import sym
from tests.checkpoint.weights.layout_files import (
    SMALL,
    in_layout,
    network_of,
    random_arrays,
    trunk_of,
)
from tests.executor import Executor


def complete_layouts(network):
    """Layouts that name every parameter of a backbone, and not only of its variants."""
    parameters = trunk_of(network)
    tables = layouts_of(network.backbone)
    return [
        layout
        for layout, table in tables.items()
        if len(table.names(parameters, network.backbone.name)) == len(parameters)
        and table.eps is None  # whose numbers are converted
    ]


PLAIN = "torchvision, timm"


def values(network):
    return {**network.parameters, **network.statistics}


def check_loaded(network, arrays):
    now = values(network)
    assert now.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(now[name], array, err_msg=name)


@pytest.mark.parametrize("backbone", SMALL)
def test_every_layout_gives_every_parameter(backbone, written):
    read = network_of(backbone)
    for layout in complete_layouts(read):
        network = network_of(backbone)
        arrays = random_arrays(network)
        file = in_layout(network, layout, arrays)
        assert len(file) == len(arrays)
        report = df.load_weights(network, written({**file, "fc.weight": np.ones(3, np.float32)}))
        table = layouts_of(network.backbone)[layout]
        if table.input_normalization.order == "BGR":
            stem = f"{backbone}_{table.stem}_weight"
            arrays[stem] = with_channels_turned(arrays[stem])
        check_loaded(network, arrays)
        assert report.layout == layout
        assert report.loaded == trunk_of(network)
        assert report.missing == ["kind_class_weight", "kind_class_bias"]
        assert [*report.unexpected, *report.unused] == ["fc.weight"]
        assert f"{len(arrays)} loaded" in str(report)


def test_a_backbone_has_the_layouts_that_the_page_promises():
    counts = {name: len(complete_layouts(network_of(name))) for name in SMALL}
    two = ("resnet50", "resnext50_32x4d", "mobilenetv2", "mobilenetv3_small", "efficientnet_lite0")
    assert counts == {
        **dict.fromkeys(SMALL, 1),
        **dict.fromkeys((*two, "regnety_400mf", "convnext_tiny"), 2),
        **dict.fromkeys(("resnet18", "resnet34", "efficientnet_b0"), 3),
        "ddrnet23_slim": 0,
    }


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "backbone.body.", "encoder.", "a.b."])
def test_prefixes_of_wrappers_and_of_whole_models(prefix, written):
    network = network_of("resnet18")
    arrays = random_arrays(network)
    file = {**in_layout(network, PLAIN, arrays, prefix), "head.weight": np.ones(2, np.float32)}
    stated = {"prefix": prefix} if prefix == "a.b." else {}
    report = df.load_weights(network, written(file), **stated)
    check_loaded(network, arrays)
    assert report.unexpected == ["head.weight"]


def test_own_names_bring_heads_too(written):
    source = network_of("resnet18")
    arrays = random_arrays(source)
    head = {"kind_class_weight": np.ones((3, 64), np.float32)}
    other = {"kind_class_bias": np.ones(9, np.float32)}
    network = network_of("resnet18")
    report = df.load_weights(network, written({**arrays, **head, **other, "x": np.ones(1)}))
    check_loaded(network, {**arrays, **head})
    assert (report.layout, report.missing) == ("densefit", ["kind_class_bias"])
    assert set(report.unexpected) == {"kind_class_bias", "x"}


def test_a_checkpoint_of_densefit(tmp_path):
    source = network_of("resnet18")
    rest = {"kind_class_weight": np.ones((3, 64)), "kind_class_bias": np.ones(3)}
    arrays = {**random_arrays(source), **{k: v.astype(np.float32) for k, v in rest.items()}}
    moving = {name for name in arrays if name.endswith(("_mean", "_var"))}
    source.set_params(
        {name: array for name, array in arrays.items() if name not in moving},
        {name: arrays[name] for name in moving},
    )
    df.save(source, tmp_path / "saved")
    network = network_of("resnet18")
    assert len(df.load_weights(network, tmp_path / "saved").loaded) == len(arrays)
    check_loaded(network, arrays)
    deeper = network_of("resnet34")
    with pytest.raises(BindError, match="not all parameters of the backbone"):
        df.load_weights(deeper, tmp_path / "saved")
    wider = network_of("resnet18", width=16)
    with pytest.raises(BindError):
        df.load_weights(wider, tmp_path / "saved")
    assert not wider.initialized


def refused(network, path, kind, *texts, **settings):
    before = values(network)
    with pytest.raises(kind) as caught:
        df.load_weights(network, path, **settings)
    for text in texts:
        assert text in str(caught.value)
    assert values(network).keys() == before.keys()


def test_another_architecture(written):
    network = network_of("resnet18")
    deeper, bottlenecks = network_of("resnet34"), network_of("resnet50")
    # Every name and shape of ResNet-18 is in a file of ResNet-34.
    file = written(in_layout(deeper, PLAIN, random_arrays(deeper)))
    refused(network, file, BindError, "more layers", "layer1.2.bn1.bias")
    file = written(in_layout(bottlenecks, PLAIN, random_arrays(bottlenecks)))
    refused(network, file, BindError, "more layers", "layer1.0.bn3.bias")
    mobile = network_of("mobilenetv2")
    file = written(in_layout(mobile, "timm", random_arrays(mobile)))
    refused(network, file, BindError, "lacks 96 of the 100 parameters", "blocks.0.0.bn1.bias")
    arrays = in_layout(network, PLAIN, random_arrays(network))
    del arrays["layer3.0.bn2.running_var"]
    refused(network, written(arrays), BindError, "lacks 1 of", "layer3.0.bn2.running_var")
    wide = network_of("resnet18", width=16)
    file = written(in_layout(network, PLAIN, random_arrays(network)))
    refused(wide, file, BindError, "other shapes", "conv1.weight (8, 3, 7, 7), not (16, 3, 7, 7)")


def test_layers_that_no_head_reads_may_be_in_the_file(written):
    """Of a network that reads the map of stride 8 alone, the file's deeper stages are no others."""
    head = df.head("detection", classes=2, strides=[8], sizes=[[2.0]], fpn=False, name="kind")
    network = df.Network("resnet18", [head], settings=SMALL["resnet18"], output_stride=32)
    whole = network_of("resnet18")
    file = in_layout(whole, PLAIN, random_arrays(whole))
    report = df.load_weights(network, written(file))
    assert "layer4.1.conv2.weight" in report.unused
    assert "resnet18_layer4_1_conv2_weight" not in report.loaded
    assert report.unexpected == []
    deeper = network_of("resnet34")
    file = in_layout(deeper, PLAIN, random_arrays(deeper))
    refused(network, written(file), BindError, "more layers", "layer1.2.bn1.bias")


def test_axes_of_size_1_are_reshaped(written):
    network = network_of("resnet18")
    arrays = random_arrays(network)
    file = in_layout(network, PLAIN, arrays)
    file["layer2.0.downsample.0.weight"] = file["layer2.0.downsample.0.weight"][:, :, 0, 0]
    report = df.load_weights(network, written(file))
    check_loaded(network, arrays)
    assert report.reshaped == {"resnet18_layer2_0_shortcut_weight": ((16, 8), (16, 8, 1, 1))}


def test_numbers_that_no_network_can_have(written):
    network = network_of("resnet18")
    for value in (np.full(8, np.nan, np.float32), np.ones(8, np.int64)):
        file = {**in_layout(network, PLAIN, random_arrays(network)), "bn1.weight": value}
        refused(network, written(file), CheckpointError, "not finite real numbers", "stem_bn_gamma")


def features(network, data):
    maps = network.backbone.features(sym.Variable("data"), data.shape[2:], 32).maps
    executor = Executor(maps[4], gradients=False, data=data.shape)
    for target in (executor.arg_dict, executor.aux_dict):
        for name in target:
            if name != "data":
                target[name][:] = values(network)[name]
    executor.forward(data=data)
    return np.asarray(executor.outputs[0])


def test_the_normalisation_travels_with_the_weights(written, tmp_path):
    plain, network = network_of("resnet18"), network_of("resnet18")
    arrays = random_arrays(plain)
    df.load_weights(plain, written(in_layout(plain, PLAIN, arrays)))
    # The same network, as somebody would have trained it on BGR in [0, 1].
    turned = {**arrays, "resnet18_stem_weight": arrays["resnet18_stem_weight"][:, ::-1]}
    kind = df.surgery.InputNormalization(
        mean=tuple(m / 255 for m in plain.backbone.mean[::-1]),
        std=tuple(s / 255 for s in plain.backbone.std[::-1]),
        scale=255,
        order="BGR",
    )
    file = written(in_layout(plain, PLAIN, turned))
    assert df.load_weights(network, file, input_normalization=kind).input_normalization == kind.rgb
    images = np.random.default_rng(0).uniform(0, 255, (1, 3, 32, 32)).astype(np.float32)
    expected = features(plain, images)
    np.testing.assert_allclose(features(network, images), expected, rtol=1e-3, atol=1e-4)
    assert network.spec["settings"] == {"width": 8}  # which is ImageNet's

    lite = df.surgery.InputNormalization((127.0,) * 3, (128.0,) * 3)
    file = written(in_layout(plain, PLAIN, arrays))
    df.load_weights(network, file, input_normalization=lite)
    assert network.backbone.mean == (127.0,) * 3
    expected = (images - 127) / 128
    means = np.array(plain.backbone.mean).reshape(3, 1, 1)
    back = expected * np.array(plain.backbone.std).reshape(3, 1, 1) + means
    np.testing.assert_allclose(
        features(network, images), features(plain, back.astype(np.float32)), rtol=1e-3, atol=1e-3
    )
    rest = {"kind_class_weight": np.ones((3, 64)), "kind_class_bias": np.ones(3)}
    network.set_params({**network.parameters, **rest}, network.statistics)
    df.save(network, tmp_path / "saved")
    for load in (df.load_weights, lambda new, path: df.surgery.transfer(path, new)):
        new = network_of("resnet18")
        load(new, tmp_path / "saved")
        assert (new.backbone.mean, new.backbone.std) == ((127.0,) * 3, (128.0,) * 3)
    restored = df.Network.from_spec(network.spec)
    assert (restored.backbone.mean, restored.backbone.std) == ((127.0,) * 3, (128.0,) * 3)


def test_settings_of_the_recipe_win_and_are_told(written, caplog):
    network = network_of("resnet18", mean=[127, 127, 127], std=[128, 128, 128])
    assert network.backbone.std == (128.0,) * 3
    report = df.load_weights(network, written(in_layout(network, PLAIN, random_arrays(network))))
    assert report.is_normalised_otherwise
    assert "the settings count" in caplog.text
    assert network.backbone.mean == (127.0,) * 3
    for wrong in ({"mean": [1, 2]}, {"std": [1, 1, 0]}, {"mean": "a"}):
        with pytest.raises(ConfigError, match="of an input is"):
            network_of("resnet18", **wrong)


def test_a_file_that_only_has_the_name_of_known_weights(written):
    network = network_of("resnet18")
    file = written(in_layout(network, PLAIN, random_arrays(network)), "resnet18-f37072fd.pth")
    os.rename(file, file.with_suffix(".safetensors"))
    df.load_weights(network, file.with_suffix(".safetensors"))
    file = written(in_layout(network, PLAIN, random_arrays(network)), "resnet18-f37072fd.pth")
    refused(network, file, CheckpointError, "its sha256 differs", "f37072fd")
    path = file.with_suffix(".safetensors")
    refused(network, path, CheckpointError, "its sha256 differs", sha256="00")


def test_paths_without_weights(tmp_path):
    network = network_of("resnet18")
    refused(network, tmp_path / "none.pth", CheckpointError, "There is no file of weights")
    refused(network, tmp_path / "a" / "none.pth", CheckpointError, "There is no file of weights")
    refused(network, tmp_path, CheckpointError, "There is no checkpoint")
    symbol = df.Network(symbol=sym.MakeLoss(sym.Variable("data"), name="x"))
    with pytest.raises(ConfigError, match="a backbone and heads"):
        df.load_weights(symbol, tmp_path)
