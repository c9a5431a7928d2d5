"""Every built-in head keeps the promises of `densefit.model.heads.head`.

A new head needs an entry in SETTINGS, and in PLACED what shows that a prediction lies in the
original picture.
"""

import inspect
import json
import re
from functools import lru_cache
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest
from pycocotools import mask as coco

import densefit as df
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Geometry, LostGeometry, Sample
from densefit.data.transforms import Resize, extra_samples, transforms
from densefit.datasets import Shapes
from densefit.errors import DataError
from densefit.model.decoders import decoders
from densefit.model.heads.head import heads
from densefit.model.losses import pixel_losses
from densefit.symbol import sym
from tests.executor import Executor

INPUT = (64, 64)
PICTURES = [(64, 64), (50, 90), (97, 33)]
SETTINGS = {
    "detection": {"classes": 3, "strides": (8, 16), "channels": 8, "max_detections": 5},
    "fcos": {"classes": 3, "strides": (8, 16), "channels": 8, "max_detections": 5},
    "retinanet": {"classes": 3, "strides": (8, 16), "channels": 8, "max_detections": 5},
    "segmentation": {"classes": 4, "decoder": "fcn", "channels": 8},
    "classification": {"classes": 4},
    "instance": {
        "classes": 3,
        "prototypes": 4,
        "channels": 8,
        "mask_positives": 6,
        "detection": {"strides": (8, 16), "channels": 8, "max_detections": 5},
    },
    "mask_rcnn": {
        "classes": 3,
        "mask_channels": 8,
        "detection": {
            "strides": (8, 16, 32, 64),
            "sizes": (3.0,),
            "channels": 8,
            "hidden": 16,
            "proposals": 20,
            "sampled": 16,
            "max_boxes": 10,
            "max_detections": 5,
        },
    },
    "panoptic": {
        "classes": ("ground", "circle", "square", "triangle"),
        "things": ("circle", "square", "triangle"),
        "score_threshold": 0.01,
        "segmentation": {"decoder": "fcn", "channels": 8},
        "instance": {
            "prototypes": 4,
            "channels": 8,
            "mask_positives": 6,
            "detection": {"strides": (8, 16), "channels": 8, "max_detections": 5},
        },
    },
    "faster_rcnn": {
        "classes": 3,
        "strides": (8, 16, 32, 64),
        "sizes": (3.0,),
        "channels": 8,
        "hidden": 16,
        "proposals": 20,
        "sampled": 16,
        "max_boxes": 10,
        "max_detections": 5,
    },
    "depth": {"decoder": "fcn", "channels": 8},
    "normals": {"decoder": "fcn", "channels": 8},
    "multilabel": {"classes": 3},
    "yolox": {
        "classes": 3,
        "strides": (8, 16),
        "channels": 8,
        "max_boxes": 10,
        "max_detections": 40,
    },
    "keypoints": {
        "classes": 3,
        "keypoints": Shapes.keypoint_names,
        "flip_pairs": Shapes.flip_pairs,
        "channels": 8,
    },
}


#: Further decoders and losses, in the same contract: task and name -> settings beside SETTINGS.
VARIANTS = {
    **{
        f"segmentation {decoder}": {"decoder": decoder}
        for decoder in ("ddrnet", "deeplabv3+", "lraspp", "pspnet", "segformer", "unet")
    },
    "segmentation losses": {
        "auxiliary": 0.4,
        "loss": dict.fromkeys(pixel_losses.names(), 1),
        "background": "0",
    },
    "detection giou": {"box_loss": "giou"},
    "retinanet second": {
        "normalization": "group",
        "extra_levels": "backbone",
        "box_loss": "giou",
        "strides": (16, 32, 64),
    },
    "panoptic losses": {
        "segmentation": {"decoder": "unet", "channels": 8, "loss": {"dice": 1, "focal": 2}}
    },
    "depth unet": {"decoder": "unet"},
    "normals pspnet": {"decoder": "pspnet"},
}


