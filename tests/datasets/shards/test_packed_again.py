"""Shards that are packed again, damaged or mixed up are never read as those of the list."""

import json
import shutil

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.datasets import Record, Shards
from densefit.errors import ConfigError, DataError
from densefit.tools.formats.packed_records import pack
from densefit.tools.formats.packed_shards import pack_shards


class Labelled:
    """Ten images of one class: packings of two classes have files of the same sizes."""

    classes = ("a", "b", "c")

    def __init__(self, label):
        self.label = label

    def __len__(self):
        return 10

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        return Sample(f"s{index}", np.full((8, 8, 3), index, np.uint8), {"label": self.label})


def packed(root, label, size=1000):
    pack_shards(Labelled(label), root / "train.rec", size)
    return root


def test_shards_packed_again_while_they_are_read(tmp_path):
    data = Shards(packed(tmp_path, 1), buffer=0)
    assert data[0].targets["label"] == 1
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("*.rec")}
    packed(tmp_path, 2)
    assert sizes == {path.name: path.stat().st_size for path in tmp_path.glob("*.rec")}
    with pytest.raises(DataError, match=r"another packing[\s\S]*train-0000\d\.json"):
        [data[index] for index in range(10)]
    assert [int(Shards(tmp_path)[index].targets["label"]) for index in range(10)] == [2] * 10


@pytest.mark.parametrize("suffix", [".rec", ".json", ".idx"])
def test_a_file_of_another_packing_of_the_same_size(tmp_path, suffix):
    packed(tmp_path / "a", 1)
    packed(tmp_path / "b", 2)
    other = tmp_path / "b" / f"train-00001{suffix}"
    if suffix == ".idx":
        other.write_bytes(bytes(reversed(other.read_bytes())))
    assert other.stat().st_size == (tmp_path / "a" / other.name).stat().st_size
    shutil.copy(other, tmp_path / "a")
    data = Shards(tmp_path / "a")
    with pytest.raises(DataError, match=r"different packings|another packing|index"):
        [data[index] for index in range(10)]
    if suffix == ".json":
        with pytest.raises(DataError, match=r"another packing[\s\S]*train-00001\.json"):
            [Shards(tmp_path / "a").id_of(index) for index in range(10)]


def test_records_beside_a_description_of_another_packing(tmp_path):
    for label in (1, 2):
        pack(Labelled(label), tmp_path / f"{label}/train.rec")
    shutil.copy(tmp_path / "1/train.rec", tmp_path / "2")
    with pytest.raises(DataError, match="different packings"):
        Record(tmp_path / "2")[3]
    path = tmp_path / "2/train.json"  # of an earlier version
    content = json.loads(path.read_text())
    del content["crc32"]
    path.write_text(json.dumps(content))
    assert Record(tmp_path / "2")[3].targets["label"] == 1
    content["crc32"] = "?"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"cannot be read[\s\S]*train\.json"):
        Record(tmp_path / "2")


def test_a_flipped_byte_of_the_list(tmp_path):
    path = packed(tmp_path, 1) / "train.shards.json"
    whole = path.read_text()
    path.write_text(whole.replace('"b"', '"d"'))
    with pytest.raises(DataError, match=r"crc32[\s\S]*train\.shards\.json"):
        Shards(tmp_path)
    content = json.loads(whole)
    del content["crc32"]  # as after a change by hand
    path.write_text(json.dumps(content))
    assert Shards(tmp_path).classes == ("a", "b", "c")


@pytest.mark.parametrize("size", [0, -5])
def test_a_size_below_one_byte(tmp_path, size):
    with pytest.raises(ConfigError, match=r"1 byte or more[\s\S]*shard_size"):
        pack_shards(Labelled(1), tmp_path / "train.rec", size)
    assert not list(tmp_path.iterdir())


def test_shards_are_not_packed_onto_themselves(tmp_path):
    data = Shards(packed(tmp_path, 1))
    with pytest.raises(ConfigError, match=r"reads[\s\S]*another folder or name"):
        pack_shards(data, tmp_path / "train.rec", 5000)
    assert len([data[index] for index in range(10)]) == 10
    pack_shards(data, tmp_path / "larger.rec", 5000)
    assert len(Shards(tmp_path, "larger")) == 10


class Interrupted(Labelled):
    """A dataset that interrupts its packing at an image."""

    def __init__(self, at):
        super().__init__(2)
        self.at = at

    def __getitem__(self, index):
        if index == self.at:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_an_interrupted_packing_is_not_read_and_leaves_nothing(tmp_path):
    count = len(list(packed(tmp_path, 1, 1).glob("*.rec")))
    with pytest.raises(KeyboardInterrupt):
        pack_shards(Interrupted(0), tmp_path / "train.rec", 5000, shuffle=False)
    assert len([Shards(tmp_path)[index] for index in range(10)]) == 10  # nothing was replaced
    with pytest.raises(KeyboardInterrupt):
        pack_shards(Interrupted(6), tmp_path / "train.rec", 1, shuffle=False)
    with pytest.raises(DataError, match=r"no shards[\s\S]*train"):
        Shards(tmp_path)
    packed(tmp_path, 1, 2000)
    assert 1 < len(list(tmp_path.glob("*.rec"))) < count
    assert len(list(tmp_path.iterdir())) == 3 * len(list(tmp_path.glob("*.rec"))) + 1
