import logging

import numpy as np
import pytest
from PIL import Image

from densefit.data.loader.loader import Loader
from densefit.datasets import VOC
from densefit.errors import ConfigError, DataError

OBJECT = """<object><name>{}</name><difficult>{}</difficult><bndbox>
<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>{}</object>"""


def write_xml(root, name, objects, size=(40, 60), filename=None, extra=""):
    parts = "".join(OBJECT.format(cls, hard, *box, extra) for cls, hard, box in objects)
    sizes = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>" if size else ""
    text = (
        f"<annotation><filename>{filename or name + '.jpg'}</filename>{sizes}{parts}</annotation>"
    )
    (root / "Annotations" / f"{name}.xml").write_text(text)


def write_image(root, file, size=(40, 60)):
    image = np.random.default_rng(0).integers(0, 256, size + (3,), np.uint8)
    Image.fromarray(image).save(root / "JPEGImages" / file)


@pytest.fixture
def root(tmp_path):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main", "SegmentationClass"):
        (tmp_path / folder).mkdir(parents=True)
    write_xml(tmp_path, "a", [("dog", 0, (1, 1, 60, 40)), ("cat", 1, (11, 6, 20, 15.5))])
    write_xml(tmp_path, "b.1", [])
    write_xml(tmp_path, "c", [("emu", 0, (2, 2, 2, 9))])
    for name in ("a.jpg", "b.1.JPG", "c.PNG"):
        write_image(tmp_path, name)
    (tmp_path / "ImageSets/Main/train.txt").write_text("a\nb.1\r\n\n")
    (tmp_path / "ImageSets/Main/val.txt").write_text("c\n")
    return tmp_path


def test_boxes_and_flags(root):
    data = VOC(root)
    assert len(data) == 2
    assert data.classes == ["cat", "dog", "emu"]  # those of all files: val's emu too
    sample = data[0]
    assert (sample.id, data.id_of(0)) == ("a", "a")
    assert sample.image.shape == (40, 60, 3)
    targets = sample.targets
    np.testing.assert_array_equal(targets["boxes"], [[0, 0, 60, 40], [10, 5, 20, 15.5]])
    np.testing.assert_array_equal(targets["classes"], [1, 0])
    np.testing.assert_array_equal(targets["difficult"], [False, True])
    np.testing.assert_array_equal(targets["crowd"], [False, False])
    np.testing.assert_array_equal(targets["area"], [2400, 105])
    assert "mask" not in targets


@pytest.mark.parametrize("missing_xml", ["raise", "background"])
@pytest.mark.parametrize("name", ["../JPEGImages/x", "../../secret", "/etc/secret"])
def test_ids_stay_below_the_folder(root, name, missing_xml):
    (root.parent / "secret.xml").write_text("<annotation/>")
    (root / "JPEGImages/x.xml").write_text("<annotation/>")
    (root / "ImageSets/Main/train.txt").write_text(f"a\n{name}\n")
    data = VOC(root, missing_xml=missing_xml)
    assert data[0].id == "a"
    for read in (data.__getitem__, data.picture_file):
        with pytest.raises(DataError, match=r"leads out of the folder[\s\S]*train\.txt"):
            read(1)


def test_boxes_of_a_larger_picture_are_counted(root, caplog):
    write_xml(root, "a", [("dog", 0, (11, 6, 600, 400)), ("cat", 1, (1, 1, 61, 41))])
    data = VOC(root)
    np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 60, 40], [0, 0, 60, 40]])
    assert data.dropped == 0
    (record,) = caplog.records
    assert "1 boxes lose more than half of their area" in record.getMessage()
    assert "a.xml, a picture 60 pixels wide and 40 high" in record.getMessage()


def test_a_picture_without_objects_is_kept(root):
    targets = VOC(root)[1].targets
    assert targets["boxes"].shape == (0, 4)
    assert targets["classes"].dtype == np.int64


def test_one_pixel_wide_objects_are_objects(root):
    np.testing.assert_array_equal(VOC(root, "val")[0].targets["boxes"], [[1, 1, 2, 9]])


def test_zero_based_files(root):
    data = VOC(root, one_based=False)
    np.testing.assert_array_equal(data[0].targets["boxes"][1], [11, 6, 20, 15.5])


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ((5, 5, 5, 5), "has no area"),
        ((9, 5, 7, 8), "wrong order"),
        ((70, 5, 80, 8), "outside of its picture"),
        ((5, "nan", 9, 8), "no finite number"),
        ((5, 5, "inf", 8), "no finite number"),
        ((5, 5, 1e12, 8), "further out than 1000000"),
    ],
)
def test_bad_boxes_are_counted_or_raised(root, caplog, box, why):
    write_xml(root, "a", [("dog", 0, (1, 1, 9, 9)), ("dog", 0, box), ("dog", 0, box)])
    with caplog.at_level(logging.WARNING, logger="densefit"):
        data = VOC(root)
    assert data.dropped == 2
    (record,) = caplog.records
    assert "2 bad boxes were dropped" in record.getMessage()
    assert "a.xml" in record.getMessage()
    assert len(data[0].targets["boxes"]) == 1
    with pytest.raises(DataError, match=rf"{why}[\s\S]*a\.xml"):
        VOC(root, bad_boxes="raise")[0]


