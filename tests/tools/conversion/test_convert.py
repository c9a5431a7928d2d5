import json

import cv2
import numpy as np
import pytest

from densefit.data.geometry import rle
from densefit.data.sample import Sample
from densefit.datasets import COCO, VOC, YOLO, LabelImg, MaskFolder, Record, Shapes
from densefit.errors import ConfigError, DataError
from densefit.tools.conversion.convert import convert
from densefit.tools.conversion.verify import verify_split
from densefit.tools.conversion.voc_writer import VOCWriter

READERS = {"coco": COCO, "voc": VOC, "labelimg": LabelImg, "yolo": YOLO, "record": Record}


class Objects:
    """Two images in JPEG files, with boxes at fractions of a pixel."""

    classes = ["cat", "dog"]
    mask_classes = ["background", "cat", "dog"]

    def __init__(self, folder, **more):
        self.more = more
        self.files = []
        for name in ("a", "b"):
            path = folder / f"{name}.jpg"
            image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
            cv2.imwrite(str(path), image)
            self.files.append(path)

    def __repr__(self):
        return "Objects()"

    def __len__(self):
        return 2

    def id_of(self, index):
        return f"folder/{self.files[index].stem}"

    def picture_file(self, index):
        return self.files[index]

    def __getitem__(self, index):
        image = cv2.cvtColor(cv2.imread(str(self.files[index])), cv2.COLOR_BGR2RGB)
        boxes = np.float32([[0, 0, 60, 40], [10.123, 5.456, 20.7891, 15.5]])[: 2 - 2 * index]
        count = len(boxes)
        targets = {
            "boxes": boxes,
            "classes": np.array([1, 0], np.int64)[:count],
            "difficult": np.zeros(count, bool),
            "crowd": np.zeros(count, bool),
            "area": ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).astype(np.float32),
        }
        for name, values in self.more.items():
            targets[name] = np.asarray(values)[:count]
        return Sample(self.id_of(index), image, targets)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.mark.parametrize("layout", ["coco", "voc", "labelimg", "yolo", "record"])
def test_boxes_come_back_and_jpegs_keep_their_bytes(source, tmp_path, layout):
    dataset = Objects(source)
    conversion = convert({"train": dataset}, layout, tmp_path / "out")
    assert (conversion.samples, conversion.copied, conversion.verified) == ({"train": 2}, 2, 2)
    assert not conversion.lost
    written = READERS[layout](root=tmp_path / "out", split="train")
    np.testing.assert_allclose(written[0].targets["boxes"], dataset[0].targets["boxes"], atol=1e-3)
    assert [written.classes[i] for i in written[0].targets["classes"]] == ["dog", "cat"]
    if layout == "record":
        assert dataset.files[0].read_bytes() in (tmp_path / "out/train.rec").read_bytes()
    else:
        assert written.picture_file(0).read_bytes() == dataset.files[0].read_bytes()


def test_what_a_layout_cannot_keep_is_counted_and_needs_lossy(source, tmp_path):
    dataset = Objects(source, difficult=[True, False], crowd=[True, True], area=[7.0, 8.0])
    for layout, losses in (
        ("coco", {"difficult objects": 1}),
        ("voc", {"crowd objects": 2, "areas other than the box's": 2}),
    ):
        out = tmp_path / layout
        with pytest.raises(DataError, match="cannot keep everything") as caught:
            convert({"train": dataset}, layout, out)
        assert all(f"{count} {what}" in str(caught.value) for what, count in losses.items())
        assert not out.exists()
        conversion = convert({"train": dataset}, layout, out, lossy=True)
        assert conversion.lost == losses
        assert conversion.verified == 2
    assert not convert({"train": dataset}, "record", tmp_path / "record").lost
    assert COCO(root=tmp_path / "coco", split="train")[0].targets["crowd"].all()
    assert VOC(tmp_path / "voc", "train")[0].targets["difficult"].tolist() == [True, False]


