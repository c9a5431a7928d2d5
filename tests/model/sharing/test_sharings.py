"""What every way to share a backbone does with partial labels, files, weights and exports."""

import numpy as np
import pytest

import densefit as df
from densefit.model.parameters import owners
from densefit.tools.recipes.run.shared_text import shared_text
from tests.model.sharing.copies import trained, values
from tests.model.sharing.test_branches import SMALL, MasksLater

HEADS = {
    "boxes": ("detection", {"classes": 3, "strides": (8, 16), "channels": 4}),
    "masks": ("segmentation", {"classes": 4, "decoder": "fcn", "channels": 4}),
}
SHARINGS = df.sharing.sharings.names()


def network(sharing, backbone="resnet18"):
    made = [df.head(task, name=name, **settings) for name, (task, settings) in HEADS.items()]
    small = {**SMALL, "resnet18": {"width": 4}}
    return df.Network(backbone, made, settings=small[backbone], sharing=sharing)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_head_without_labels_leaves_its_own_as_it_is(each_engine, sharing):
    made = trained(network(sharing))[0]
    before = values(made)
    trained(made, data=MasksLater(8, size=(64, 64), empty=0.0))
    after, owner_of = values(made), owners(made)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert not [name for name in changed if owner_of[name] == "masks"]
    assert [name for name in owner_of if owner_of[name] == "masks" and sharing in name]
    assert [name for name in changed if owner_of[name] == "boxes" and sharing in name]
    assert [name for name in changed if owner_of[name] is None and "layer1" in name]


@pytest.mark.parametrize("sharing", SHARINGS)
def test_it_resumes_and_exports(tmp_path, sharing):
    settings = {"optimizer_params": {"momentum": 0.9}, "seed": 1}
    made = network(sharing, "mobilenetv2")
    saver = df.Saver(tmp_path, every="1st")
    trained(made, updates=2, checkpoint=saver, **settings)
    loaded = df.load(tmp_path / "last")
    assert loaded.sharing == {"name": sharing}
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, values(loaded)[name], err_msg=name)
    resumed = network(sharing, "mobilenetv2")
    first = df.Saver(tmp_path / "first", every="1st")
    trained(network(sharing, "mobilenetv2"), checkpoint=first, **settings)
    trained(resumed, updates=2, checkpoint=first, resume="auto", **settings)
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, values(resumed)[name], err_msg=name)
    pytest.importorskip("onnxruntime")
    df.export(made, tmp_path / "made.onnx", image_size=(64, 64))  # compares the outputs


@pytest.mark.parametrize("sharing", SHARINGS)
def test_weights_of_a_backbone_are_all_copies_and_costs_are_shown(tmp_path, sharing):
    numpy_files = pytest.importorskip("safetensors.numpy")
    one = values(trained(network(None))[0])
    backbone = {name: value for name, value in one.items() if name.startswith("resnet18_")}
    numpy_files.save_file(backbone, tmp_path / "weights.safetensors")
    made = network(sharing)
    report = df.load_weights(made, tmp_path / "weights.safetensors")
    assert not [name for name in report.missing if "resnet18" in name]
    for name, value in values(made).items():
        original = made.copies.get(name, name)
        np.testing.assert_array_equal(value, backbone[original], err_msg=name)
    assert {made.copies.get(name, name) for name in values(made)} == backbone.keys()
    costs = df.summary(made, (64, 64))
    plain = df.summary(network(None), (64, 64))
    more = costs.parameters - plain.parameters
    assert more > 0
    assert shared_text(made, (64, 64)).endswith(
        f"; {more:,} parameters more than one backbone, "
        f"{costs.multiply_adds / plain.multiply_adds:.2f} times its work"
    )
