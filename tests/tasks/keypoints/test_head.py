import numpy as np
import pytest

import densefit as df
from densefit.data.loader.views import View
from densefit.data.sample import Geometry
from densefit.data.transforms import Compose, Letterbox, RandomFlip
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError
from densefit.symbol import sym
from densefit.tasks.keypoints.select import joint_peaks, objects
from densefit.visualize.drawing import note_unreached
from tests.executor import compute, engine_array

SIZE = (96, 128)
FACE = {
    "keypoints": Shapes.keypoint_names,
    "limbs": Shapes.limbs,
    "flip_pairs": Shapes.flip_pairs,
}


def head(**settings):
    return df.head("keypoints", **{"classes": 3, "channels": 8, **FACE, **settings})


def shapes(count, size=SIZE, **settings):
    settings = {"empty": 0.0, "max_objects": 2, **settings}
    return Shapes(count, size=size, keypoints=True, **settings)


def as_predicted(one, samples):
    """The outputs of a network that has learned the encoded targets of samples by heart."""
    labels = [one.encode(sample) for sample in samples]
    height, width = labels[0]["mask"].shape
    count = len(one.skeleton)

    def stacked(name):
        return np.stack([label[name] for label in labels])

    def logits(heat):
        return np.log(np.clip(heat, 1e-4, 1 - 1e-4) / np.clip(1 - heat, 1e-4, 1 - 1e-4))

    made = {
        "centre": logits(stacked("centre")),
        "box": np.zeros((len(samples), 4, height, width)),
        "place": np.zeros((len(samples), 2 * count, height, width)),
    }
    if one.heat_maps:
        made["joint"] = logits(stacked("joint"))
        made["rest"] = np.zeros((len(samples), 2 * count, height, width))
    for number, label in enumerate(labels):
        for cell, box, place in zip(label["cell"].astype(int), label["box"], label["place"]):
            if cell >= 0:
                row, column = divmod(cell, width)
                made["box"][number, :, row, column] = box
                made["place"][number, :, row, column] = place[:, :2].ravel()
                for joint, (dx, dy, labelled) in enumerate(place):
                    if labelled and one.heat_maps:
                        x, y = column + dx, row + dy
                        own = (min(int(y), height - 1), min(int(x), width - 1))
                        made["rest"][(number, joint, *own)] = x - own[1]
                        made["rest"][(number, count + joint, *own)] = y - own[0]
    named = {name: sym.Variable(name) for name in made}
    symbols = {"objects": objects(named, (height, width), count, one.max_detections)}
    if one.heat_maps:
        symbols["peaks"] = joint_peaks(named, (height, width), count, one.max_detections)
    return {name: compute(symbol, made)[0] for name, symbol in symbols.items()}


@pytest.mark.parametrize("heat_maps", [True, False])
@pytest.mark.parametrize("mirrored", [0.0, 1.0])
def test_what_is_encoded_is_decoded_to_the_truth(heat_maps, mirrored):
    """Through letterbox and mirror, and back to the original: an AP of 1."""
    one = head(heat_maps=heat_maps)
    transform = Compose([RandomFlip(p=mirrored), Letterbox(*SIZE)])
    for size in ((96, 128), (70, 131), (140, 60)):
        data = shapes(6, size)
        moved = [transform(data[i], np.random.default_rng(i)) for i in range(6)]
        found = one.decode(as_predicted(one, moved), [sample.geometry for sample in moved])
        (metric,) = one.metrics()
        truths = [one.ground_truth(data[i].targets) for i in range(6)]
        metric.update(found, truths, [data.id_of(i) for i in range(6)])
        assert metric.compute()["AP"] == pytest.approx(1)
        for prediction, truth in zip(found, truths):
            sure = prediction["scores"] > 0.9
            assert sure.sum() == len(truth["boxes"])
            order = np.lexsort(prediction["boxes"][sure].T)
            wanted = np.lexsort(truth["boxes"].T)
            for name, off in (("boxes", 0.01), ("classes", 0)):
                np.testing.assert_allclose(
                    prediction[name][sure][order], truth[name][wanted], atol=off
                )


def test_a_mirrored_view_without_flip_pairs_is_an_error():
    names = [f"point {number}" for number in range(len(Shapes.keypoint_names))]
    one, known = head(flip_pairs=None, keypoints=names, limbs=[]), head()
    sample = RandomFlip(p=1.0)(shapes(1)[0], np.random.default_rng(0))
    outputs = as_predicted(known, [sample])
    with pytest.raises(ConfigError, match=r"flipped image[\s\S]*flip_pairs"):
        one.decode(outputs, [sample.geometry])
    found = [known.decode(outputs, [sample.geometry])[0]["keypoints"][0, :, 0]]
    assert found[0][1] > found[0][2]  # the left eye is at the right of the original