def test_a_box_within_one_pixel_is_lost_in_voc(source, tmp_path):
    dataset = Objects(source, boxes=np.float32([[5, 6, 6, 7], [1, 2, 30, 31]]), area=[1, 841])
    with pytest.raises(DataError, match="1 objects that the layout has no box for"):
        convert({"train": dataset}, "voc", tmp_path / "out")
    convert({"train": dataset}, "voc", tmp_path / "out", lossy=True)
    written = VOC(tmp_path / "out", "train")
    np.testing.assert_array_equal(written[0].targets["boxes"], [[1, 2, 30, 31]])
    assert convert({"train": dataset}, "coco", tmp_path / "coco").verified == 2


def test_instances_and_keypoints_come_back_from_coco(tmp_path):
    shapes = Shapes(8, (64, 64), split="train", keypoints=True)
    conversion = convert({"train": shapes}, "coco", tmp_path / "out", lossy=True)
    assert conversion.lost == {"label (samples)": 8, "mask (samples)": 8}
    written = COCO(root=tmp_path / "out", split="train", **conversion.settings)
    assert written.keypoint_names == list(shapes.keypoint_names)
    for index in range(8):
        old, new = shapes[index].targets, written[index].targets
        np.testing.assert_allclose(new["keypoints"], old["keypoints"], atol=1e-3)
        masks = rle.encode_instances(old["instances"], old["instance_ids"])
        assert [dict(m) for m in new["instance_masks"]] == [
            rle.as_text(m) | {"counts": m["counts"]} for m in masks
        ]


def test_jpegs_come_back_from_records(source, tmp_path):
    dataset = Objects(source)
    convert({"train": dataset}, "record", tmp_path / "record")
    conversion = convert({"train": Record(tmp_path / "record", "train")}, "voc", tmp_path / "voc")
    assert conversion.copied == 2
    written = tmp_path / "voc/JPEGImages/folder/a.jpg"
    assert written.read_bytes() == dataset.files[0].read_bytes()


def test_keypoints_come_back_from_yolo(tmp_path):
    shapes = Shapes(4, (64, 64), split="train", keypoints=True)
    conversion = convert({"train": shapes}, "yolo", tmp_path / "out", lossy=True)
    assert conversion.lost["instances (samples)"] == 4
    written = YOLO(tmp_path / "out", "train", **conversion.settings)
    assert written.keypoint_names == list(shapes.keypoint_names)
    assert [list(pair) for pair in written.flip_pairs] == [list(p) for p in shapes.flip_pairs]
    assert written.id_of(0) == f"images/train/{shapes.id_of(0)}"
    for index in range(4):
        expected = shapes[index].targets["keypoints"]
        np.testing.assert_allclose(written[index].targets["keypoints"], expected, atol=1e-3)


def test_masks_instances_and_labels_come_back_from_voc(tmp_path):
    shapes = Shapes(6, (64, 64), split="val")
    conversion = convert({"val": shapes}, "voc", tmp_path / "out", lossy=True)
    written = VOC(tmp_path / "out", "val", **conversion.settings)
    for index in range(6):
        old, new = shapes[index].targets, written[index].targets
        np.testing.assert_array_equal(new["mask"], old["mask"])
        np.testing.assert_array_equal(new["instances"] > 0, old["instances"] > 0)
        name = written.label_classes[new["label"]]
        assert name == shapes.label_classes[old["label"]]


def test_masks_without_a_background_class_keep_their_names_in_voc(tmp_path):
    masks = np.array([[0, 1], [1, 255]], np.uint8)
    for folder in ("train", "trainannot"):
        (tmp_path / "source" / folder).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "source/train/a.png"), np.zeros((2, 2, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "source/trainannot/a.png"), masks)
    dataset = MaskFolder(tmp_path / "source", classes=["road", "sky"])
    conversion = convert({"train": dataset}, "voc", tmp_path / "out")
    assert conversion.verified == 1
    written = VOC(tmp_path / "out", "train", **conversion.settings)
    assert written.mask_classes == ["background", "road", "sky"]
    assert written[0].targets["mask"].tolist() == [[1, 2], [2, 255]]


