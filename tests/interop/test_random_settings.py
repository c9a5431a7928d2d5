"""Samples that are changed at random in every pass are told of where they are scored."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mxnet.gluon.data import ArrayDataset, DataLoader
from mxnet.gluon.data.vision import transforms

import densefit as df
from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.interop.random_settings import random_parts, random_settings

PLAIN = {"path_imgrec": "a.rec", "batch_size": 4, "data_shape": (3, 8, 8), "mirror": True}


@pytest.mark.parametrize(
    ("settings", "random"),
    [
        ({}, []),
        ({"rand_crop": False, "rand_mirror": 0, "random_h": "0", "max_rotate_angle": 0}, []),
        ({"min_random_scale": 0.5, "max_random_scale": 0.5, "rotate": 90, "resize": 9}, []),
        ({"max_random_scale": 1, "inter_method": 2, "seed_aug": 3}, []),
        ({"rand_crop": True, "rand_mirror": "true"}, ["rand_crop=True", "rand_mirror=true"]),
        ({"max_random_scale": 1.5}, ["max_random_scale=1.5"]),
        ({"min_crop_size": 20, "max_crop_size": 40}, ["min_crop_size=20", "max_crop_size=40"]),
        (
            {"rand_mirror_prob": 0.5, "inter_method": 10},
            ["rand_mirror_prob=0.5", "inter_method=10"],
        ),
    ],
)
def test_settings_of_iterators_in_cpp(settings, random):
    assert random_settings({**PLAIN, **settings}) == random


SHAPE = (3, 8, 8)


@pytest.mark.parametrize(
    ("augmenters", "random"),
    [
        (mx.image.CreateAugmenter(SHAPE, resize=9, mean=True, std=True), []),
        (
            mx.image.CreateAugmenter(SHAPE, rand_crop=True, rand_mirror=True),
            ["RandomCropAug", "HorizontalFlipAug"],
        ),
        (mx.image.CreateAugmenter(SHAPE, brightness=0.1), ["BrightnessJitterAug"]),
        ([mx.image.HorizontalFlipAug(1), mx.image.RandomGrayAug(0)], []),
        (mx.image.CreateDetAugmenter(SHAPE, mean=True), []),
        (
            mx.image.CreateDetAugmenter(SHAPE, rand_crop=0.5, rand_mirror=True, pca_noise=0.1),
            ["DetRandomCropAug", "DetHorizontalFlipAug", "LightingAug"],
        ),
    ],
)
def test_augmenters(augmenters, random):
    assert random_parts(augmenters) == random


def torch_s(name, **attributes):
    """A transform as torchvision has it."""
    kind = type(name, (), {"__module__": "torchvision.transforms.v2", "__call__": lambda s, x: x})
    made = kind()
    vars(made).update(attributes)
    return made


def test_transforms_of_torchvision():
    steps = [
        torch_s("Resize"),
        torch_s("RandomHorizontalFlip", p=0.5),
        torch_s("RandomVerticalFlip", p=1),
        torch_s("RandomGrayscale", p=0),
        torch_s("RandAugment"),
        torch_s("ColorJitter"),
    ]
    data = Jittered(torch_s("Compose", transforms=steps))
    subset = SimpleNamespace(dataset=data, indices=[0])
    assert random_parts(subset) == ["RandomHorizontalFlip", "RandAugment", "ColorJitter"]


class Jittered:
    """A dataset of a user's own that keeps its transform."""

    def __init__(self, transform):
        self.transform = transform


def test_transforms_of_datasets():
    plain = transforms.Compose([transforms.Resize(8), transforms.ToTensor()])
    random = transforms.Compose(
        [transforms.RandomResizedCrop(8), transforms.RandomBrightness(0.1), transforms.ToTensor()]
    )
    arrays = ArrayDataset(mx.nd.zeros((2, 9, 9, 3), dtype="uint8"), np.zeros(2))
    assert random_parts(arrays) == random_parts(arrays.transform_first(plain)) == []
    names = ["RandomResizedCrop", "RandomBrightness"]
    assert random_parts(arrays.transform_first(random).transform(lambda *parts: parts)) == names
    assert random_parts(Jittered(random)) == names
    assert random_parts(arrays.transform_first(random, lazy=False)) == []  # drawn once


def loader(random):
    steps = [transforms.RandomFlipLeftRight()] if random else []
    data = ArrayDataset(mx.nd.zeros((6, 8, 8, 3)), np.zeros(6))
    steps = transforms.Compose([*steps, transforms.ToTensor()])
    return df.interop.batches(DataLoader(data.transform_first(steps), 4))


CASES = {
    "ImageRecordIter": (lambda m, on: m.image_record("ImageRecordIter", 6, 4, rand_mirror=on)),
    "ImageDetRecordIter": (
        lambda m, on: m.image_record("ImageDetRecordIter", 6, 4, rand_mirror_prob=0.5 * on)
    ),
    "DataLoader": lambda m, on: loader(on),
}


@pytest.mark.parametrize("kind", list(CASES))
def test_scoring_tells_once(makers, caplog, kind):
    training = source_of(CASES[kind](makers, True))
    assert list(training.train_epoch())
    list(source_of(CASES[kind](makers, False)).score_pass())
    assert "at random" not in caplog.text
    for _ in range(2):
        list(source_of(CASES[kind](makers, True)).score_pass())
    told = [r for r in caplog.records if f"changed at random in every pass ({kind}: " in r.message]
    assert [record.levelno for record in told] == [logging.WARNING]
