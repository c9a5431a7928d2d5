"""Classes of data, heads and checkpoints are matched by their names, whatever their numbers are."""

import logging
from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.class_matching import match_head
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Sample
from densefit.datasets import Shapes
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.model.backbones import backbones

SIZE = (48, 48)
ORDER = ["triangle", "circle", "square"]
POINTS = ["right_eye", "mouth", "left_eye"]
SMALL = {"strides": (8, 16), "channels": 8, "max_detections": 5}


class Other:
    """`Shapes` whose classes and keypoints have other numbers, and the names that go with them."""

    def __init__(self, whole, classes=ORDER, background="last"):
        self.whole, self.classes = whole, list(classes)
        last = background == "last"
        self.mask_classes = [*classes, "background"] if last else ["background", *classes]
        self.label_classes = ["nothing", *classes]
        self.keypoint_names = [name for name in POINTS if name in whole.keypoint_names]
        self.keypoint_names += [n for n in whole.keypoint_names if n not in POINTS]

    def __len__(self):
        return len(self.whole)

    def id_of(self, index):
        return self.whole.id_of(index)

    def __getitem__(self, index):
        sample = self.whole[index]
        targets = dict(sample.targets)
        masks = getattr(self, "mask_classes", self.whole.mask_classes)
        for target, names, own in (
            ("classes", self.classes, self.whole.classes),
            ("mask", masks, self.whole.mask_classes),
            ("label", self.label_classes, self.whole.label_classes),
        ):
            table = np.array([names.index(n) if n in names else 99 for n in own])
            targets[target] = table[targets[target]].astype(targets[target].dtype)
        shown = np.zeros(len(self.classes), np.int64)
        shown[targets["classes"]] = 1
        targets["labels"] = shown
        if "keypoints" in targets:
            names, own = self.keypoint_names, self.whole.keypoint_names
            order = [own.index(name) for name in names]
            targets["keypoints"] = targets["keypoints"][:, order]
            mirrored = [own[k] for k in targets["keypoint_flip"]]
            targets["keypoint_flip"] = np.array([names.index(mirrored[k]) for k in order])
        return replace(sample, targets=targets)


def shapes(length=6, **settings):
    return Shapes(length, size=SIZE, empty=0.0, keypoints=True, seed=3, **settings)


def same_numbers(whole):
    return Other(whole, whole.classes, "first")


def all_heads(whole, **settings):
    own = {
        "detection": {"classes": whole.classes, **SMALL, "metric": "voc"},
        "segmentation": {"classes": whole.mask_classes, "decoder": "fcn", "channels": 8},
        "classification": {"classes": whole.label_classes},
        "multilabel": {"classes": whole.classes},
        "instance": {
            "classes": whole.classes,
            "prototypes": 4,
            "channels": 8,
            "mask_positives": 4,
            "detection": SMALL,
        },
        "panoptic": {
            "classes": whole.mask_classes,
            "things": whole.classes,
            "segmentation": {"decoder": "fcn", "channels": 8},
            "instance": {"prototypes": 4, "channels": 8, "detection": SMALL},
        },
        "keypoints": {
            "classes": whole.classes,
            "keypoints": whole.keypoint_names,
            "flip_pairs": whole.flip_pairs,
            "channels": 8,
        },
    }
    return [df.head(task, **{**given, **settings}) for task, given in own.items()]


def one_batch(dataset, heads, **settings):
    loader = df.Loader(dataset, batch_size=6, heads=heads, **settings)
    with loader:
        batch = next(loader)
    return batch.labels


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_labels_of_a_dataset_with_other_numbers_are_the_same(kind):
    whole = shapes()
    mirrored = df.transforms.Compose([df.transform("random_flip", p=1.0)])
    given = {"transform": mirrored, "worker_kind": kind, "workers": 1}
    wanted = one_batch(same_numbers(whole), all_heads(whole), **given)
    found = one_batch(Other(whole), all_heads(whole), **given)
    assert wanted.keys() == found.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(array, found[name], err_msg=name)


def test_scores_of_a_dataset_with_other_numbers_are_the_same(tiny):
    whole = shapes(4)
    heads = [head for head in all_heads(whole) if head.name != "instance"]
    network = df.Network(tiny.Backbone(), heads)
    df.fit(network, df.Loader(whole_of(whole), batch_size=4, heads=heads), updates=1)
    scores = [
        df.score(network, df.Loader(dataset, batch_size=4))
        for dataset in (same_numbers(whole), Other(whole))
    ]
    np.testing.assert_equal(scores[1], scores[0])
    views = df.Loader.views(Other(whole), input_size=SIZE, batch_size=4)
    np.testing.assert_equal(
        df.score(network, views, heads=["detection"])["detection/AP50/square"],
        scores[0]["detection/AP50/square"],
    )


