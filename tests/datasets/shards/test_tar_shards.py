import io
import json
import os
import tarfile
import time

import cv2
import fsspec
import numpy as np
import pytest
import webdataset

from densefit.data.annotated import all_targets
from densefit.data.io.image import decode_image
from densefit.data.loader.loader import Loader
from densefit.data.transforms import Resize
from densefit.datasets import Shards
from densefit.datasets.shards.tar_index import scan
from densefit.errors import ConfigError, DataError, MissingSplitError

RNG = np.random.default_rng(0)


def encoded(array, extension=".png"):
    return cv2.imencode(extension, array)[1].tobytes()


def image(size=(20, 30)):
    return RNG.integers(0, 256, (*size, 3), np.uint8)


def archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def written(tmp_path):
    """Shards by webdataset's own writer."""
    pattern = str(tmp_path / "train-%04d.tar")
    with webdataset.ShardWriter(pattern, maxcount=7, verbose=0) as writer:
        for number in range(25):
            writer.write({
                "__key__": f"seq/{number:05d}.a"[:9],
                "jpg": encoded(image(), ".jpg"),
                "cls": number % 4,
                "json": {"label": number % 4, "caption": "a text"},
                "mask.png": encoded(np.full((20, 30), number, np.uint8)),
            })  # fmt: skip
    return tmp_path


def test_samples_are_those_that_webdataset_reads(written):
    data = Shards(written)
    urls = sorted(str(path) for path in written.glob("*.tar"))
    theirs = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False))
    assert len(data) == len(theirs) == 25
    assert data.classes == ["0", "1", "2", "3"]
    for index, sample in enumerate(theirs):
        shard = os.path.basename(sample["__url__"]).removesuffix(".tar")
        assert data.id_of(index) == data[index].id == f"{shard}/{sample['__key__']}"
        np.testing.assert_array_equal(data[index].image, decode_image(sample["jpg"], ""))
        assert data[index].targets["label"] == int(sample["cls"])
        assert (data[index].targets["mask"] == index).all()
        assert data.image_bytes(index) == sample["jpg"]


def test_a_loader_shuffles_and_resumes(written):
    data = Shards(written, buffer=6)
    settings = {"batch_size": 4, "shuffle": True, "transform": Resize(16, 16), "workers": 2}
    with Loader(data, **settings) as loader:
        whole = [batch.ids for batch in loader]
        loader.set_epoch(0, skip=3)
        assert [batch.ids for batch in loader] == whole[3:]
    assert sorted(sum(whole, [])) == [data.id_of(index) for index in range(25)]


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg", "b/c.jpg", "b.c/d.seg.png", "./e.jpg", "b/.hidden.jpg", "._a.jpg", "none",
        "__meta__/x.jpg", "__info__.json", "F.JPG", "g..jpg", "ü.jpg", "x" * 180 + ".jpg",
    ],
)  # fmt: skip
def test_names_mean_what_they_mean_to_webdataset(tmp_path, name):
    path = archive(tmp_path / "a.tar", [(name, b"1")])
    index = scan(path, "a.tar")
    theirs = list(webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False))
    ours = [(index.keys[k], list(index.files(k))) for k in range(len(index))]
    expected = [(s["__key__"], [e for e in s if not e.startswith("__")]) for s in theirs]
    assert ours == ([] if os.path.basename(name).startswith(".") else expected)