def test_ids_with_a_folder_of_images_are_read_back_from_yolo(source, tmp_path):
    dataset = Objects(source)
    dataset.id_of = lambda index: f"images/train/day{index}/images/a"
    convert({"train": dataset}, "yolo", tmp_path / "out")
    assert (tmp_path / "out/labels/train/day1/a.txt").is_file()
    back = YOLO(tmp_path / "out", "train")
    assert convert({"train": back}, "yolo", tmp_path / "again").verified == 2
    assert (tmp_path / "again/labels/train/day1/a.txt").is_file()


def test_splits_that_number_their_classes_differently_are_refused(source, tmp_path):
    splits = {"train": Objects(source), "val": Objects(source)}
    splits["val"].classes = ["dog", "cat"]
    with pytest.raises(DataError, match=r"number them differently[\s\S]*split 'val'"):
        convert(splits, "yolo", tmp_path / "out")
    convert(splits, "record", tmp_path / "out")
    assert Record(tmp_path / "out", "val").classes == ["dog", "cat"]


def test_a_mask_folder_keeps_masks_alone(tmp_path):
    shapes = Shapes(5, (48, 48), split="train")
    with pytest.raises(DataError, match="5 boxes"):
        convert({"train": shapes}, "mask_folder", tmp_path / "out")
    convert({"train": shapes}, "mask_folder", tmp_path / "out", lossy=True)
    written = MaskFolder(tmp_path / "out", "train")
    assert written.classes == list(shapes.mask_classes)
    for index in range(5):
        np.testing.assert_array_equal(written[index].targets["mask"], shapes[index].targets["mask"])


def test_a_dataset_without_masks_is_no_mask_folder(source, tmp_path):
    with pytest.raises(DataError, match="has no mask"):
        convert({"train": Objects(source)}, "mask_folder", tmp_path / "out", lossy=True)
    assert list(tmp_path.iterdir()) == [source]


def test_numbers_stay_image_ids_and_texts_become_numbers(source, tmp_path):
    convert({"train": Objects(source)}, "coco", tmp_path / "out")
    content = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert [image["id"] for image in content["images"]] == [1, 2]
    assert [image["file_name"] for image in content["images"]] == ["folder/a.jpg", "folder/b.jpg"]
    again = COCO(root=tmp_path / "out", split="train")
    convert({"train": again}, "coco", tmp_path / "again")
    content = json.loads((tmp_path / "again/annotations/instances_train.json").read_text())
    assert [image["id"] for image in content["images"]] == [1, 2]


def test_a_folder_that_is_not_empty_is_not_written_to(source, tmp_path):
    with pytest.raises(ConfigError, match="not empty"):
        convert({"train": Objects(source)}, "coco", source)
    with pytest.raises(ConfigError, match="Unknown layout"):
        convert({"train": Objects(source)}, "cocoo", tmp_path / "out")


def test_ids_that_become_one_file_are_refused(source, tmp_path):
    dataset = Objects(source)
    dataset.id_of = lambda index: ["a/../b", "a/__/b"][index]
    with pytest.raises(DataError, match="one file"):
        convert({"train": dataset}, "voc", tmp_path / "out")


def test_what_reads_back_otherwise_is_an_error(source, tmp_path):
    dataset = Objects(source)
    writer = VOCWriter(tmp_path, dataset)
    writer.write("train", dataset)
    path = tmp_path / "Annotations/folder/a.xml"
    path.write_text(path.read_text().replace("<xmax>20.7891<", "<xmax>20.8<"))
    with pytest.raises(DataError, match="'boxes' reads back otherwise"):
        verify_split(writer, "train", dataset)
