"""Two datasets in one head, each of which annotates some of the classes."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.datasets import Shapes
from tests.executor import Executor

SIZE = (64, 64)
DETECTION = {"strides": (8, 16), "channels": 8, "max_detections": 5}
HEADS = {
    "detection": DETECTION,
    "faster_rcnn": {
        **{"strides": (8, 16), "sizes": (3.0,), "channels": 8, "hidden": 16, "proposals": 20},
        "max_boxes": 10,
    },
    "fcos": DETECTION,
    "retinanet": DETECTION,
    "instance": {"prototypes": 4, "channels": 8, "mask_positives": 6, "detection": DETECTION},
    "mask_rcnn": {
        "mask_channels": 8,
        "detection": {
            **{"strides": (8, 16), "sizes": (3.0,), "channels": 8, "hidden": 16, "proposals": 20},
            "max_boxes": 10,
        },
    },
    "keypoints": {
        "keypoints": Shapes.keypoint_names,
        "flip_pairs": Shapes.flip_pairs,
        "channels": 8,
    },
    "multilabel": {},
}
# How the parameters of the class scores end, and how many scores there are: for each class one,
# behind that of the background.
SCORES = {
    "detection": ("_class_bias", 4),  # one of each level
    "faster_rcnn": ("_class_bias", 4),
    "fcos": ("_class_bias", 3),
    "retinanet": ("_class_bias", 3),
    "instance": ("_class_bias", 4),
    "mask_rcnn": ("_class_bias", 4),
    "keypoints": ("_centre_bias", 3),
    "multilabel": ("_class_bias", 3),
}


class Some:
    """Pictures of shapes of which some classes are annotated; the others are there all the same."""

    def __init__(self, *classes, empty=False, length=2):
        self.classes, self.empty, self.length = classes, empty, length
        self.whole = Shapes(length, size=SIZE, empty=0.0, keypoints=True, seed=7)

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        made = self.whole[index]
        names = [self.whole.classes[kind] for kind in made.targets["classes"]]
        kept = np.array([name in self.classes and not self.empty for name in names], bool)
        rows = ("boxes", "classes", "keypoints", "instance_ids", "area", "crowd", "difficult")
        targets = {k: v[kept] if k in rows else v for k, v in made.targets.items()}
        own = [self.classes.index(name) for name, keep in zip(names, kept) if keep]
        targets["classes"] = np.array(own, np.int64)
        targets["labels"] = np.isin(np.arange(len(self.classes)), own).astype(np.int64)
        del targets["label"], targets["mask"]
        return Sample(self.id_of(index), made.image, targets)


def gradients(task, mixture, index):
    """Of one sample's losses, by the names of the parameters."""
    head = df.head(task, classes=mixture.classes, **HEADS[task])
    network = df.Network("resnet18", [head], settings={"width": 8})
    loader = df.Loader(mixture, batch_size=len(mixture), heads=[head], workers=0)
    batch = next(loader)
    labels = {name: array[index : index + 1] for name, array in batch.labels.items()}
    shapes = {name: array.shape for name, array in labels.items()}
    executor = Executor(network.graph("train", SIZE), data=(1, 3, *SIZE), **shapes)
    rng = np.random.default_rng(0)
    for name, array in executor.arg_dict.items():
        array[:] = rng.normal(0, 0.1, array.shape)
        if name.endswith("_weights"):
            array[:] = 1.0
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("_var") else 0.0
    executor.arg_dict["data"][:] = batch.data["data"][index : index + 1]
    for name, array in labels.items():
        executor.arg_dict[name][:] = array
    executor.forward(is_train=True)
    executor.backward()
    return executor.grad_dict


@pytest.mark.parametrize("task", sorted(HEADS))
@pytest.mark.parametrize("lacking", ["unknown", "background"])
def test_pictures_teach_no_negatives_of_classes_that_their_dataset_lacks(task, lacking):
    """A picture without any annotated object: all that it teaches is what is not there."""
    circles, rest = Some("circle", empty=True), Some("square", "triangle")
    mixture = df.Mixture({"circles": circles, "rest": rest}, lacking=lacking)
    assert mixture.classes == ["circle", "square", "triangle"]
    name, columns = SCORES[task]
    every = gradients(task, mixture, 0)
    own = [value.reshape(-1, columns) for key, value in every.items() if key.endswith(name)]
    found = np.concatenate(own)[:, -3:]
    assert np.abs(found[:, 0]).sum() > 0
    assert (np.abs(found[:, 1:]).sum() == 0) == (lacking == "unknown")
    if task == "keypoints":  # whose joints are those of all classes
        for kind in ("weight", "bias"):
            found = np.abs(every[f"keypoints_joint_{kind}"]).sum()
            assert (found == 0) == (lacking == "unknown")


def test_detections_of_classes_that_nobody_marked_are_neither_right_nor_wrong():
    """The scores are those of the detections of the known classes alone."""
    rng = np.random.default_rng(2)
    head = df.head("detection", classes=("circle", "square", "triangle"), metric="both")
    mixture = df.Mixture({"a": Some("circle", length=6)}, classes=head.classes)
    predictions, fewer, truths, complete = [], [], [], []
    for index in range(6):
        targets = mixture[index].targets
        boxes = np.repeat(targets["boxes"], 2, axis=0) + rng.normal(0, 2, (1, 4))
        boxes = np.concatenate([boxes, [[1, 1, 30, 30]] * 3]).clip(0, 64)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        found = {
            "boxes": boxes.astype(np.float32),
            "scores": rng.random(len(boxes)).astype(np.float32),
            "classes": rng.integers(0, 3, len(boxes)),
        }
        circles = found["classes"] == 0
        predictions.append(found)
        fewer.append({name: value[circles] for name, value in found.items()})
        truths.append(head.ground_truth(targets))
        complete.append({k: v for k, v in truths[-1].items() if k != "known_classes"})
    for metric, other in zip(head.metrics(), head.metrics()):
        metric.score_threshold = other.score_threshold = 0.3  # precision over all classes
        ids = [str(index) for index in range(6)]
        metric.update(predictions, truths, ids)
        other.update(fewer, complete, ids)
        np.testing.assert_equal(metric.compute(), other.compute())
        wrong = metric.fresh()
        wrong.score_threshold = 0.3
        wrong.update(predictions, complete, ids)
        assert wrong.compute()["precision"] < metric.compute()["precision"]