def labelled(size):
    """A sample with every target that a built-in task learns."""
    made = Shapes(1, size=size, empty=0.0, keypoints=True)[0]
    inside = made.targets["mask"] > 0
    depth = np.where(inside, 2, 5).astype(np.float32)
    depth[:5] = 0
    normals = np.dstack([depth * 0.1, depth * 0, 1 - depth * 0.1]) * (depth > 0)[..., None]
    labels = np.isin([0, 1, 2], made.targets["classes"]).astype(np.int64)
    more = {"depth": depth, "normals": normals.astype(np.float32), "labels": labels}
    return Sample(made.id, made.image, {**made.targets, **more})


def boxes_inside(prediction, size):
    boxes = prediction["boxes"]
    return len(boxes) > 0 and (boxes >= 0).all() and (boxes <= (*size[::-1], *size[::-1])).all()


def masks_in_boxes(prediction, size):
    masks, boxes = prediction["masks"], prediction["boxes"]
    assert len(masks) == len(boxes)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes):
        assert tuple(mask["size"]) == size
        x, y, width, height = coco.toBbox(mask)
        inside = x >= x1 - 1 and y >= y1 - 1 and x + width <= x2 + 1 and y + height <= y2 + 1
        assert inside or not width
    return boxes_inside(prediction, size)


def segments_described(prediction, size):
    found = np.unique(prediction["map"])
    return prediction["map"].shape == size and set(found) - {0} == set(prediction["ids"])


def points_inside(prediction, size):
    points = prediction["keypoints"][..., :2]
    return boxes_inside(prediction, size) and ((points >= 0) & (points <= size[::-1])).all()


PLACED = {
    "detection": boxes_inside,
    "faster_rcnn": boxes_inside,
    "fcos": boxes_inside,
    "retinanet": boxes_inside,
    "yolox": boxes_inside,
    "segmentation": lambda prediction, size: prediction.shape == size,
    "classification": lambda prediction, size: prediction.shape == (4,),  # lies nowhere
    "instance": masks_in_boxes,
    "mask_rcnn": masks_in_boxes,
    "panoptic": segments_described,
    "multilabel": lambda prediction, size: prediction.shape == (3,),  # lies nowhere
    "depth": lambda prediction, size: prediction.shape == size and (prediction > 0).all(),
    "normals": lambda prediction, size: (
        prediction.shape == (*size, 3) and np.allclose(np.square(prediction).sum(axis=2), 1)
    ),
    "keypoints": points_inside,
}


WITHOUT_PLACE = ("classification", "multilabel")  # what is said of a picture holds for its crop
#: Predicted where they are shown.
OF_OBJECTS = (
    *("detection", "faster_rcnn", "fcos", "retinanet", "yolox"),
    *("instance", "keypoints", "mask_rcnn"),
)


class Mixed:
    """Pictures of different sizes, with every target."""

    classes = ()

    def __len__(self):
        return len(PICTURES)

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        made = labelled(PICTURES[index])
        return Sample(self.id_of(index), made.image, made.targets)


@pytest.fixture(scope="module", params=[*sorted(SETTINGS), *VARIANTS])
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def task(variant):
    return variant.split()[0]


@pytest.fixture(scope="module")
def network(task, variant):
    """One for all tests of a variant: none changes more than its parameters, by `set_params`."""
    own = df.head(task, name="own", **{**SETTINGS[task], **VARIANTS.get(variant, {})})
    return df.Network("resnet18", [own], settings={"width": 8})


@pytest.fixture(scope="module")
def batch(network):
    return next(
        df.Loader(Mixed(), batch_size=3, heads=network.heads, transform=Resize(*INPUT), workers=0)
    )


def bound(network, mode, labels):
    """The graph for 3 samples, with random parameters and pictures."""
    shapes = {name: array.shape for name, array in labels.items()}
    executor = Executor(network.graph(mode, INPUT), data=(3, 3, *INPUT), **shapes)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 0.1, array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("_var") else 0.0
    executor.arg_dict["data"][:] = rng.integers(0, 256, (3, 3, *INPUT))
    for name, array in labels.items():
        executor.arg_dict[name][:] = array
    return executor


