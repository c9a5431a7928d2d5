import numpy as np
import pytest

import densefit as df
from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError, DataError
from densefit.metrics import ConfusionMatrix


class Only:
    """A dataset with some of its targets."""

    def __init__(self, inner, *targets):
        self.inner, self.targets = inner, targets
        self.classes, self.mask_classes = inner.classes, inner.mask_classes

    def __len__(self):
        return len(self.inner)

    def id_of(self, index):
        return self.inner.id_of(index)

    def __getitem__(self, index):
        sample = self.inner[index]
        sample.targets = {name: sample.targets[name] for name in self.targets}
        return sample


SHAPES = Shapes(6, size=(64, 64))
OBJECTS = Only(SHAPES, "boxes", "classes", "difficult", "crowd", "area")
MASKS = Only(Shapes(5, size=(64, 64), seed=1), "mask")


@pytest.fixture(scope="module")
def network():
    network = df.Network(
        "resnet18",
        [
            df.head("detection", classes=SHAPES.classes, strides=(8, 16), channels=16),
            df.head("segmentation", classes=SHAPES.mask_classes, decoder="fcn", channels=8),
        ],
        settings={"width": 8},
    )
    mixture = df.Mixture({"objects": OBJECTS, "masks": MASKS}, ratio={"objects": 1, "masks": 1})
    with df.Loader(mixture, batch_size=4, heads=network.heads, shuffle=True) as loader:
        history = df.fit(network, loader, epochs=1, optimizer="adam")
    assert all(np.isfinite(list(history.epochs[0]["train"].values())))
    return network


def loaders():
    return {"objects": df.Loader(OBJECTS, batch_size=4), "masks": df.Loader(MASKS, batch_size=2)}


def test_each_head_is_scored_where_its_truth_is_known(network):
    found = df.score(network, loaders())
    expected = {
        **{
            f"objects/{key}": value
            for key, value in df.score(network, loaders()["objects"], ["detection"]).items()
        },
        **{
            f"masks/{key}": value
            for key, value in df.score(network, loaders()["masks"], ["segmentation"]).items()
        },
    }
    assert found == pytest.approx(expected, nan_ok=True)
    assert list(found) == list(expected)


def test_a_dataset_with_all_targets_is_scored_by_all_heads(network):
    found = df.score(network, {"all": df.Loader(SHAPES, batch_size=4)})
    expected = df.score(network, df.Loader(SHAPES, batch_size=4))
    assert found == pytest.approx({f"all/{k}": v for k, v in expected.items()}, nan_ok=True)


def test_a_choice_of_heads(network):
    with pytest.raises(ConfigError, match="a list of names"):
        df.score(network, loaders(), heads="segmentation")
    found = df.score(network, {"masks": loaders()["masks"]}, ["segmentation"])
    assert {key.split("/")[1] for key in found} == {"segmentation"}
    with pytest.raises(ConfigError, match="did you mean 'segmentation'"):
        df.score(network, loaders(), ["segmentatoin"])


def test_a_head_without_labels_in_all_data_is_told_and_left_out(network, caplog):
    found = df.score(network, {"masks": loaders()["masks"]})
    own = df.score(network, loaders()["masks"], ["segmentation"])
    assert found == {f"masks/{key}": value for key, value in own.items()}
    assert caplog.text.count("scoring data masks is labelled for the head 'detection'") == 1


def test_what_is_asked_for_is_not_left_out(network):
    with pytest.raises(DataError, match=r"heads \['detection'\][^|]*data masks"):
        df.score(network, {"masks": loaders()["masks"]}, ["detection", "segmentation"])
    with pytest.raises(DataError, match=r"heads \['detection'\][^|]*data masks"):
        df.score(network, loaders(), ["detection"])
    with pytest.raises(DataError, match=r"heads \['detection'\]"):
        df.score(network, loaders()["masks"])
    with pytest.raises(ConfigError, match="no data"):
        df.score(network, {})


def test_targets_that_say_nothing_are_told_of_their_dataset(network, caplog, monkeypatch):
    head = network.heads[1]
    truth = head.ground_truth
    monkeypatch.setattr(head, "ground_truth", lambda own: None if "boxes" in own else truth(own))
    data = {"all": df.Loader(SHAPES, batch_size=4), "masks": loaders()["masks"]}
    found = df.score(network, data)
    assert "masks/segmentation/mIoU" in found
    assert not [key for key in found if key.startswith("all/segmentation")]
    assert caplog.text.count("scoring data all is labelled for the head 'segmentation'") == 1


@pytest.mark.parametrize("name", [None, "held"])
@pytest.mark.parametrize("says", [True, False])
def test_a_fit_scores_the_heads_with_labels(network, name, says, caplog, monkeypatch):
    train = df.Loader(SHAPES, batch_size=4, heads=network.heads, shuffle=True)
    held = loaders()["objects"] if says else df.Loader(SHAPES, batch_size=4)
    expected = df.score(network, held, ["detection"])
    if not says:
        monkeypatch.setattr(network.heads[1], "ground_truth", lambda targets: None)
    validation = held if name is None else {name: held}
    history = df.fit(network, train, validation=validation, epochs=2)
    keys = [key if name is None else f"{name}/{key}" for key in expected]
    assert list(history.last_validation) == keys
    assert caplog.text.count("is labelled for the head 'segmentation'") == 1