def test_boxes_are_clipped_to_the_picture(root):
    for size in ((40, 60), None):
        write_xml(root, "a", [("dog", 0, (0, -3, 75, 20))], size=size)
        np.testing.assert_array_equal(VOC(root)[0].targets["boxes"], [[0, 0, 60, 20]])


def test_a_size_that_is_not_stated_is_the_pictures(root, caplog):
    for size in (None, (0, 0), (0, 60)):
        write_xml(root, "a", [("dog", 0, (70, 5, 80, 8)), ("cat", 0, (1, 1, 2, 2))], size=size)
        data = VOC(root)
        assert data.dropped == 1
        np.testing.assert_array_equal(data[0].targets["boxes"], [[0, 0, 2, 2]])
    assert "outside of its picture" in caplog.text
    (root / "JPEGImages/a.jpg").unlink()
    with pytest.raises(DataError, match="'a' does not have exactly one picture"):
        VOC(root)[0]


def test_classes_by_list_file_and_classes_txt(root):
    (root / "classes.txt").write_text("emu\ndog\ncat\n")
    assert VOC(root).classes == ["emu", "dog", "cat"]
    assert VOC(root, classes=["dog", "cat"]).classes == ["dog", "cat"]
    (root / "other.txt").write_text("cat\ndog\n")
    np.testing.assert_array_equal(
        VOC(root, classes=root / "other.txt")[0].targets["classes"], [1, 0]
    )
    with pytest.raises(DataError, match=r"class 'dog'[\s\S]*a\.xml[\s\S]*did you mean 'dogs'"):
        VOC(root, classes=["cat", "dogs"])[0]


def test_masks_are_palette_indices(root):
    (root / "classes.txt").write_text("cat\ndog\nemu\n")
    indices = np.zeros((40, 60), np.uint8)
    indices[:5], indices[5:9] = 3, 255
    mask = Image.fromarray(indices, "P")
    mask.putpalette([200, 10, 10] * 256)
    mask.save(root / "SegmentationClass/a.png")
    data = VOC(root, masks=True)
    np.testing.assert_array_equal(data[0].targets["mask"], indices)
    assert data.mask_classes == ["background", "cat", "dog", "emu"]
    assert len(data[0].targets["boxes"]) == 2
    only = VOC(root, boxes=False, masks=True)[0].targets
    assert list(only) == ["mask"]
    with pytest.raises(DataError, match=r"values that belong to no class[\s\S]*a\.png"):
        VOC(root, classes=["cat", "dog"], boxes=False, masks=True)[0]
    with pytest.raises(DataError, match=r"b\.1\.png"):
        data[1]
    with pytest.raises(ConfigError, match="Neither"):
        VOC(root, boxes=False)


def test_masks_take_the_list_of_segmentation(root):
    (root / "ImageSets/Segmentation").mkdir()
    (root / "ImageSets/Segmentation/train.txt").write_text("c\n")
    assert VOC(root, masks=True).id_of(0) == "c"
    assert len(VOC(root)) == 2


def test_a_picture_in_two_formats_is_chosen_by_the_annotation(root):
    write_image(root, "a.png", (40, 60))
    assert VOC(root)[0].image.shape == (40, 60, 3)
    write_xml(root, "a", [], filename="a.bmp")
    with pytest.raises(
        DataError, match=r"'a' does not have exactly one picture[\s\S]*a\.jpg, a\.png"
    ):
        VOC(root)[0]


def test_errors_name_the_file(root):
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        VOC(root, "vall")
    (root / "ImageSets/Main/test.txt").write_text("a\nzebra\n")
    with pytest.raises(DataError, match=r"zebra\.xml"):
        VOC(root, "test")[1]
    write_xml(root, "zebra", [])
    with pytest.raises(DataError, match="'zebra' does not have exactly one picture"):
        VOC(root, "test")[1]
    (root / "ImageSets/Main/test.txt").write_text("a\na\n")
    with pytest.raises(DataError, match=r"listed twice[\s\S]*test\.txt"):
        VOC(root, "test")
    (root / "ImageSets/Main/test.txt").write_text("\n")
    with pytest.raises(DataError, match=r"empty[\s\S]*test\.txt"):
        VOC(root, "test")


