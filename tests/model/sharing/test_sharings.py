"""What every way to share a backbone does with partial labels, files, weights and exports."""

import numpy as np
import pytest

import densefit as df
from densefit.model.parameters import owners, shapes
from densefit.tools.recipes.recipe import Model
from densefit.tools.recipes.recipe_heads import network_of
from densefit.tools.recipes.run.shared_text import shared_text
from tests.model.sharing.copies import trained, values
from tests.model.sharing.test_branches import MasksLater

HEADS = {
    "boxes": ("detection", {"classes": 3, "strides": (8, 16), "channels": 4}),
    "masks": ("segmentation", {"classes": 4, "decoder": "fcn", "channels": 4}),
}
SMALL = {
    "resnet18": {"width": 4},
    "mobilenetv2": {"multiplier": 0.35},
}
#: A class each; the others of mixtures differ in their gates alone.
SHARINGS = ("cross_stitch", "mtan", "dselect_k", "ple")
MOMENTUM = {"optimizer_params": {"momentum": 0.9}, "seed": 1}


def network(sharing, backbone="resnet18"):
    made = [df.head(task, name=name, **settings) for name, (task, settings) in HEADS.items()]
    return df.Network(backbone, made, settings=SMALL[backbone], sharing=sharing)


def drawn(made):
    """Random values of all parameters and statistics; gates are undecided."""
    random = np.random.default_rng(0)
    largest = {name: 0.003 if "_gate_" in name else 0.3 for name in shapes(made)}
    return {
        name: random.uniform(largest[name] / 3, largest[name], shape).astype("float32")
        for name, shape in shapes(made).items()
    }


def given(made, arrays):
    statistics = {name: arrays[name] for name in arrays if "_moving_" in name}
    made.set_params({n: v for n, v in arrays.items() if n not in statistics}, statistics)
    return made


def partly(made, updates=1, **settings):
    """Train with labels of boxes alone, then of both."""
    data = MasksLater(8, size=(64, 64), empty=0.0)
    return trained(made, data, updates=updates, **settings)[0]


@pytest.fixture(scope="module", params=SHARINGS)
def run(request, tmp_path_factory):
    """(folder, values before, network) of an update without labels of masks, on PyTorch."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DENSEFIT_ENGINE", "torch")
        made = network(request.param)
        before = drawn(made)
        partly(given(made, before), checkpoint=df.Saver(folder, every="1st"), **MOMENTUM)
        yield folder, before, made


def check_own(made, before):
    sharing, after, owner_of = made.sharing["name"], values(made), owners(made)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert not [name for name in changed if owner_of[name] == "masks"]
    assert [name for name in owner_of if owner_of[name] == "masks" and sharing in name]
    assert [name for name in changed if owner_of[name] == "boxes" and sharing in name]
    assert [name for name in changed if owner_of[name] is None and name.endswith("_weight")]


def test_a_head_without_labels_leaves_its_own_as_it_is(run):
    check_own(run[2], run[1])


def test_so_it_does_on_mxnet(monkeypatch):
    monkeypatch.setenv("DENSEFIT_ENGINE", "mxnet")
    made = network("cross_stitch")
    before = drawn(made)
    check_own(partly(given(made, before)), before)


def test_it_is_loaded_and_exported(run, tmp_path):
    folder, _, made = run
    loaded = df.load(folder / "last")
    assert loaded.sharing == made.sharing
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, values(loaded)[name], err_msg=name)
    pytest.importorskip("onnxruntime")
    df.export(made, tmp_path / "made.onnx", image_size=(64, 64))  # compares the outputs


def test_a_resume_goes_on(monkeypatch, tmp_path):
    monkeypatch.setenv("DENSEFIT_ENGINE", "torch")
    whole, resumed = network("cross_stitch"), network("cross_stitch")
    keep = df.Keep(last=2)
    partly(whole, 2, checkpoint=df.Saver(tmp_path / "a", every="1st", keep=keep), **MOMENTUM)
    last = {"checkpoint": df.Saver(tmp_path / "b"), "resume": tmp_path / "a" / "update-00000001"}
    partly(resumed, 2, **last, **MOMENTUM)
    for name, value in values(whole).items():
        np.testing.assert_array_equal(value, values(resumed)[name], err_msg=name)


@pytest.mark.parametrize(
    ("sharing", "backbone"),
    [("cross_stitch", "mobilenetv2"), ("cgc", "resnet18"), ("ple", "resnet18")],
)
def test_weights_of_a_backbone_are_all_copies(sharing, backbone):
    made, one = network(sharing, backbone), network(None, backbone)
    weights = {name: value for name, value in drawn(one).items() if name.startswith(backbone)}
    done = df.surgery.transfer(weights, made)
    assert not [name for name in done.new if made.copies.get(name, name).startswith(backbone)]
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, weights[made.copies.get(name, name)], err_msg=name)
    assert not done.dropped


@pytest.mark.parametrize("sharing", ["mtan"])
def test_costs_are_shown_before_the_training(sharing):
    made = network(sharing)
    counts = [
        sum(int(np.prod(shape)) for name, shape in shapes(each).items() if "_moving_" not in name)
        for each in (made, network(None))
    ]
    text = shared_text(made, (64, 64))
    assert f"; {counts[0] - counts[1]:,} parameters more than one backbone, " in text
    assert float(text.split(" times its work")[0].split()[-1]) > 1


def test_a_recipe_names_it_and_one_head_leaves_it_out():
    made = [df.head("classification", name=name, classes=3) for name in "ab"]
    assert network_of(Model(sharing="mmoe"), made).sharing == {"name": "mmoe"}
    assert network_of(Model(sharing={"name": "mmoe"}), made[:1]).sharing is None