def encoded(head, sample):
    """Labels of three times the same sample, as they are bound."""
    return {f"own_{k}": np.stack([v] * 3) for k, v in head.encode(sample).items()}


@lru_cache(maxsize=2)
def evaluated(network, mode="evaluate"):
    """(head, outputs by name); the arrays cannot be written."""
    (head,) = network.heads
    symbol = network.graph(mode, INPUT)
    names = [name[len("own_") : -len("_output")] for name in symbol.list_outputs()]
    outputs = bound(network, mode, {}).forward(is_train=False)
    for output in outputs:
        output.flags.writeable = False
    return head, MappingProxyType(dict(zip(names, outputs)))


def test_every_head_is_in_this_contract():
    own = {n for n in heads.names() if heads.get(n).__module__.startswith("densefit.")}
    assert own == set(SETTINGS) == set(PLACED)
    segmentation = {VARIANTS[name].get("decoder") for name in VARIANTS if "segmentation" in name}
    assert {*segmentation, "fcn"} - {None} == set(decoders.names())


def test_encode_gives_the_declared_labels(network):
    (head,) = network.heads
    made = head.encode(labelled(INPUT))
    declared = {label.name: label for label in head.labels(INPUT)}
    assert set(made) == set(declared)
    for name, label in declared.items():
        assert np.shape(made[name]) == label.shape
        assert np.asarray(made[name]).dtype == np.dtype(label.dtype)


def test_training_gives_finite_losses_and_gradients(network, batch):
    labels = batch.labels
    executor = bound(network, "train", labels)
    for output in executor.forward(is_train=True):
        assert output.shape == (3,)
        assert np.isfinite(output).all()
    executor.backward()
    gradients = {name: array for name, array in executor.grad_dict.items() if name not in labels}
    assert all(np.isfinite(array).all() for array in gradients.values())
    assert any(array.any() for name, array in gradients.items() if name.startswith("own_"))
    assert any(array.any() for name, array in gradients.items() if name.startswith("resnet18_"))


def test_a_sample_without_its_target_trains_nothing_and_has_no_truth(network):
    (head,) = network.heads
    whole = labelled(INPUT)
    assert head.targets
    assert set(head.targets) <= set(whole.targets)
    assert head.ground_truth(whole.targets) is not None
    others = {name: value for name, value in whole.targets.items() if name not in head.targets}
    assert head.ground_truth(others) is None
    executor = bound(network, "train", encoded(head, Sample("a", whole.image, others)))
    for output in executor.forward(is_train=True):
        np.testing.assert_array_equal(output, 0)
    executor.backward()
    for name, array in executor.grad_dict.items():
        if name.startswith(("own_", "resnet18_")) and name not in network.adapters["own"].labels:
            np.testing.assert_array_equal(array, 0, err_msg=name)


UNKNOWN = {  # targets that are there and say nothing
    "classification": {"label": np.array(-1)},
    "segmentation": {"mask": np.full(INPUT, 255, np.uint8)},
    "depth": {"depth": np.zeros(INPUT, np.float32)},
    "normals": {"normals": np.zeros((*INPUT, 3), np.float32)},
    "multilabel": {"labels": np.full(3, -1)},
}


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_a_target_that_says_nothing_is_as_none(name):
    """For the loss's mean as for the score: such a sample is none of the labelled ones."""
    head = df.head(name, name="own", **SETTINGS[name])
    whole = labelled(INPUT)

    class Three:
        classes = ()

        def __len__(self):
            return 3

        def id_of(self, index):
            return str(index)

        def __getitem__(self, index):
            targets = {**whole.targets, **(UNKNOWN[name] if index == 1 else {})}
            if index == 2:
                targets = {k: v for k, v in targets.items() if k not in head.targets}
            return Sample(str(index), whole.image, targets)

    batch = next(df.Loader(Three(), batch_size=3, heads=[head], workers=0))
    assert batch.labelled["own"].tolist() == [True, False, False]


def test_evaluation_gives_the_declared_rows(network):
    head, outputs = evaluated(network)
    assert outputs
    for name, output in outputs.items():
        assert len(output) == 3 * head.rows(name)


