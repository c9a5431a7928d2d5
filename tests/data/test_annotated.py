"""Each dataset says of each sample which targets it has, and says it rightly."""

import numpy as np
import pytest

import densefit as df
from densefit.data.annotated import all_targets, ask_once, targets_of
from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.sample import Sample
from densefit.data.targets_present import targets_present
from densefit.tools.formats.packed_records import pack


class Some:
    """A mask in every third picture, which it says."""

    classes = ("a", "b")

    def __init__(self, length=7):
        self.length = length

    def __repr__(self):
        return f"Some({self.length})"

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def targets_of(self, index):
        return ["label", "mask"] if index % 3 == 2 else ["label"]

    def __getitem__(self, index):
        made = {"label": np.array(1), "mask": np.zeros((8, 8), np.uint8)}
        targets = {name: made[name] for name in Some.targets_of(self, index)}
        return Sample(str(index), np.zeros((8, 8, 3), np.uint8), targets)


class Other(Some):
    """Makes its samples itself."""

    def __getitem__(self, index):
        return super().__getitem__(index)


def says_it(dataset):
    said = [set(names) for names in all_targets(dataset)]
    assert said == [set(dataset[index].targets) for index in range(len(dataset))]
    return said


def test_wrappers_pass_it_on():
    says_it(Some())
    says_it(df.Cached(Some(), memory="1MiB"))
    says_it(RenamedClasses(Some(), {"a": "c"}))
    shapes = df.dataset("shapes", length=2, size=(24, 24))
    mixture = df.Mixture({"a": Some(), "s": shapes}, targets={"a": {"mask": "rooms_mask"}})
    for index, names in enumerate(all_targets(mixture)):
        assert set(names) == {n for n in mixture[index].targets if not n.startswith("known_")}


def test_packed_records_say_it(tmp_path):
    pack(Some(), tmp_path / "train.rec")
    record = df.dataset("record", root=tmp_path, split="train")
    assert [set(names) for names in all_targets(record)] == says_it(Some())
    told = tmp_path / "train.json"
    told.write_text(told.read_text().replace("targets", "earlier"))
    assert all_targets(df.dataset("record", root=tmp_path, split="train")) is None


@pytest.mark.parametrize("settings", [{}, {"keypoints": True}])
def test_shapes_say_it(settings):
    says_it(df.dataset("shapes", length=2, size=(48, 48), **settings))


def test_who_makes_samples_itself_does_not_inherit_it():
    assert targets_of(Other(), 2) is None
    assert targets_of([1, 2], 0) is None


def test_subsets_and_lists_of_pytorch_are_looked_through():
    class Subset:
        def __init__(self, dataset, indices):
            self.dataset, self.indices = dataset, indices

        def __len__(self):
            return len(self.indices)

        def __getitem__(self, index):
            return self.dataset[self.indices[index]]

    class ConcatDataset:
        def __init__(self, datasets):
            self.datasets = list(datasets)

        def __len__(self):
            return sum(map(len, self.datasets))

        def __getitem__(self, index):
            return [one[k] for one in self.datasets for k in range(len(one))][index]

    assert targets_of(Subset(Some(), [2]), 0) is None  # a wrapper of one's own may give others
    for kind in (Subset, ConcatDataset):
        kind.__module__, kind.__qualname__ = "torch.utils.data.dataset", kind.__name__
    both = ConcatDataset([Some(4), Some(3)])
    says_it(Subset(both, [6, 2, 0]))
    assert targets_of(both, 6) == ["label", "mask"]
    assert all_targets(Subset(Some(40), [2])) == [{"label", "mask"}]  # few of many


class Counted(Some):
    """Counts how often it is asked; cannot be hashed nor referred to weakly."""

    __slots__ = ("calls",)
    __hash__ = None

    def __init__(self, length=7):
        super().__init__(length)
        self.calls = 0

    def __eq__(self, other):
        raise AssertionError("compared")

    def __getitem__(self, index):
        return Some.__getitem__(self, index)

    def targets_of(self, index):
        self.calls += 1
        return super().targets_of(index)


def test_each_set_up_asks_each_sample_once():
    one, two = Counted(), Counted(5)
    heads = [
        df.head("classification", classes=["a", "b"]),
        df.head("segmentation", classes=["a", "b"]),
    ]
    mixture = df.Mixture({"a": one, "b": two})
    assert (one.calls, two.calls) == (7, 5)
    with df.Loader(mixture, batch_size=2, workers=0, heads=heads):
        assert (one.calls, two.calls) == (14, 10)
    with df.Loader(one, batch_size=2, workers=0, heads=heads):
        assert one.calls == 21
    with ask_once():
        with ask_once():
            targets_present(one)
        targets_present(df.Cached(one, memory="1MiB"))
        all_targets(one)
    assert one.calls == 28


def test_answers_do_not_outlive_a_set_up():
    held = Some(2)
    assert targets_present(held).names == {"label"}
    held.length = 3  # grows
    assert targets_present(held).names == {"label", "mask"}
    held.targets_of = lambda index: ["label", "depth"]  # labelled further, as long as before
    assert targets_present(held).names == {"label", "depth"}


def test_samples_with_the_same_targets_share_a_set():
    assert len({id(names) for names in all_targets(Some(30))}) == 2


def test_one_name_alone_is_that_name():
    class One(Some):
        def targets_of(self, index):
            return "label"

        def __getitem__(self, index):
            return Some.__getitem__(self, 0)

    assert targets_of(One(), 0) == ("label",)
    says_it(One())
    says_it(df.Mixture({"a": One(), "b": One()}))


def test_a_wrapper_that_makes_samples_itself_does_not_inherit_all_targets():
    class More(df.Mixture):
        def __getitem__(self, index):
            return super().__getitem__(index)

    class Fewer(df.Mixture):
        def targets_of(self, index):
            return ["label"]

    assert all_targets(More({"a": Some()})) is None
    assert all_targets(Fewer({"a": Some()})) == [{"label"}] * 7