def test_what_is_no_file_is_left_out(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as file:
        folder = tarfile.TarInfo("d.jpg")
        folder.type = tarfile.DIRTYPE
        link = tarfile.TarInfo("e.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        for info in (folder, link):
            file.addfile(info)
    assert len(scan(path, "a.tar")) == 0
    with pytest.raises(DataError, match="no samples"):
        Shards(str(path), None)


def test_fields_of_json_and_of_npy(tmp_path):
    boxes = [[1, 2, 11, 12], [3, 4, 9, 8]]
    annotations = [{"bbox": [1, 2, 10, 10], "category_id": 1, "iscrowd": 1}]
    buffer = io.BytesIO()
    np.save(buffer, np.full((20, 30), 0.5, np.float32))
    members = [
        ("0.png", encoded(image())), ("0.json", json.dumps({"boxes": boxes, "classes": [0, "b"]})),
        ("1.png", encoded(image())), ("1.json", json.dumps({"annotations": annotations})),
        ("2.png", encoded(image())), ("2.json", json.dumps({"caption": "x", "width": 30})),
        ("3.png", encoded(image())), ("3.json", json.dumps(annotations)),
        ("4.png", encoded(image())), ("4.depth.npy", buffer.getvalue()), ("4.labels.txt", "1 0"),
    ]  # fmt: skip
    members = [(n, d.encode() if isinstance(d, str) else d) for n, d in members]
    archive(tmp_path / "val.tar", members)
    data = Shards(tmp_path, "val", classes=["a", "b"])
    targets = [data[index].targets for index in range(5)]
    np.testing.assert_array_equal(targets[0]["boxes"], np.array(boxes, np.float32))
    assert targets[0]["classes"].tolist() == [0, 1]
    for k in (1, 3):
        assert targets[k]["boxes"].tolist() == [[1, 2, 11, 12]]
        assert (targets[k]["classes"].tolist(), targets[k]["crowd"].tolist()) == ([1], [True])
        assert targets[k]["area"].tolist() == [100]
    assert targets[2] == {}
    assert targets[4]["depth"].dtype == np.float32
    assert targets[4]["labels"].tolist() == [1, 0]
    assert data.targets_of(0) is None
    assert data.targets_of(4) == ("depth", "labels")
    assert all_targets(data) is None


def test_fields_that_are_named(tmp_path):
    grey = np.full((20, 30), 3, np.uint8)
    members = [("0.jpg", encoded(image(), ".jpg")), ("0.png", encoded(grey)), ("0.cls", b"dog")]
    archive(tmp_path / "train.tar", members)
    with pytest.raises(DataError, match=r"several images[\s\S]*fields"):
        Shards(tmp_path)[0]
    fields = {"image": "jpg", "mask": "png", "label": "cls"}
    data = Shards(tmp_path, fields=fields, classes=["cat", "dog", "c", "d"])
    assert data[0].targets["label"] == 1
    assert (data[0].targets["mask"] == 3).all()
    assert all_targets(data)[0] == {"label", "mask"}
    assert "fields" in repr(data)
    with pytest.raises(DataError, match=r"Unknown class 'dog'[\s\S]*train\.tar, 0\.cls"):
        Shards(tmp_path, fields=fields, classes=["cat"])[0]
    with pytest.raises(ConfigError, match="no target"):
        Shards(tmp_path, fields={"masks": "png"})


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("cls", b"1.5", "Unknown class"),
        ("cls", b"9", "more classes than names"),
        ("label.npy", b"no array", r"0\.label\.npy"),
        ("boxes.json", b"[[1, 2, 3]]", "values of a target"),
        ("boxes.json", b"[[1, 2", "broken"),
        ("classes.json", b"[7]", "no class"),
        ("json", b"\xff\xfe", "broken"),
        ("mask.txt", b"1", "size of its image"),
        ("mask.jpg", encoded(np.zeros((4, 4), np.uint8), ".jpg"), "losses"),
    ],
)
def test_broken_files_are_told(tmp_path, name, data, told):
    archive(tmp_path / "train.tar", [("0.png", encoded(image())), (f"0.{name}", data)])
    with pytest.raises(DataError, match=told):
        with Loader(Shards(tmp_path, classes=["a", "b"]), batch_size=1) as loader:
            next(iter(loader))


def test_a_sample_without_an_image_is_told(tmp_path):
    archive(tmp_path / "train.tar", [("0.txt", b"a")])
    with pytest.raises(DataError, match=r"needs one image[\s\S]*train\.tar, 0"):
        Shards(tmp_path)[0]


