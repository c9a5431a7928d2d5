import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.datasets import VOC
from densefit.datasets.files.layout_error import look_alikes
from densefit.datasets.labelimg import LabelImg
from densefit.errors import DataError, MissingSplitError

# As labelImg 1.8.6 writes it: tabs, an absolute path, no 0 among the corners.
XML = """<annotation{verified}>
\t<folder>pictures</folder>
\t<filename>{filename}</filename>
\t<path>C:\\Users\\somebody\\Desktop\\pictures\\{filename}</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>60</width>
\t\t<height>40</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
{objects}</annotation>
"""
OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>{difficult}</difficult>
\t\t<bndbox>
\t\t\t<xmin>{box[0]}</xmin>
\t\t\t<ymin>{box[1]}</ymin>
\t\t\t<xmax>{box[2]}</xmax>
\t\t\t<ymax>{box[3]}</ymax>
\t\t</bndbox>
\t</object>
"""
# Roboflow's order of corners, an empty folder, and an object that is more than a box.
ROBOFLOW = """<annotation>
\t<folder></folder>
\t<filename>{filename}</filename>
\t<path>{filename}</path>
\t<source>
\t\t<database>roboflow.com</database>
\t</source>
\t<size>
\t\t<width>60</width>
\t\t<height>40</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<occluded>0</occluded>
\t\t<bndbox>
\t\t\t<xmin>11</xmin>
\t\t\t<xmax>20</xmax>
\t\t\t<ymin>6</ymin>
\t\t\t<ymax>30</ymax>
\t\t</bndbox>
\t</object>
</annotation>"""
CAT = ("cat", (11, 6, 20, 30), 0)
DOG = ("dog", (1, 1, 60, 40), 1)


def write_image(path, size=(40, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(path)


def write_xml(path, *objects, filename="a.jpg", verified=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [OBJECT.format(name=name, box=box, difficult=flag) for name, box, flag in objects]
    path.write_text(XML.format(filename=filename, objects="".join(texts), verified=verified))


LAYOUTS = {
    "together": ("a.jpg", "a.xml", "b.jpg", "b.xml"),
    "two folders": ("images/a.jpg", "annotations/a.xml", "images/b.jpg", "annotations/b.xml"),
    "own names": ("fotos/a.jpg", "boxen/a.xml", "fotos/b.jpg", "boxen/b.xml"),
    "xml below": ("a.jpg", "Annotations/a.xml", "b.jpg", "Annotations/b.xml"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_images_and_xml_files_wherever_they_lie(tmp_path, name):
    image_a, xml_a, image_b, xml_b = LAYOUTS[name]
    write_image(tmp_path / image_a)
    write_image(tmp_path / image_b)
    write_xml(tmp_path / xml_a, CAT, DOG)
    write_xml(tmp_path / xml_b, DOG, verified=' verified="yes"')
    data = df.dataset("labelimg", root=tmp_path)
    assert isinstance(data, LabelImg)
    assert [data.id_of(i) for i in range(len(data))] == ["a", "b"]
    assert data.classes == ["cat", "dog"]
    targets = data[0].targets
    np.testing.assert_array_equal(targets["boxes"], [[10, 5, 20, 30], [0, 0, 60, 40]])
    np.testing.assert_array_equal(targets["classes"], [0, 1])
    np.testing.assert_array_equal(targets["difficult"], [False, True])
    assert data.picture_file(0) == tmp_path / image_a
    assert not data.faults
    assert look_alikes(tmp_path) == ["labelimg"]


def test_nested_folders_have_their_path_in_the_id(tmp_path):
    for day, box in (("day1", CAT), ("day2", DOG)):
        write_image(tmp_path / day / "images/frame.jpg")
        write_xml(tmp_path / day / "annotations/frame.xml", box)
    data = LabelImg(tmp_path)
    assert [data.id_of(i) for i in range(2)] == ["day1/images/frame", "day2/images/frame"]
    assert [data.classes[data[i].targets["classes"][0]] for i in range(2)] == ["cat", "dog"]


def test_folders_by_settings(tmp_path):
    write_image(tmp_path / "raw/a.jpg")
    write_image(tmp_path / "small/a.jpg", (20, 30))
    write_xml(tmp_path / "first/a.xml", CAT)
    write_xml(tmp_path / "second/a.xml", DOG)
    data = LabelImg(tmp_path, images="raw", annotations="second")
    assert (len(data), data.classes) == (1, ["dog"])
    assert repr(data) == f"LabelImg({str(tmp_path)!r}, images='raw', annotations='second')"
    with pytest.raises(DataError, match=r"no folder 'gone', the setting `images`[\s\S]*first/"):
        LabelImg(tmp_path, images="gone")


def test_an_image_without_xml_is_background_and_counted(tmp_path, caplog):
    for name in "abc":
        write_image(tmp_path / f"{name}.jpg")
    write_xml(tmp_path / "b.xml", CAT)
    data = LabelImg(tmp_path)
    assert [len(data[i].targets["boxes"]) for i in range(3)] == [0, 1, 0]
    assert "2 of 3 images have no XML file, and count as background; the first: a" in caplog.text


def test_an_xml_file_without_an_image_is_a_fault_that_is_listed(tmp_path, caplog):
    write_image(tmp_path / "a.jpg")
    write_xml(tmp_path / "a.xml", CAT)
    write_xml(tmp_path / "b.xml", CAT, filename="gone.jpg")
    data = LabelImg(tmp_path)
    assert [data.id_of(i) for i in data.faults] == ["b"]
    assert len(data[0].targets["boxes"]) == 1
    with pytest.raises(DataError, match=r"no image[\s\S]*b\.jpg[\s\S]*gone\.jpg[\s\S]*b\.xml"):
        data[1]
    assert "1 of 2 samples raise an error" in caplog.text


def test_the_filename_in_the_file_finds_an_image_of_another_name(tmp_path):
    write_image(tmp_path / "images/dog 1.JPG")
    write_xml(tmp_path / "annotations/0001.xml", DOG, filename="dog 1.JPG")
    data = LabelImg(tmp_path)
    assert (data.id_of(0), len(data), len(data[0].targets["boxes"])) == ("dog 1", 1, 1)


def test_two_images_for_an_xml_file(tmp_path):
    write_image(tmp_path / "a.jpg")
    write_image(tmp_path / "a.png")
    write_xml(tmp_path / "a.xml", CAT, filename="a.png")
    data = LabelImg(tmp_path)
    assert [data.id_of(i) for i in range(2)] == ["a.jpg", "a.png"]
    assert list(data.faults) == [0]
    assert len(data[1].targets["boxes"]) == 1
    with pytest.raises(DataError, match=r"fits more than one image[\s\S]*a\.jpg, a\.png"):
        data[0]


def test_two_xml_files_for_an_image(tmp_path):
    write_image(tmp_path / "images/a.jpg")
    write_image(tmp_path / "images/b.jpg")
    for path in ("old/annotations/a.xml", "annotations/a.xml", "annotations/b.xml"):
        write_xml(tmp_path / path, CAT)
    data = LabelImg(tmp_path, annotations=".")
    assert [str(error).partition("\n")[0] for error in data.faults.values()] == [
        "An XML file has no image"
    ]
    write_xml(tmp_path / "labels/a.xml", CAT)
    data = LabelImg(tmp_path, annotations=".")
    assert "An image has two XML files" in str(data.faults[0])


def test_a_broken_xml_file_is_a_fault_of_its_image_alone(tmp_path):
    for name in "ab":
        write_image(tmp_path / f"{name}.jpg")
        write_xml(tmp_path / f"{name}.xml", CAT)
    (tmp_path / "b.xml").write_text("<annotation><object>")
    data = LabelImg(tmp_path)
    assert list(data.faults) == [1]
    with pytest.raises(DataError, match=r"not valid XML[\s\S]*b\.xml"):
        data[1]


def test_bad_boxes(tmp_path, caplog):
    write_image(tmp_path / "a.jpg")
    bad = [(20, 5, 10, 9), (7, 7, 7, 7), (70, 5, 80, 9)]
    write_xml(tmp_path / "a.xml", CAT, *(("cat", box, 0) for box in bad), ("cat", (7, 7, 7, 9), 0))
    data = LabelImg(tmp_path)
    assert data.dropped == 3
    np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 20, 30], [6, 6, 7, 9]])
    assert "3 bad boxes were dropped" in caplog.text
    data = LabelImg(tmp_path, bad_boxes="raise")
    with pytest.raises(DataError, match=r"wrong order[\s\S]*a\.xml, object 2"):
        data[0]
    edges = LabelImg(tmp_path, one_based=False)[0].targets["boxes"]
    np.testing.assert_array_equal(edges, [[11, 6, 20, 30]])


def test_class_names(tmp_path, caplog):
    write_image(tmp_path / "images/a.jpg")
    write_xml(tmp_path / "annotations/a.xml", CAT, DOG)
    (tmp_path / "predefined_classes.txt").write_text("tv\ncar\n")
    assert LabelImg(tmp_path).classes == ["cat", "dog"]
    assert "predefined_classes.txt: no object has a name of it" in caplog.text
    (tmp_path / "predefined_classes.txt").write_text("tv\ndog\ncat\n")
    assert LabelImg(tmp_path).classes == ["tv", "dog", "cat"]
    (tmp_path / "annotations/classes.txt").write_text("dog\ncat\n")
    assert LabelImg(tmp_path).classes == ["dog", "cat"]
    (tmp_path / "classes.txt").write_text("cat\nemu\ndog\n")
    assert LabelImg(tmp_path).classes == ["cat", "emu", "dog"]
    assert LabelImg(tmp_path, classes=["dog", "cat"]).classes == ["dog", "cat"]
    with pytest.raises(DataError, match=r"Unknown class 'cat'[\s\S]*did you mean 'Cat'"):
        LabelImg(tmp_path, classes=["dog", "Cat"])


def test_roboflow_export_with_its_splits(tmp_path):
    names = {"train": "cat", "valid": "dog", "test": "emu"}
    for split, name in names.items():
        image = tmp_path / split / "a_jpg.rf.0123456789abcdef.jpg"
        write_image(image)
        image.with_suffix(".xml").write_text(ROBOFLOW.format(filename=image.name, name=name))
    (tmp_path / "README.roboflow.txt").write_text("text")
    for split, index in (("train", 0), ("val", 1), ("valid", 1), ("test", 2)):
        data = LabelImg(tmp_path, split)
        assert data.classes == ["cat", "dog", "emu"]
        assert data.id_of(0) == "a_jpg.rf.0123456789abcdef"
        np.testing.assert_array_equal(data[0].targets["boxes"], [[10, 5, 20, 30]])
        assert data[0].targets["classes"][0] == index
    assert repr(data) == f"LabelImg({str(tmp_path)!r}, split='test')"
    assert len(LabelImg(tmp_path)) == 3


def test_splits_below_both_folders(tmp_path):
    for split in ("train", "val"):
        write_image(tmp_path / "images" / split / f"{split}.jpg")
        write_xml(tmp_path / "annotations" / split / f"{split}.xml", CAT)
    data = LabelImg(tmp_path, "val")
    assert (data.id_of(0), len(data)) == ("val", 1)
    with pytest.raises(MissingSplitError, match=r"no split 'test'"):
        LabelImg(tmp_path, "test")


def test_a_folder_without_splits_says_how_it_is_divided(tmp_path):
    write_image(tmp_path / "a.jpg")
    write_xml(tmp_path / "a.xml", CAT)
    with pytest.raises(MissingSplitError, match="or no `split`: all images"):
        LabelImg(tmp_path, "train")


def test_a_folder_of_something_else(tmp_path):
    write_image(tmp_path / "images/a.jpg")
    with pytest.raises(DataError, match=r"no XML files[\s\S]*annotations/a\.xml[\s\S]*: images/"):
        LabelImg(tmp_path)
    write_xml(tmp_path / "xml/b.xml", CAT, filename="b.jpg")
    with pytest.raises(DataError, match="No XML file belongs to an image"):
        LabelImg(tmp_path)
    with pytest.raises(DataError, match="There is no such folder"):
        LabelImg(tmp_path / "gone")


def test_samples_are_those_of_the_same_files_as_voc(tmp_path):
    root = tmp_path / "voc"
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")
    for name, objects in (("a", (CAT, DOG)), ("b", (DOG,))):
        write_image(root / f"JPEGImages/{name}.png")
        write_xml(root / f"Annotations/{name}.xml", *objects)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/images").symlink_to(root / "JPEGImages")
    (tmp_path / "own/annotations").symlink_to(root / "Annotations")
    voc, own = VOC(root, "train", labels=True), LabelImg(tmp_path / "own", labels=True)
    assert voc.classes == own.classes
    for first, second in zip(voc, own, strict=True):
        assert first.id == second.id
        assert first.targets.keys() == second.targets.keys()
        for key, value in first.targets.items():
            np.testing.assert_array_equal(value, second.targets[key])


def test_the_next_start_reads_no_xml(tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setattr("densefit.datasets.objects.table_cache._JUST_NOW", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    write_image(root / "images/a.jpg")
    write_xml(root / "annotations/a.xml", CAT)
    first = LabelImg(root)
    with monkeypatch.context() as patch:
        patch.setattr("densefit.datasets.labelimg.labelimg.read_folder", None)
        again = LabelImg(root)
    np.testing.assert_array_equal(again[0].targets["boxes"], first[0].targets["boxes"])
    write_image(root / "images/b.jpg")
    assert len(LabelImg(root)) == 2
    write_xml(root / "annotations/a.xml", CAT, DOG)
    assert LabelImg(root).classes == ["cat", "dog"]


def test_a_folder_of_a_training_is_no_split(tmp_path):
    write_xml(tmp_path / "annotations" / "a.xml", CAT)
    write_image(tmp_path / "images" / "a.jpg")
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "net.config").write_text("")
    with pytest.raises(MissingSplitError, match="no `split`: all images"):
        LabelImg(tmp_path, "train")