def whole_of(whole):
    return same_numbers(whole)


class Shades:
    """Dark and bright pictures, whose number is that of the name in `classes`."""

    def __init__(self, *classes, only=("dark", "bright"), length=8):
        self.classes, self.only, self.length = list(classes), only, length

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        name = self.only[index % len(self.only)]
        level = {"dark": 40, "bright": 210}.get(name, 120)
        image = np.full((32, 32, 3), level, np.uint8)
        mask = np.full((32, 32), self.classes.index(name), np.uint8)
        label = np.array(self.classes.index(name), np.int64)
        return Sample(self.id_of(index), image, {"label": label, "mask": mask})


def trained(tiny, classes, train, task="classification", **settings):
    settings = {"decoder": "fcn", "channels": 4} if task == "segmentation" else {}
    train.length = 40  # a checkpoint every five updates
    backbones.register("tiny for names")(tiny.Backbone)  # so that checkpoints tell how to build it
    network = df.Network("tiny for names", [df.head(task, classes=classes, **settings)])
    loader = df.Loader(train, batch_size=8, heads=network.heads)
    return network, loader


TRAINING = {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.05}}


@pytest.mark.parametrize(
    ("task", "classes"),
    [
        ("classification", ["dark", "bright"]),
        ("classification", 2),
        ("classification", 5),
        ("segmentation", ["dark", "bright"]),
        ("segmentation", 2),
    ],
)
def test_a_trained_network_is_right_by_name(tiny, tmp_path, classes, task):
    network, loader = trained(tiny, classes, Shades("dark", "bright"), task)
    swapped = df.Loader(Shades("bright", "dark"), batch_size=8)
    number = {"classification": "accuracy", "segmentation": "pixel_accuracy"}[task]
    history = df.fit(network, loader, epochs=5, validation=swapped, checkpoint=tmp_path, **TRAINING)
    assert history.last_validation[f"{task}/{number}"] == 1.0
    assert df.score(network, swapped)[f"{task}/{number}"] == 1.0
    again = df.load(tmp_path)  # the names are kept
    assert df.score(again, swapped)[f"{task}/{number}"] == 1.0
    same = df.Loader(Shades("dark", "bright"), batch_size=8)
    np.testing.assert_equal(df.score(again, same), df.score(network, swapped))


