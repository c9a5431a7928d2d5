"""Heads with normalizations of the backbone for themselves, between shared convolutions."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.model.backbones import Backbone
from densefit.model.parameters import owners, shapes
from tests.model.sharing.copies import assert_copies_learn_as_one, trained, values

HEADS = {
    "boxes": ("detection", {"classes": 3, "strides": (8, 16), "channels": 8}),
    "masks": ("segmentation", {"classes": 4, "decoder": "fcn", "channels": 8}),
}
SMALL = {
    "resnet18": {"width": 8},
    "mobilenetv2": {"multiplier": 0.35},
    "convnext_tiny": {"width": 8, "stochastic_depth": 0.0},
}
NORMS = ("_gamma", "_beta", "_moving_mean", "_moving_var")


def network(backbone="resnet18", heads=tuple(HEADS), by_head=True, normalization="batch", **more):
    made = [df.head(HEADS[name][0], name=name, **HEADS[name][1]) for name in heads]
    settings = {**SMALL[backbone], "normalization": normalization}
    return df.Network(backbone, made, settings=settings, normalize_by_head=by_head, **more)


class MasksLater(Shapes):
    """Shapes that have boxes, and masks at the end of the data only."""

    def targets_of(self, index):
        return {"boxes", "classes"} if index < 4 else super().targets_of(index)

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        targets = {key: sample.targets[key] for key in self.targets_of(index)}
        return type(sample)(sample.id, sample.image, targets)


def test_equal_normalizations_learn_what_one_does(each_engine):
    check_steps("resnet18", {"share_until": "stage3"})


@pytest.mark.parametrize(
    ("backbone", "more"),
    [("resnet18", {"normalization": "group"}), ("mobilenetv2", {}), ("convnext_tiny", {})],
    ids=str,
)
def test_equal_normalizations_of_any_kind(backbone, more):
    check_steps(backbone, more)


def check_steps(backbone, more):
    """Losses are equal; the step of a shared scale is the sum of the heads' steps."""
    kind = {"normalization": more.get("normalization", "batch")}
    one = trained(network(backbone, by_head=False, **kind))[0]
    assert_copies_learn_as_one(one, network(backbone, **more))


def test_a_head_computes_what_a_network_of_it_alone_does():
    """Normalizations that differ by head: each head is as if the other were not there."""
    both = trained(network())[0]
    random = np.random.default_rng(0)
    drawn = {
        name: value * random.uniform(0.8, 1.2, value.shape) for name, value in values(both).items()
    }
    parameters = {name: drawn[name].astype("float32") for name in both.parameters}
    statistics = {name: drawn[name].astype("float32") for name in both.statistics}
    both.set_params(parameters, statistics)
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    found = both.predict(image)
    for head in HEADS:
        alone = network(heads=(head,), by_head=False, output_stride=both.output_stride)
        original = {both.copies.get(n, n): n for n, owner in owners(both).items() if owner == head}
        named = {name: original.get(name, name) for name in owners(alone)}
        alone.set_params(
            {name: drawn[named[name]] for name in named if named[name] in parameters},
            {name: drawn[named[name]] for name in named if named[name] in statistics},
        )
        expected = alone.predict(image)[head]
        if isinstance(expected, dict):
            for key, value in expected.items():
                np.testing.assert_allclose(found[head][key], value, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[head], expected)


def test_filters_are_shared_and_normalizations_owned():
    one, parted = network(by_head=False), network()
    owner_of = owners(parted)
    backbone = [name for name in owners(one) if name.startswith("resnet18_")]
    for name in backbone:
        if name.endswith(NORMS):
            assert name not in owner_of
            assert [owner_of[f"{head}_{name}"] for head in HEADS] == list(HEADS)
        else:
            assert owner_of[name] is None
    scales = sum(
        np.prod(shape)
        for name, shape in shapes(one).items()
        if name in backbone and name.endswith(("_gamma", "_beta"))
    )
    costs, plain = (df.summary(made, (64, 64)) for made in (parted, one))
    assert costs.parameters - plain.parameters == scales
    assert costs.multiply_adds > 1.5 * plain.multiply_adds


def test_a_head_without_labels_leaves_its_normalizations_as_they_are(each_engine):
    made = trained(network())[0]
    before = values(made)
    trained(made, data=MasksLater(8, size=(64, 64), empty=0.0))
    after = values(made)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert not [name for name in changed if name.startswith("masks_")]
    for end in NORMS:
        assert f"boxes_resnet18_layer1_0_conv1_bn{end}" in changed
    assert "resnet18_stem_weight" in changed


def test_a_checkpoint_resumes_and_an_export_computes_the_same(tmp_path):
    """With adapters, too."""
    settings = {"optimizer_params": {"momentum": 0.9}, "seed": 1, "freeze": ["resnet18_*"]}
    whole = trained(network(adapt_by_head=True), updates=2, **settings)[0]
    saver = df.Saver(tmp_path, every="1st")
    trained(network(adapt_by_head=True), checkpoint=saver, **settings)
    loaded = df.load(tmp_path / "last")
    assert loaded.adapt_by_head
    assert loaded.parameters.keys() == whole.parameters.keys()
    resumed = network(adapt_by_head=True)
    trained(resumed, updates=2, checkpoint=saver, resume="auto", **settings)
    for name, value in values(whole).items():
        np.testing.assert_array_equal(value, values(resumed)[name], err_msg=name)
    pytest.importorskip("onnxruntime")
    df.export(whole, tmp_path / "whole.onnx", image_size=(64, 64))  # compares the outputs


def test_heads_come_and_go():
    made = trained(network())[0]
    less = df.surgery.without_head(made, "masks")
    assert not [name for name in values(less) if name.startswith("masks_")]
    for name, value in values(less).items():
        np.testing.assert_array_equal(value, values(made)[name], err_msg=name)


class Bare(Backbone):
    """Maps by pooling and one convolution each, without normalization."""

    name = "bare"

    def maps(self, x, output_stride):
        maps = {}
        for stride in (2, 4, 8, 16, 32):
            x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="avg")
            x = mx.sym.Convolution(x, kernel=(1, 1), num_filter=4, name=f"bare_conv{stride}")
            maps[stride] = (x, 4)
        return maps


def test_a_backbone_without_normalization_is_refused():
    heads = [df.head("segmentation", classes=4, decoder="fcn", channels=8)]
    with pytest.raises(
        ConfigError, match=r"no normalization(.|\n)*received: bare_conv2_weight, .*, \.\.\.\n"
    ):
        df.Network(Bare(), heads, normalize_by_head=True)
