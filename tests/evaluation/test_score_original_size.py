"""Scoring and predicting pictures of many sizes, each at its own."""

import numpy as np
import pytest

import densefit as df
from densefit.engine.batch_reader import BatchReader
from densefit.errors import DensefitError

SIZES = [(40, 60), (64, 64), (33, 50), (100, 30), (60, 40), (32, 32), (41, 61), (90, 70)]


class Various:
    """The pictures of several datasets, of one size each."""

    def __init__(self, sizes=SIZES):
        self.made = [
            df.dataset("shapes", length=1, size=size, seed=5 + n, split="val")
            for n, size in enumerate(sizes)
        ]
        self.classes = self.made[0].classes

    def __len__(self):
        return len(self.made)

    def id_of(self, index):
        return f"picture {index}"

    def __getitem__(self, index):
        sample = self.made[index][0]
        return df.Sample(f"picture {index}", sample.image, sample.targets)


class Turned(Various):
    """The same samples in the reverse order."""

    def id_of(self, index):
        return super().id_of(len(self) - 1 - index)

    def __getitem__(self, index):
        sample = self.made[len(self) - 1 - index][0]
        return df.Sample(self.id_of(index), sample.image, sample.targets)


class One(Various):
    """One of the samples alone."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def __len__(self):
        return 1

    def id_of(self, index):
        return super().id_of(self.number)

    def __getitem__(self, index):
        return super().__getitem__(self.number)


def made_heads(data):
    return [
        df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=8),
        df.head("detection", classes=data.classes, channels=8, strides=(8, 16), sizes=(3.0,)),
    ]


@pytest.fixture(scope="module")
def network():
    """Trained a little, so that it says something."""
    data = df.dataset("shapes", length=16, size=(48, 64), seed=1)
    made = df.Network("resnet18", made_heads(data), settings={"width": 8})
    loader = df.Loader(data, batch_size=8, heads=made.heads, workers=0)
    df.fit(made, loader, epochs=3, schedule=df.Constant(0.01), callbacks=[])
    return made


def whole(dataset, batch_size=3, **settings):
    settings = {"multiple": 32, "workers": 0, **settings}
    return df.Loader.original_size(dataset, batch_size=batch_size, **settings)


def padded(sample, rng):
    """To multiples of 32, by other code than the loader's."""
    height, width = sample.image.shape[:2]
    high, wide = -(-height // 32) * 32, -(-width // 32) * 32
    image = np.full((high, wide, 3), 114, np.uint8)
    image[:height, :width] = sample.image
    geometry = sample.geometry.then(np.eye(2, 3), (high, wide))
    return df.Sample(sample.id, image, {}, geometry)


def same(one, other, exactly=True):
    assert one.keys() == other.keys()
    for head in one:
        if isinstance(one[head], np.ndarray):
            np.testing.assert_array_equal(one[head], other[head])
        else:
            assert one[head].keys() == other[head].keys()
            for key, value in one[head].items():
                tolerance = 0 if exactly else 1e-5
                np.testing.assert_allclose(value, other[head][key], rtol=tolerance, atol=tolerance)


def test_predictions_are_those_of_each_padded_picture_alone(network):
    found = dict(df.predict(network, whole(Various(), 4)))
    assert len(found) == len(SIZES)
    for number, size in enumerate(SIZES):
        loader = df.Loader(One(number), batch_size=1, transform=padded, workers=0)
        ((key, alone),) = df.predict(network, loader)
        assert found[key]["segmentation"].shape == size
        same(found[key], alone, exactly=df.engine.engine_name() == "mxnet")


def test_neither_order_nor_batch_size_nor_waiting_nor_evicted_executors_matter(network):
    one = df.score(network, whole(Various(), 1))
    assert one["segmentation/mIoU"] > 0.02
    for dataset, settings in (
        (Various(), {"batch_size": 8}),
        (Turned(), {"batch_size": 3, "ahead": 1}),
        (Various(), {"batch_size": 8, "max_pixels": 2 * 64 * 64, "workers": 2}),
    ):
        other = df.score(network, whole(dataset, **settings))
        assert other == pytest.approx(one, rel=1e-12, nan_ok=True)


def test_few_executors_are_kept_and_bound_again_only_if_they_are_not(mx, network):
    from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator

    outputs = []
    for limit in (1, 8):
        evaluator = ExecutorEvaluator(network, [mx.cpu()], limit=limit)
        reader = BatchReader(whole(Various(), 1), list(network.adapters.values()), "test")
        for _ in range(2):
            found = {batch.ids[0]: evaluator.start(batch, reader, 0) for batch in reader.batches()}
            outputs.append({key: pending.read() for key, pending in found.items()})
        sizes = {tuple(-(-side // 32) for side in size) for size in SIZES}
        if limit == 8:
            assert evaluator.executors.binds == len(sizes)
        else:
            assert evaluator.executors.binds > len(sizes)
    for read in outputs[1:]:
        assert read.keys() == outputs[0].keys()
        for key in read:
            same(*({name: {"": a} for name, a in one[key].items()} for one in (read, outputs[0])))


def test_all_kept_executors_see_new_parameters(mx, network):
    """Also those of sizes that did not come since the change."""
    from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator

    copy = df.Network("resnet18", made_heads(df.dataset("shapes", length=1)), settings={"width": 8})
    copy.set_params(df.interop.arg_params(network), df.interop.aux_params(network))
    kept = ExecutorEvaluator(copy, [mx.cpu()])
    reader = BatchReader(whole(Various(), 2), list(copy.adapters.values()), "test")
    for version in range(3):
        fresh = ExecutorEvaluator(copy, [mx.cpu()])
        for batch in reader.batches():
            found, expected = (one.start(batch, reader, version).read() for one in (kept, fresh))
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name])
        arguments, auxiliary = (df.interop.arg_params(copy), df.interop.aux_params(copy))
        changed = {name: array * (1.1 + version) for name, array in auxiliary.items()}
        copy.set_params({name: array * 1.05 for name, array in arguments.items()}, changed)


@pytest.mark.mxnet
def test_several_devices_split_each_batch(network):
    one = df.score(network, whole(Various(), 4))
    two = df.score(network, whole(Various(), 4), devices=["cpu:0", "cpu:1"])
    assert two == pytest.approx(one, rel=1e-12, nan_ok=True)


def test_validation_in_training_is_the_score_afterwards():
    data = df.dataset("shapes", length=8, size=(48, 64), seed=1)
    made = df.Network("resnet18", made_heads(data), settings={"width": 8})
    loader = df.Loader(data, batch_size=4, heads=made.heads, workers=0)
    history = df.fit(
        made, loader, epochs=2, schedule=df.Constant(0.01), callbacks=[],
        validation=whole(Various()),
    )  # fmt: skip
    score = df.score(made, whole(Various()))
    validated = history.epochs[-1]["validation"]
    assert {key: validated[key] for key in score} == pytest.approx(score, rel=0, nan_ok=True)


def test_it_trains_nothing(network):
    data = df.dataset("shapes", length=1)
    made = df.Network("resnet18", made_heads(data), settings={"width": 8})
    with pytest.raises(DensefitError, match="label"):
        df.fit(made, whole(Various()), epochs=1, callbacks=[])
