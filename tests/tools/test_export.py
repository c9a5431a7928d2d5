"""The programs on an exported model: the same results as on the checkpoint."""

import json
import sys

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.symbol import sym as S
from densefit.tools import export, predict, score
from densefit.tools.report.stored_thresholds import StoredThresholds, stored_thresholds
from tests import forked


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    """The exported model of `trained`."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    assert export.main([str(trained), "--out", str(path)]) == 0
    return path


def test_the_thresholds_of_the_validation_go_with_the_model(trained, tmp_path, monkeypatch):
    stored = StoredThresholds({"detection": 0.25}, "val", 7)
    monkeypatch.setattr(export, "stored_thresholds", lambda checkpoint: stored)
    path = tmp_path / "alone.onnx"
    assert export.main([str(trained), "--image-size", "32x32", "--out", str(path)]) == 0
    assert stored_thresholds(path) == stored


def scores_of(out, *arguments):
    assert score.main([*arguments, "--out", str(out), "--worst", "0"]) == 0
    return json.loads((out / "scores.json").read_text())


def test_it_says_what_was_written(trained, tmp_path, capsys):
    path = tmp_path / "small.onnx"
    arguments = [str(trained), "--image-size", "64x96", "--batch", "2", "--out", str(path)]
    assert export.main(arguments) == 0
    text = capsys.readouterr().out
    assert f"best as {path}" in text
    assert "2 of images 64 pixels high and 96 wide, uint8 RGB" in text
    assert "compared with the network on 8 real samples" in text
    for name in ("detection_boxes", "segmentation_mask", "kind_probabilities"):
        assert f" {name} " in text
    assert f"densefit predict --model {path}" in text
    assert path.is_file()


def test_its_scores_are_the_checkpoints(trained, model, tmp_path):
    """Dataset, split and resizing come from the recipe in the model."""
    checkpoint = scores_of(tmp_path / "a", "--checkpoint", str(trained))
    exported = scores_of(tmp_path / "b", "--model", str(model))
    assert exported.keys() == checkpoint.keys()
    assert len(exported) > 10
    for key, value in checkpoint.items():
        assert exported[key] == pytest.approx(value, abs=1e-4), key


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    image = np.random.default_rng(0).integers(0, 255, (5, 9, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(image, (90, 50), interpolation=cv2.INTER_CUBIC))
    return path


def lines_of(out, *arguments):
    assert predict.main([*arguments, "--out", str(out)]) == 0
    return [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]


def test_its_predictions_are_the_checkpoints(trained, model, photo, tmp_path):
    (checkpoint,) = lines_of(tmp_path / "a", "--checkpoint", str(trained), str(photo))
    (exported,) = lines_of(tmp_path / "b", "--model", str(model), str(photo))
    assert exported["detection"]["classes"] == checkpoint["detection"]["classes"]
    for key in ("boxes", "scores"):
        pair = (part["detection"][key] for part in (exported, checkpoint))
        np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-3)
    masks = [cv2.imread(str(tmp_path / out / "photo.segmentation.png"), -1) for out in "ab"]
    assert (masks[0] == masks[1]).mean() > 0.999


def test_raw_outputs_are_finished_on_the_host(trained, photo, tmp_path, capsys):
    raw = tmp_path / "raw.onnx"
    assert export.main([str(trained), "--raw", "--out", str(raw)]) == 0
    rows = {words[1]: words[3] for line in capsys.readouterr().out.splitlines()
            if len(words := line.split()) > 5 and words[1].startswith("segmentation_")}  # fmt: skip
    assert rows == {"segmentation_logits": "N", "segmentation_mask": "decoded"}
    (checkpoint,) = lines_of(tmp_path / "a", "--checkpoint", str(trained), str(photo))
    (exported,) = lines_of(tmp_path / "b", "--model", str(raw), str(photo))
    for key in ("boxes", "scores"):
        pair = (part["detection"][key] for part in (exported, checkpoint))
        np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-3)


def test_views_need_their_outputs(trained, model, photo, tmp_path, capsys):
    path, flip = tmp_path / "views.onnx", ("--flip", "true", str(photo))
    assert export.main([str(trained), "--views", "--out", str(path)]) == 0
    lines_of(tmp_path / "a", "--checkpoint", str(trained), *flip)
    lines_of(tmp_path / "b", "--model", str(path), *flip)
    masks = [cv2.imread(str(tmp_path / out / "photo.segmentation.png"), -1) for out in "ab"]
    assert (masks[0] == masks[1]).mean() > 0.999
    assert predict.main(["--model", str(model), *flip, "--out", str(tmp_path / "c")]) == 2
    assert "densefit export --views" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["--half", "--int8"])
def test_smaller_precisions_are_exported(trained, photo, tmp_path, precision, capsys):
    path = tmp_path / "small.onnx"
    assert export.main([str(trained), precision, "--out", str(path)]) == 0
    assert {"--half": "float16", "--int8": "int8"}[precision] in capsys.readouterr().out
    assert len(lines_of(tmp_path / "b", "--model", str(path), str(photo))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "densefit export runs/NAME"),
        (["nowhere"], 1, "There is no checkpoint"),
        (["RUN", "--resize", "crop"], 2, "letterbox or stretch"),
        (["RUN", "--image-size", "64by64"], 2, "HEIGHTxWIDTH"),
        (["RUN", "--out", "model.bin"], 2, "NAME.onnx"),
        (["RUN", "--batch", "0"], 2, "batch"),
        (["RUN", "--opset", "9"], 2, "opset"),
        (["RUN", "--int8", "--calibrate", "no-such", "--data.dataset", "voc"], 2, "data.root"),
        (["RUN", "--quantise"], 2, "quantise"),
        (["MODEL"], 2, "exported already"),
    ],
)
def test_mistakes_are_told(trained, model, tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    paths = {"RUN": str(trained), "MODEL": str(model)}
    assert export.main([paths.get(word, word) for word in arguments]) == code
    error = capsys.readouterr().err
    assert "error: " in error
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def symbol_checkpoint(tmp_path_factory):
    """The checkpoint of a user's Symbol."""
    symbol = S.FullyConnected(S.Variable("data"), num_hidden=2, name="f")
    network = df.Network(symbol=symbol, routes={})
    network.set_params({"f_weight": np.ones((2, 3)), "f_bias": np.zeros(2)}, {})
    path = tmp_path_factory.mktemp("symbols") / "people"
    df.save(network, path)
    return path


