"""The detection head as a whole."""

import numpy as np
import pytest

from densefit.data.loader.views import View
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.detection import Detection
from densefit.visualize import drawing
from densefit.visualize.drawing import draw_boxes
from tests.executor import Executor, compute, engine_array

SIZE = (75, 101)
CHANNELS = {8: 6, 16: 8, 32: 10}


def features():
    maps = {stride: sym.Variable(f"map{stride}") for stride in CHANNELS}
    return Features(maps, CHANNELS, SIZE)


def map_shapes(batch):
    given = features()
    return {f"map{s}": (batch, CHANNELS[s], *given.size(s)) for s in CHANNELS}


def sample(boxes, classes, **more):
    targets = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "classes": np.array(classes, np.int64),
        **more,
    }
    return Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def test_made_by_name_and_classes_by_number():
    made = head("detection", classes=3, name="cells")
    assert isinstance(made, Detection)
    assert made.classes == ["0", "1", "2"]
    assert made.name == "cells"
    assert made.output_stride == 32
    assert Detection(2, strides=(8, 16)).output_stride == 16


def test_labels_fit_encode_and_anchors():
    made = Detection(["a", "b"])
    encoded = made.encode(sample([[10, 10, 40, 40]], [1]))
    for label in made.labels(SIZE):
        assert encoded[label.name].shape == label.shape
        assert encoded[label.name].dtype == np.dtype(label.dtype)
    assert len(made.anchors(SIZE)) == len(encoded["class"])
    assert set(encoded["class"]) == {0, 2}


def bind_train(made, batch):
    labels = {label.name: sym.Variable(label.name) for label in made.labels(SIZE)}
    terms = made.train(features(), labels)
    shapes = {label.name: (batch, *label.shape) for label in made.labels(SIZE)}
    group = sym.Group([sym.MakeLoss(term) for term in terms.values()])
    return list(terms), Executor(group, **map_shapes(batch), **shapes)


def fill(executor, seed=0):
    rng = np.random.RandomState(seed)
    for name, array in executor.arg_dict.items():
        array[:] = rng.randn(*array.shape) * (1.0 if name.startswith("map") else 0.1)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("_var") else 0.0


def test_losses_are_per_sample_and_background_trains_classes_only():
    made = Detection(2, channels=8)
    names, executor = bind_train(made, 2)
    assert names == ["class_loss", "box_loss"]
    fill(executor)
    for row, one in enumerate([sample([], []), sample([[10, 10, 40, 40]], [0])]):
        for name, value in made.encode(one).items():
            executor.arg_dict[name][row] = value
    losses = executor.forward(is_train=True)
    assert [loss.shape for loss in losses] == [(2,), (2,)]
    assert losses[0][0] > 0
    assert losses[1][0] == 0
    assert losses[1][1] > 0
    executor.backward()
    gradient = executor.grad_dict["map8"]
    assert np.abs(gradient[0]).sum() > 0
    assert np.isfinite(gradient).all()


def test_train_and_evaluate_share_all_parameters():
    made = Detection(["a", "b", "c"], channels=8)
    labels = {label.name: sym.Variable(label.name) for label in made.labels(SIZE)}
    train = sym.Group(list(made.train(features(), labels).values()))
    evaluate = made.evaluate(features())["boxes"]
    assert set(train.list_arguments()) - set(labels) == set(evaluate.list_arguments())
    assert train.list_auxiliary_states() == evaluate.list_auxiliary_states()
    own = set(evaluate.list_arguments()) - {f"map{s}" for s in CHANNELS}
    assert all(name.startswith("detection_") for name in own)
    assert not any("anchor" in name for name in own)


@pytest.mark.parametrize("batch", [1, 5])
def test_evaluate_shape(batch):
    made = Detection(2, channels=8, max_detections=7)
    executor = Executor(made.evaluate(features())["boxes"], **map_shapes(batch))
    fill(executor)
    out = executor.forward(is_train=False)[0]
    assert out.shape == (batch, 7, 6)
    assert np.isfinite(out).all()