def test_what_is_finished_on_the_host_is_what_the_graph_gives(network):
    head, expected = evaluated(network)
    _, outputs = evaluated(network, "raw")
    for name, output in outputs.items():
        assert len(output) == 3 * head.rows(name)
    found = head.postprocess(outputs, INPUT)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype)
        if array.dtype == np.float32:
            np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-4)
        else:  # the last bit of a logit may decide between two classes
            assert (found[name] != array).mean() < 1e-3
    first = head.postprocess(
        {name: array[: head.rows(name)] for name, array in outputs.items()}, INPUT
    )
    for name, array in first.items():
        np.testing.assert_array_equal(array, found[name][: head.rows(name)])


def test_predictions_lie_in_the_original_pictures(task, network, batch):
    head, outputs = evaluated(network)
    predictions = head.decode(outputs, batch.geometries)
    assert len(predictions) == 3
    for prediction, size in zip(predictions, PICTURES):
        assert PLACED[task](prediction, size)
        picture = np.zeros((*size, 3), np.uint8)
        assert head.draw(picture, prediction).shape == picture.shape
        assert not picture.any()
    truths = [head.ground_truth(targets) for targets in batch.targets]
    for metric in head.metrics():
        metric.update(predictions, truths, batch.ids)
        numbers = metric.compute()
        assert np.isfinite(numbers[metric.primary])


def test_predictions_have_the_stated_type(network, batch):
    head, outputs = evaluated(network)
    (stated,) = get_args(get_type_hints(type(head).decode)["return"])
    for prediction in head.decode(outputs, batch.geometries):
        if is_typeddict(stated):
            kinds = get_type_hints(stated)
            assert set(prediction) == set(kinds)
            for name, value in prediction.items():
                assert isinstance(value, get_origin(kinds[name]) or kinds[name])
        elif stated is not Any:
            assert isinstance(prediction, stated)


def test_no_head_is_scored_on_what_it_was_not_shown(task, network):
    """A crop of the picture: what lies outside of it would count as missed."""
    _, outputs = evaluated(network)
    adapter = network.adapters["own"]
    adapter.evaluate_outputs = list(outputs)
    own = {f"own_{name}": array for name, array in outputs.items()}
    crop = df.transform("random_crop", height=64, width=64)
    settings = {"batch_size": 3, "heads": network.heads, "workers": 0}
    batch = next(df.Loader(Mixed(), transform=crop, **settings))
    refusal = r"(?s)71 % of it.*sample 'p1', head 'own'"
    if task in WITHOUT_PLACE:
        assert adapter.read("evaluate", own, batch)[2] == batch.ids
    else:
        with pytest.raises(DataError, match=refusal):
            adapter.read("evaluate", own, batch)
    if task in (*WITHOUT_PLACE, *OF_OBJECTS):  # they hold for what is shown
        assert len(adapter.decode(own, batch.geometries, batch.ids)) == 3
    else:
        with pytest.raises(DataError, match=refusal):
            adapter.decode(own, batch.geometries, batch.ids)
    fitted = next(
        df.Loader(Mixed(), transform=df.transform("letterbox", height=64, width=64), **settings)
    )
    assert adapter.read("evaluate", own, fitted)[2] == batch.ids


def test_the_truth_is_drawn_on_a_copy_of_the_original(network, batch):
    (head,) = network.heads
    for index, targets in enumerate(batch.targets):
        picture = Mixed()[index].image
        before = picture.copy()
        drawn = head.draw_truth(picture, head.ground_truth(targets))
        assert (drawn.shape, drawn.dtype) == (picture.shape, np.uint8)
        assert (drawn != before).any()
        np.testing.assert_array_equal(picture, before)


def test_views_are_merged_in_the_original_pictures(task, variant, network):
    executor = bound(network, "views", {})
    executor.arg_dict.pop("data")
    network.set_params(executor.arg_dict, executor.aux_dict)
    several = df.Views(flip=True, scales=(0.7, 1.6), overlap=0.1)
    for views in (df.Views(), several) if variant in SETTINGS else (several,):
        loader = df.Loader.views(Mixed(), input_size=INPUT, batch_size=2, views=views, workers=0)
        found = list(df.predict(network, loader))
        assert [key for key, _ in found] == ["p0", "p1", "p2"]
        for (_, prediction), size in zip(found, PICTURES):
            if task == "keypoints" and not len(prediction["own"]["boxes"]):
                continue  # all objects of a head without training lie in the letterbox's border
            assert PLACED[task](prediction["own"], size)


