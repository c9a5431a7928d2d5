"""Heads with later stages of the backbone for themselves."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.model.parameters import owners, shapes
from densefit.model.sharing.branches import branches
from tests.model.sharing.copies import assert_copies_learn_as_one, trained, values

HEADS = {
    "boxes": ("detection", {"classes": 3, "strides": (8, 16, 32), "channels": 8}),
    "masks": ("segmentation", {"classes": 4, "decoder": "fcn", "channels": 8}),
    "kind": ("classification", {"classes": 4}),
}
SMALL = {"resnet18": {"width": 8}, "mobilenetv2": {"multiplier": 0.35}}
TREE = {"stage2": [["boxes", "masks"]], "stage3": [["boxes"]]}


def network(backbone="resnet18", heads=HEADS, **settings):
    made = [df.head(HEADS[name][0], name=name, **HEADS[name][1]) for name in heads]
    return df.Network(backbone, made, settings=SMALL[backbone], **settings)


@pytest.mark.parametrize(
    ("backbone", "share_until"),
    [("resnet18", "stage3"), ("resnet18", TREE), ("mobilenetv2", "stage2"), ("resnet18", 4)],
    ids=str,
)
def test_equal_copies_learn_what_one_backbone_does(each_engine, backbone, share_until):
    """Losses are equal; the step of a shared layer is the sum of its copies' steps."""
    one = trained(network(backbone))[0]
    assert_copies_learn_as_one(one, network(backbone, share_until=share_until))


def test_owners_and_costs():
    one, parted = network(), network(share_until=TREE)
    owner_of = owners(parted)
    assert owner_of["resnet18_layer2_1_conv2_weight"] is None
    assert owner_of["boxes_masks_resnet18_layer3_0_conv1_weight"] is None
    assert owner_of["boxes_resnet18_layer4_0_conv1_weight"] == "boxes"
    assert owner_of["masks_resnet18_layer4_0_conv1_weight"] == "masks"
    assert owner_of["kind_resnet18_layer3_0_conv1_weight"] == "kind"
    assert not [name for name in owner_of if name.startswith("resnet18_layer3")]
    assert not [name for name in owner_of if name.startswith("boxes_masks_resnet18_layer4")]
    costs = [df.summary(made, (64, 64)) for made in (one, parted)]
    stage = {
        number: sum(
            np.prod(array)
            for name, array in shapes(one).items()
            if name.startswith(f"resnet18_layer{number}") and "moving" not in name
        )
        for number in (3, 4)
    }
    extra = costs[1].parameters - costs[0].parameters
    assert extra == stage[3] + 2 * stage[4]
    assert costs[1].multiply_adds > costs[0].multiply_adds


class MasksLater(Shapes):
    """Shapes of which the first four have no masks."""

    def targets_of(self, index):
        return {"boxes", "classes"} if index < 4 else super().targets_of(index)

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        targets = {key: sample.targets[key] for key in self.targets_of(index)}
        return type(sample)(sample.id, sample.image, targets)


def test_a_head_without_labels_leaves_its_stages_as_they_are(each_engine):
    made = trained(network(heads=("boxes", "masks"), share_until="stage3"))[0]
    before = values(made)
    trained(made, data=MasksLater(8, size=(64, 64), empty=0.0))
    after, owner_of = values(made), owners(made)
    for name, owner in owner_of.items():
        if owner == "masks":
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    for name in ("boxes_resnet18_layer4_0_conv1_weight", "resnet18_layer3_0_conv1_weight"):
        assert not np.array_equal(before[name], after[name])


def test_a_checkpoint_is_the_same_network_and_training(tmp_path):
    settings = {"optimizer_params": {"momentum": 0.9}, "seed": 1}
    whole = trained(network(share_until=TREE), updates=2, **settings)[0]
    saver = df.Saver(tmp_path, every="1st")
    trained(network(share_until=TREE), checkpoint=saver, **settings)
    loaded = df.load(tmp_path / "last")
    assert loaded.spec["share_until"] == TREE
    assert loaded.parameters.keys() == whole.parameters.keys()
    resumed = network(share_until=TREE)
    trained(resumed, updates=2, checkpoint=saver, resume="auto", **settings)
    for name, value in values(whole).items():
        np.testing.assert_array_equal(value, values(resumed)[name], err_msg=name)