def test_perfect_predictions_give_back_the_true_boxes(monkeypatch):
    """Through encode, the evaluate graph and decode, with a resized and mirrored input."""
    made = Detection(["a", "b", "c"], draw_threshold=0.9)
    geometry = Geometry((150, 202), np.array([[-0.5, 0, 101.0], [0, 0.5, 0]]), SIZE)
    original = np.array([[20, 20, 80, 90], [100, 10, 190, 60], [110, 70, 150, 140]], np.float32)
    moved = original * 0.5
    moved[:, [0, 2]] = 101 - moved[:, [2, 0]]
    classes = np.array([2, 0, 1])
    encoded = made.encode(sample(moved, classes))
    scores = 12 * np.eye(4, dtype=np.float32)[np.maximum(encoded["class"], 0).astype(int)]
    given = sym.Variable("scores"), sym.Variable("offsets")
    monkeypatch.setattr(made, "levels", lambda features: [])
    monkeypatch.setattr(made, "predictions", lambda levels, size: given)
    executor = Executor(
        made.evaluate(features())["boxes"],
        scores=(1, *scores.shape),
        offsets=(1, *encoded["box"].shape),
    )
    out = executor.forward(scores=scores[None], offsets=encoded["box"][None])[0]
    (prediction,) = made.decode({"boxes": out}, [geometry])
    sure = prediction["scores"] > 0.5
    assert sure.sum() == 3
    order = np.argsort(prediction["classes"][sure])
    np.testing.assert_array_equal(prediction["classes"][sure][order], [0, 1, 2])
    expected = original[np.argsort(classes)]
    np.testing.assert_allclose(prediction["boxes"][sure][order], expected, atol=0.01)
    drawn = made.draw(np.zeros((150, 202, 3), np.uint8), prediction)
    assert drawn.shape == (150, 202, 3)
    assert drawn.any()


def test_true_boxes_are_drawn_and_difficult_ones_and_crowds_say_so(monkeypatch):
    made = Detection(["a", "b"])
    boxes = np.array([[5, 60, 50, 120], [60, 60, 100, 120], [120, 60, 190, 120]], np.float32)
    truth = {"boxes": boxes, "classes": np.array([1, 0, 1])}
    image = np.zeros((150, 202, 3), np.uint8)
    plain = made.draw_truth(image, truth)
    np.testing.assert_array_equal(plain, draw_boxes(image, boxes, truth["classes"], made.classes))
    texts = []
    monkeypatch.setattr(drawing.cv2, "putText", lambda image, text, *rest, **_: texts.append(text))
    flags = {"difficult": np.array([False, True, True]), "crowd": np.array([False, False, True])}
    made.draw_truth(image, {**truth, **flags})
    assert sorted(texts) == ["a difficult", "b", "b crowd"]
    assert not image.any()
    nothing = {"boxes": np.zeros((0, 4), np.float32), "classes": np.zeros(0, np.int64)}
    assert not made.draw_truth(image, nothing).any()


def test_decode_drops_empty_rows_and_sorts():
    rows = np.full((2, 4, 6), -1, np.float32)
    rows[0, 0] = [1, 0.3, 0, 0, 10, 10]
    rows[0, 2] = [0, 0.8, 5, 5, 200, 20]
    first, second = Detection(2).decode({"boxes": rows}, [Geometry.identity(*SIZE)] * 2)
    np.testing.assert_array_equal(first["classes"], [0, 1])
    np.testing.assert_allclose(first["scores"], [0.8, 0.3])
    np.testing.assert_array_equal(first["boxes"][0], [5, 5, 101, 20])  # clipped
    assert first["classes"].dtype == np.int64
    assert second["boxes"].shape == (0, 4)
    assert second["scores"].shape == (0,)


