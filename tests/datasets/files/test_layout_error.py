import pytest

import densefit as df
from densefit.data.sample import datasets
from densefit.datasets.files.layout_error import contents, look_alikes, missing_layout
from densefit.errors import DataError, MissingSplitError


def make(root, *files):
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


class KeySplitError(DataError):
    """A kind of error."""


VOC = ("Annotations/a.xml", "JPEGImages/a.jpg", "ImageSets/Main/train.txt")
LAYOUTS = {
    "voc": VOC,
    "labelimg": ("images/a.jpg", "annotations/a.xml"),
    "coco": ("annotations/instances_train.json", "images/train/a.jpg"),
    "mask_folder": ("train/a.png", "trainannot/a.png"),
    "image_folder": ("cat/a.jpg", "dog/b.jpg"),
    "depth_folder": ("rgb/a.png", "depth/a.png"),
    "csv": ("a.jpg", "train.csv"),
    "yolo": ("images/train/a.jpg", "labels/train/a.txt"),
}


def test_the_message_has_the_tree_the_content_and_the_layout_that_it_looks_like(tmp_path):
    make(tmp_path, *VOC, ".hidden", "readme.txt")
    error = missing_layout(
        tmp_path, "annotations/instances_train.json\nimages/", "No list", layout="coco", fix="write"
    )
    assert isinstance(error, DataError)
    assert str(error) == (
        "No list\n"
        "  expected: \n"
        "            annotations/instances_train.json\n"
        "            images/\n"
        "  received: Annotations/, ImageSets/, JPEGImages/, readme.txt\n"
        f"  where:    {tmp_path}\n"
        "  fix:      this looks like voc: --data.dataset voc; or write"
    )


def test_content_of_a_folder(tmp_path):
    assert contents(tmp_path) == "an empty folder"
    make(tmp_path, *(f"{i}.jpg" for i in range(20)), "z/a.jpg")
    assert (
        contents(tmp_path) == "z/, 0.jpg, 1.jpg, 10.jpg, 11.jpg, 12.jpg, 13.jpg, 14.jpg and 13 more"
    )
    assert "No such file" in contents(tmp_path / "gone")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_knows_its_folder_and_no_other(tmp_path, name):
    assert look_alikes(make(tmp_path, *LAYOUTS[name])) == [name]


def test_no_layout_is_guessed_where_there_is_none(tmp_path):
    assert look_alikes(tmp_path) == [] == look_alikes(tmp_path / "gone")
    assert look_alikes(make(tmp_path, "a.jpg", "a.txt", "notes/b.md")) == []


@pytest.mark.parametrize("asked", [".", "VOC2007/JPEGImages"])
def test_a_root_too_high_or_too_low(tmp_path, asked):
    make(tmp_path, *(f"VOC2007/{file}" for file in VOC))
    error = missing_layout(tmp_path / asked, "a tree", "No list", layout="voc")
    folder = tmp_path / "VOC2007"
    assert f"fix:      {folder} looks like voc: --data.root {folder}" in str(error)


@pytest.mark.parametrize(
    ("layout", "settings", "expected"),
    [
        ("voc", {"split": "train"}, "ImageSets/Main/train.txt"),
        ("coco", {"split": "train"}, "annotations/instances_train.json"),
        ("mask_folder", {"split": "train", "classes": ["a"]}, "trainannot/a.png"),
        ("image_folder", {"split": "train"}, "train/cat/a.jpg"),
        ("depth_folder", {}, "rgb/a.png"),
        ("depth_folder", {"split": "train"}, "train.txt"),
    ],
)
def test_each_layout_shows_its_tree(tmp_path, layout, settings, expected):
    make(tmp_path, "pictures/a.jpg", "labels/a.txt")
    with pytest.raises(DataError) as error:
        df.dataset(layout, root=tmp_path, **settings)
    text = str(error.value)
    assert expected in text.partition("received:")[0]
    assert "labels/, pictures/" in text


def test_classes_are_folders_of_pictures(tmp_path):
    with pytest.raises(DataError, match=r"no class folders[\s\S]*cat/a\.jpg[\s\S]*: a\.jpg"):
        df.dataset("image_folder", root=make(tmp_path, "a.jpg"))


def test_all_guesses_are_cheap_and_safe(tmp_path):
    (tmp_path / "annotations").write_text("a file where a folder is looked for")
    for name in datasets.names():
        guess = getattr(datasets.get(name), "looks_like", None)
        assert guess is None or guess(tmp_path) is False


def test_a_folder_of_the_layout_is_sent_nowhere_else(tmp_path):
    make(tmp_path, "other/train/_annotations.coco.json", "pets/_annotations.coco.json")
    make(tmp_path, "pets/images/a.jpg", "pets/annotations/a.xml", "pets/train/b.xml")
    for layout in ("coco", "labelimg"):
        error = missing_layout(
            tmp_path / "pets", "a/", "No list", layout=layout, kind=KeySplitError
        )
        assert (type(error), error.fix) == (KeySplitError, None)


def test_folders_of_labels_are_no_classes(tmp_path):
    assert look_alikes(make(tmp_path, "stills/a.png", "labels/a_L.png")) == []


def test_the_folder_above_is_meant_where_this_one_is_called_as_a_part(tmp_path):
    make(tmp_path, "train/_annotations.coco.json", "valid/_annotations.coco.json")
    error = missing_layout(tmp_path / "train", "a/", "No list", layout="coco")
    assert error.fix == f"{tmp_path} looks like coco: --data.root {tmp_path}"


def test_a_layout_without_a_usual_look_may_be_there(tmp_path):
    make(tmp_path, *LAYOUTS["yolo"])
    for layout, kind in (("text_boxes", MissingSplitError), ("voc", DataError)):
        error = missing_layout(tmp_path, "a/", "No split", layout=layout, kind=MissingSplitError)
        assert type(error) is kind
