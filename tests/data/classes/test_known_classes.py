"""Datasets that annotate some of the classes only."""

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.known_classes import has_known, known_classes, known_name, known_names
from densefit.data.sample import Sample
from densefit.data.transforms import RandomFlip
from densefit.errors import ConfigError, DataError


class Own:
    """One picture of each class, in boxes, mask and labels."""

    def __init__(self, *classes, known=None):
        self.classes = self.mask_classes = classes
        self.known = known

    def __len__(self):
        return len(self.classes)

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        targets = {
            "boxes": np.array([[0, 0, 4, 4]], np.float32),
            "classes": np.array([index]),
            "mask": np.full((8, 8), index, np.uint8),
            "labels": (np.arange(len(self)) == index).astype(np.int64),
        }
        if self.known is not None:
            targets["known_classes"] = np.array(self.known)
        return Sample(self.id_of(index), np.zeros((8, 8, 3), np.uint8), targets)


PETS, STREETS = Own("dog", "cat"), Own("person", "dog", "car")  # together: dog, cat, person, car


def told(mixture, index):
    targets = mixture[index].targets
    names = ("known_classes", "known_mask_classes", "labels")
    return [np.asarray(targets[name]).astype(int).tolist() for name in names]


def test_samples_say_which_of_the_common_classes_their_dataset_lacks():
    both = df.Mixture({"pets": PETS, "streets": STREETS})
    assert both.classes == both.labels_classes == ["dog", "cat", "person", "car"]
    assert told(both, 0) == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, -1, -1]]
    assert told(both, 3) == [[1, 0, 1, 1], [1, 0, 1, 1], [1, -1, 0, 0]]


def test_where_all_lists_agree_nothing_is_added():
    other = Own("cat", "dog")
    both = df.Mixture({"a": PETS, "b": other})
    for index in range(4):
        assert set(both[index].targets) == {"boxes", "classes", "mask", "labels"}
    assert both[2].targets["labels"].tolist() == [0, 1]


def test_what_is_renamed_or_dropped_counts_by_its_common_name():
    renames = {"streets": {"car": None, "person": "cat"}}
    both = df.Mixture({"pets": PETS, "streets": STREETS}, rename=renames)
    assert both.classes == ["dog", "cat"]
    assert "known_classes" not in both[2].targets
    few = df.Mixture({"streets": STREETS}, classes=["person", "dog"], unknown="drop")
    assert "known_classes" not in few[0].targets
    dropped = df.Mixture({"pets": PETS, "streets": STREETS}, rename={"streets": {"dog": None}})
    assert told(dropped, 2) == [[0, 0, 1, 1], [0, 0, 1, 1], [-1, -1, 1, 0]]


def test_a_dataset_scored_alone_by_the_common_names_says_so_too():
    alone = df.Mixture({"pets": PETS}, classes=["dog", "cat", "person", "car"])
    assert told(alone, 1) == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, -1, -1]]


def test_the_setting_that_turns_it_off():
    both = df.Mixture({"pets": PETS, "streets": STREETS}, lacking="background")
    assert "known_classes" not in both[0].targets
    assert both[0].targets["labels"].tolist() == [1, 0, 0, 0]
    # A training of before goes on as it was, and is told where it would not.
    assert "lacking" not in repr(both)
    assert "lacking" not in repr(df.Mixture({"pets": PETS}))
    assert "lacking='unknown'" in repr(df.Mixture({"pets": PETS, "streets": STREETS}))
    with pytest.raises(ConfigError, match="lacking"):
        df.Mixture({"pets": PETS}, lacking="none")


@pytest.mark.parametrize(("lacking", "rest"), [("unknown", 0), ("background", 1)])
def test_what_a_sample_says_itself_is_kept_by_name(lacking, rest):
    """Of two classes that become one, both must be known."""
    own = Own("person", "dog", "car", "van", known=[False, True, True, False])
    settings = {"rename": {"streets": {"van": "car"}}, "lacking": lacking}
    both = df.Mixture({"pets": PETS, "streets": own}, **settings)
    assert both.classes == ["dog", "cat", "person", "car"]
    assert both[2].targets["known_classes"].astype(int).tolist() == [1, rest, 0, 0]