@pytest.mark.parametrize("size", [[], ["--image-size", "64"]])
def test_a_symbol_is_exported_in_python(symbol_checkpoint, tmp_path, capsys, size):
    arguments = [str(symbol_checkpoint), *size, "--out", str(tmp_path / "m.onnx")]
    assert export.main(arguments) == 1
    assert "it had a symbol" in capsys.readouterr().err


def test_without_the_dataset_it_is_checked_on_generated_images(trained, tmp_path, capsys):
    path = tmp_path / "m.onnx"
    arguments = [str(trained), "--data.dataset", "voc", "--data.root", str(tmp_path / "none")]
    assert export.main([*arguments, "--out", str(path)]) == 0
    output = capsys.readouterr()
    assert "compared with the network on 8 generated images" in output.out
    assert "checked on generated images: " in output.err


def test_a_model_without_a_recipe_needs_the_name_of_the_dataset(trained, tmp_path, capsys):
    path = tmp_path / "m.onnx"
    df.export(df.load(trained), path, image_size=64)
    assert score.main(["--model", str(path)]) == 2
    assert "--data.dataset NAME --data.root DIR" in capsys.readouterr().err
    named = ["--data.dataset", "shapes", "--data.settings", "{length: 3, size: [64, 80]}"]
    assert score.main(["--model", str(path), *named, "--split", "test"]) == 0
    assert "split 'test', 3 samples:" in capsys.readouterr().out


WITHOUT = """
import sys
sys.modules["mxnet"] = sys.modules["torch"] = None  # importing them raises
from densefit.tools import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def without_engines(*arguments):
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    done = forked.run(
        command, forget=["densefit", "mxnet", "torch"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_needs_neither_mxnet_nor_torch(trained, model, photo, tmp_path):
    assert "split 'test', 8 samples:" in without_engines("score", "--model", model)
    without_engines("predict", "--model", model, photo, "--out", tmp_path / "b")
    (checkpoint,) = lines_of(tmp_path / "a", "--checkpoint", str(trained), str(photo))
    (exported,) = map(json.loads, (tmp_path / "b/predictions.jsonl").read_text().splitlines())
    assert exported["kind"]["class"] == checkpoint["kind"]["class"]
    pair = (part["detection"]["boxes"] for part in (exported, checkpoint))
    np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-3)