class Tones(Shades):
    """The same, with a yes or no for each name, too."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        shown = np.eye(len(self.classes), dtype=np.int64)[int(sample.targets["label"])]
        return replace(sample, targets={**sample.targets, "labels": shown})


TONES = ("dark", "middle"), ("bright", "dark")


def of_tones(tiny, classes, **datasets):
    """A network, and a loader of a mixture that numbers classes in the order of its datasets."""
    backbones.register("tiny for names")(tiny.Backbone)
    mixture = Mixture({name: Tones(*own, only=own, length=32) for name, own in datasets.items()})
    tasks = {
        "classification": {},
        "multilabel": {},
        "segmentation": {"decoder": "fcn", "channels": 8},
    }
    classes = mixture.label_classes if classes is None else classes
    heads = [df.head(task, classes=classes, **own) for task, own in tasks.items()]
    network = df.Network("tiny for names", heads)
    return network, df.Loader(mixture, batch_size=8, heads=heads, shuffle=True)


@pytest.mark.parametrize("classes", [None, 3])
def test_validations_of_plain_datasets_go_by_the_names_of_the_mixture(tiny, tmp_path, classes):
    network, loader = of_tones(tiny, classes, a=TONES[0], b=TONES[1])
    plain = {f"of {k}": df.Loader(Tones(*TONES[k], only=TONES[k]), batch_size=8) for k in (0, 1)}
    settings = {**TRAINING, "validation": plain, "validate_every": "5ep"}
    settings.update(checkpoint=tmp_path, progress=False)
    history = df.fit(network, loader, epochs=5, **settings)
    endings = ("classification/accuracy", "multilabel/mAP", "segmentation/pixel_accuracy")
    whole = {f"{name}/{ending}": 1.0 for name in plain for ending in endings}

    def mains(scores):
        return {key: scores[key] for key in whole}

    assert mains(history.last_validation) == whole
    assert mains(df.score(network, plain)) == whole
    assert mains(df.score(df.load(tmp_path), plain)) == whole
    before = history.epochs[-1]["train"]
    # Now the mixture has another order; a network made with numbers goes on by name.
    known = None if classes is None else 3
    other, loader = of_tones(tiny, known, a=TONES[1], b=TONES[0])
    if classes is None:
        with pytest.raises(CheckpointError, match="other numbers in the checkpoint"):
            df.fit(other, loader, epochs=6, resume="auto", **settings)
        other, loader = of_tones(tiny, ["dark", "middle", "bright"], a=TONES[1], b=TONES[0])
    history = df.fit(other, loader, epochs=6, resume="auto", **settings)
    after = history.epochs[-1]["train"]
    assert all(after[key] < 1.2 * before[key] + 0.05 for key in before)
    assert mains(history.last_validation) == whole


@pytest.mark.parametrize("classes", [["dark", "bright"], 2])
def test_a_training_goes_on_by_name(tiny, tmp_path, classes):
    network, loader = trained(tiny, classes, Shades("dark", "bright"))
    df.fit(network, loader, epochs=5, checkpoint=tmp_path, **TRAINING)
    again, loader = trained(tiny, classes, Shades("bright", "dark"))
    validation = df.Loader(Shades("dark", "bright"), batch_size=8)
    history = df.fit(
        again,
        loader,
        epochs=6,
        validation=validation,
        checkpoint=tmp_path,
        resume="auto",
        **TRAINING,
    )
    assert history.last_validation["classification/accuracy"] == 1.0
    assert loader.heads[0].learned_names.get("label", classes) == ["dark", "bright"]


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("classes", [["dark", "bright"], 2, 5])
def test_weights_bring_their_names_to_a_head_of_numbers(tiny, tmp_path, classes, saved):
    source, loader = trained(tiny, classes, Shades("dark", "bright"))
    df.fit(source, loader, epochs=5, checkpoint=tmp_path, **TRAINING)
    count = classes if isinstance(classes, int) else len(classes)
    network, loader = trained(tiny, count, Shades("bright", "dark"))
    df.surgery.transfer(tmp_path if saved else source, network)
    assert df.score(network, loader)["classification/accuracy"] == 1.0
    assert network.heads[0].names("label")[:2] == ["dark", "bright"]
    slow = {"learning_rate": 1e-9}
    df.fit(network, loader, updates=1, checkpoint=tmp_path / "next", optimizer_params=slow)
    swapped = df.Loader(Shades("bright", "dark"), batch_size=8)
    assert df.score(df.load(tmp_path / "next"), swapped)["classification/accuracy"] == 1.0


def test_names_come_with_the_class_layer_alone(tiny):
    source, loader = trained(tiny, ["dark", "bright"], Shades("dark", "bright"))
    df.fit(source, loader, updates=1)
    network, _ = trained(tiny, 2, Shades("bright", "dark"))
    df.surgery.transfer(source, network, rename={"classification_*": None})
    assert network.heads[0].names("label") == ["0", "1"]
    other = df.Network(tiny.Backbone(), [df.head("classification", classes=2, name="new")])
    df.surgery.transfer(source, other, rename={"classification_*": "new_*"})
    assert other.heads[0].names("label") == ["dark", "bright"]
    kept, _ = trained(tiny, ["bright", "dark"], Shades("bright", "dark"))
    df.surgery.transfer(source, kept)
    assert kept.heads[0].names("label") == ["bright", "dark"]


def test_a_checkpoint_of_another_order_is_refused(tiny, tmp_path):
    network, loader = trained(tiny, ["dark", "bright"], Shades("dark", "bright"))
    df.fit(network, loader, updates=1, checkpoint=tmp_path)
    other, loader = trained(tiny, ["bright", "dark"], Shades("dark", "bright"))
    with pytest.raises(CheckpointError, match="other numbers"):
        df.load(tmp_path, network=other)
    with pytest.raises(CheckpointError, match="other numbers"):
        df.fit(other, loader, updates=2, checkpoint=tmp_path, resume="auto")


def test_classes_that_are_called_otherwise_are_told(tiny, tmp_path, caplog):
    network, loader = trained(tiny, ["dark", "bright"], Shades("dark", "bright"))
    df.fit(network, loader, updates=1, checkpoint=tmp_path)
    df.load(tmp_path, network=trained(tiny, ["dark", "bright"], Shades("dark", "bright"))[0])
    assert "called otherwise" not in caplog.text
    df.load(
        tmp_path,
        network=trained(tiny, ["dark", "light"], Shades("dark", "light", only=("dark",)))[0],
    )
    assert "called otherwise now: dark, light, before dark, bright" in caplog.text


def test_a_checkpoint_without_names_is_loaded(tiny, tmp_path, monkeypatch):
    network, loader = trained(tiny, 2, Shades("dark", "bright"))
    with monkeypatch.context() as patch:
        patch.setattr("densefit.train.setup.plan.take_names", lambda *given: None)
        patch.setattr("densefit.checkpoint.training.snapshot.names_of", lambda network: {})
        df.fit(network, loader, updates=1, checkpoint=tmp_path)
    assert df.load(tmp_path).heads[0].learned_names == {}
    again, loader = trained(tiny, 2, Shades("dark", "bright"))
    df.fit(again, loader, updates=2, checkpoint=tmp_path, resume="auto")
    assert again.heads[0].learned_names == {"label": ["dark", "bright"]}


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["dark", "light"], ["'bright'", "rename={'bright': ...}", "known: dark, light"]),
        (["dark", "brigth"], ["did you mean 'brigth'?"]),
    ],
)
def test_a_class_that_the_head_lacks_is_an_error(tiny, classes, words):
    with pytest.raises(ConfigError) as told:
        trained(tiny, classes, Shades("dark", "bright"))
    network, _ = trained(tiny, classes, Shades(*classes, only=("dark",)))
    with pytest.raises(ConfigError) as scored:
        df.fit(
            network,
            df.Loader(Shades(*classes, only=("dark",)), batch_size=8, heads=network.heads),
            epochs=1,
            validation=df.Loader(Shades("dark", "bright"), batch_size=8),
        )
    for word in words:
        assert word in str(told.value)
        assert word in str(scored.value)
    assert "validation data" in str(scored.value)


def test_three_classes_in_a_head_of_two_are_an_error(tiny):
    with pytest.raises(ConfigError, match="more classes than the head"):
        trained(tiny, 2, Shades("dark", "bright", "grey"))


def test_names_can_be_said_to_be_the_same(tiny):
    data = Shades("dark", "light", only=("dark",))
    data.only = ("dark", "light")
    network, loader = trained(tiny, ["light", "dim"], Shades("light", "dim", only=("light",)))
    labels = one_batch(data, network.heads, rename={"dark": "dim"})["classification_label"]
    assert labels.tolist() == [1, 0, 1, 0, 1, 0]
    dropped = one_batch(data, network.heads, rename={"dark": None})["classification_label"]
    assert dropped.tolist() == [-1, 0, -1, 0, -1, 0]
    with pytest.raises(ConfigError, match="did you mean 'dark'"):
        df.Loader(data, batch_size=2, rename={"drak": "dim"})


def test_a_dataset_without_a_rare_class_is_matched_and_told(tiny, caplog):
    heads = [df.head("classification", classes=["grey", "dark", "bright"])]
    data = Shades("bright", "dark")
    with caplog.at_level(logging.WARNING):
        labels = one_batch(data, heads)["classification_label"]
    assert labels.tolist() == [1, 2, 1, 2, 1, 2]
    assert "the dataset lacks grey" in caplog.text
    caplog.clear()
    one_batch(data, heads)
    assert "lacks" not in caplog.text  # once


def test_loader_and_network_of_other_orders_do_not_train(tiny):
    network, _ = trained(tiny, ["dark", "bright"], Shades("dark", "bright"))
    _, loader = trained(tiny, ["bright", "dark"], Shades("dark", "bright"))
    with pytest.raises(BindError, match="other names than that of the network"):
        df.fit(network, loader, epochs=1)
    _, loader = trained(tiny, 2, Shades("bright", "dark"))
    swapped = df.Loader(Shades("bright", "dark"), batch_size=8)
    history = df.fit(network, loader, epochs=5, validation=swapped, **TRAINING)
    assert history.last_validation["classification/accuracy"] == 1.0
    assert loader.heads[0].learned_names == {"label": ["dark", "bright"]}


def test_masks_beside_objects_keep_numbers_that_have_no_names():
    whole = shapes()
    plain = same_numbers(whole)
    del plain.mask_classes  # `classes` are those of the boxes
    head = [df.head("segmentation", classes=["ground", *whole.classes], channels=8)]
    wanted = one_batch(same_numbers(whole), [df.head("segmentation", classes=4, channels=8)])
    np.testing.assert_array_equal(
        one_batch(plain, head)["segmentation_mask"], wanted["segmentation_mask"]
    )


class Part:
    """Some samples of a dataset, as PyTorch's `Subset` has them: it says nothing of classes."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]


