"""Tar files as others write them: what is not read is told, and nothing is guessed."""

import io
import json
import tarfile
import time

import cv2
import numpy as np
import pytest

from densefit.data.annotated import all_targets
from densefit.datasets import Shards
from densefit.errors import DataError

IMAGE = cv2.imencode(".png", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
MASK = cv2.imencode(".png", np.ones((20, 30), np.uint8))[1].tobytes()


def archive(path, members, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as file:
        for name, content in members:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def shards(root, *members, **settings):
    """Shards of a sample `a` with an image and other files, or of all files."""
    whole = [(n if n[1] in "./" else f"a.{n}", content) for n, content in members]
    if not any(name == "a.png" for name, _ in whole):
        whole.insert(0, ("a.png", IMAGE))
    archive(root / "train-0.tar", whole)
    return Shards(root, **settings)


def test_files_of_a_sample_need_not_follow_one_another(tmp_path):
    data = shards(
        tmp_path, ("a.png", IMAGE), ("b.png", IMAGE), ("b.cls", b"1"), ("c/x.png", IMAGE),
        ("a.cls", b"0"), ("c/x.cls", b"2"),
    )  # fmt: skip
    labels = {data[k].id: int(data[k].targets["label"]) for k in range(3)}
    assert labels == {"train-0/a": 0, "train-0/b": 1, "train-0/c/x": 2}
    assert [data.id_of(k) for k in range(3)] == list(labels)


def test_a_key_that_occurs_twice_is_refused(tmp_path):
    members = [("a.png", IMAGE), ("a.cls", b"0"), ("b.png", IMAGE), ("a.png", IMAGE)]
    with pytest.raises(DataError, match=r"two files of one extension[\s\S]*'a'"):
        shards(tmp_path, *members)


def test_files_that_no_rule_reads_are_told(tmp_path, caplog):
    members = [("seg.png", MASK), ("txt", b"a text"), ("cls.gz", b""), ("cls", b"0")]
    shards(tmp_path / "a", *members, ("d/a.png", IMAGE))
    assert "cls.gz, seg.png, txt" in caplog.text
    assert "fields" in caplog.text
    assert " cls," not in caplog.text
    caplog.clear()
    archive(tmp_path / "b/train.tar", [("LICENSE", b""), ("d/._a.png", b""), ("a.png", IMAGE)])
    Shards(tmp_path / "b")
    assert "1 files are of no sample" in caplog.text
    assert "LICENSE" in caplog.text
    caplog.clear()
    fields = {"mask": "seg.png", "label": "class"}
    shards(tmp_path / "c", *members, fields=fields)
    assert "class (label)" in caplog.text
    assert "seg.png" not in caplog.text


@pytest.mark.parametrize("names", [("cls", "label.txt"), ("mask.png", "mask.npy")])
def test_two_files_for_a_target(tmp_path, names):
    members = [(name, MASK if name == "mask.png" else b"1") for name in names]
    with pytest.raises(DataError, match=rf"{names[0]}, {names[1]}[\s\S]*fields"):
        shards(tmp_path, *members)


def test_an_image_by_name(tmp_path):
    members = [("0.image.png", IMAGE), ("0.mask.png", MASK)]
    archive(tmp_path / "train.tar", members)
    assert Shards(tmp_path)[0].targets["mask"].sum() == 600


BOX = {"bbox": [1, 2, 3, 4], "category_id": 1}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("label", "expected"), [(1, 1), ("b", 1), ("a long text", 1), (0, None), ("a", None)]
)
def test_a_label_in_two_places(tmp_path, order, label, expected):
    members = [("cls", b"1"), ("json", {"label": label, "area": "Berlin"})][::order]
    data = shards(tmp_path, *members, classes=["a", "b"])
    if expected is None:
        with pytest.raises(DataError, match=r"two values of label[\s\S]*a\.json"):
            data[0]
    else:
        assert data[0].targets == {"label": expected}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([BOX, {"category_id": 1}], "bbox and category_id"),
        ({"annotations": [{"bbox": [1, 2, 3, 4], "category": "b"}]}, "bbox and category_id"),
        ({"annotations": [BOX], "boxes": [[1, 2, 3, 4]]}, "two values of boxes"),
        ({"label": "a photograph"}, r"Unknown class[\s\S]*fields"),
    ],
)
def test_annotations_that_are_not_all_read_are_told(tmp_path, content, told):
    with pytest.raises(DataError, match=told):
        shards(tmp_path, ("json", content), classes=["a", "b"])[0]