def test_objects_of_the_border_of_a_letterbox_are_dropped():
    one, sample = head(), shapes(1)[0]
    outputs = as_predicted(one, [sample])
    (whole,) = one.decode(outputs, [sample.geometry])
    height, width = sample.geometry.input_size
    above = Geometry((height, width), np.eye(2, 3), (2 * height, width))
    outputs["objects"][0, -1, 1:6] = [0.99, 1, height, 9, height + 9]
    (found,) = one.decode(outputs, [above])
    assert (found["boxes"][:, 2:] > found["boxes"][:, :2]).all()
    (none,) = one.decode({**outputs, "objects": np.zeros_like(outputs["objects"])}, [above])
    assert none["keypoints"].shape == (0, len(one.skeleton), 3)
    sure = [prediction["scores"] > 0.9 for prediction in (found, whole)]
    np.testing.assert_array_equal(found["keypoints"][sure[0]], whole["keypoints"][sure[1]])


def test_views_of_both_hands_agree():
    one, sample = head(), shapes(1)[0]
    merger = one.view_merger(SIZE)
    for mirrored in (False, True):
        seen = RandomFlip(p=float(mirrored))(sample, np.random.default_rng(0))
        outputs = as_predicted(one, [seen])
        view = View(SIZE, seen.geometry.matrix, SIZE, SIZE, (0, 0), mirrored)
        merger.add({name: engine_array(array) for name, array in outputs.items()}, view)
    merged, truth = merger.result(), sample.targets["keypoints"]
    assert (merged["scores"] > 0.9).sum() == len(truth)
    for points in truth:
        away = np.abs(merged["keypoints"][:, :, :2] - points[:, :2]).max(axis=(1, 2))
        assert away.min() < 0.05


def test_crowds_and_unlabelled_objects_change_no_score():
    one = head()
    data = shapes(4)
    found = one.decode(
        as_predicted(one, [data[i] for i in range(4)]), [data[i].geometry for i in range(4)]
    )
    truths = []
    for i in range(4):
        targets = {name: value.copy() for name, value in data[i].targets.items()}
        targets["keypoints"][0] = 0
        truths.append(one.ground_truth(targets))
    (metric,) = one.metrics()
    metric.update(found, truths, list("abcd"))
    assert metric.compute()["AP"] == pytest.approx(1)
    sample = data[0]
    sample.targets["crowd"][:] = True
    label = one.encode(sample)
    assert not label["centre"].any()
    assert 0 < label["mask"].mean() < 1


def test_a_sample_without_keypoints_trains_nothing():
    one, sample = head(), shapes(1)[0]
    del sample.targets["keypoints"]
    label = one.encode(sample)
    assert {name: array.shape for name, array in label.items()} == {
        each.name: each.shape for each in one.labels(SIZE)
    }
    assert not label["mask"].any()
    assert (label["cell"] == -1).all()
    assert one.ground_truth(sample.targets) is None


SOME = {"classes": ["square", "circle"], "among": ["circle", "square", "triangle"]}


def without_others(sample, classes=(0, 1)):
    """The sample as if its other objects had never been annotated."""
    kept = np.isin(sample.targets["classes"], classes)
    rows = ("boxes", "classes", "keypoints", "crowd", "area", "difficult")
    made = {k: v[kept] if k in rows else v for k, v in sample.targets.items()}
    return type(sample)(sample.id, sample.image, made)


def mixed():
    """An image with objects of classes that a head looks at, and of one that it does not."""
    samples = map(shapes(40, max_objects=4).__getitem__, range(40))
    return next(one for one in samples if set(one.targets["classes"]) == {0, 1, 2})


def test_objects_of_other_classes_are_background():
    """Their labels equal the labels of an image without annotations of them."""
    sample = mixed()
    found, wanted = head(**SOME).encode(sample), head(classes=2).encode(without_others(sample))
    assert found["centre"].shape[0] == 2
    np.testing.assert_array_equal(found["centre"], wanted["centre"][::-1])  # own order of classes
    for name in ("joint", "mask", "cell", "box", "place"):
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)
    assert (found["mask"] == 1).all()
    sample.targets["crowd"] = sample.targets["classes"] == 2  # of no concern either
    np.testing.assert_array_equal(head(**SOME).encode(sample)["mask"], found["mask"])


def test_an_image_without_the_head_s_classes_teaches_that_nothing_is_there():
    one = head(**SOME)
    sample = without_others(mixed(), (2,))
    label = one.encode(sample)
    assert one.is_labelled(sample)
    assert one.has_valid_labels(label)
    assert (label["mask"] == 1).all()
    assert not label["centre"].any()
    assert (label["cell"] == -1).all()
    truth = one.ground_truth(sample.targets)
    assert truth["keypoints"].shape == (0, 3, 3)
    (metric,) = one.metrics()
    hit = mixed()
    found = one.decode(as_predicted(one, [hit]), [hit.geometry])
    metric.update(found, [one.ground_truth(hit.targets)], ["a"])
    assert metric.compute()["AP"] == pytest.approx(1)
    better = [{**found[0], "scores": found[0]["scores"] + 1}]
    metric.update(better, [truth], ["b"])  # all of it wrong
    assert metric.compute()["AP"] < 0.9


