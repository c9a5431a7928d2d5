import json
import logging
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from densefit.data.sample import datasets
from densefit.datasets import Record, Shapes
from densefit.datasets.record.recordio import frame, with_header
from densefit.errors import ConfigError, DataError
from densefit.once import forget
from densefit.tools.formats.packed_records import pack


def write_records(folder, contents):
    """Write what MXNet's MXIndexedRecordIO writes (test_recordio.py) of contents by key."""
    offset, lines = 0, []
    with open(folder / "train.rec", "wb") as file:
        for key, content in contents.items():
            lines.append(f"{key}\t{offset}\n")
            offset += file.write(frame(content))
    (folder / "train.idx").write_text("".join(lines))


def im2rec(folder, labels, size=(20, 30)):
    """Write what MXNet's tool im2rec writes."""
    folder.mkdir(exist_ok=True)
    images, contents = [], {}
    for key, label in enumerate(labels):
        image = np.random.default_rng(key).integers(0, 256, (*size, 3), np.uint8)
        images.append(image)
        encoded = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
        label = np.array(label) if np.ndim(label) else label
        contents[10 + key] = with_header(label, 10 + key, encoded)
    write_records(folder, contents)
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
    write_records(tmp_path, {0: with_header(0.0, 0, (tmp_path / "a.jpg").read_bytes())})
    assert Record(tmp_path)[0].image.shape == cv2.imread(str(tmp_path / "a.jpg")).shape
    assert Record(tmp_path, exif=False)[0].image.shape == (20, 30, 3)


@pytest.mark.parametrize("label", [0.5, -1.0, float("nan"), float("inf")])
def test_labels_that_are_no_classes_are_refused(tmp_path, label):
    im2rec(tmp_path, [1.0, label])
    with pytest.raises(DataError, match=r"no class[\s\S]*whole number[\s\S]*train.rec"):
        Record(tmp_path, "train")


PIXELS = [[2, 5, 1, 3, 4, 15, 12, 0, 0, 0, 30, 20], [2, 5, 0, 6, 1, 29, 19.5]]


@pytest.mark.parametrize("units", ["auto", "pixels"])
def test_boxes_in_pixels_are_read_as_such(tmp_path, caplog, units):
    im2rec(tmp_path, PIXELS)
    with caplog.at_level(logging.WARNING):
        data = Record(tmp_path, units=units)
    assert ("read as pixels" in caplog.text) == (units == "auto")
    assert data.dropped == 0
    np.testing.assert_array_equal(data[0].targets["boxes"], [[3, 4, 15, 12], [0, 0, 30, 20]])
    np.testing.assert_array_equal(data[0].targets["area"], [96, 600])
    np.testing.assert_array_equal(data[1].targets["boxes"], [[6, 1, 29, 19.5]])


def test_boxes_in_parts_and_in_pixels_together_are_an_error_until_said(tmp_path):
    im2rec(tmp_path, [[2, 5, 1, 0.1, 0.2, 0.5, 0.6], PIXELS[0]])
    with pytest.raises(
        DataError,
        match=r"parts: \[0\.1[\s\S]*record 0[\s\S]*pixels: \[3[\s\S]*record 1[\s\S]*units=",
    ):
        Record(tmp_path)
    data = Record(tmp_path, units="parts")
    assert data.dropped == 1  # the other one reaches from 0, and fills the picture
    np.testing.assert_array_equal(data[1].targets["boxes"], [[0, 0, 30, 20]])
    assert len(Record(tmp_path, units="pixels")[0].targets["boxes"]) == 1


def test_the_units_of_pictures_without_objects(tmp_path):
    im2rec(tmp_path, [[2, 5, -1, 0, 0, 0, 0], [2, 5, 0, 0, 0, 1.2, 1]])
    data = Record(tmp_path)
    assert data.dropped == 0
    assert data[0].targets["boxes"].shape == (0, 4)
    np.testing.assert_array_equal(data[1].targets["boxes"], [[0, 0, 30, 20]])