def test_a_part_of_a_dataset_is_matched_by_the_names_of_the_whole():
    whole = shapes()
    head = [df.head("detection", classes=whole.classes, **SMALL)]
    wanted = one_batch(same_numbers(whole), head)
    found = one_batch(Part(Part(Other(whole), range(6)), range(6)), head)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_that_numbers_count_is_told_once_where_the_data_have_no_names(caplog):
    whole = shapes()
    samples = [whole[index] for index in range(6)]
    head = [df.head("detection", classes=ORDER, **SMALL)]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            one_batch(samples, head)
    told = [r.getMessage() for r in caplog.records if "numbers count" in r.getMessage()]
    assert len(told) == 1
    assert "0 is 'triangle'" in told[0]
    assert "dataset.classes" in told[0]
    assert "a list of 6 samples" in told[0]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        one_batch(samples, [df.head("detection", classes=3, **SMALL)])
    assert "numbers count" not in caplog.text


class Labelled:
    """Pictures with labels and masks; `classes` are names of one of them."""

    def __init__(self, **names):
        vars(self).update(names)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        mask = np.full((32, 32), index % 3, np.uint8)
        image = np.zeros((32, 32, 3), np.uint8)
        return Sample(str(index), image, {"label": index % 2, "mask": mask})


def test_that_numbers_of_masks_beside_named_labels_count_is_told(caplog):
    labels = df.head("classification", classes=["a", "b"])
    masks = df.head("segmentation", classes=["x", "y", "z"], decoder="fcn", channels=4)
    network = df.Network("resnet18", [labels, masks], settings={"width": 8})
    data = Labelled(classes=["a", "b"])
    df.fit(network, df.Loader(data, batch_size=2, heads=[labels, masks], workers=0), updates=1)
    told = [one.getMessage() for one in caplog.records if "numbers count" in one.getMessage()]
    assert len(told) == 1
    assert "dataset.mask_classes" in told[0]
    assert not match_head(data, masks)
    assert not match_head(data, labels)