RENAMED = {"classes": "kinds", "mask": "room_mask", "labels": "tags"}


def renamed(lacking="unknown", known=None):
    """Two datasets under new names, one under the old ones: these are different things."""
    own = Own("person", "dog", "car", known=known)
    datasets = {"a": PETS, "b": own, "c": Own("cow")}
    return df.Mixture(datasets, targets={"a": RENAMED, "b": RENAMED}, lacking=lacking)


def test_targets_of_another_name_say_so_under_it():
    both = renamed()
    for index, known, tags in ((0, [1, 1, 0, 0], [1, 0, -1, -1]), (4, [1, 0, 1, 1], [0, -1, 0, 1])):
        targets = both[index].targets
        for name in ("known_kinds_classes", "known_room_mask_classes"):
            assert targets[name].astype(int).tolist() == known
        assert targets["tags"].tolist() == tags
        assert not {"known_classes", "known_mask_classes", "labels"} & set(targets)
    assert set(both[5].targets) == {"boxes", "classes", "mask", "labels"}  # alone, it lacks none
    assert "lacking='unknown'" in repr(both)
    alike = df.Mixture({"a": PETS, "c": Own("cow")}, targets={"a": RENAMED})
    assert "lacking" not in repr(alike)
    background = renamed("background")[0].targets
    assert background["tags"].tolist() == [1, 0, 0, 0]
    assert not [name for name in background if name.startswith("known_")]


def test_what_a_sample_says_itself_is_renamed_with_the_target():
    targets = renamed(known=[False, True, True])[2].targets
    assert targets["known_kinds_classes"].astype(int).tolist() == [1, 0, 0, 1]
    assert targets["known_room_mask_classes"].astype(int).tolist() == [1, 0, 1, 1]


def test_transforms_and_heads_know_the_new_name():
    settings = {"decoder": "fcn", "channels": 8, "background": "dog", "target": "room_mask"}
    both = renamed()
    head = df.head("segmentation", classes=both.room_mask_classes, **settings)
    turn = RandomFlip(1.0)
    batch = next(df.Loader(both, batch_size=6, transform=turn, heads=[head]))
    known = dict(zip(batch.ids, batch.labels["segmentation_known"]))
    assert known["a/s0"].tolist() == [1, 1, 0, 0]
    assert known["b/s0"].tolist() == [1, 0, 1, 1]


def test_names_of_what_is_known():
    assert known_name("classes") == "known_classes"
    assert known_names({"classes": "kinds", "kinds": "classes"}) == {
        "known_classes": "known_kinds_classes",
        "known_kinds_classes": "known_classes",
    }
    assert [has_known(name) for name in ("classes", "mask", "label", "labels", "no such")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_labels_of_classes_that_become_one():
    """One that is shown is enough; that it is not shown takes all of them."""
    names = ("van", "car", "dog")
    own = df.Mixture({"a": Own(*names)}, rename={"a": {"van": "car"}})
    assert [own[k].targets["labels"].tolist() for k in range(3)] == [[1, 0], [1, 0], [0, 1]]

    class Unsure(Own):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.targets["labels"] = np.array([(-1, 0, 255), (-1, 1, 0), (0, 0, 1)][index])
            return sample

    own = df.Mixture({"a": Unsure(*names)}, rename={"a": {"van": "car"}})
    assert [own[k].targets["labels"].tolist() for k in range(3)] == [[-1, -1], [1, 0], [0, 1]]


def test_labels_of_another_number_are_told():
    wrong = Own("dog", "cat")
    wrong.labels_classes = ("dog", "cat", "cow")
    with pytest.raises(DataError, match="(?s)one number for each class.*labels_classes"):
        df.Mixture({"a": wrong})[0]


def test_known_classes_of_a_sample():
    targets = {"known_classes": np.array([True, False, True])}
    assert known_classes({}, 2, "").tolist() == [True, True]
    assert known_classes(targets, 2, "").tolist() == [True, False]
    for wrong in (targets["known_classes"][:1], np.ones(2), np.ones((2, 1), bool)):
        with pytest.raises(DataError, match="(?s)'known_classes'.*sample 'a'"):
            known_classes({"known_classes": wrong}, 2, "sample 'a'")