NAN = float("nan")
BAD_PARTS = [
    [0.5, 0.2, 0.1, 0.6],
    [0.5, 0.2, 0.5, 0.6],
    [1.1, 0, 1.4, 0.5],
    [0, NAN, 1, 1],
    [0, 0, float("inf"), 1],
]


@pytest.mark.parametrize("scale", [1, 20])
@pytest.mark.parametrize("box", BAD_PARTS)
def test_boxes_without_area_are_counted_and_told(tmp_path, caplog, box, scale):
    sound = [0, 0, 0, scale, scale]
    box = [side * scale for side in box]
    if scale > 1 and box[2] == 28:
        box = [31, 0, 40, 10]
    im2rec(tmp_path, [[2, 5, *sound, 1, *box]])
    with caplog.at_level(logging.WARNING):
        data = Record(tmp_path, units="parts" if scale == 1 else "pixels")
    assert data.dropped == 1
    assert "1 bad boxes were dropped" in caplog.text
    assert "record 0 (key 10)" in caplog.text
    assert data[0].targets["classes"].tolist() == [0]
    with pytest.raises(DataError, match=r"A box (has|lies)[\s\S]*record 0"):
        Record(tmp_path, units="parts" if scale == 1 else "pixels", bad_boxes="raise")


@pytest.mark.parametrize("scale", [1, 20])
def test_boxes_that_are_cut_to_little_are_counted_and_stay(tmp_path, caplog, scale):
    box, over = [scale * 0.9, 0, scale * 1.4, scale * 0.5], [-0.03, 0, scale, scale]
    if scale > 1:
        box = [27, 0, 42, 10]
    im2rec(tmp_path, [[2, 5, 0, *over, 1, *box], [2, 5, 0, 0, 0, scale, scale]])
    with caplog.at_level(logging.WARNING):
        data = Record(tmp_path, units="parts" if scale == 1 else "pixels")
    assert data.dropped == 0
    assert "1 boxes lose more than half of their area" in caplog.text
    np.testing.assert_allclose(data[0].targets["boxes"][1], [27, 0, 30, 10], rtol=1e-6)


def test_the_size_that_boxes_in_pixels_must_fit_is_that_of_the_turned_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    label = np.array([2, 5, 0, 2, 22, 18, 28], np.float32)
    write_records(tmp_path, {0: with_header(label, 0, (tmp_path / "a.jpg").read_bytes())})
    turned = Record(tmp_path, units="pixels")
    assert turned.dropped == 0
    np.testing.assert_array_equal(turned[0].targets["boxes"], [[2, 22, 18, 28]])
    assert Record(tmp_path, units="pixels", exif=False).dropped == 1


@pytest.mark.parametrize("label", [0.5, -2.0, NAN, 1e30, float("inf")])
def test_classes_of_objects_that_are_none_are_refused(tmp_path, label):
    im2rec(tmp_path, [[2, 5, 1, 0, 0, 1, 1], [2, 5, label, 0, 0, 1, 1]])
    with pytest.raises(DataError, match=r"no class[\s\S]*whole number[\s\S]*record 1"):
        Record(tmp_path)


@pytest.mark.parametrize("head", [[NAN, 5], [2, NAN], [2.5, 5], [float("inf"), 5]])
def test_lengths_that_are_no_numbers_are_told(tmp_path, head):
    im2rec(tmp_path, [[*head, 1, 0, 0, 1, 1]])
    with pytest.raises(DataError, match=r"not one of objects[\s\S]*record 0"):
        Record(tmp_path)


@pytest.mark.parametrize("header", ["auto", "label"])
def test_objects_among_classes_of_pictures_are_refused(tmp_path, header):
    im2rec(tmp_path, [2.0, [4, 5, 30, 20, 1, 0, 0, 1, 1]])
    with pytest.raises(DataError, match=r"several labels[\s\S]*record 1"):
        Record(tmp_path, header=header)


