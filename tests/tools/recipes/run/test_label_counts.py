"""Labels by head and class, before a training."""

import densefit as df
from densefit.tools.data_check.check import DataCheck
from densefit.tools.recipes.data.run_data import RunData
from densefit.tools.recipes.run.label_counts import label_lines, listed
from tests.tools.data_check.listed import Listed, write_split


def test_counts_are_listed_from_the_most_frequent_to_the_rarest():
    counts = {f"c{n}": n for n in range(20)}
    assert listed(counts, 4) == "c19 19, c18 18, 16 more classes, c1 1, c0 0"
    assert listed({}) == ""


def prepared(root, heads):
    write_split(root, "train", 3)
    dataset = Listed(root)
    network = df.Network("resnet18", heads, settings={"width": 8})
    data = {"train": dataset}
    return RunData(network, None, None, None, None, data, ["train"])


def test_labels_of_renamed_targets_are_of_the_head_that_learns_them(tmp_path):
    heads = [
        df.head("detection", classes=["cat", "dog"]),
        df.head("detection", name="pets", classes=["cat"], target="pet_boxes"),
    ]
    run = prepared(tmp_path, heads)
    run.data = {"home/train": run.data["train"]}
    mixture = df.Mixture({"home": run.data["home/train"]}, targets={"home": {"boxes": "pet_boxes"}})
    run.train, run.training_splits = df.Loader(mixture, batch_size=1, workers=0), ["home/train"]
    check = DataCheck.of(run.data, ["home/train"])
    check.read_labels()
    assert label_lines(run, check) == [
        "detection: 0 of 3 images",
        "pets: 3 of 3 images; objects of cat 3",
    ]


def test_a_line_for_each_head_with_its_classes(tmp_path):
    heads = [
        df.head("detection", classes=["cat", "dog"]),
        df.head("detection", name="cats", classes=["cat"]),
        df.head("segmentation", classes=["a", "b"]),
    ]
    run = prepared(tmp_path, heads)
    check = DataCheck.of(run.data, ["train"])
    check.read_labels()
    assert label_lines(run, check) == [
        "detection: 3 of 3 images; objects of cat 3, dog 3",
        "cats: 3 of 3 images; objects of cat 3",
        "segmentation: 0 of 3 images",
    ]
    assert label_lines(run, None)[0] == "detection: 3 of 3 images"
