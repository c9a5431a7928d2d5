"""Trainings that begin with pretrained weights, resumed, and refused."""

import json

import numpy as np
import pytest
import yaml

import densefit as df
from densefit.checkpoint.storage import tensors
from densefit.checkpoint.weights.library import table
from densefit.checkpoint.weights.library.pretrained_file import PretrainedFile
from densefit.checkpoint.weights.library.search import VARIABLE
from densefit.surgery import InputNormalization
from densefit.tools import find_lr, train_seg
from tests.checkpoint.weights.layout_files import in_layout, network_of, random_arrays

LITE = InputNormalization((127.0,) * 3, (128.0,) * 3)
HEADS = ["--model.heads", "{kind: {task: classification}}"]
FROZEN = ["--training.freeze", "[resnet18_*]"]


@pytest.fixture
def file(tmp_path):
    """A file of torchvision's names, and the arrays in it by ours."""
    network = network_of("resnet18")
    arrays = random_arrays(network)
    path = tmp_path / "known.safetensors"
    path.write_bytes(b"".join(tensors.pieces(in_layout(network, "torchvision, timm", arrays))))
    return path, arrays


@pytest.fixture
def known(file, monkeypatch):
    """The file is in the table, and its input is normalised otherwise."""
    from densefit.checkpoint.weights.files.weight_file import read

    path, _ = file
    digest = read(path).sha256
    entry = PretrainedFile(
        "ours", "resnet18", path.name, digest, "https://example.org/x", "MIT", "us",
        input_normalization=LITE,
    )  # fmt: skip
    monkeypatch.setattr(table, "TABLE", (entry,))
    for module in ("library.search", "pretrained"):
        monkeypatch.setattr(f"densefit.checkpoint.weights.{module}.TABLE", (entry,))
    monkeypatch.setenv(VARIABLE, str(path.parent))
    return digest


def recipe_of(run):
    return yaml.safe_load((run / "config.yaml").read_text())


def test_the_weights_begin_and_a_resume_loads_none(tiny, file, tmp_path, capsys):
    path, arrays = file
    run = tmp_path / "run"
    arguments = [*tiny(out=run, training__epochs=1), *HEADS, *FROZEN]
    assert train_seg.main([*arguments, "--model.weights", str(path)]) == 0
    shown = capsys.readouterr().out
    assert f"begins with {path} (torchvision, timm)" in shown
    assert f"parameters: loaded {len(arrays)}, new 2" in shown
    trained = df.load(run)
    for name in ("resnet18_stem_weight", "resnet18_layer4_1_conv2_bn_gamma"):
        np.testing.assert_array_equal(trained.parameters[name], arrays[name])
    written = recipe_of(run)["model"]
    assert written["weights"] == str(path)
    assert len(written["weights_sha256"]) == 64
    path.unlink()
    more = ["--model.weights", str(path), "--resume", "auto", "--training.epochs", "2"]
    assert train_seg.main([*arguments, *more]) == 0
    assert "begins with" not in capsys.readouterr().out
    assert recipe_of(run)["model"]["weights_sha256"] == written["weights_sha256"]


def test_imagenet_is_a_file_on_the_search_path_with_its_normalisation(
    tiny, file, known, tmp_path, capsys
):
    run = tmp_path / "run"
    arguments = [*tiny(out=run, training__epochs=1), *HEADS, "--model.weights", "imagenet"]
    assert train_seg.main(arguments) == 0
    assert f"begins with {file[0]}" in capsys.readouterr().out
    written = recipe_of(run)["model"]
    assert (written["weights"], written["weights_sha256"]) == ("imagenet", known)
    assert written["settings"] == {"width": 8, "mean": [127.0] * 3, "std": [128.0] * 3}
    assert df.load(run).backbone.std == (128.0,) * 3
    # The command of a resume does not state the normalisation.
    assert train_seg.main([*arguments, "--resume", "auto", "--training.epochs", "2"]) == 0
    assert df.load(run).backbone.std == (128.0,) * 3
    assert recipe_of(run)["model"]["settings"] == written["settings"]
    # A run that begins with this one's checkpoint normalises so, too, and when it is resumed.
    after = [*tiny(out=tmp_path / "after", training__epochs=1), *HEADS, "--init_from", str(run)]
    assert train_seg.main(after) == 0
    assert train_seg.main([*after, "--resume", "auto", "--training.epochs", "2"]) == 0
    assert df.load(tmp_path / "after").backbone.std == (128.0,) * 3
    capsys.readouterr()
    stated = ["--model.settings.mean", "[1, 2, 3]", "--out", str(tmp_path / "stated")]
    assert train_seg.main([*arguments, *stated]) == 0
    shown = capsys.readouterr()
    assert "not as trained" in shown.out
    assert df.load(tmp_path / "stated").backbone.mean == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("given", [["car", "road"], {"kind": ["car", "road"]}, None])
def test_the_file_s_classes_are_a_setting(tiny, file, tmp_path, monkeypatch, given):
    """What they do is tested with `load_weights`."""
    loaded = []

    def load(network, path, classes, **settings):
        loaded.append(classes)
        return df.load_weights(network, path, **settings)

    monkeypatch.setattr("densefit.tools.recipes.pretrained.load_weights", load)
    run = tmp_path / "run"
    arguments = [*tiny(out=run, training__epochs=1), *HEADS, *FROZEN]
    more = ["--model.weights", str(file[0]), "--model.weights_classes", json.dumps(given)]
    assert train_seg.main([*arguments, *more]) == 0
    assert loaded == [given]
    assert recipe_of(run)["model"]["weights_classes"] == given


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--init_from", "runs/other"], 2, "weights of one source"),
        (["--model.weights_sha256", "00"], 1, "its sha256 differs"),
        (["--model.settings.width", "16"], 1, "other shapes"),
        (["--model.backbone", "resnet34"], 1, "lacks"),
    ],
)
def test_refusals(tiny, file, tmp_path, capsys, more, code, said):
    arguments = [*tiny(out=tmp_path / "run"), *HEADS, "--model.weights", str(file[0]), *more]
    assert train_seg.main(arguments) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_imagenet_that_is_not_there(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arguments = [*tiny(out=tmp_path / "run", **{"model.settings.width": 64}), *HEADS]
    assert train_seg.main([*arguments, "--model.weights", "imagenet"]) == 1
    shown = capsys.readouterr().err
    assert "resnet18-f37072fd.pth" in shown
    assert "densefit weights fetch resnet18" in shown


def test_a_rate_is_searched_with_the_weights(tiny, file, tmp_path, capsys):
    arguments = [*tiny(out=tmp_path / "found"), *HEADS, "--updates", "3"]
    assert find_lr.main([*arguments, "--model.weights", str(file[0])]) == 0
    assert "begins with" in capsys.readouterr().out
