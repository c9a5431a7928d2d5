import json

import cv2
import numpy as np
import pytest
from PIL import Image

from densefit.data.checks.sample import read_sample
from densefit.data.fingerprint import fingerprint
from densefit.data.io.cache import Cached
from densefit.data.sample import Sample
from densefit.datasets import COCO, VOC, ImageFolder, Record, Shapes
from densefit.errors import ConfigError, DataError
from densefit.tools.formats.packed_records import header_labels, pack, packed_record
from densefit.tools.pack import main

RNG = np.random.default_rng(0)


def same(packed, dataset):
    """Every sample is equal to the last bit, and all names are."""
    assert len(packed) == len(dataset)
    for name in ("classes", "mask_classes", "label_classes", "keypoint_names", "flip_pairs"):
        assert getattr(packed, name, None) == getattr(dataset, name, None)
    for i in range(len(dataset)):
        one, other = packed[i], dataset[i]
        assert one.id == other.id == packed.id_of(i)
        np.testing.assert_array_equal(one.image, other.image)
        assert list(one.targets) == list(other.targets)
        for name, value in other.targets.items():
            assert (one.targets[name].dtype, one.targets[name].shape) == (value.dtype, value.shape)
            if value.dtype == object:
                assert one.targets[name].tolist() == value.tolist()
            else:
                assert one.targets[name].tobytes() == value.tobytes()
    assert fingerprint(packed) == fingerprint(dataset)