def test_scores_and_drawings_know_the_head_s_classes_only():
    one, sample = head(**SOME), mixed()
    truth = one.ground_truth(sample.targets)
    names = np.array(SOME["among"])[sample.targets["classes"]]
    kept = names != "triangle"
    assert [one.classes[i] for i in truth["classes"]] == names[kept].tolist()
    for key in ("boxes", "keypoints", "area", "crowd"):
        np.testing.assert_array_equal(truth[key], sample.targets[key][kept])
    found = one.decode(as_predicted(one, [sample]), [sample.geometry])
    (metric,) = one.metrics()
    assert metric.classes == ["square", "circle"]
    metric.update(found, [truth], ["a"])
    assert metric.compute()["AP"] == pytest.approx(1)
    drawn = one.draw_truth(sample.image, truth)
    assert (drawn != sample.image).any()
    box = sample.targets["boxes"][~kept][0].astype(int)
    assert (drawn[box[1], box[0]] == sample.image[box[1], box[0]]).all()


def wrong(name, value):
    sample = shapes(1)[0]
    sample.targets[name] = value(sample.targets[name])
    return sample


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("keypoints", lambda points: points[:, :2], r"do not fit the head[\s\S]*\(n, 3, 3\)"),
        ("classes", lambda labels: labels + 3, "no known class"),
        ("keypoint_flip", np.sort, "disagree which keypoints are swapped"),
    ],
)
def test_samples_that_do_not_fit(name, value, message):
    with pytest.raises(
        DataError, match=rf"{message}[\s\S]*sample 'train-000000', head 'keypoints'"
    ):
        head().encode(wrong(name, value))


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": []},
        {"channels": 0},
        {"max_objects": 0},
        {"max_detections": 0},
        {"size_weight": -1.0},
        {"alike": 0.0},
        {"alike": 1.5},
    ],
)
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError, match="keypoint"):
        head(**settings)


def test_more_cells_than_float32_counts_are_refused():
    network = df.Network("resnet18", [head(classes=2000)], settings={"width": 8})
    with pytest.raises(ConfigError, match=r"count exactly[\s\S]*\(512, 512\)"):
        network.graph("evaluate", (512, 512))


def test_persons_are_the_default_and_scored_as_coco_does():
    (metric,) = df.head("keypoints").metrics()
    assert metric.classes == ["person"]
    np.testing.assert_allclose(metric.sigmas[[0, 11]], [0.026, 0.107])
    assert metric.max_detections == 20


def test_what_counts_for_nothing_is_drawn_with_its_reason():
    one, sample = head(classes=["a", "b", "c"]), shapes(1)[0]
    truth = one.ground_truth(sample.targets)
    plain = one.draw_truth(sample.image, truth)
    crowded = one.draw_truth(sample.image, {**truth, "crowd": np.ones_like(truth["crowd"])})
    bare = one.draw_truth(sample.image, {**truth, "keypoints": truth["keypoints"] * 0})
    for first, second in ((plain, crowded), (crowded, bare), (plain, bare)):
        assert (first != second).any()


def test_only_confident_objects_and_keypoints_are_drawn():
    one, sample = head(), shapes(1)[0]
    found = one.decode(as_predicted(one, [sample]), [sample.geometry])[0]
    assert (one.draw(sample.image, found) != sample.image).any()
    weak = {**found, "scores": found["scores"] * 0.2}
    said = note_unreached(sample.image, weak["scores"], one.draw_threshold)
    np.testing.assert_array_equal(one.draw(sample.image, weak), said)


def test_a_tiny_network_learns_some_images_by_heart():
    data = Shapes(4, size=(64, 64), max_objects=2, empty=0.0, keypoints=True)
    network = df.Network("resnet18", [head(channels=16)], settings={"width": 8})
    loader = df.Loader(data, batch_size=4, heads=network.heads, shuffle=True)
    df.fit(network, loader, epochs=70, optimizer="adam", schedule=df.Cosine(lr=0.008, warmup=4))
    scores = df.score(network, df.Loader(data, batch_size=4))
    assert scores["keypoints/AP"] > 0.8


def test_peaks_below_the_threshold_move_no_keypoint_and_are_not_drawn():
    data = shapes(1)
    outputs = as_predicted(head(), [data[0]])
    outputs["peaks"][..., 2] = 0.2
    outputs["objects"][..., 8::3] = 0.15  # confidence of each keypoint before it is moved
    geometry = [data[0].geometry]
    found = {t: head(peak_threshold=t).decode(outputs, geometry)[0] for t in (0.1, 0.3)}
    np.testing.assert_allclose(found[0.3]["keypoints"][..., 2], 0.15, atol=1e-6)
    assert (found[0.1]["keypoints"][..., 2] == np.float32(0.2)).any()
    image = np.zeros((*SIZE, 3), np.uint8)
    bare = head(draw_threshold=0.3, peak_threshold=0.9).draw(image, found[0.1])
    drawn = head(draw_threshold=0.3, peak_threshold=0.1).draw(image, found[0.1])
    assert (drawn != bare).any()