def test_names_that_may_be_those_of_masks_are_not_passed_over():
    masks = df.head("segmentation", classes=["x", "y", "z"], decoder="fcn", channels=4)
    labels = df.head("classification", classes=["c", "d"])
    for data, head in (
        (Labelled(classes=["x", "y", "zed"]), masks),
        (Labelled(classes=["road", "sky"], label_classes=["a", "b"]), masks),
        (Labelled(classes=["a", "b"], mask_classes=["a", "b"]), masks),
        (Labelled(classes=["a", "b"]), labels),
    ):
        with pytest.raises(ConfigError, match="lacks the classes") as raised:
            match_head(data, head)
        is_borrowed = head is masks and not hasattr(data, "mask_classes")
        assert ("dataset.mask_classes = [...]" in raised.value.fix) == is_borrowed


def test_that_numbers_of_masks_beside_named_objects_count_is_told(caplog):
    plain = same_numbers(shapes())
    del plain.mask_classes
    head = df.head("segmentation", classes=["ground", "a", "b", "c"], decoder="fcn", channels=8)
    with caplog.at_level(logging.WARNING):
        one_batch(plain, [head])
    assert "dataset.mask_classes" in caplog.text


def test_names_that_differ_in_spelling_only_are_told(caplog):
    data = Shades("dark", "Dark", "bright")
    with caplog.at_level(logging.WARNING):
        one_batch(data, [df.head("classification", classes=3)])
    assert "'dark' and 'Dark'" in caplog.text
    assert "rename={'Dark': 'dark'}" in caplog.text
    one = [df.head("classification", classes=["dark", "bright"])]
    labels = one_batch(data, one, rename={"Dark": "dark"})["classification_label"]
    assert labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_names_of_something_else_are_no_names():
    """A dataset of masks alone: `classes` are the masks', and not those of boxes that it lacks."""
    masks = Shades("dark", "bright")
    assert not match_head(masks, df.head("detection", classes=["cat"], strides=(8,), channels=4))
    assert match_head(masks, df.head("segmentation", classes=["bright", "dark"]))
