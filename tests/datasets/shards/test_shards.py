import json
import pickle

import numpy as np
import pytest

from densefit.data.annotated import all_targets
from densefit.data.fingerprint import fingerprint
from densefit.data.loader.loader import Loader
from densefit.data.subset import Subset
from densefit.data.transforms import Compose, RandomFlip, RandomScaleCrop
from densefit.datasets import Record, Shapes, Shards
from densefit.errors import ConfigError, DataError
from densefit.tools.formats.packed_records import pack
from densefit.tools.formats.packed_shards import pack_shards
from densefit.tools.pack import main

SHAPES = Shapes(length=40, size=(40, 48), keypoints=True)


class Mixed(Shapes):
    """Every third sample has no mask."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        if index % 3 == 0:
            del sample.targets["mask"]
        return sample


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("packed")
    assert pack_shards(SHAPES, root / "train.rec", 40_000).shards > 4
    return root


def equal(sample, other):
    np.testing.assert_array_equal(sample.image, other.image)
    assert list(sample.targets) == list(other.targets)
    for name, value in other.targets.items():
        assert sample.targets[name].dtype == value.dtype
        np.testing.assert_array_equal(sample.targets[name], value)


def test_samples_are_those_that_were_packed(packed):
    data = Shards(packed)
    index_of = {SHAPES.id_of(index): index for index in range(len(SHAPES))}
    assert len(data) == len(SHAPES)
    assert sorted(data.id_of(index) for index in range(len(data))) == sorted(index_of)
    for index in range(len(data)):
        sample = data[index]
        assert sample.id == data.id_of(index)
        equal(sample, SHAPES[index_of[sample.id]])
        assert set(data.targets_of(index)) == set(sample.targets)
    for name in ("classes", "mask_classes", "keypoint_names", "flip_pairs"):
        assert getattr(data, name) == getattr(SHAPES, name)
    with pytest.raises(IndexError):
        data[40]


def test_each_shard_is_a_file_of_records(packed):
    names = sorted(path.stem for path in packed.glob("train-*.rec"))
    assert sum(len(Record(packed, name)) for name in names) == len(SHAPES)
    sizes = [(packed / f"{name}.rec").stat().st_size for name in names]
    assert max(sizes) <= 40_000
    # The samples are divided at random: shards of data sorted by class are alike.
    first = [int(SHAPES.id_of(0) == Record(packed, names[0]).id_of(0))]
    assert first == [0]


def test_samples_that_differ_in_their_targets(tmp_path):
    data = Mixed(length=25, size=(40, 48))
    pack_shards(data, tmp_path / "train.rec", 30_000)
    shards = Shards(tmp_path)
    declared = all_targets(shards)
    assert len(declared) == 25
    assert [set(entry) for entry in declared] == [set(shards[k].targets) for k in range(25)]
    assert [declared[k] for k in range(25)] == list(declared)
    assert sum("mask" not in entry for entry in declared) == 9


def batches(root, workers=0, kind="threads", start=None, epoch=2, **settings):
    data = Shards(root, buffer=15)
    transform = Compose([RandomScaleCrop(24, 24), RandomFlip()])
    options = {"batch_size": 4, "transform": transform, "shuffle": True, "seed": 3, **settings}
    with Loader(data, workers=workers, worker_kind=kind, **options) as loader:
        loader.set_epoch(epoch, position=start)
        return [(batch.ids, batch.data["data"].copy()) for batch in loader]


def same(one, other):
    assert [ids for ids, _ in one] == [ids for ids, _ in other]
    for (_, image), (_, other_image) in zip(one, other):
        np.testing.assert_array_equal(image, other_image)


def test_batches_do_not_depend_on_workers(packed):
    whole = batches(packed)
    assert sorted(sum((ids for ids, _ in whole), [])) == sorted(map(SHAPES.id_of, range(40)))
    same(batches(packed, workers=3), whole)
    same(batches(packed, workers=2, kind="processes"), whole)


def test_a_resume_in_the_middle_of_an_epoch_is_exact(packed):
    whole = batches(packed)
    for workers, done in ((0, 1), (2, 4), (3, 9), (1, 10)):
        same(batches(packed, workers=workers, start=4 * done), whole[done:])


def test_scoring_visits_the_dataset_in_its_order(packed):
    data = Shards(packed)
    with Loader(data, batch_size=16, transform=None, workers=2) as loader:
        assert loader.exact
        ids = [name for batch in loader for name in batch.ids]
    assert ids == [data.id_of(index) for index in range(40)]


def test_a_fingerprint_reads_no_ids(packed, tmp_path, monkeypatch):
    data = Shards(packed)
    monkeypatch.setattr(Shards, "id_of", None)
    first = fingerprint(data)
    assert first["samples"] == 40
    pack_shards(Shapes(length=40, size=(40, 48), seed=9), tmp_path / "train.rec", 40_000)
    assert fingerprint(Shards(tmp_path)) != first
    assert fingerprint(Shards(packed)) == first


def test_a_second_packing_replaces_the_first(tmp_path):
    pack_shards(SHAPES, tmp_path / "train.rec", 20_000)
    many = len(list(tmp_path.glob("*.rec")))
    (tmp_path / "train-extra.rec").touch()
    assert main([
        "--data.dataset", "shapes", "--data.settings", "{length: 6, size: [40, 48]}",
        "--out", str(tmp_path / "train.rec"), "--shard-size", "10 kB", "--shuffle", "false",
    ]) == 0  # fmt: skip
    assert 1 < len(list(tmp_path.glob("train-0*.rec"))) < many
    assert (tmp_path / "train-extra.rec").exists()
    assert [Shards(tmp_path)[k].id for k in range(6)] == [
        Shapes(length=6, size=(40, 48)).id_of(k) for k in range(6)
    ]


def test_a_record_larger_than_a_shard_is_a_shard(tmp_path):
    data = Shapes(length=3, size=(40, 48))
    assert pack_shards(data, tmp_path / "train.rec", 1).shards == 3
    assert len(Shards(tmp_path)) == 3
    with pytest.raises(DataError, match="empty"):
        pack_shards([], tmp_path / "train.rec", 1)


def test_a_dataset_of_one_file_is_no_list_of_shards(tmp_path):
    pack(SHAPES, tmp_path / "train.rec")
    with pytest.raises(DataError, match=r"no shards of the split 'train'[\s\S]*--shard-size"):
        Shards(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        Shards(tmp_path / "missing")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("shards"), "KeyError"),
        (lambda c: c.update(format="x"), "format"),
        (lambda c: c.update(samples=7), "7 samples"),
        (lambda c: c["shards"][0].update(name="../a"), "names of files"),
        (lambda c: c["shards"][0].update(samples=0), "0 samples"),
        (lambda c: c["shards"][0].update(samples=True), "True samples"),
        (lambda c: c["shards"][0]["files"].popitem(), "files of a shard"),
        (lambda c: c["shards"][0].update(targets_of=None), "neither"),
        (lambda c: c.update(targets=[[3]]), "targets that are none"),
        (lambda c: c["dataset"].clear(), "cannot be read"),
    ],
)
def test_a_broken_list_is_told(packed, tmp_path, change, told):
    content = json.loads((packed / "train.shards.json").read_text())
    del content["crc32"]
    change(content)
    (tmp_path / "train.shards.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"{told}[\s\S]*train\.shards\.json"):
        Shards(tmp_path)


@pytest.mark.parametrize("kinds", [5, -1, "?", "eJw="])
def test_broken_targets_are_told(packed, tmp_path, kinds):
    content = json.loads((packed / "train.shards.json").read_text())
    del content["crc32"]
    content["shards"][1]["targets_of"] = kinds
    (tmp_path / "train.shards.json").write_text(json.dumps(content))
    data = Shards(tmp_path)
    with pytest.raises(DataError, match=r"train\.shards\.json"):
        list(data.all_targets())


def test_missing_and_shortened_files_are_told(packed, tmp_path):
    for path in packed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    first = tmp_path / "train-00000.rec"
    first.write_bytes(first.read_bytes()[:-4])
    (tmp_path / "train-00001.idx").unlink()
    data = Shards(tmp_path)
    with pytest.raises(DataError, match=r"cut short[\s\S]*train-00000\.rec"):
        data[0]
    second = data._list.shards[0].samples
    with pytest.raises(DataError, match=r"train-00001\.idx"):
        data[second]
    with Loader(data, batch_size=8, on_error="skip", skip_limit=1.0, workers=2) as loader:
        ids = [name for batch in loader for name in batch.ids]
    assert len(ids) == 40 - second - data._list.shards[1].samples


def test_settings_that_packed_shards_do_not_take(packed):
    assert Shards(packed, classes=SHAPES.classes).classes == SHAPES.classes
    with pytest.raises(ConfigError, match="classes and targets of their own"):
        Shards(packed, classes=["a", "b", "c"])
    with pytest.raises(ConfigError, match="no fields"):
        Shards(packed, fields={"mask": "png"})
    with pytest.raises(ConfigError):
        Shards(packed, buffer=-1)


def test_few_shards_are_open_at_once(packed):
    data = Shards(packed, buffer=0)
    for index in range(40):
        data[index]
    assert len(data._open._open) == 2
    copy = pickle.loads(pickle.dumps(data))
    assert copy[39].id == data[39].id
    assert repr(copy) == repr(data) == f"Shards({str(packed)!r}, split='train', buffer=0)"


def test_a_part_of_shards_is_read_shard_by_shard(packed):
    data = Shards(packed, buffer=4)
    part = Subset(data, range(0, 40, 2))
    order = part.order(True, 4)
    visits = list(order.indices(0, 0))
    assert sorted(visits) == list(range(20))
    shards = [data._find(int(part.indices[visit]))[0] for visit in visits]
    for start in range(15):
        assert len(set(shards[start : start + 2])) <= 2
    assert sum(a != b for a, b in zip(shards, shards[1:])) < 19
    assert not hasattr(Subset(data, [3, 1, 2]), "order")
    with Loader(part, batch_size=5, shuffle=True) as loader:
        ids = sorted(name for batch in loader for name in batch.ids)
    assert ids == sorted(data.id_of(index) for index in range(0, 40, 2))
    assert not hasattr(part, "ids_digest")