def write(path, size=(24, 32), **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(path, **settings)
    return path


def test_every_target_of_generated_pictures(tmp_path):
    shapes = Shapes(length=5, size=(40, 48), keypoints=True)
    assert pack(shapes, tmp_path / "train.rec") == 0  # there are no files to keep
    same(Record(tmp_path), shapes)


def coco(root):
    write(root / "images/val/a.jpg")
    write(root / "images/val/b.jpg")
    image = [
        {"id": i, "file_name": f"{n}.jpg", "height": 24, "width": 32}
        for i, n in [(1, "a"), (2, "b")]
    ]
    thing = {"image_id": 1, "category_id": 3, "iscrowd": 0, "area": 50.5}
    things = [
        {**thing, "id": 1, "bbox": [2, 2, 10, 8], "segmentation": [[2, 2, 12, 2, 12, 10]]},
        {
            **thing,
            "id": 2,
            "bbox": [0, 0, 32, 24],
            "iscrowd": 1,
            "segmentation": {"size": [24, 32], "counts": [0, 24 * 32]},
        },
    ]
    (root / "annotations").mkdir()
    (root / "annotations/instances_val.json").write_text(
        json.dumps({"images": image, "annotations": things, "categories": [{"id": 3, "name": "x"}]})
    )
    return COCO(root=root, split="val", masks=True, instances=True, labels=True)


def test_whole_masks_and_crowds(tmp_path):
    data = coco(tmp_path / "coco")
    assert pack(data, tmp_path / "val.rec") == 2
    same(Record(tmp_path, "val"), data)
    jpeg = (tmp_path / "coco/images/val/a.jpg").read_bytes()
    assert jpeg in (tmp_path / "val.rec").read_bytes()


@pytest.mark.parametrize("exif", [True, False])
def test_a_turned_picture_is_encoded_anew(mx, tmp_path, exif):
    turn = Image.Exif()
    turn[0x0112] = 6
    write(tmp_path / "cat/turned.jpg", exif=turn)
    write(tmp_path / "dog/plain.jpg")
    data = ImageFolder(tmp_path, exif=exif)
    assert [packed_record(data, i)[1] for i in range(2)] == [False, True]
    pack(data, tmp_path / "train.rec")
    same(Record(tmp_path), data)
    reader = mx.image.ImageIter(2, (3, 24, 24), path_imgrec=str(tmp_path / "train.rec"))
    np.testing.assert_array_equal(reader.next_sample()[1][:8], b"\x89PNG\r\n\x1a\n")


def test_mxnet_reads_classes(mx, tmp_path):
    for i, name in enumerate(["ant", "bee", "cow", "bee"]):
        write(tmp_path / name / f"{i}.png", size=(32, 32))
    data = ImageFolder(tmp_path)
    pack(data, tmp_path / "train.rec")
    path = str(tmp_path / "train.rec")
    index = str(tmp_path / "train.idx")
    readers = [
        mx.image.ImageIter(4, (3, 32, 32), path_imgrec=path, path_imgidx=index, aug_list=[]),
        mx.io.ImageRecordIter(
            path_imgrec=path, path_imgidx=index, data_shape=(3, 32, 32), batch_size=4
        ),
    ]
    for reader in readers:
        batch = next(reader)
        assert batch.label[0].asnumpy().tolist() == [0, 1, 1, 2]
        pictures = batch.data[0].asnumpy().transpose(0, 2, 3, 1)
        for i in range(4):
            np.testing.assert_array_equal(pictures[i], data[i].image)


def voc(root):
    (root / "Annotations").mkdir(parents=True)
    box = "<xmin>3</xmin><ymin>2</ymin><xmax>16</xmax><ymax>18</ymax>"
    for name, number in (("a", 1), ("b", 0), ("c", 1)):
        write(root / f"JPEGImages/{name}.jpg", size=(32, 32))
        thing = f"<object><name>dog</name><difficult>1</difficult><bndbox>{box}</bndbox></object>"
        (root / f"Annotations/{name}.xml").write_text(f"<annotation>{thing * number}</annotation>")
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("a\nb\nc")
    return root


def test_mxnet_reads_objects(mx, tmp_path):
    data = VOC(voc(tmp_path / "voc"))
    pack(data, tmp_path / "train.rec")
    path, index = str(tmp_path / "train.rec"), str(tmp_path / "train.idx")
    reader = mx.image.ImageDetIter(2, (3, 32, 32), path_imgrec=path, path_imgidx=index, aug_list=[])
    batch = next(reader)  # this reader leaves out pictures without objects
    object_ = [0, 2 / 32, 1 / 32, 16 / 32, 18 / 32]
    labels = batch.label[0].asnumpy()[:, 0]
    np.testing.assert_allclose(labels[:, :5], [object_] * 2)
    assert labels[0, 5] == 1
    np.testing.assert_array_equal(batch.data[0].asnumpy()[1].transpose(1, 2, 0), data[2].image)
    quick = mx.io.ImageDetRecordIter(
        path_imgrec=path, path_imgidx=index, data_shape=(3, 32, 32), batch_size=3
    )
    batch = next(quick)
    np.testing.assert_array_equal(batch.data[0].asnumpy()[0].transpose(1, 2, 0), data[0].image)
    labels = batch.label[0].asnumpy()
    np.testing.assert_allclose(labels[0, 8:14], [*object_, 1])
    assert labels[1, 8] == -1  # no object


def test_decoders_skip_what_is_behind_the_picture(mx, tmp_path):
    for ending in ("jpg", "png"):
        data = write(tmp_path / f"a.{ending}").read_bytes()
        longer = data + bytes(range(256)) * 40
        whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(
            cv2.imdecode(np.frombuffer(longer, np.uint8), cv2.IMREAD_COLOR), whole
        )
        np.testing.assert_array_equal(mx.image.imdecode(longer).asnumpy()[..., ::-1], whole)


def test_the_program(tmp_path, capsys):
    out = tmp_path / "p/train.rec"
    arguments = ["--data.dataset", "voc", "--data.root", str(voc(tmp_path / "voc"))]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "wrote 3 records" in capsys.readouterr().out
    same(Record(out.parent), VOC(tmp_path / "voc"))
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "train.idx", "train.json", "train.rec",
    ]  # fmt: skip
    assert main([*arguments, "--out", str(tmp_path / "train.txt")]) == 2


class Breaking(Shapes):
    def __getitem__(self, index: int) -> Sample:
        if index == 3:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def test_an_interrupted_packing_leaves_the_former_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        pack(Breaking(length=5, size=(40, 48)), tmp_path / "train.rec")
    assert not list(tmp_path.iterdir())
    former = Shapes(length=4, size=(40, 48))
    pack(former, tmp_path / "train.rec")
    with pytest.raises(KeyboardInterrupt):
        pack(Breaking(length=5, size=(40, 48)), tmp_path / "train.rec")
    same(Record(tmp_path), former)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="ends with .rec"):
        pack(Shapes(length=4, size=(40, 48)), tmp_path / "train.bin")


class Listed(Shapes):
    """Has lists of classes of targets of its own."""

    def __init__(self):
        super().__init__(3, size=(32, 32))
        self.room_mask_classes, self.keypoint_classes = ["wall", "lamp"], ["circle"]