def test_classes_of_pictures_among_objects_are_refused(tmp_path):
    im2rec(tmp_path, [[2, 5, 1, 0, 0, 1, 1], 2.0])
    with pytest.raises(DataError, match=r"not one of objects[\s\S]*record 1[\s\S]*packed apart"):
        Record(tmp_path)


def test_a_list_of_one_class_is_a_class(tmp_path):
    im2rec(tmp_path, [[3], 1.0])
    assert [int(Record(tmp_path)[i].targets["label"]) for i in range(2)] == [3, 1]


@pytest.mark.parametrize("labels", [[1, 0], [1, 0, 0.5], [2, 0, 1], [NAN, 0, 0], 1.0])
def test_labels_that_are_not_one_a_class_are_refused(tmp_path, labels):
    im2rec(tmp_path, [[1, 0, -1], labels])
    with pytest.raises(DataError, match=r"not one a class[\s\S]*record 1"):
        Record(tmp_path, header="labels")


def test_opening_reads_labels_and_no_pictures(tmp_path, monkeypatch):
    im2rec(tmp_path, [[2, 5, 0, 0, 0, 1, 1]] * 5, size=(200, 300))
    counts = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *args: counts.append(len(made := pread(*args))) or made)
    Record(tmp_path)
    assert sum(counts) < 0.6 * (tmp_path / "train.rec").stat().st_size  # one is looked at whole


def test_settings_that_packed_records_do_not_take(packed, caplog):
    names = list(Record(packed).classes)
    assert Record(packed, classes=names).classes == names
    with pytest.raises(ConfigError, match=r"classes of their own[\s\S]*a, b"):
        Record(packed, classes=["a, b"])
    with caplog.at_level(logging.WARNING):
        Record(packed, header="boxes", exif=False)
    assert "header, exif changes nothing" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(ids=[1, 2, 3, 4, 5, 6]),
        lambda told: told.update(bytes=None),
        lambda told: told["dataset"].update(classes={"a": 1, "b": 2}),
        lambda told: told["dataset"].update(_file=3),
        lambda told: told["dataset"].update(id_of=3),
        lambda told: told["dataset"].pop("classes"),
    ],
)
def test_a_broken_description_is_told(packed, change):
    told = json.loads((packed / "train.json").read_text())
    change(told)
    (packed / "train.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match=r"train\.json"):
        Record(packed)


def test_descriptions_of_earlier_versions_are_read(packed):
    """As densefit 0.1.0 wrote them: tuples and dicts by other words."""
    record = Record(packed)
    description = json.loads((packed / "train.json").read_text())
    del description["dataset"]
    description["attributes"] = {
        "classes": list(record.classes),
        "flip_pairs": [{"tuple": ["left", "right"]}],
    }
    (packed / "train.json").write_text(json.dumps(description))
    again = Record(packed)
    assert again.classes == record.classes
    assert again.flip_pairs == [("left", "right")]


def test_the_next_start_does_not_look_through_the_labels(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("densefit.datasets.record.survey_file.SMALLEST_BYTES", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    im2rec(tmp_path, [[2, 5, 1, 3, 2, 15, 6], [2, 5, 0, 9, 9, 9, 12]])
    Record(tmp_path)
    assert not (tmp_path / "cache").exists()  # the records have just changed, and may again
    for ending in ("rec", "idx"):
        os.utime(tmp_path / f"train.{ending}", (1e9, 1e9))
    first = Record(tmp_path)
    forget()
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.record.recordio.RecordFile.labels", None)
        again = Record(tmp_path)
    assert "read as pixels" in caplog.text
    assert (again.classes, again.dropped) == (first.classes, first.dropped) == (["0", "1"], 1)
    np.testing.assert_array_equal(again[0].targets["boxes"], [[3, 2, 15, 6]])
    im2rec(tmp_path, [1.0, 4.0])
    assert len(Record(tmp_path).classes) == 5
