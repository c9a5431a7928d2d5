import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.datasets import CSVBoxes
from densefit.errors import ConfigError, DataError, MissingSplitError

SIZE = (40, 80)  # height, width
BOX = [10, 5, 30, 25]


def write(root, files):
    """Write tables and images; an image is a path with None."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(path)
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


TENSORFLOW = {
    "images/a.jpg": None,
    "images/b.jpg": None,
    "train_labels.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    "a.jpg,80,40,dog,10,5,30,25\na.jpg,80,40,cat,1,1,5,5\n",
    "test_labels.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\nb.jpg,80,40,emu,0,0,9,9\n",
}
RETINANET = {
    "images/a.jpg": None,
    "b.jpg": None,
    "annotations.csv": "/home/me/data/images/a.jpg,10,5,30,25,dog\n/home/me/data/b.jpg,,,,,\n",
    "classes.csv": "dog,0\n",
}
OPEN_IMAGES = {
    "train/000026e7ee790996.jpg": None,
    "train-annotations-bbox.csv": "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,"
    "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
    "000026e7ee790996,xclick,/m/07j7r,1,0.125,0.375,0.125,0.625,0,1,1,0,0\n",
}
ROBOFLOW = {
    "train/a_jpg.rf.01.jpg": None,
    "train/_annotations.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    "a_jpg.rf.01.jpg,80,40,dog,10,5,30,25\n",
}
MAKESENSE = {"a.jpg": None, "labels.csv": "dog,10,5,20,20,a.jpg,80,40\n"}
MAKESENSE_2 = {
    "a.jpg": None,
    "labels.csv": "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,"
    "image_height\ndog,10,5,20,20,a.jpg,80,40\n",
}
SKU = {
    "images/a.jpg": None,
    "annotations_train.csv": "a.jpg,10,5,30,25,dog,80,40\n",
}
AUTOML = {
    "a.jpg": None,
    "labels.csv": "TRAIN,gs://bucket/set/a.jpg,dog,0.125,0.125,,,0.375,0.625,,\n"
    "TEST,gs://bucket/set/b.jpg,,,,,,,,,\n",
}
SEMICOLONS = {
    "a.jpg": None,
    "labels.csv": "\ufeffPath;Class;X1;Y1;X2;Y2\r\n./a.jpg;dog;10;5;30;25\r\n\r\n",
}
VIA = {
    "a.jpg": None,
    "via_region_data.csv": "#filename,file_size,file_attributes,region_count,region_id,"
    "region_shape_attributes,region_attributes\n"
    'a.jpg,99,"{}",1,0,"{""name"":""rect"",""x"":10,""y"":5,""width"":20,""height"":20}",'
    '"{""kind"":""dog""}"\n',
}


@pytest.mark.parametrize(
    ("files", "split", "label"),
    [
        (TENSORFLOW, "train", "dog"),
        (RETINANET, None, "dog"),
        (OPEN_IMAGES, "train", "/m/07j7r"),
        (ROBOFLOW, "train", "dog"),
        (MAKESENSE, None, "dog"),
        (MAKESENSE_2, None, "dog"),
        (SKU, "train", "dog"),
        (AUTOML, "train", "dog"),
        (SEMICOLONS, None, "dog"),
        (VIA, None, "dog"),
    ],
)
def test_tables_of_the_tools(tmp_path, files, split, label):
    data = CSVBoxes(write(tmp_path, files), split)
    sample = data[0]
    assert not data.faults
    np.testing.assert_array_equal(sample.targets["boxes"][0], BOX)
    assert data.classes[sample.targets["classes"][0]] == label
    assert sample.targets["crowd"][0] == (files is OPEN_IMAGES)
    if files is RETINANET:
        assert [image.id for image in data] == ["images/a", "b"]
        assert data[1].targets["boxes"].shape == (0, 4)
    if files is TENSORFLOW:  # all splits have the same classes
        assert data.classes == ["cat", "dog", "emu"] == CSVBoxes(tmp_path, "test").classes


@pytest.mark.parametrize("folder", ["data", "annotations"])
def test_tables_in_a_folder_beside_the_images(tmp_path, folder):
    files = {f"{folder}/{name}" if ".csv" in name else name: t for name, t in TENSORFLOW.items()}
    data = CSVBoxes(write(tmp_path, files), "train")
    assert (data.id_of(0), data.classes) == ("images/a", ["cat", "dog", "emu"])
    assert data[0].targets["boxes"].tolist() == [BOX, [1, 1, 5, 5]]
    with pytest.raises(MissingSplitError, match="no split 'val'"):
        CSVBoxes(tmp_path, "val")


def test_a_column_of_splits(tmp_path):
    table = "path,box,split\n" + "".join(
        f'{name}.jpg,"[10, 5, 20, 20]",{split}\n'
        for name, split in zip("abc", ("train", "VAL", "train"))
    )
    root = write(tmp_path, {"annotations.csv": table, **{f"{n}.jpg": None for n in "abc"}})
    settings = {"box_format": "xywh", "classes": ["dog"]}
    train = df.dataset("csv", root=root, split="train", **settings)
    assert [sample.id for sample in train] == ["a", "c"]
    np.testing.assert_array_equal(train[0].targets["boxes"], [BOX])
    assert [sample.id for sample in CSVBoxes(root, "validation", **settings)] == ["b"]
    assert len(CSVBoxes(root / "annotations.csv", **settings)) == 3
    with pytest.raises(MissingSplitError, match="no split 'test'"):
        CSVBoxes(root, "test", **settings)
    with pytest.raises(ConfigError, match="order of a box's numbers"):
        CSVBoxes(root, "train", classes=["dog"])
    with pytest.raises(ConfigError, match="no known column for the class"):
        CSVBoxes(root, "train", box_format="xywh")


def test_columns_by_name_and_by_number(tmp_path):
    files = {
        "pics/a.jpg": None,
        "named.csv": "where|l|t|r|b|what|hard\na.jpg|11|6|30|25|dog|1\n",
        "bare.csv": "7,a.jpg,10,5,20,20,dog\n",
    }
    root = write(tmp_path, files)
    columns = {"image": "where", "class": "what", "box": ["l", "t", "r", "b"], "difficult": "hard"}
    settings = {"file": "named.csv", "image_folder": "pics", "delimiter": "|", "columns": columns}
    data = CSVBoxes(root, box_format="xyxy", one_based=True, **settings)
    np.testing.assert_array_equal(data[0].targets["boxes"], [BOX])
    assert data[0].targets["difficult"].tolist() == [True]
    assert repr(data).startswith(f"CSVBoxes({str(root)!r}, split=None, file='named.csv', columns=")
    columns = {"image": 1, "class": 6, "box": [2, 3, 4, 5]}
    settings = {"file": "bare.csv", "image_folder": "pics", "columns": columns}
    data = CSVBoxes(root, box_format="xywh", **settings)
    np.testing.assert_array_equal(data[0].targets["boxes"], [BOX])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"columns": {"picture": 0}}, ConfigError, "no column for 'picture'"),
        ({"columns": {"box": ["x1", "y1"]}}, ConfigError, "columns of 'box' are 1 or 4"),
        ({"columns": {"image": "pth"}}, DataError, "exactly one column 'pth'"),
        ({"columns": {"image": 9}}, ConfigError, "no column 9"),
        ({"box_format": "yxyx"}, ConfigError, "Unknown order"),
        ({"relative": True, "one_based": True}, ConfigError, "count from 1"),
        ({"delimiter": "ab"}, ConfigError, "single character"),
        ({"file": "../a.csv"}, DataError, "leads out of the folder"),
        ({"file": "b.csv"}, DataError, "no table b.csv"),
        ({"split": "train"}, MissingSplitError, "no split 'train'"),
        ({"boxes": False}, ConfigError, "No targets"),
        ({"classes": ["cat", "mouse"]}, DataError, "Unknown class 'dog'"),
    ],
)
def test_settings_that_cannot_be(tmp_path, settings, error, message):
    root = write(tmp_path, {"a.jpg": None, "a.csv": "path,x1,y1,x2,y2,class\na.jpg,1,1,9,9,dog\n"})
    with pytest.raises(error, match=message):
        CSVBoxes(root, **settings)[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b.jpg,1,1,9,x,dog", r"no number: 'x'[\s\S]*line 3"),
        ("b.jpg,1,1,9,,dog", "no number: ''"),
        ("b.jpg,1,1,9,9,", "has no class"),
        ("b.jpg,1,1,9,9", "more or fewer cells"),
        ("b.jpg,1,1,9,9,dog,7", "more or fewer cells"),
        ("gone.jpg,1,1,9,9,dog", "gone.jpg"),
        ("../b.jpg,1,1,9,9,dog", "leads out of the folder"),
    ],
)
def test_a_broken_row_is_a_fault_of_its_image_alone(tmp_path, row, message):
    table = f"path,x1,y1,x2,y2,class\na.jpg,10,5,30,25,dog\n{row}\n"
    data = CSVBoxes(write(tmp_path, {"a.jpg": None, "b.jpg": None, "t.csv": table}))
    np.testing.assert_array_equal(data[0].targets["boxes"], [BOX])
    assert len(data) == 2
    with pytest.raises(DataError, match=message):
        data[1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "table is empty"),
        ("path,x1,y1,x2,y2,class\n", "has no rows"),
        ("path,x1,y1,x2,y2,class\n,1,1,9,9,dog\n", "names no image"),
        ('path,x1,y1,x2,y2,class\n"a.jpg,1,1,9,9,dog\n', "cannot be read"),
        ("path,x1,y1,x2,y2,class\na.jpg,.1,.1,.9,.9,dog\n", "look like parts of the image"),
        ("picture,a,b,c,d,class\na.jpg,1,1,9,9,dog\n", "no known columns for image and box"),
        ("a.jpg,1,1,9,9\n", "no known columns"),
        (b"path,x1\xff\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path, table, message):
    root = write(tmp_path, {"a.jpg": None, "t.csv": table})
    with pytest.raises(DataError, match=message) as error:
        CSVBoxes(root)
    assert "t.csv" in str(error.value)


def test_relative_boxes_and_bad_ones(tmp_path):
    table = "path,cx,cy,w,h,class\na.jpg,.25,.375,.25,.5,dog\na.jpg,.5,.5,0,.1,dog\n"
    data = CSVBoxes(write(tmp_path, {"a.jpg": None, "t.csv": table}), relative=True)
    np.testing.assert_allclose(data[0].targets["boxes"], [BOX], atol=1e-5)
    assert data.dropped == 1
    data = CSVBoxes(tmp_path, relative=True, bad_boxes="raise")
    with pytest.raises(DataError, match=r"has no area[\s\S]*line 3"):
        data[0]


def test_a_stated_size_is_compared(tmp_path):
    rows = "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,{},dog,1,1,9,9\n"
    root = write(tmp_path, {"a.jpg": None, "t.csv": rows.format("40,80")})
    with pytest.raises(DataError, match="exif=False"):
        CSVBoxes(root)[0]
    both = rows.format("40,80") + "a.jpg,80,40,dog,2,2,9,9\n"
    with pytest.raises(DataError, match="different sizes"):
        CSVBoxes(write(tmp_path, {"t.csv": both}))[0]
    with pytest.raises(DataError, match="size of an image is not usable"):
        CSVBoxes(write(tmp_path, {"t.csv": rows.format("40.5,80")}))[0]
    assert len(CSVBoxes(write(tmp_path, {"t.csv": rows.format(",")}))[0].targets["boxes"]) == 1


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path):
    rows = "".join(f"a.jpg,1,1,9,9,{number}\n" for number in (10, 9, 0))
    root = write(tmp_path, {"a.jpg": None, "t.csv": rows})
    assert CSVBoxes(root).classes == ["0", "9", "10"]


def test_several_tables_must_be_chosen_from(tmp_path):
    row = "a.jpg,1,1,9,9,dog\n"
    root = write(tmp_path, {"a.jpg": None, "one.csv": row, "two.csv": row})
    with pytest.raises(DataError, match=r"Several tables[\s\S]*one.csv, two.csv"):
        CSVBoxes(root)
    assert len(CSVBoxes(root, "two")) == 1
    with pytest.raises(MissingSplitError, match="no split 'tow'"):
        CSVBoxes(root, "tow")
    with pytest.raises(DataError, match=r"no table of boxes[\s\S]*train.csv"):
        CSVBoxes(write(tmp_path / "empty", {"a.jpg": None}), "train")


VIA_ROW = '{file},99,"{{}}",1,0,"{shape}","{attributes}"\n'


def via_row(shape, attributes, file="a.jpg"):
    import json

    texts = [json.dumps(value).replace('"', '""') for value in (shape, attributes)]
    return VIA_ROW.format(file=file, shape=texts[0], attributes=texts[1])


def via(root, *rows):
    header = VIA["via_region_data.csv"].splitlines()[0].replace("#", "")
    return write(root, {"a.jpg": None, "b.jpg": None, "via.csv": "\n".join([header, *rows])})


def test_shapes_of_via(tmp_path):
    polygon = {
        "name": "polygon",
        "all_points_x": [10, 30, 30, 10],
        "all_points_y": [5, 5, 25, 25],
    }
    circle = {"name": "circle", "cx": 20, "cy": 15, "r": 10}
    ellipse = {"name": "ellipse", "cx": 20, "cy": 15, "rx": 10, "ry": 10, "theta": 0}
    dog = {"name": "", "type": {"dog": True, "cat": False}}
    root = via(
        tmp_path,
        *(via_row(shape, dog) for shape in (polygon, circle, ellipse)),
        via_row({}, {}, "b.jpg"),
    )
    data = CSVBoxes(root, columns={"class": "type"})
    np.testing.assert_array_equal(data[0].targets["boxes"], [BOX] * 3)
    assert data.classes == ["dog"]
    assert data[1].targets["boxes"].shape == (0, 4)
    masks = CSVBoxes(root, columns={"class": "type"}, masks=True)
    assert masks.dropped == 2
    assert np.count_nonzero(masks[0].targets["mask"]) == 400


@pytest.mark.parametrize(
    ("shape", "attributes", "message"),
    [
        ({"name": "point", "cx": 1, "cy": 2}, {"a": "dog"}, "shape of a region"),
        (
            {"name": "ellipse", "cx": 1, "cy": 2, "rx": 3, "ry": 4, "theta": 1},
            {"a": "dog"},
            "shape",
        ),
        ({"name": "rect", "x": 1}, {"a": "dog"}, "shape of a region"),
        ({"name": "polygon", "all_points_x": [1], "all_points_y": [1]}, {"a": "dog"}, "shape"),
        ({"name": "polygon", "all_points_x": 1}, {"a": "dog"}, "shape"),
        ({"name": "rect", "x": 1, "y": 1, "width": 5, "height": 5}, {}, "class of a region"),
        ({"name": "rect", "x": 1, "y": 1, "width": 5, "height": 5}, {"a": 1, "b": 2}, "class of"),
        ({"name": "rect", "x": 1, "y": 1, "width": 5, "height": 5}, {"a": " "}, "no class"),
        ([], {"a": "dog"}, "no JSON object"),
    ],
)
def test_regions_of_via_that_cannot_be_used(tmp_path, shape, attributes, message):
    rect = {"name": "rect", "x": 10, "y": 5, "width": 20, "height": 20}
    data = CSVBoxes(via(tmp_path, via_row(shape, attributes), via_row(rect, {"a": "dog"}, "b.jpg")))
    with pytest.raises(DataError, match=message):
        data[0]
    np.testing.assert_array_equal(data[1].targets["boxes"], [BOX])


def test_the_table_of_objects_is_stored_for_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    root = write(tmp_path / "data", SEMICOLONS)
    first = CSVBoxes(root)
    assert list((tmp_path / "cache").iterdir())
    np.testing.assert_array_equal(CSVBoxes(root)[0].targets["boxes"], first[0].targets["boxes"])
    (root / "a.jpg").rename(write(root, {"images/b.jpg": None}) / "images/a.jpg")
    np.testing.assert_array_equal(CSVBoxes(root)[0].targets["boxes"], [BOX])
    write(root, {"labels.csv": SEMICOLONS["labels.csv"].replace("10", "11")})
    np.testing.assert_array_equal(CSVBoxes(root)[0].targets["boxes"], [[11, *BOX[1:]]])