def test_the_exported_network_computes_the_same(tmp_path):
    pytest.importorskip("onnxruntime")
    made = trained(network(share_until=TREE))[0]
    df.export(made, tmp_path / "tree.onnx", image_size=(64, 64))  # compares the outputs


def test_weights_of_a_backbone_are_all_copies(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    one = values(trained(network())[0])
    backbone = {name: value for name, value in one.items() if name.startswith("resnet18_")}
    numpy_files.save_file(backbone, tmp_path / "weights.safetensors")
    parted = network(share_until="stage3")
    report = df.load_weights(parted, tmp_path / "weights.safetensors")
    for head in HEADS:
        name = f"{head}_resnet18_layer4_0_conv1_weight"
        np.testing.assert_array_equal(parted.parameters[name], one[parted.copies[name]])
    assert set(report.loaded) == backbone.keys()
    assert not [name for name in report.missing if "resnet18" in name]


def test_heads_come_and_go_with_their_stages():
    made = trained(network(heads=("boxes", "masks"), share_until="stage3"))[0]
    more = df.surgery.with_head(made, df.head("classification", classes=4, name="kind"))
    assert {name for name in owners(more) if name.startswith("kind_resnet18_layer4")}
    less = df.surgery.without_head(more, "masks")
    assert {owner for owner in owners(less).values()} == {None, "boxes", "kind"}
    for name, value in values(less).items():
        np.testing.assert_array_equal(value, values(made)[name], err_msg=name)
    with pytest.raises(ConfigError, match="'boxes' would have other layers"):
        df.surgery.without_head(more, "masks", "kind")
    tree = trained(network(share_until={"stage2": [["boxes", "masks"]]}))[0]
    with pytest.raises(ConfigError, match="other layers of the backbone"):
        df.surgery.without_head(tree, "masks")


@pytest.mark.parametrize(
    ("share_until", "said"),
    [
        ("stage4", "no layers behind stage4"),
        ("stag3", "did you mean 'stage3'"),
        (7, "Heads share a backbone until a stage"),
        ({"stage2": [["boxs"]]}, "did you mean 'boxes'"),
        ({"stage2": [["boxes", "masks"], ["masks"]]}, "'masks' is in two groups"),
        ({"stage2": [["boxes"]], "stage3": [["boxes", "kind"]]}, "have parted at an earlier"),
        ({"stage2": []}, "No head parts"),
        ({"stage2": [["boxes", "masks", "kind"]]}, "No head parts"),
    ],
)
def test_what_is_refused(share_until, said):
    with pytest.raises(ConfigError, match=said):
        network(share_until=share_until)


def test_a_tree_is_refined_from_stage_to_stage():
    heads = ["a", "b", "c", "d"]
    assert branches(8, heads) == [(8, [("a",), ("b",), ("c",), ("d",)])]
    assert branches({"stage1": [["a", "c"]], "stage3": [["c"], ["b"]]}, heads) == [
        (4, [("a", "c"), ("b", "d")]),
        (16, [("c",), ("a",), ("b",), ("d",)]),
    ]


def test_scales_that_are_reshaped_are_copied_too():
    heads = [df.head("classification", name=name, classes=2) for name in ("a", "b")]
    settings = {"width": 8, "stochastic_depth": 0.0}
    parted = df.Network("convnext_tiny", heads, settings=settings, share_until="stage3")
    one = df.Network("convnext_tiny", heads, settings=settings)
    of_stage = [name for name in owners(one) if "_stage4_" in name]
    assert of_stage
    assert not [name for name in of_stage if name in owners(parted)]