def test_lists_of_classes_are_kept_whatever_their_targets(tmp_path):
    pack(Listed(), tmp_path / "train.rec")
    packed = Record(tmp_path, "train")
    assert packed.room_mask_classes == ["wall", "lamp"]
    assert packed.keypoint_classes == ["circle"]
    assert packed.mask_classes == Shapes(3, size=(32, 32)).mask_classes


class Retouched(Shapes):
    """One picture, none of those that are looked at to tell a dataset, is of one colour."""

    def __init__(self, colour):
        super().__init__(12, size=(32, 32))
        self.colour = colour

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        if index == 5:
            sample.image[:] = self.colour
        return sample


def test_a_cache_of_records_is_renewed_with_them(tmp_path):
    for colour in (100, 200):
        pack(Retouched(colour), tmp_path / "train.rec")
        packed = Record(tmp_path, "train")
        data = Cached(packed, folder=tmp_path / "cache", disk="10MiB")
        for _ in range(2):
            assert (data[5].image == colour).all()
        assert data.used > 0


def test_boxes_without_classes_name_the_sample():
    sample = Sample("s7", np.zeros((4, 4, 3), np.uint8), {"boxes": np.zeros((1, 4), np.float32)})
    with pytest.raises(DataError, match=r"`classes` beside `boxes`[\s\S]*'s7'"):
        header_labels(sample)


class Odd:
    """Targets of types that a loader reads as others, and of such as it leaves alone."""

    classes = ("a", "b")

    def __len__(self):
        return 2

    def id_of(self, index):
        return f"é/{index}"

    def __getitem__(self, index):
        targets = {
            "label": index,
            "boxes": np.array([[1, 1, 9, 9.5]], np.float64),
            "classes": np.array([1], np.int8),
            "depth": np.full((20, 30), 0.1, np.float16),
            "score": np.float32(0.3),
            "flag": True,
            "caption": np.array("héé"),
            "empty": np.zeros((0, 3, 2), np.int16),
            "large": np.array([2**63], np.uint64),
            "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        }
        return Sample(self.id_of(index), np.full((20, 30, 3), index, np.uint8), targets)


def test_what_is_packed_is_what_a_loader_reads(tmp_path):
    pack(Odd(), tmp_path / "train.rec")
    record = Record(tmp_path, "train")
    same(record, Cached(Odd(), memory="1MiB"))
    for index in range(2):
        read = read_sample(Odd(), index).targets
        assert {name: value.dtype for name, value in record[index].targets.items()} == {
            name: value.dtype for name, value in read.items()
        }


class SelfNamed:
    """A user's dataset without `id_of`, whose samples say what they are called."""

    classes = ("a", "b")

    def __len__(self):
        return 3

    def __getitem__(self, index):
        image = np.full((4, 5, 3), index, np.uint8)
        return Sample(f"scene/{index} é", image, {"label": index % 2})


def test_ids_that_samples_have_without_id_of(tmp_path):
    pack(SelfNamed(), tmp_path / "train.rec")
    packed = Record(tmp_path)
    assert [packed[k].id for k in range(3)] == [f"scene/{k} é" for k in range(3)]
    assert [packed.id_of(k) for k in range(3)] == [f"scene/{k} é" for k in range(3)]
    assert [int(packed[k].targets["label"]) for k in range(3)] == [0, 1, 0]


@pytest.mark.parametrize(
    "changed",
    [
        {"targets": None},
        {"targets_of": None},
        {"targets": {"label": 0}},
        {"targets": [["label", 3]]},
        {"targets_of": [0, 0, 7]},
        {"targets_of": [0, 0]},
        {"targets_of": [0, 0, True]},
    ],
)
def test_damaged_lists_of_targets_are_told(tmp_path, changed):
    pack(SelfNamed(), tmp_path / "train.rec")
    path = tmp_path / "train.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(DataError, match=r"targets that are none[\s\S]*train\.json"):
        Record(tmp_path)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("512", "--shard-size 512MB"),
        (" 7 ", "--shard-size 7MB"),
        ("0.5", "hold no sample"),
        ("512B", "hold no sample"),
        ("0MB", "hold no sample"),
        ("512 pages", "not a number of bytes"),
    ],
)
def test_a_size_of_shards_has_a_unit_and_holds_a_sample(tmp_path, capsys, size, message):
    out = str(tmp_path / "packed" / "train.rec")
    settings = ["--data.dataset", "shapes", "--data.settings", "{length: 3, size: [24, 24]}"]
    assert main([*settings, "--out", out, "--shard-size", size]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