def test_two_files_of_one_extension(tmp_path):
    archive(tmp_path / "train.tar", [("0.jpg", b""), ("0.txt", b""), ("0.JPG", b"")])
    with pytest.raises(DataError, match=r"two files of one extension[\s\S]*train\.tar"):
        Shards(tmp_path)


def test_a_tar_file_that_is_cut_short(written, caplog):
    path = written / "train-0001.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    with pytest.raises(DataError, match=r"no whole tar file[\s\S]*train-0001"):
        Shards(written)
    with tarfile.open(written / "train-0002.tar") as file:
        members = file.getmembers()
    path.write_bytes((written / "train-0002.tar").read_bytes()[: members[4].offset])
    assert len(Shards(written)) == 25 - 7 + 1
    assert "has no end" in caplog.text
    path.write_bytes(b"\x1f\x8b" + whole)
    with pytest.raises(DataError, match="uncompressed"):
        Shards(written)


def test_indices_are_stored_and_made_again_for_changed_files(written, monkeypatch):
    first = Shards(written)
    assert len(list((written / ".densefit").glob("*.columns"))) == 4
    calls = []
    monkeypatch.setattr(
        "densefit.datasets.shards.tar_list.scan", lambda *a: calls.append(a) or scan(*a)
    )
    again = Shards(written)
    assert (calls, again.ids_digest) == ([], first.ids_digest)
    assert [again.id_of(k) for k in range(25)] == [first.id_of(k) for k in range(25)]
    time.sleep(0.01)
    archive(written / "train-0000.tar", [("x.jpg", encoded(image(), ".jpg")), ("x.cls", b"2")])
    changed = Shards(written)
    assert (len(changed), len(calls)) == (19, 1)
    assert changed.ids_digest != first.ids_digest
    monkeypatch.setenv("DENSEFIT_CACHE", "off")
    assert len(Shards(written)) == 19
    assert len(calls) > 1


def test_where_tar_files_are_looked_for(written, tmp_path):
    archive(tmp_path / "a/val/0.tar", [("x.jpg", encoded(image(), ".jpg"))])
    archive(tmp_path / "a/training.tar", [("y.jpg", encoded(image(), ".jpg"))])
    assert [Shards(tmp_path / "a", "val")[0].id] == ["0/x"]
    assert [Shards(tmp_path / "a", None)[0].id] == ["training/y"]
    with pytest.raises(MissingSplitError, match=r"split 'train'[\s\S]*train-\*\.tar"):
        Shards(tmp_path / "a")
    assert len(Shards(f"{written}/train-{{0000..0001}}.tar", None)) == 14
    assert len(Shards(f"{written}/{{split}}-{{0000..0001}}.tar", "train")) == 14
    assert len(Shards(f"{written}/train-0000.tar", None)) == 7
    with pytest.raises(DataError, match=r"train-0008\.tar"):
        Shards(f"{written}/train-{{0008..0009}}.tar", None)
    (tmp_path / "c").mkdir()
    (tmp_path / "c/train-0.tar.gz").touch()
    with pytest.raises(MissingSplitError, match=r"compressed files[\s\S]*decompress"):
        Shards(tmp_path / "c")


def test_remote_tar_files(written, tmp_path):
    system = fsspec.filesystem("memory")
    for path in written.glob("*.tar"):
        system.pipe_file(f"/tars/{path.name}", path.read_bytes())
    system.pipe_file("/tars/classes.txt", b"a\nb\nc\nd\n")
    try:
        local = Shards(written)
        for root in ("memory://tars", "memory://tars/{split}-{0000..0003}.tar"):
            data = Shards(root, cache=tmp_path / "cache", buffer=4)
            assert data.classes == ["a", "b", "c", "d"]
            with Loader(data, batch_size=5, shuffle=True, workers=2) as loader:
                ids = sorted(name for batch in loader for name in batch.ids)
            assert ids == [local.id_of(index) for index in range(25)]
        assert list((tmp_path / "cache-indices").rglob("*.columns"))
    finally:
        system.rm("/tars", recursive=True)