def test_another_size_than_stated_is_told(root):
    write_xml(root, "a", [], size=(60, 40))
    with pytest.raises(DataError, match=r"states[\s\S]*a\.xml[\s\S]*exif=False"):
        VOC(root)[0]


def test_a_broken_annotation_spoils_its_own_sample_only(root):
    (root / "ImageSets/Main/train.txt").write_text("a\nd\nb.1\ne\n")
    for name in "de":
        write_image(root, f"{name}.jpg")
    (root / "Annotations/d.xml").write_text("<annotation><object>")
    write_xml(root, "e", [("unicorn", 0, (1, 1, 9, 9))])
    data = VOC(root, classes=["cat", "dog", "emu"])
    assert [data.id_of(i) for i in range(len(data))] == ["a", "d", "b.1", "e"]
    for _ in range(2):
        with pytest.raises(DataError, match=r"not valid XML[\s\S]*d\.xml"):
            data[1]
    with pytest.raises(DataError, match=r"class 'unicorn'[\s\S]*e\.xml"):
        data[3]
    loader = Loader(data, batch_size=2, on_error="skip", workers=0)
    assert [batch.ids for batch in loader] == [["a", "b.1"]]
    assert [name for name, _ in loader.skipped] == ["d", "e"]
    loader = Loader(data, batch_size=4, workers=0)
    with pytest.raises(DataError, match=r"not valid XML[\s\S]*sample 'd'"):
        next(loader)
    # the names are found in what is sound
    (root / "Annotations/e.xml").unlink()
    assert VOC(root).classes == ["cat", "dog", "emu"]


def write_map(root, name, values):
    (root / "SegmentationObject").mkdir(exist_ok=True)
    Image.fromarray(values).save(root / f"SegmentationObject/{name}.png")


def test_instances_go_with_the_boxes_that_are_kept(root):
    """Ids count all objects of the file; the first is a stray click and is dropped."""
    things = [("dog", 0, (9, 9, 9, 9)), ("dog", 0, (1, 1, 30, 20)), ("cat", 1, (31, 6, 50, 25))]
    write_xml(root, "a", things)
    values = np.zeros((40, 60), np.uint16)
    values[0:20, 0:30], values[5:25, 30:50], values[30:, :5] = 2, 3, 300
    write_map(root, "a", values)
    write_map(root, "b.1", np.zeros((40, 60), np.uint8))
    data = VOC(root, instances=True)
    targets = data[0].targets
    np.testing.assert_array_equal(targets["instance_ids"], [2, 3])
    np.testing.assert_array_equal(targets["instances"], values)
    assert targets["instances"].dtype == np.uint16
    assert data[1].targets["instance_ids"].shape == (0,)
    with pytest.raises(ConfigError, match="Instances belong to boxes"):
        VOC(root, boxes=False, masks=True, instances=True)


def test_labels_of_pictures_come_from_a_table(root):
    (root / "kinds.csv").write_text("id,kind,other\na,grey,1\nelsewhere,bright,2\n")
    data = VOC(root, labels_csv="kinds.csv", label_column="kind")
    assert data.label_classes == ["bright", "grey"]  # also those of other splits
    label = data[0].targets["label"]
    assert (label, label.dtype, label.shape) == (1, np.int64, ())
    assert "label" not in data[1].targets  # its class is not known
    assert not hasattr(VOC(root), "label_classes")


def test_labels_say_which_classes_are_shown(root):
    data = VOC(root, labels=True)
    assert data.classes == ["cat", "dog", "emu"]
    np.testing.assert_array_equal(data[0].targets["labels"], [-1, 1, 0])  # the cat is difficult
    np.testing.assert_array_equal(data[1].targets["labels"], [0, 0, 0])
    alone = VOC(root, "val", boxes=False, labels=True)[0].targets
    assert list(alone) == ["labels"]
    np.testing.assert_array_equal(alone["labels"], [0, 0, 1])
    assert "labels" not in VOC(root)[0].targets
    with pytest.raises(ConfigError, match="nor labels"):
        VOC(root, boxes=False)


def test_pictures_without_annotation_are_told_or_background(root, caplog):
    write_image(root, "d.jpg")
    (root / "ImageSets/Main/train.txt").write_text("a\nd\n")
    data = VOC(root)
    assert "1 of 2 ids have no annotation, the first: d" in caplog.text
    assert 'missing_xml="background"' in caplog.text
    with pytest.raises(DataError, match=r"'d' has no annotation[\s\S]*d\.xml[\s\S]*background"):
        data[1]
    data = VOC(root, missing_xml="background", labels=True)
    assert len(data[0].targets["boxes"]) == 2
    assert data[1].targets["boxes"].shape == (0, 4)
    np.testing.assert_array_equal(data[1].targets["labels"], [0, 0, 0])
    assert "missing_xml='background'" in repr(data)
    (root / "ImageSets/Main/train.txt").write_text("d\n")
    with pytest.raises(DataError, match="No id has an annotation"):
        VOC(root, missing_xml="background")
    with pytest.raises(ConfigError, match="missing_xml"):
        VOC(root, missing_xml="skip")


