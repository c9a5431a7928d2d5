"""Heads with adapters beside the convolutions of a backbone that they share."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.model.parameters import owners
from densefit.model.sharing.normalization_by_head import normalized_by_head
from tests.model.sharing.copies import trained, values
from tests.model.sharing.test_normalization_by_head import Bare, network

FROZEN = ["resnet18_*"]


def test_adapters_learn_beside_a_frozen_trunk(each_engine):
    """Before the training they change nothing; an update gives them what a 1x1 kernel would."""
    one = trained(network())[0]
    adapters = network(adapt_by_head=True)
    report = df.surgery.transfer(one, adapters)
    assert report.new
    assert all(name.endswith("_adapter_weight") for name in report.new)
    before = values(one)
    (_, first), (_, second) = trained(one), trained(adapters, freeze=FROZEN)
    assert second.epochs[-1]["train"] == pytest.approx(first.epochs[-1]["train"], rel=1e-5)
    after, result, owner_of = values(one), values(adapters), owners(adapters)
    for name, owner in owner_of.items():
        if owner is None:
            np.testing.assert_array_equal(result[name], before[name], err_msg=name)
    # An adapter is the centre of a 3x3 kernel: the two heads' steps add up to its step.
    for layer in ("layer1_0_conv1", "layer2_0_conv1", "layer2_1_conv2"):
        steps = [result[f"{head}_resnet18_{layer}_adapter_weight"] for head in ("boxes", "masks")]
        assert all(step.any() for step in steps)
        name = f"resnet18_{layer}_weight"
        expected = (after[name] - before[name])[:, :, 1:2, 1:2]
        np.testing.assert_allclose(
            sum(steps), expected, rtol=0, atol=2e-3 * np.abs(expected).max() + 5e-7, err_msg=name
        )


@pytest.mark.parametrize("backbone", ["mobilenetv2", "convnext_tiny"])
def test_convolutions_in_groups_have_adapters_in_groups(backbone):
    made = network(backbone, adapt_by_head=True)
    shapes = df.summary(made, (64, 64))
    assert shapes.parameters > df.summary(network(backbone), (64, 64)).parameters
    assert [name for name in owners(made) if name.endswith("_adapter_weight")]


def test_a_backbone_without_wide_convolutions_is_refused():
    class Narrow(Bare):
        def maps(self, x, output_stride):
            from densefit.model.normalization import normalize

            maps = super().maps(x, output_stride)
            return {s: (normalize(x, f"bare_bn{s}", 4), 4) for s, (x, _) in maps.items()}

    features = Narrow().features(df.backend.mx.sym.Variable("data"), (64, 64), 32)
    with pytest.raises(ConfigError, match=r"no convolution that an adapter(.|\n)*heads masks"):
        normalized_by_head({"masks": features}, {}, adapts=True)


def test_a_new_head_leaves_what_others_predict():
    data = Shapes(4, size=(64, 64), empty=0.0)
    first = df.Network(
        "resnet18",
        [df.head("classification", classes=4, name="kind")],
        settings={"width": 8},
        adapt_by_head=True,
    )
    df.fit(first, df.Loader(data, batch_size=2, heads=first.heads, workers=0), updates=1)
    both = df.surgery.with_head(first, df.head("segmentation", classes=4, decoder="fcn", name="m"))
    loader = df.Loader(data, batch_size=2, heads=both.heads, workers=0)
    df.fit(both, loader, updates=1, freeze=["resnet18_*", "kind_*"])
    before, after = (made.predict(data[0].image)["kind"] for made in (first, both))
    assert np.ptp(before) > 0
    np.testing.assert_allclose(before, after, rtol=1e-6)