def test_boxes_of_the_border_of_a_letterbox_are_dropped():
    rows = np.full((1, 4, 6), -1, np.float32)
    rows[0, :3] = [[1, 0.3, 0, 0, 10, 10], [0, 0.8, 5, 25, 60, 40], [1, 0.9, 5, 15, 60, 40]]
    wide = Geometry((10, 200), np.array([[0.5, 0, 0], [0, 0.5, 20]]), (45, 100))
    made = Detection(2)
    (prediction,) = made.decode({"boxes": rows}, [wide])
    np.testing.assert_array_equal(prediction["boxes"], [[10, 0, 120, 10]])
    np.testing.assert_array_equal(prediction["classes"], [1])
    merger = made.view_merger((45, 100))
    for mirrored in (False, True):
        seen, matrix = rows.copy(), wide.matrix.copy()
        if mirrored:
            seen[..., [2, 4]], matrix[0] = 100 - rows[..., [4, 2]], [-0.5, 0, 100]
        view = View((10, 200), matrix, (45, 100), (5, 100), (-20, 0), mirrored)
        merger.add({"boxes": engine_array(seen)}, view)
    np.testing.assert_array_equal(merger.result()["boxes"], prediction["boxes"])


def test_boxes_outside_of_a_resized_image_are_no_false_positives():
    """They matched no object; other detections are scored as before."""
    rows = np.full((1, 4, 6), -1, np.float32)
    inside = [0, 0.5, 10, 10, 40, 40]
    rows[0, :3] = [[0, 0.9, 120, 5, 140, 40], inside, [0, 0.3, 10, -30, 40, 0]]
    resized = Geometry((75, 202), np.array([[0.5, 0, 0], [0, 1, 0]]), SIZE)
    made = Detection(["a"])
    (prediction,) = made.decode({"boxes": rows}, [resized])
    np.testing.assert_array_equal(prediction["boxes"], [[20, 10, 80, 40]])
    truth = {"boxes": np.array([[20.0, 10, 80, 40]]), "classes": np.array([0])}
    outside = np.concatenate([resized.boxes_to_original(rows[0, :1, 2:]), prediction["boxes"]])
    former = {"boxes": outside, "scores": np.array([0.9, 0.5]), "classes": np.array([0, 0])}
    scores = []
    for detections in (prediction, former):
        (metric,) = made.metrics()
        metric.update([detections], [truth], ["a"])
        scores.append(metric.compute()["AP"])
    assert scores == pytest.approx([1.0, 0.5], abs=0.01)


def test_a_sample_of_another_task_trains_nothing():
    encoded = Detection(2).encode(Sample("a", np.zeros((*SIZE, 3), np.uint8), {}))
    assert (encoded["class"] == -1).all()
    assert Detection(2).ground_truth({"mask": np.zeros((4, 4))}) is None


def test_an_unknown_class_names_the_sample():
    with pytest.raises(DataError, match="sample 'a'"):
        Detection(2).encode(sample([[1, 1, 9, 9]], [2]))


@pytest.mark.parametrize(
    ("metric", "keys"), [("coco", ["AP"]), ("voc", ["mAP"]), ("voc07", ["mAP"])]
)
def test_metrics(metric, keys):
    assert [made.primary for made in Detection(2, metric=metric).metrics()] == keys


def test_the_rule_of_2007_has_11_points():
    (area,), (points,) = (Detection(["a"], metric=m).metrics() for m in ("voc", "voc07"))
    assert (area.convention, points.convention) == ("area", "11point")
    assert list(area.compute()) == list(points.compute()) == ["mAP", "AP50/a"]


def test_both_metrics_have_keys_of_their_own():
    truth = sample([[10, 10, 60, 60]], [0]).targets
    made = Detection(["a", "b"], metric="both")
    prediction = {
        "boxes": truth["boxes"],
        "scores": np.array([0.9], np.float32),
        "classes": truth["classes"],
    }
    seen = []
    for metric in made.metrics():
        metric.update([prediction], [made.ground_truth(truth)], ["x"])
        numbers = metric.compute()
        assert numbers[metric.primary] == pytest.approx(1)
        seen += list(numbers)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": 0},
        {"classes": ["a", "a"]},
        {"classes": 2, "strides": (8, 32)},
        {"classes": 2, "strides": (64,)},
        {"classes": 2, "sizes": [[3.0], [3.0]]},
        {"classes": 2, "sizes": [3.0, [3.0]]},
        {"classes": 2, "sizes": [-1.0]},
        {"classes": 2, "sizes": []},
        {"classes": 2, "sizes_relative_to": "width"},
        {"classes": 2, "iou_negative": 0.7},
        {"classes": 2, "min_negatives": 0},
        {"classes": 2, "max_detections": 500},
        {"classes": 2, "metric": "map"},
        {"classes": 2, "box_loss": "iou"},
    ],
)
def test_contradicting_settings_are_errors(settings):
    with pytest.raises(ConfigError):
        Detection(**settings)