@pytest.mark.parametrize("prefix", ["", "held/"])
def test_a_score_without_labels_cannot_be_followed(network, prefix, tmp_path):
    train = df.Loader(SHAPES, batch_size=4, heads=network.heads, shuffle=True)
    held = loaders()["objects"]
    score = f"{prefix}segmentation/mIoU"
    saver = df.Saver(tmp_path / "run", keep=df.Keep(best=score))
    for settings in (
        {"callbacks": [df.callbacks.EarlyStopping(score)]},
        {"schedule": df.schedules.Plateau(0.1, score)},
        {"checkpoint": saver},
    ):
        begun = []
        end = df.callbacks.Callback()
        end.update_ended = lambda state, control, begun=begun: begun.append(state.update)
        settings.setdefault("callbacks", []).append(end)
        with pytest.raises(ConfigError, match="(?s)no score.*with labels for the head 'segment"):
            df.fit(network, train, validation={"held": held} if prefix else held, epochs=1,
                   **settings)  # fmt: skip
        assert begun == []


def test_a_validation_without_any_label_is_an_error(network):
    train = df.Loader(SHAPES, batch_size=4, heads=network.heads, shuffle=True)
    none = df.Loader(Only(SHAPES, "area"), batch_size=4)
    for validation in (none, {"masks": loaders()["masks"], "none": none}):
        with pytest.raises(DataError, match=r"heads \['detection', 'segmentation'\]"):
            df.fit(network, train, validation=validation, epochs=1)


def test_what_turns_out_to_have_no_labels_cannot_be_followed(network):
    """Of 70 samples 64 are looked at before: the first validation tells of the rest."""
    many = Only(Shapes(70, size=(32, 32)), "boxes", "classes")
    train = df.Loader(SHAPES, batch_size=4, heads=network.heads, shuffle=True)
    with pytest.raises(ConfigError, match="no score 'segmentation/mIoU' to stop by"):
        df.fit(network, train, validation=df.Loader(many, batch_size=35), updates=1,
               callbacks=[df.callbacks.EarlyStopping("segmentation/mIoU")])  # fmt: skip


def test_errors_say_which_data(network):
    data = {"masks": df.Loader(MASKS, batch_size=2, last="drop")}
    with pytest.raises(DataError, match="data masks"):
        df.score(network, data, ["segmentation"])


def test_iterators_without_a_dataset_are_scored_by_all_heads(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(), epochs=1)
    found = df.score(network, {"a": tiny.iterator(), "b": tiny.iterator(7)})
    assert found["b/kind/accuracy"] == df.score(network, tiny.iterator(7))["kind/accuracy"]
    assert {key.split("/")[0] for key in found} == {"a", "b"}


class Rarely(Only):
    """Masks of samples 1 and 2 only, of 12: none of those that are looked at."""

    def __init__(self, at=(1, 2)):
        super().__init__(Shapes(12, size=(64, 64), seed=2), "boxes", "classes", "mask")
        self.at = at

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        if index not in self.at:
            del sample.targets["mask"]
        return sample


def test_a_head_is_scored_where_few_samples_have_its_labels(network):
    loader = df.Loader(Rarely(), batch_size=4, workers=0)
    never = df.Loader(Rarely(()), batch_size=4, workers=0)
    found = df.score(network, {"rare": loader, "never": never})
    assert found["rare/segmentation/mIoU"] == df.score(network, loader)["segmentation/mIoU"]
    assert "never/detection/AP" in found
    assert not [key for key in found if key.startswith("never/segmentation")]
    with pytest.raises(DataError, match=r"No sample is labelled for the heads \['segmentation'\]"):
        df.score(network, {"never": never}, ["segmentation"])


@pytest.mark.parametrize("name", ["cells/val", "", 1])
def test_scores_begin_with_a_name_that_ends_somewhere(network, name):
    with pytest.raises(ConfigError, match="(?s)cannot be named.*fix: .*: ...}"):
        df.score(network, {name: loaders()["masks"]})


def test_metrics_in_place_of_the_heads_own(network):
    metrics = {"segmentation": [ConfusionMatrix(SHAPES.mask_classes)]}
    scores = df.score(network, loaders(), metrics=metrics)
    expected = df.score(network, loaders()["masks"], ["segmentation"], metrics)
    masks = {key: value for key, value in scores.items() if key.startswith("masks/")}
    assert masks == pytest.approx({f"masks/{k}": v for k, v in expected.items()}, nan_ok=True)
    assert "objects/detection/AP" in scores
    with pytest.raises(ConfigError, match="given for the head 'segmentatoin', which is not scored"):
        df.score(network, loaders(), metrics={"segmentatoin": []})


@pytest.mark.mxnet
def test_a_metric_of_mxnets_on_several_iterators(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(), epochs=1)
    scores = df.score(network, {"a": tiny.iterator(), "b": tiny.iterator(7)}, eval_metric="loss")
    alone = df.score(network, tiny.iterator(7), eval_metric="loss")
    assert list(scores) == [f"{name}/module/loss" for name in "ab"]
    assert scores["b/module/loss"] == alone["module/loss"]


def test_the_old_name_gives_the_same_scores(network):
    expected = df.score(network, loaders())
    with pytest.warns(DeprecationWarning, match="is df.score"):
        assert df.score_mixture(network, loaders()) == pytest.approx(expected, nan_ok=True)
    warns = pytest.warns(DeprecationWarning, match="is df.score")
    with warns, pytest.raises(ConfigError, match="score_mixture"):
        df.score_mixture(network, loaders(), heads="segmentation")


@pytest.mark.parametrize("labels", [{}, {"softmax_label": np.zeros(5)}])
def test_a_dict_of_arrays_is_no_dict_of_datasets(network, labels):
    arrays = {"data": np.ones((5, 3, 64, 64), np.float32), **labels}
    with pytest.raises(DataError, match="'data'") as error:
        df.score(network, arrays)
    assert "[{'data': array, ...}]" in str(error.value)
    with pytest.raises(DataError, match="'data'"):
        df.fit(network, loaders()["objects"], validation=arrays, epochs=1)