def test_annotations_in_capital_letters_and_twice(root):
    (root / "Annotations/a.xml").rename(root / "Annotations/a.XML")
    assert len(VOC(root)[0].targets["boxes"]) == 2
    write_xml(root, "a", [])
    data = VOC(root)
    with pytest.raises(DataError, match=r"'a' has two annotations[\s\S]*a\.XML, a\.xml"):
        data[0]
    assert data[1].id == "b.1"


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "gb18030", "shift_jis", "big5", "utf-16"])
def test_names_in_other_encodings(root, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><annotation>{OBJECT}</annotation>'
    text = text.format("\u4eba", 0, 1, 1, 9, 9, "")
    (root / "Annotations/a.xml").write_bytes(text.encode(encoding))
    assert VOC(root).classes == ["emu", "\u4eba"]


def test_a_table_of_other_pictures_is_told(root, caplog):
    (root / "kinds.csv").write_text("id,label\nx.jpg,grey\ny.jpg,bright\n")
    assert "label" not in VOC(root, labels_csv="kinds.csv")[0].targets
    assert "kinds.csv has a line for none of the 2 ids (such as 'a')" in caplog.text


def test_more_classes_than_a_mask_holds(root):
    names = ["cat", "dog", "emu", *(f"c{number}" for number in range(252))]
    with pytest.raises(ConfigError, match="cannot hold so many"):
        VOC(root, classes=names, masks=True)
    assert len(VOC(root, classes=names)) == 2


@pytest.mark.parametrize("box", [(0, 3, 9, 9), (10.25, 3, 20, 9), (3, 0, 9, 9)])
def test_zeros_and_fractions_are_told_once(root, caplog, box):
    write_xml(root, "a", [("dog", 0, (1, 1, 60, 40))])
    VOC(root)
    assert not caplog.records
    write_xml(root, "a", [("dog", 0, (1, 1, 60, 40)), ("cat", 0, box), ("cat", 0, box)])
    for _ in range(2):
        VOC(root)
    VOC(root, one_based=False)
    (message,) = (record.getMessage() for record in caplog.records)
    for part in ("2 of 3 boxes", "a.xml", str(float(box[0])), "one_based=False"):
        assert part in message


def test_misspelt_classes_are_told_at_once(root, caplog):
    for classes in (["cat", "dgo", "emu"], ["Cat", "dog"], ["x"]):
        with pytest.raises(DataError, match=r"Unknown class '(dog|cat)'[\s\S]*a\.xml"):
            VOC(root, classes=classes)
    assert not [record for record in caplog.records if "no class" in record.getMessage()]
    data = VOC(root, classes=["cat", "zebra"])
    (message,) = (r.getMessage() for r in caplog.records if "of no class" in r.getMessage())
    assert "dog" in message
    with pytest.raises(DataError, match="Unknown class 'dog'"):
        data[0]


def test_annotations_are_known_without_the_images(root):
    (root / "ImageSets/Main/train.txt").write_text("a\nb.1\nd\n")
    (root / "Annotations/d.xml").write_text("<annotation>")
    (root / "SegmentationClass/a.png").write_bytes(b"")
    data = VOC(root, classes=["cat", "dog", "emu"])
    for index in (0, 1):
        annotations, targets = data.annotations_of(index), data[index].targets
        assert set(annotations) == set(targets)
        for name, value in annotations.items():
            np.testing.assert_array_equal(value, targets[name])
    assert list(data.faults) == [2]
    assert (data.size_of(0), data.size_of(2)) == ((40, 60), None)
    masks = VOC(root, boxes=False, masks=True, classes=["cat", "dog", "emu"])
    assert masks.annotations_of(0) == {}
    assert masks.label_files(0) == [root / "SegmentationClass/a.png"]


def test_the_next_start_reads_no_xml(root, tmp_path_factory, monkeypatch, caplog):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path_factory.mktemp("cache")))
    (root / "ImageSets/Main/train.txt").write_text("a\nb.1\ngone\n")
    first = VOC(root, labels=True)
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.voc.table.VocFolder", None)
        again = VOC(root, labels=True)
    assert (again.classes, list(again.faults)) == (first.classes, [2])
    assert str(again.faults[2]) == str(first.faults[2])
    assert [again.id_of(i) for i in range(3)] == ["a", "b.1", "gone"]
    for name, values in first[0].targets.items():
        np.testing.assert_array_equal(again[0].targets[name], values)
    write_xml(root, "gone", [("cat", 0, (1, 1, 60, 40))])
    write_image(root, "gone.jpg")
    assert not VOC(root, labels=True).faults