def test_sizes_as_fractions_of_the_input():
    made = Detection(1, sizes=[[0.1], [0.2], [0.4], [0.8]], sizes_relative_to="input", ratios=[1.0])
    assert made.shapes((200, 300))[1] == ((40.0, 40.0),)


def test_not_a_number_does_not_crash():
    made = Detection(2, channels=8)
    _, executor = bind_train(made, 1)
    fill(executor)
    executor.arg_dict["detection_level8_class_weight"][:] = np.nan
    assert np.isnan(executor.forward(is_train=True)[0]).all()  # training sees it
    executor = Executor(made.evaluate(features())["boxes"], **map_shapes(1))
    fill(executor)
    for kind in ("class", "box"):
        executor.arg_dict[f"detection_level8_{kind}_weight"][:] = np.nan
    out = executor.forward(is_train=False)[0]
    (prediction,) = made.decode({"boxes": out}, [Geometry.identity(*SIZE)])
    assert prediction["boxes"].shape[1] == 4


def losses(settings):
    """Both losses of a sample with one box, with fixed random parameters and maps."""
    made = Detection(2, channels=8, **settings)
    names, executor = bind_train(made, 1)
    fill(executor)
    for name, array in made.encode(sample([[10, 10, 40, 40]], [1])).items():
        executor.arg_dict[name][:] = array[None]
    outputs = executor.forward(is_train=True)
    return dict(zip(names, (float(output[0]) for output in outputs)))


def test_box_weight_scales_the_box_loss_alone():
    once, thrice = losses({"box_weight": 1.0}), losses({"box_weight": 3.0})
    assert once["box_loss"] > 0
    assert thrice["box_loss"] == pytest.approx(3 * once["box_loss"], rel=1e-5)
    assert thrice["class_loss"] == once["class_loss"]


def test_negatives_per_positive_adds_background_anchors_to_the_class_loss():
    """With equal logits each trained anchor costs ln 3: 1 background and 2 classes."""
    made = [Detection(2, min_negatives=1, negatives_per_positive=ratio) for ratio in (2.0, 5.0)]
    encoded = made[0].encode(sample([[10, 10, 40, 40]], [1]))
    anchors = len(encoded["class"])
    positives = made[0].positives(encoded)
    labels = {name: sym.Variable(name) for name in encoded}
    for head_, ratio in zip(made, (2.0, 5.0)):
        scores, offsets = sym.Variable("scores"), sym.Variable("offsets")
        loss = head_.losses(scores, offsets, labels, SIZE)["class_loss"]
        arrays = {"scores": np.zeros((1, anchors, 3)), **{k: v[None] for k, v in encoded.items()}}
        ((value,),) = compute(loss, {name: arrays[name] for name in loss.list_arguments()})
        expected = (positives + round(positives * ratio)) * np.log(3) / positives
        assert value == pytest.approx(expected, rel=1e-5)


def test_difficult_boxes_are_learned_or_ignored():
    given = sample([[10, 10, 40, 40]], [1], difficult=np.array([True]))
    learned = Detection(2).encode(given)["class"]
    ignored = Detection(2, train_difficult=False).encode(given)["class"]
    assert set(learned) == {0, 2}
    assert set(ignored) == {0, -1}
    assert (learned[ignored == 0] == 0).all()


def test_fpn_adds_deeper_levels_to_shallow_ones():
    levels = {fpn: Detection(2, fpn=fpn).levels(features())[0] for fpn in (True, False)}
    assert {"map8", "map16", "map32"} <= set(levels[True].list_arguments())
    assert levels[False].list_arguments() == ["map8"]