@pytest.mark.parametrize(
    "content", [["a text"], {"annotations": ["x"]}, {"area": "Berlin", "crowd": 3}, "text", 3]
)
def test_json_of_something_else_is_no_target(tmp_path, content):
    assert shards(tmp_path, ("json", content), classes=["a", "b"])[0].targets == {}


@pytest.mark.parametrize("text", ["0 1", "a\nb b\n", "0\r\n1\r\n", "\ufeffa\nb b"])
def test_classes_in_a_text(tmp_path, text):
    members = [("boxes.txt", b"1 2 3 4\n5 6 7 8\n"), ("classes.txt", text.encode())]
    data = shards(tmp_path, *members, classes=["a", "b b"])
    assert data[0].targets["classes"].tolist() == [0, 1]
    assert data[0].targets["boxes"].shape == (2, 4)


def test_class_names_without_classes(tmp_path):
    with pytest.raises(DataError, match=r"Unknown class 'dog'[\s\S]*classes="):
        shards(tmp_path, ("cls", b"dog"))[0]


def test_targets_of_samples_that_differ_are_known_from_the_index(tmp_path, monkeypatch):
    members = [("b.png", IMAGE), ("b.cls", b"1"), ("c.png", IMAGE), ("c.mask.png", MASK)]
    data = shards(tmp_path, ("a.png", IMAGE), *members)
    archive(tmp_path / "train-1.tar", [("0.png", IMAGE), ("0.cls", b"1")])
    data = Shards(tmp_path)
    monkeypatch.setattr("densefit.datasets.shards.tar_source.TarShard", None)
    expected = [set(), {"label"}, {"mask"}, {"label"}]
    assert list(map(set, all_targets(data))) == expected
    assert [set(data.targets_of(k)) for k in range(4)] == expected


@pytest.mark.parametrize("is_read_before", [True, False])
def test_a_tar_file_that_is_written_again_while_it_is_read(tmp_path, is_read_before):
    members = [("a.png", IMAGE), ("a.cls", b"0"), ("b.png", IMAGE), ("b.cls", b"1")]
    archive(tmp_path / "train.tar", members)
    data = Shards(tmp_path)
    if is_read_before:
        assert data[0].targets["label"] == 0
    time.sleep(0.01)
    archive(tmp_path / "train.tar", [(n, {b"0": b"1", b"1": b"0"}.get(d, d)) for n, d in members])
    with pytest.raises(DataError, match=r"replaced[\s\S]*train\.tar"):
        data[0]
    assert Shards(tmp_path)[0].targets["label"] == 1
    assert Shards(tmp_path).data_files == [tmp_path / "train.tar"]


def test_patterns_of_many_files(tmp_path):
    for number in range(12):
        archive(tmp_path / f"train-{number:04d}.tar", [("a.png", IMAGE)])
    assert len(Shards(f"{tmp_path}/train-*.tar")) == 12
    assert len(Shards(f"{tmp_path}/{{split}}-000[0-4].tar")) == 5
    with pytest.raises(DataError, match=r"val-\*\.tar"):
        Shards(f"{tmp_path}/{{split}}-*.tar", "val")
    with pytest.raises(DataError, match=r"3 of 6[\s\S]*train-0012\.tar"):
        Shards(f"{tmp_path}/train-{{0009..0014}}.tar")