@pytest.mark.parametrize("mode", ["train", "evaluate", "views"])
def test_all_parameters_have_the_head_s_prefix(network, mode):
    maps = network.backbone.features(
        sym.Variable("data"), INPUT, network.output_stride
    ).maps.values()
    shared = sym.Group(list(maps))
    symbol = network.graph(mode, INPUT)
    own = {*symbol.list_arguments(), *symbol.list_auxiliary_states()}
    own -= {*shared.list_arguments(), *shared.list_auxiliary_states()}
    assert own
    assert all(name.startswith("own_") for name in own)


def test_a_network_is_made_again_from_its_description(network):
    again = df.Network.from_spec(json.loads(json.dumps(network.spec)))
    assert json.dumps(again.spec) == json.dumps(network.spec)
    for mode in ("train", "evaluate"):
        first, second = network.graph(mode, INPUT), again.graph(mode, INPUT)
        assert first.list_outputs() == second.list_outputs()
        assert first.list_arguments() == second.list_arguments()
        shape = {"data": (3, 3, *INPUT)}
        assert first.infer_shape_partial(**shape) == second.infer_shape_partial(**shape)


@pytest.mark.parametrize("variant", sorted(SETTINGS), indirect=True)
def test_a_worker_process_encodes_the_same(network, in_a_process):
    in_a_process(SampleTask(Mixed(), Resize(*INPUT), network.heads, 0, 0), range(3))


#: Values of the settings that have none, and those with which each transform does something.
NEEDED = {"height": 64, "width": 64, "short": 64, "p": 1.0, "steps": [], "degrees": 20.0}
DROPPED = (
    ["label"],
    ["label", "mask", "instances", "depth"],
)  # what mosaics, and mixups, must lack
BLOCKS = np.arange(64, dtype=np.float32).reshape(8, 8) + 1  # of a picture, each by its number


