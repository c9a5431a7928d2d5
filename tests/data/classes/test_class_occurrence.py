"""Classes that never occur in what is trained and scored are told, with what to set."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.class_occurrence import ClassOccurrence, absence_text, counted
from densefit.data.classes.constant_masks import check_mask_values
from densefit.data.sample import Sample
from densefit.datasets import MaskFolder


class Masks:
    """Masks of two or three values, with labels of the first one that is not 0."""

    classes = ("ground", "cell", "dust")

    def __init__(self, *values, length=10, first=None):
        self.values, self.length, self.first, self.read = values, length, first, []

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        self.read.append(index)
        mask = np.full((32, 32), self.values[0], np.uint8)
        values = self.first if index == 0 and self.first is not None else self.values
        for place, value in enumerate(values):
            mask[place * 8 : place * 8 + 8] = value
        label = np.array(self.values[-1] if self.values[-1] < 3 else 0)
        labels = np.isin(range(3), self.values).astype(np.int64)
        targets = {
            "mask": mask,
            "label": label,
            "labels": labels,
            "boxes": np.array([[0, 0, 9, 9]], np.float32),
            "classes": np.array([label]),
        }
        return Sample(str(index), np.zeros((32, 32, 3), np.uint8), targets)


def test_counts_of_every_kind_of_target():
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, (40, 50)).astype(np.uint8)
    mask[rng.random(mask.shape) < 0.2] = 255
    wanted = [(mask == k).sum() for k in range(3)] + [(mask == 255).sum()]
    assert counted("mask", mask, 3).tolist() == wanted
    assert counted("mask", mask.astype(np.int64), 3).tolist() == wanted
    assert (
        counted("mask", mask[:, ::2], 3).tolist()
        == counted("mask", mask[:, ::2].copy(), 3).tolist()
    )
    assert counted("room_mask", mask, 3).tolist() == wanted
    assert counted("label", np.array(1), 3).tolist() == [0, 1, 0, 0]
    assert counted("label", np.array(-1), 3).tolist() == [0, 0, 0, 1]
    assert counted("classes", np.zeros(0, np.int64), 2).tolist() == [0, 0, 0]


def test_what_is_said():
    names = ["a", "b", "c"]
    assert absence_text("mask", np.array([1, 1, 1, 9]), names) is None
    assert absence_text("mask", np.array([1, 1, 0, 9]), names) == "1 of 3 classes never occur (c)"
    assert (
        absence_text("mask", np.array([1, 0, 0, 0]), names) == "2 of 3 classes never occur (b, c)"
    )
    assert "the only class is 'a'" in absence_text("mask", np.array([1, 0, 0, 9]), names)
    assert (
        absence_text("label", np.array([1, 0, 0, 9]), names) == "2 of 3 classes never occur (b, c)"
    )
    many = absence_text("label", np.zeros(100, np.int64), [str(k) for k in range(99)])
    assert many.endswith("10, 11, ... (99))")


HEADS = {
    "segmentation": {"decoder": "fcn", "channels": 4},
    "classification": {},
    "multilabel": {},
    "detection": {"strides": (8,), "channels": 4},
}


def heads():
    return [df.head(task, classes=Masks.classes, **own) for task, own in HEADS.items()]


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_the_first_epoch_tells_classes_that_never_occur(caplog, kind):
    loader = df.Loader(Masks(0, 1), batch_size=4, heads=heads(), worker_kind=kind, last="drop")
    with loader, caplog.at_level(logging.WARNING):
        loader.set_epoch(0, skip=1)  # a part of an epoch tells nothing
        list(loader)
        assert caplog.text == ""
        list(loader)
        absence_text = [record.getMessage() for record in caplog.records]
        list(loader)
    assert len(caplog.records) == len(absence_text) == 4  # once
    where = "in the 8 samples of a first epoch"
    assert absence_text[0].endswith(f"'mask': 1 of 3 classes never occur (dust) {where}")
    assert "'label': 2 of 3 classes never occur (ground, dust)" in absence_text[1]
    assert "'labels': 1 of 3 classes never occur (dust)" in absence_text[2]
    assert "'classes': 2 of 3 classes never occur (ground, dust)" in absence_text[3]


class Shown:
    """Which of three classes pictures show, with another number for those that they do not."""

    classes = ("car", "dog", "cat")

    def __init__(self, no):
        self.no = no

    def __len__(self):
        return 6

    def __getitem__(self, index):
        labels = np.where(np.arange(3) == index % 3, 1, self.no)
        return Sample(str(index), np.zeros((32, 32, 3), np.uint8), {"labels": labels})


@pytest.mark.parametrize("no", [-1, 255, 0])
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_labels_of_which_none_says_no_are_told_once(caplog, kind, no):
    heads = [df.head("multilabel", classes=Shown.classes)]
    for _ in range(2):
        settings = {"workers": 1, "worker_kind": kind}
        with df.Loader(Shown(no), batch_size=2, heads=heads, **settings) as loader:
            for _ in range(2):
                list(loader)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == (no != 0)
    assert all("no label says no" in one and "labels[labels == -1] = 0" in one for one in lines)


def test_nothing_is_said_where_all_occur(caplog):
    loader = df.Loader(Masks(0, 1, 2), batch_size=4, heads=heads()[:1])
    with loader, caplog.at_level(logging.WARNING):
        list(loader)
    assert caplog.text == ""


@pytest.mark.parametrize("first", [None, (0,), (255,)])
def test_masks_of_0_and_255_are_told_at_once(caplog, first):
    data = Masks(0, 255, first=first)
    with caplog.at_level(logging.WARNING):
        df.Loader(data, batch_size=2, heads=heads()[:1], workers=0)
    (record,) = caplog.records
    assert "8 masks were looked at, and hold no class but one beside 255" in record.getMessage()
    assert "values={255: 1}" in record.getMessage()


@pytest.mark.parametrize("values", [(0, 1), (1, 2, 255), (0,), (0, 2)])
def test_other_masks_are_not(caplog, values):
    data = Masks(*values)
    with caplog.at_level(logging.WARNING):
        df.Loader(data, batch_size=2, heads=heads()[:1], workers=0)
    assert caplog.text == ""
    assert len(set(data.read)) == (1 if len(values) > 1 else 8)


def test_a_mask_that_is_the_exception_is_no_reason(caplog):
    head = SimpleNamespace(name="a", class_lists=lambda: {"mask": ["x", "y"]})
    data = Masks(0, 1, first=(0, 255))
    with caplog.at_level(logging.WARNING):
        check_mask_values(data, [head], {"a": [data[0]]})
    assert caplog.text == ""


def test_masks_of_0_and_255_are_told_by_a_score(tiny, caplog):
    network = df.Network(tiny.Backbone(), heads()[:2])
    train = df.Loader(Masks(0, 1, 2), batch_size=4, heads=network.heads)
    with caplog.at_level(logging.WARNING):
        history = df.fit(
            network, train, epochs=2, validation=df.Loader(Masks(0, 255), batch_size=4)
        )
    absence_text = [r.getMessage() for r in caplog.records if "validation data" in r.getMessage()]
    assert len(absence_text) == 2  # once for each head
    assert "'mask': the only class is 'ground', and 25 % of the pixels are 255" in absence_text[0]
    assert "values={255: 1}" in absence_text[0]
    assert absence_text[1].endswith(
        "'label': 2 of 3 classes never occur (cell, dust) in the truth of the validation data"
    )
    assert np.isnan(history.last_validation["segmentation/accuracy/cell"])
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        df.score(network, df.Loader(Masks(0, 255), batch_size=4), heads=["segmentation"])
    assert caplog.text.count("the only class is") == 1


def test_a_sample_is_looked_at_until_all_classes_came():
    head = df.head("segmentation", classes=2)
    tally = ClassOccurrence([head])
    tally.look("segmentation", {"mask": np.array([[0, 1]], np.uint8)}, None)
    tally.look("segmentation", {"mask": "is not read"}, None)
    tally.look("another", {"mask": "is not read"}, None)


def test_the_setting_that_is_named_makes_it_right(tmp_path, caplog):
    import cv2

    for folder in ("train", "trainannot"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "train/a.png"), np.zeros((32, 32, 3), np.uint8))
    mask = np.zeros((32, 32), np.uint8)
    mask[:8] = 255
    cv2.imwrite(str(tmp_path / "trainannot/a.png"), mask)
    names = ["ground", "cell"]
    head = [df.head("segmentation", classes=names)]
    with caplog.at_level(logging.WARNING):
        df.Loader(MaskFolder(tmp_path, classes=names), batch_size=1, heads=head)
        assert "values={255: 1}" in caplog.text
        caplog.clear()
        right = MaskFolder(tmp_path, classes=names, values={255: 1})
        list(df.Loader(right, batch_size=1, heads=head))
    assert caplog.text == ""


def test_a_class_that_is_missing_is_told_once_for_training_and_once_for_scores(tiny, caplog):
    network = df.Network(tiny.Backbone(), heads()[:1])
    train = df.Loader(Masks(0, 1), batch_size=4, heads=network.heads)
    validation = {name: df.Loader(Masks(0, 1), batch_size=4) for name in ("a", "b")}
    with caplog.at_level(logging.WARNING):
        df.fit(network, train, epochs=2, validation=validation)
        df.score(network, validation["a"])
        list(df.Loader(train.dataset, batch_size=4, heads=network.heads))
    absence_text = [r.getMessage() for r in caplog.records if "never occur" in r.getMessage()]
    assert [line.rsplit(" in ", 1)[1] for line in absence_text] == [
        "the 10 samples of a first epoch",
        "the truth of the validation data 'a'",
        "the truth of the validation data 'b'",
    ]


def test_a_class_that_a_dataset_was_said_to_lack_is_not_told_again(tiny, caplog):
    data = Masks(0, 1)
    data.mask_classes = heads()[0].classes[:2]
    network = df.Network(tiny.Backbone(), heads()[:1])
    with caplog.at_level(logging.WARNING):
        loader = df.Loader(data, batch_size=4, heads=network.heads)
        df.fit(network, loader, epochs=1, validation=df.Loader(data, batch_size=4))
    assert caplog.text.count("lacks dust") == 1
    assert "never occur" not in caplog.text


def test_masks_of_0_and_255_are_told_once(caplog):
    data = Masks(0, 255)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            loader = df.Loader(data, batch_size=2, heads=heads()[:1], workers=0)
            list(loader)
    assert len(caplog.records) == 1
