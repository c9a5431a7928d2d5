import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from densefit.data.sample import datasets
from densefit.datasets import Record, Shapes
from densefit.errors import ConfigError, DataError
from densefit.tools.pack import pack


def im2rec(folder, labels, size=(20, 30)):
    """What MXNet's tool writes, by MXNet's own functions."""
    folder.mkdir(exist_ok=True)
    writer = mx.recordio.MXIndexedRecordIO(
        str(folder / "train.idx"), str(folder / "train.rec"), "w"
    )
    images = []
    for key, label in enumerate(labels):
        image = np.random.default_rng(key).integers(0, 256, (*size, 3), np.uint8)
        images.append(image)
        header = mx.recordio.IRHeader(0, label, 10 + key, 0)
        writer.write_idx(10 + key, mx.recordio.pack_img(header, image[..., ::-1], img_fmt=".png"))
    writer.close()
    return images


def test_im2rec_classification(tmp_path):
    images = im2rec(tmp_path, [2.0, 0.0])
    data = Record(tmp_path)
    assert data.classes == ["0", "1", "2"]
    assert [data.id_of(i) for i in range(2)] == ["10", "11"]
    assert [int(data[i].targets["label"]) for i in range(2)] == [2, 0]
    np.testing.assert_array_equal(data[1].image, images[1])
    with pytest.raises(DataError, match="more classes than names"):
        Record(tmp_path, classes=["a"])
    with pytest.raises(ConfigError, match="Unknown kind of label"):
        Record(tmp_path, header="box")


def test_im2rec_detection(tmp_path):
    im2rec(tmp_path, [[2, 5, 1, 0.1, 0.2, 0.5, 0.6], [4, 6, 30, 20, 0, 0, 0, 1, 1.5, 1]])
    data = Record(tmp_path, classes=["cat", "dog"])
    np.testing.assert_allclose(data[0].targets["boxes"], [[3, 4, 15, 12]], rtol=1e-6)
    np.testing.assert_array_equal(data[0].targets["classes"], [1])
    np.testing.assert_array_equal(data[1].targets["boxes"], [[0, 0, 30, 20]])
    assert data[1].targets["difficult"].tolist() == [True]


def test_im2rec_labels_of_the_picture(tmp_path):
    im2rec(tmp_path, [[1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(Record(tmp_path, header="labels")[0].targets["labels"], [1, 0, 1])
    with pytest.raises(DataError, match=r"not one of objects[\s\S]*record 0"):
        Record(tmp_path)


@pytest.fixture
def packed(tmp_path):
    pack(Shapes(length=6, size=(40, 48), keypoints=True), tmp_path / "train.rec")
    return tmp_path


@pytest.mark.parametrize("place", [0.02, 0.3, 0.9])
def test_a_flipped_bit_is_told(packed, place):
    path = packed / "train.rec"
    offsets = [int(line.split()[1]) for line in (packed / "train.idx").read_text().splitlines()]
    data = bytearray(path.read_bytes())
    data[int(offsets[2] + place * (offsets[3] - offsets[2]))] ^= 4
    path.write_bytes(data)
    read = Record(packed)
    with pytest.raises(DataError, match=r"damaged[\s\S]*train.rec, record 2"):
        read[2]
    read[1], read[3]


def test_files_that_do_not_belong_together(packed):
    os.truncate(packed / "train.rec", (packed / "train.rec").stat().st_size - 4)
    with pytest.raises(DataError, match="cut short"):
        Record(packed)


def test_another_packing_of_the_same_size_is_told(packed):
    told = json.loads((packed / "train.json").read_text())
    told["ids"][0], told["ids"][1] = told["ids"][1], told["ids"][0]
    (packed / "train.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="different packings"):
        Record(packed)[0]


def test_a_missing_description_is_told(packed):
    (packed / "train.json").unlink()
    with pytest.raises(DataError, match=r"description of packed records is missing"):
        Record(packed)


def test_many_threads_and_copies_read_the_same(packed):
    data = datasets.create("record", root=packed)
    alone = [data[i].image for i in range(len(data))]
    copy = pickle.loads(pickle.dumps(data))
    order = np.random.default_rng(0).integers(0, len(data), 200)
    with ThreadPoolExecutor(4) as pool:
        for one in (data, copy):
            for i, sample in zip(order, pool.map(one.__getitem__, order)):
                np.testing.assert_array_equal(sample.image, alone[i])


def test_a_forked_process_reads_beside_its_parent(packed):
    data = Record(packed)
    expected = [int(data[i].image.sum()) for i in range(len(data))]
    child = os.fork()
    if child == 0:
        right = all(int(data[i].image.sum()) == expected[i] for i in list(range(6)) * 20)
        os._exit(0 if right else 1)
    assert [int(data[i].image.sum()) for i in list(range(6)) * 20] == expected * 20
    assert os.waitpid(child, 0)[1] == 0


def test_exif_of_im2rec_records(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    content = mx.recordio.pack(
        mx.recordio.IRHeader(0, 0.0, 0, 0), (tmp_path / "a.jpg").read_bytes()
    )
    writer = mx.recordio.MXIndexedRecordIO(
        str(tmp_path / "train.idx"), str(tmp_path / "train.rec"), "w"
    )
    writer.write_idx(0, content)
    writer.close()
    assert Record(tmp_path)[0].image.shape == cv2.imread(str(tmp_path / "a.jpg")).shape
    assert Record(tmp_path, exif=False)[0].image.shape == (20, 30, 3)


@pytest.mark.parametrize("label", [0.5, -1.0, float("nan"), float("inf")])
def test_labels_that_are_no_classes_are_refused(tmp_path, label):
    im2rec(tmp_path, [1.0, label])
    with pytest.raises(DataError, match=r"no class[\s\S]*whole number[\s\S]*train.rec"):
        Record(tmp_path, "train")