class Numbered(Shapes):
    """Shapes with a map of blocks: whatever becomes of a picture, it shows what is left."""

    def __getitem__(self, index):
        made = super().__getitem__(index)
        height, width = made.image.shape[:2]
        rows = np.arange(height) * 8 // height
        made.targets["depth"] = BLOCKS[rows][:, np.arange(width) * 8 // width]
        return made


def behind(name, *more):
    """A registered transform, and samples behind it, brought to the input's size by others."""
    taken = inspect.signature(transforms.get(name)).parameters
    settings = {key: value for key, value in NEEDED.items() if key in taken}
    if "targets" in taken:
        settings["targets"] = "keep"  # or blocks that are covered would seem to be outside
    for drop in DROPPED:
        own = {"drop": drop} if "drop" in taken else {}
        transform = transforms.create(name, **settings, **own)
        data = Numbered(4, size=(80, 96), empty=0.0)
        try:
            for seed in range(2):
                rng = np.random.default_rng(seed)
                steps = df.transforms.Compose([transform, *more])
                yield extra_samples.apply_transform(
                    steps, data[0], rng, extra_samples.draw_from(data, 0, rng)
                )
            return
        except DataError as error:
            refusal = error
    raise refusal


FITTED = {
    "resize": [Resize(*INPUT)],
    "letterbox": [df.transform("letterbox", height=64, width=64)],
    "canvas": [df.transform("random_expand", p=1.0), Resize(*INPUT)],  # room for what was cut off
    "quarters": [df.transform("random_rotate90"), Resize(*INPUT)],
}


@pytest.fixture(scope="module")
def moved():
    """Each registered transform, with samples behind it."""
    own = [n for n in transforms.names() if transforms.get(n).__module__.startswith("densefit.")]
    return {n: [one for steps in FITTED.values() for one in behind(n, *steps)] for n in own}


@pytest.mark.parametrize("variant", sorted(SETTINGS), indirect=True)
def test_every_head_is_right_or_refused_behind_every_transform(task, network, moved):
    """A picture of several, in perspective, turned or cut: no number of what was not shown."""
    _, outputs = evaluated(network)
    own = {f"own_{name}": array for name, array in outputs.items()}
    adapter = network.adapters["own"]
    adapter.evaluate_outputs = list(outputs)
    refused, cut = set(), set()
    plain = Geometry.identity(*INPUT)

    def is_refused(sample, scored):
        try:
            adapter.decode(own, [plain, sample.geometry, plain], ["a", "b", "c"], scored)
        except DataError as error:
            return str(error)
        return ""

    for name, samples in moved.items():
        for sample in samples:
            scores, predictions = (is_refused(sample, scored) for scored in (True, False))
            if isinstance(sample.geometry, LostGeometry):
                refused.add(name)
                for text in (scores, predictions):
                    assert re.search(r"(?s)not known.*sample 'b'.*head.*own", text), name
                continue
            assert name == "compose" or not getattr(transforms.get(name), "others", 0), name
            if task in WITHOUT_PLACE:
                assert scores == predictions == "", name
                continue
            is_turned = abs(sample.geometry.matrix[0, 1]) > 1e-9
            if set(BLOCKS.flat) - set(np.unique(sample.targets["depth"])):
                cut.add(name)
                assert "part of it" in scores, name
                part = task in OF_OBJECTS
                assert ("part of it" in predictions) == (not part), name
                assert bool(predictions) == (is_turned or not part), name
            elif name in WHOLE and not is_turned:
                assert scores == predictions == "", name
            elif name in WHOLE and task == "segmentation":  # a class map is turned back
                assert scores == predictions == "", name
            elif is_turned and task != "segmentation":
                assert scores
                assert predictions
    assert {"copy_paste", "mixup", "mosaic", "random_perspective"} <= refused
    if task not in WITHOUT_PLACE:
        assert {"random_affine", "random_crop", "random_scale_crop"} <= cut


#: Transforms that show all of the picture.
WHOLE = {"resize", "letterbox", "resize_side", "random_flip", "random_rotate90", "random_expand"}
WHOLE |= {"color_jitter", "random_gray", "random_blur", "random_noise", "random_jpeg", "cutout"}
WHOLE |= {"random_motion_blur", "random_erase", "compose", "random_scale"}


@pytest.mark.parametrize("use", ["score", "predict"])
def test_a_classifier_is_not_scored_on_mosaics(use):
    network = df.Network("resnet18", [df.head("classification", classes=4)], settings={"width": 8})
    executor = bound(network, "evaluate", {})
    executor.arg_dict.pop("data")
    network.set_params(executor.arg_dict, executor.aux_dict)
    mosaic = df.transform("mosaic", height=64, width=64, p=0.5, drop=["label"])
    steps = df.transforms.Compose([mosaic, Resize(*INPUT)])
    loader = df.Loader(Mixed(), batch_size=3, heads=network.heads, transform=steps, seed=1)
    with pytest.raises(DataError, match=r"(?s)part of a mosaic.*sample 'p\d'"):
        df.score(network, loader) if use == "score" else list(df.predict(network, loader))


@pytest.mark.parametrize("name", ["classification", "segmentation"])
def test_a_user_s_transform_that_keeps_no_track(name):
    """A class of the whole picture is scored all the same; what has a place is refused."""

    def small(sample, rng):
        image = np.ascontiguousarray(sample.image[:32, :32])
        return Sample(sample.id, image, sample.targets)

    network = df.Network("resnet18", [df.head(name, classes=4)], settings={"width": 8})
    executor = bound(network, "evaluate", {})
    executor.arg_dict.pop("data")
    network.set_params(executor.arg_dict, executor.aux_dict)
    loader = df.Loader(Mixed(), batch_size=3, transform=small, workers=0)
    if name == "classification":
        assert df.score(network, loader)
    else:
        with pytest.raises(DataError, match="(?s)kept no track.*head 'segmentation'"):
            df.score(network, loader)
