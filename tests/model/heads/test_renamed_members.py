"""Heads of other packages that still use former names of members."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.data.stable_repr import public_settings, stable_repr
from densefit.model.heads.renamed_members import RENAMED
from densefit.tasks.classification import Classification


def test_an_override_by_its_former_name_is_used():
    with pytest.warns(DeprecationWarning, match="Shifted.judged is now called filter_prediction"):

        class Shifted(Classification):
            def judged(self, prediction, targets):
                return prediction + 1

    made = Shifted(2)
    assert made.filter_prediction(1, {}) == 2
    with pytest.warns(DeprecationWarning, match="judged is now called filter_prediction"):
        assert made.judged(1, {}) == 2


def test_an_abstract_method_may_be_defined_by_its_former_name():
    with pytest.warns(DeprecationWarning, match="ground_truth"):

        class Flat(df.Head):
            name = "flat"

            def labels(self, input_size):
                return []

            def encode(self, sample):
                return {}

            def train(self, features, labels):
                return {}

            def evaluate(self, features):
                return {}

            def decode(self, outputs, geometries):
                return []

            def truth(self, targets):
                return targets["flat"]

            def metrics(self):
                return []

    assert Flat().ground_truth({"flat": 3}) == 3


def test_an_override_calls_its_parent_s_by_the_former_name():
    with pytest.warns(DeprecationWarning, match="Inner.truth is now called ground_truth"):

        class Inner(Classification):
            def truth(self, targets):
                return super().truth(targets) + 10

    with pytest.warns(DeprecationWarning, match="Outer.truth is now called ground_truth"):

        class Outer(Inner):
            def truth(self, targets):
                return super().truth(targets) + 100

    with pytest.warns(DeprecationWarning, match="Outer.truth"):
        assert Outer(3).ground_truth({"label": 2}) == 112


def test_an_override_of_a_mixin_is_used():
    class Nothing:
        def trains(self, labels):
            return False

    with pytest.warns(DeprecationWarning, match="Nothing.trains is now called has_valid_labels"):

        class Idle(Nothing, Classification):
            pass

    assert not Idle(2).has_valid_labels({"label": np.float32(1)})
    assert Classification(2).has_valid_labels({"label": np.float32(1)})


def test_attributes_of_the_class_and_of_the_head():
    with pytest.warns(DeprecationWarning, match="classes_of is now called class_target"):

        class Kind(Classification):
            classes_of = "kind"

            def __init__(self, target):
                super().__init__(2)
                self.classes_of = target

    assert Kind.class_source({}) == Kind.class_target == "kind"
    with pytest.warns(DeprecationWarning, match="classes_of"):
        made = Kind("species")
    assert made.class_target == "species"
    with pytest.warns(DeprecationWarning, match="classes_of"):
        assert made.classes_of == "species"
    with pytest.warns(DeprecationWarning, match="ground_truth"):
        made.truth = lambda targets: "none"
    assert made.ground_truth({}) == "none"


def test_a_loader_reads_former_names_of_what_is_no_head(tiny):
    class Encoder:
        name = "kind"

        def labels(self, input_size):
            return [df.Label("label", ())]

        def encode(self, sample):
            return {"label": np.float32(sample.targets["label"])}

        def labelled(self, sample):
            return sample.id != "p1"

        def trains(self, labels):
            return labels["label"] != 0

    class Numbers:
        classes = ()

        def __len__(self):
            return 4

        def id_of(self, index):
            return f"p{index}"

        def __getitem__(self, index):
            image = np.zeros((8, 8, 3), np.uint8)
            return Sample(self.id_of(index), image, {"label": np.array(index)})

    with (
        pytest.warns(DeprecationWarning, match="Encoder.labelled is now called is_labelled"),
        pytest.warns(DeprecationWarning, match="Encoder.trains is now called has_valid_labels"),
    ):
        batch = next(iter(df.Loader(Numbers(), batch_size=4, heads=[Encoder()], workers=0)))
    assert batch.labelled["kind"].tolist() == [False, False, True, True]


def test_every_former_name_warns_and_gives_the_present_member():
    made = Classification(2)
    for old, new in RENAMED.items():
        with pytest.warns(DeprecationWarning, match=f"{old} is now called {new}"):
            assert getattr(made, old) == getattr(made, new)


def test_checkpoints_hold_the_first_names_of_attributes():
    settings = public_settings(Classification(2, target="kind"))
    assert settings["classes_of"] == "kind"
    assert "class_target" not in settings
    assert "classes_of: 'kind'" in stable_repr(Classification(2, target="kind"))
