"""The program beside a model: short, without densefit, and with the predictions of df.predict."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

import densefit as df
from densefit.errors import ConfigError
from densefit.exporting.program import LINES
from densefit.tasks.classification.head import Classification
from tests import forked
from tests.exporting.conftest import BACKBONES, SETTINGS, SIZE, with_values

BLOCKED = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("densefit", "mxnet", "torch", "onnx"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(program, photograph):
    """Printed lines of a program, as lists of words."""
    done = forked.run(
        [sys.executable, "-c", BLOCKED, str(program), str(photograph)],
        capture_output=True, text=True, timeout=120, env={},
        forget=["densefit", "mxnet", "torch", "onnx"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def exported(network, folder, photograph, kind="letterbox", **settings):
    """(printed lines, predictions of the network, text of the program)."""
    path = folder / "my model.onnx"
    program = df.export(network, path, image_size=SIZE, resize=kind, **settings).program
    transform = df.transform(kind, height=SIZE[0], width=SIZE[1])
    predictions = df.predict(network, photograph, transform=transform)
    return run(program, photograph), predictions, program.read_text()


@pytest.mark.parametrize("kind", ["letterbox", "resize"])
def test_boxes_masks_and_classes(network_of, tmp_path, photograph, kind):
    network = network_of("resnet18", "classification", "segmentation", "detection")
    printed, predictions, text = exported(network, tmp_path, photograph, kind)
    assert len(text.splitlines()) <= LINES
    boxes = [line[1:] for line in printed if line[0] == "detection"]
    expected = predictions["detection"]
    assert len(boxes) == len(expected["boxes"]) > 3
    assert [name for name, *_ in boxes] == ["abc"[index] for index in expected["classes"]]
    values = np.array([list(map(float, line[1:])) for line in boxes])
    np.testing.assert_allclose(values[:, 0], expected["scores"], atol=1e-4)
    np.testing.assert_allclose(values[:, 1:], expected["boxes"], atol=2e-3)
    mask = cv2.imread(f"{photograph}.segmentation.png", cv2.IMREAD_UNCHANGED)
    assert mask.shape == (211, 150)
    assert np.mean(mask != predictions["segmentation"]) < 1e-3
    classes = {line[1]: float(line[2]) for line in printed if line[0] == "classification"}
    assert list(classes) == ["cat", "dog", "cow"]
    np.testing.assert_allclose([*classes.values()], predictions["classification"], atol=1e-4)


@pytest.mark.parametrize("kind", ["letterbox", "resize"])
def test_boxes_outside_of_the_image_are_not_printed(network_of, tmp_path, kind):
    photograph = str(tmp_path / "wide.png")
    cv2.imwrite(photograph, np.random.default_rng(0).integers(0, 256, (33, 501, 3), np.uint8))
    network = network_of("resnet18", "detection")
    printed, predictions, _ = exported(network, tmp_path, photograph, kind)
    boxes = predictions["detection"]["boxes"]
    assert len(printed) == len(boxes) > 3
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    np.testing.assert_allclose(np.array([line[3:] for line in printed], float), boxes, atol=1e-2)


def test_maps(network_of, tmp_path, photograph):
    network = network_of("resnet18", "depth", "normals", "multilabel")
    printed, predictions, text = exported(network, tmp_path, photograph, batch=2)
    assert len(text.splitlines()) <= LINES
    depth, normals = (np.load(f"{photograph}.{name}.npy") for name in ("depth", "normals"))
    np.testing.assert_allclose(depth, predictions["depth"], rtol=1e-3)
    assert normals.shape == predictions["normals"].shape
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    assert np.median(np.abs(normals - predictions["normals"])) < 1e-3
    assert len(printed) == 3


def with_small_objects(network):
    """The network of a keypoints head, with boxes around their centres and unequal scores."""
    changed = {}
    for name, values in network.parameters.items():
        if name.startswith(("keypoints_middle", "keypoints_sides", "keypoints_centre")):
            changed[name] = 0.05 * values
        if name.startswith("keypoints_place"):
            changed[name] = 0.2 * values
        if name == "keypoints_sides_bias":
            changed[name] = np.full_like(values, 1.5)
    network.set_params({**network.parameters, **changed}, network.statistics)
    return network


BOTH = pytest.mark.parametrize("kind", ["letterbox", "resize"])


def boxes_of(printed, prediction, names):
    """The printed lines, once their boxes, scores and classes are compared."""
    assert len(printed) == len(prediction["boxes"]) > 3
    assert [line[1] for line in printed] == [names[index] for index in prediction["classes"]]
    values = np.array([line[2:7] for line in printed], float)
    np.testing.assert_allclose(values[:, 0], prediction["scores"], atol=1e-4)
    np.testing.assert_allclose(values[:, 1:], prediction["boxes"], atol=2e-2)
    return printed


@BOTH
@pytest.mark.parametrize(("task", "names"), [("instance", "012"), ("mask_rcnn", "abc")])
def test_instances(network_of, tmp_path, photograph, kind, task, names):
    network = network_of("resnet18", task)
    printed, predictions, text = exported(network, tmp_path, photograph, kind)
    assert len(text.splitlines()) <= LINES
    prediction = predictions[task]
    boxes_of(printed, prediction, names)
    expected = np.stack([coco.decode(mask) for mask in prediction["masks"]])
    masks = np.stack([cv2.imread(f"{photograph}.{task}.{n}.png", -1) for n in range(len(printed))])
    assert set(np.unique(masks)) == {0, 255}
    assert 0.01 < expected.mean() < 0.95
    assert np.mean(masks.astype(bool) != expected.astype(bool)) < 1e-4


@BOTH
@pytest.mark.parametrize("heat_maps", [True, False])
def test_keypoints(network_of, tmp_path, photograph, kind, heat_maps):
    network = with_small_objects(
        network_of("resnet18", "keypoints", keypoints={"heat_maps": heat_maps})
    )
    printed, predictions, text = exported(network, tmp_path, photograph, kind)
    assert len(text.splitlines()) <= LINES
    prediction = predictions["keypoints"]
    printed = boxes_of(printed, prediction, "012")
    points = np.array([line[7:] for line in printed], float).reshape(len(printed), -1, 3)
    np.testing.assert_allclose(points, prediction["keypoints"], atol=2e-2)
    assert (0.05 < (points[..., 2] < 1).mean() < 0.999) == heat_maps  # some are moved to peaks


@BOTH
def test_segments(network_of, tmp_path, photograph, kind):
    panoptic = {"overlap": 0.6, "min_stuff": 0.02}
    network = network_of("resnet18", "panoptic", panoptic=panoptic)
    printed, predictions, text = exported(network, tmp_path, photograph, kind)
    assert len(text.splitlines()) <= LINES
    prediction, names = predictions["panoptic"], SETTINGS["panoptic"]["classes"]
    expected = [(str(i), names[c]) for i, c in zip(prediction["ids"], prediction["classes"])]
    assert [tuple(line[1:]) for line in printed] == expected
    assert len(expected) > 2
    segments = cv2.imread(f"{photograph}.panoptic.png", cv2.IMREAD_UNCHANGED)
    assert segments.shape == (211, 150)
    assert np.mean(segments != prediction["map"]) < 1e-3


def test_names_with_quotes(network_of, tmp_path, photograph):
    more = {"classification": {"name": 'is it "x"\\'}, "detection": {"name": "it's {b}"}}
    network = network_of("resnet18", "classification", "detection", **more)
    path = tmp_path / 'a "model".onnx'
    program = df.export(network, path, image_size=SIZE).program
    printed = run(program, photograph)
    assert len(printed) > 3


def test_many_heads_stay_within_the_lines(network_of, tmp_path):
    network = network_of("resnet18", *SETTINGS)
    program = df.export(network, tmp_path / "m.onnx", image_size=SIZE).program
    assert len(program.read_text().splitlines()) <= LINES


@pytest.mark.parametrize("size", [(130, 75), (60, 260), (300, 90), (200, 500)])
def test_a_side_that_grows_while_the_other_shrinks(network_of, tmp_path, size):
    """OpenCV takes area means only where neither side grows."""
    blocks = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    photograph = str(tmp_path / "narrow.png")
    cv2.imwrite(photograph, cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_CUBIC))
    network = network_of("resnet18", "classification")
    printed, predictions, _ = exported(network, tmp_path, photograph, "resize")
    values = [float(line[2]) for line in printed]
    np.testing.assert_allclose(values, predictions["classification"], atol=1e-5)


class Odds(Classification):
    """A head outside of the package, with lines of its own."""

    lines = 'print("odds of", outputs["odds_probabilities"].argmax(), "in", (H, W))\n'

    def program_lines(self):
        return self.lines


def with_odds(lines=Odds.lines):
    head = Odds(("a", "b"), name="odds")
    head.lines = lines
    return with_values(df.Network("resnet18", [head], settings=BACKBONES["resnet18"]))


def test_a_head_brings_its_own_lines(tmp_path, photograph):
    network = with_odds()
    printed, predictions, _ = exported(network, tmp_path, photograph)
    assert printed == [["odds", "of", str(predictions["odds"].argmax()), "in", "(211,", "150)"]]


def test_lines_that_do_not_fit_print_shapes(tmp_path):
    program = df.export(with_odds("pass\n" * 30), tmp_path / "m.onnx", image_size=SIZE).program
    assert 'print("odds", {n: v.shape' in program.read_text()
    assert len(program.read_text().splitlines()) <= LINES


def test_lines_that_are_no_python(tmp_path):
    with pytest.raises(ConfigError, match="'odds'.*no Python"):
        df.export(with_odds("print(\n"), tmp_path / "m.onnx", image_size=SIZE)
    assert list(tmp_path.iterdir()) == []


def test_without_an_image_it_says_what_it_reads(network_of, tmp_path):
    program = df.export(
        network_of("resnet18", "depth"), tmp_path / "m.onnx", image_size=SIZE
    ).program
    missing, words = tmp_path / "missing.jpg", tmp_path / "words.jpg"
    words.write_text("no image")
    for paths, line in (
        ([], "Run m.onnx on an image: python m.py photo.jpg"),
        ([missing], f"{missing} is missing, or no image"),
        ([words], f"{words} is missing, or no image"),
    ):
        command = [sys.executable, program, *paths]
        done = forked.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(line)
        assert "Traceback" not in done.stderr


def test_names_that_are_not_utf8(network_of, tmp_path, photograph):
    """cv2.imread and cv2.imwrite crash at them."""
    name = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(name)).write_bytes(Path(photograph).read_bytes())
    network = network_of("resnet18", "segmentation")
    program = df.export(network, tmp_path / "m.onnx", image_size=SIZE).program
    done = subprocess.run([sys.executable, program, name], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert cv2.imdecode(np.fromfile(os.fsdecode(name + b".segmentation.png"), np.uint8), -1).any()


def test_the_program_reads_its_models_file(network_of, tmp_path, photograph):
    network = network_of("resnet18", "classification")
    exported = df.export(network, tmp_path / "my.model.v2.ONNX", image_size=SIZE)
    assert len(run(exported.program, photograph)) == 3
