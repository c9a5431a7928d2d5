import numpy as np
import pytest
from PIL import Image

from densefit.datasets import MaskFolder
from densefit.datasets.files.masks import all_values
from densefit.errors import ConfigError, DataError


def write(root, name, array):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def root(tmp_path):
    """CamVid's layout: three classes, 3 is unlabelled."""
    rng = np.random.default_rng(0)
    for split, names in (("train", "ab"), ("val", "c")):
        for name in names:
            write(tmp_path, f"{split}/{name}.jpg", rng.integers(0, 256, (20, 30, 3), np.uint8))
            mask = np.arange(600, dtype=np.uint8).reshape(20, 30) % 4
            write(tmp_path, f"{split}annot/{name}.png", mask)
    (tmp_path / "train.txt").write_text(
        "train/b.jpg trainannot/b.png\ntrain/a.jpg trainannot/a.png\n"
    )
    (tmp_path / "classes.txt").write_text("Sky\nRoad\nCar\nUnlabelled\n")
    return tmp_path


def test_list_gives_order_and_ignored_value_becomes_255(root):
    data = MaskFolder(root, "train", ignore_value=3)
    assert data.classes == ["Sky", "Road", "Car"]
    assert [data.id_of(i) for i in range(len(data))] == ["train/b", "train/a"]
    sample = data[0]
    assert sample.id == "train/b"
    assert sample.image.shape == (20, 30, 3)
    mask = sample.targets["mask"]
    assert (mask.dtype, mask.shape) == (np.uint8, (20, 30))
    np.testing.assert_array_equal(mask[0, :8], [0, 1, 2, 255, 0, 1, 2, 255])


def test_without_a_list_folders_are_matched_by_name(root):
    data = MaskFolder(root, "val", ignore_value=3)
    assert [data.id_of(i) for i in range(len(data))] == ["val/c"]
    assert data[0].targets["mask"].max() == 255
    other = MaskFolder(root, "x", ignore_value=3, images="val", masks="valannot")
    assert other.id_of(0) == "val/c"


def test_without_an_ignored_value_all_names_are_classes(root):
    data = MaskFolder(root, "val")
    assert data.classes[-1] == "Unlabelled"
    assert data[0].targets["mask"].max() == 3


def test_values_may_be_mapped(root):
    data = MaskFolder(root, "val", classes=["road", "rest"], values={0: 255, 1: 0, 2: 1, 3: 1})
    np.testing.assert_array_equal(data[0].targets["mask"][0, :4], [255, 0, 1, 1])
    for wrong in ({"values": {0: 5}}, {"values": {300: 0}}, {"values": {0: 0}, "ignore_value": 3}):
        with pytest.raises(ConfigError, match="map of mask values"):
            MaskFolder(root, "val", **wrong)


def test_an_ignored_value_in_the_middle_needs_a_map(root):
    with pytest.raises(ConfigError, match=r"after the classes[\s\S]*values="):
        MaskFolder(root, "val", ignore_value=0)


def test_what_is_not_named_keeps_its_number_where_no_other_value_becomes_it():
    assert all_values({255: 1}, 2) == {0: 0, 255: 1}
    assert all_values({255: 1}, 3) == {0: 0, 2: 2, 255: 1}
    assert all_values({7: 0, 8: 1}, 2) == {7: 0, 8: 1}  # 0 and 1 of the files are no classes
    assert all_values({0: 255, 1: 0}, 2) == {0: 255, 1: 0}


def test_foreground_of_255_alone_is_named(root):
    mask = np.zeros((20, 30), np.uint8)
    mask[:2] = 255
    write(root, "valannot/c.png", mask)
    data = MaskFolder(root, "val", classes=["ground", "cell"], values={255: 1})
    assert np.unique(data[0].targets["mask"]).tolist() == [0, 1]


def test_values_of_no_class_and_wrong_sizes_name_the_file(root):
    with pytest.raises(DataError, match=r"no class[\s\S]*0\.\.1, 255[\s\S]*also 2, 3[\s\S]*c\.png"):
        MaskFolder(root, "val", classes=["a", "b"])[0]
    write(root, "valannot/c.png", np.zeros((20, 31), np.uint8))
    with pytest.raises(DataError, match=r"picture's size[\s\S]*\(20, 30\)[\s\S]*\(20, 31\)"):
        MaskFolder(root, "val")[0]


def test_missing_things(root):
    with pytest.raises(DataError, match=r"no split 'vall'[\s\S]*did you mean 'val'"):
        MaskFolder(root, "vall")
    (root / "valannot/c.png").unlink()
    with pytest.raises(DataError, match=r"'c' does not have exactly one mask"):
        MaskFolder(root, "val")
    (root / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"no names[\s\S]*classes\.txt"):
        MaskFolder(root, "train")


def test_broken_lists(root):
    (root / "train.txt").write_text("train/a.jpg\n")
    with pytest.raises(DataError, match=r"not an image and a mask[\s\S]*entry 1"):
        MaskFolder(root, "train")
    (root / "train.txt").write_text("train/a.jpg trainannot/a.png\n" * 2)
    with pytest.raises(DataError, match="listed twice"):
        MaskFolder(root, "train")
    (root / "train.txt").write_text("train/z.jpg trainannot/z.png\n")
    with pytest.raises(DataError, match=r"z\.jpg"):
        MaskFolder(root, "train")[0]


def test_a_picture_without_a_mask_spoils_its_own_sample_only(root):
    write(root, "val/d.jpg", np.zeros((20, 30, 3), np.uint8))
    for name in ("e.jpg", "e.png", "../valannot/e.png"):
        write(root, f"val/{name}", np.zeros((20, 30), np.uint8))
    data = MaskFolder(root, "val", ignore_value=3)
    assert [data.id_of(i) for i in range(len(data))] == ["val/c", "val/d", "val/e"]
    assert data[0].id == "val/c"
    assert list(data.faults) == [1, 2]
    assert data.label_files(0) == [root / "valannot/c.png"]
    for index, name in ((1, "d"), (2, "e")):
        with pytest.raises(DataError, match=f"'{name}' does not have exactly one mask"):
            data[index]


def test_deeper_folders_are_matched_by_their_paths(tmp_path):
    for name in ("bonn/a", "ulm/a", "ulm/b"):
        write(tmp_path, f"images/{name}.jpg", np.zeros((4, 6, 3), np.uint8))
        value = 1 if name.startswith("ulm") else 0
        write(tmp_path, f"images/labels/{name}.png", np.full((4, 6), value, np.uint8))
    data = MaskFolder(tmp_path, classes=["x", "y"], images="images", masks="images/labels")
    ids = ["images/bonn/a", "images/ulm/a", "images/ulm/b"]
    assert [data.id_of(i) for i in range(len(data))] == ids
    assert [int(data[i].targets["mask"].max()) for i in range(3)] == [0, 1, 1]


def test_masks_with_losses_are_refused(tmp_path):
    write(tmp_path, "train/a.png", np.zeros((4, 6, 3), np.uint8))
    write(tmp_path, "trainannot/a.jpg", np.eye(4, 6).astype(np.uint8))
    with pytest.raises(DataError, match=r"JPEG file with losses[\s\S]*a\.jpg[\s\S]*as PNG"):
        MaskFolder(tmp_path, classes=["x", "y"])[0]


def test_listed_paths_stay_below_the_folder(tmp_path, caplog):
    root = tmp_path / "data"
    (root / "train").mkdir(parents=True)
    for path in (tmp_path / "secret.png", root / "train/a.png", root / "train/am.png"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    for bad in ("../secret.png", str(tmp_path / "secret.png"), "train/../../secret.png"):
        (root / "train.txt").write_text(f"train/a.png train/am.png\n{bad} x.png\ny.png {bad}\n")
        data = MaskFolder(root, classes=["a", "b"])
        assert data[0].id == "train/a"
        for place in (1, 2):
            with pytest.raises(DataError, match=r"leads out[\s\S]*train\.txt"):
                data[place]
    # The lists of SegNet's CamVid
    (root / "train.txt").write_text("/SegNet/CamVid/train/a.png /SegNet/CamVid/train/am.png\n")
    data = MaskFolder(root, classes=["a", "b"])
    assert data[0].id == data.id_of(0) == "train/a"
    assert "are left out" in caplog.text


@pytest.mark.parametrize("masks", ["{split}", "./{split}", "link"])
def test_pictures_are_not_their_own_masks(tmp_path, masks):
    for name in ("0", "0_mask"):
        write(tmp_path, f"train/{name}.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "link").symlink_to(tmp_path / "train")
    with pytest.raises(ConfigError, match=r"in one folder[\s\S]*a line in .*train\.txt"):
        MaskFolder(tmp_path, classes=["a"], images="{split}", masks=masks)
    (tmp_path / "train.txt").write_text("train/0.png train/0_mask.png\n")
    assert len(MaskFolder(tmp_path, classes=["a"], images="{split}", masks=masks)) == 1


def test_absent_files_of_a_list_are_counted_at_once(root, caplog):
    (root / "trainannot/a.png").unlink()
    MaskFolder(root, "train")
    (message,) = (record.getMessage() for record in caplog.records)
    assert "1 of 2 masks are not in" in message
    assert "trainannot/a.png" in message


IMAGE = np.zeros((4, 6, 3), np.uint8)
LINE = np.eye(4, 6).astype(np.uint8)


def masks_of(data):
    return {data.id_of(i): data[i].targets["mask"] for i in range(len(data))}


def test_images_and_masks_side_by_side_with_suffixes(tmp_path):
    """As Roboflow and many others write them; and Carvana's masks, which are GIFs."""
    write(tmp_path, "train/a.jpg", IMAGE)
    write(tmp_path, "train/a_mask.png", LINE)
    (tmp_path / "train/_classes.csv").write_text("Pixel Value, Class\n0, background\n1, crack\n")
    data = MaskFolder(tmp_path, masks="{split}", mask_suffix="_mask")
    assert data.classes == ["background", "crack"]
    (mask,) = masks_of(data).values()
    np.testing.assert_array_equal(mask, LINE)
    assert data.id_of(0) == "train/a"
    write(tmp_path, "val/b_img.png", IMAGE)
    write(tmp_path, "val/b_seg.png", LINE)
    same = {"images": "val", "masks": "val", "classes": ["x", "y"]}
    data = MaskFolder(tmp_path, "val", image_suffix="_img", mask_suffix="_seg", **same)
    assert list(masks_of(data)) == ["val/b_img"]
    write(tmp_path, "cars/c_01.jpg", IMAGE)
    (tmp_path / "cars_masks").mkdir()
    Image.fromarray(LINE * 255).convert("1").save(tmp_path / "cars_masks/c_01_mask.gif")
    data = MaskFolder(
        tmp_path, None, images="cars", masks="cars_masks", mask_suffix="_mask",
        colors={"ground": "#000000", "car": "#ffffff"},
    )  # fmt: skip
    np.testing.assert_array_equal(data[0].targets["mask"], LINE)
    with pytest.raises(DataError, match=r"exactly one mask[\s\S]*mask_suffix='_mask'"):
        MaskFolder(tmp_path, None, images="cars", masks="cars_masks", classes=["x", "y"])


def test_patterns_of_names(tmp_path):
    for name in ("x", "y"):
        write(tmp_path, f"{name}_json/img.png", IMAGE)
        write(tmp_path, f"{name}_json/label.png", LINE)
    patterns = {"images": "{name}_json/img.png", "masks": "{name}_json/label.png"}
    data = MaskFolder(tmp_path, None, classes=["a", "b"], **patterns)
    assert list(masks_of(data)) == ["x_json/img", "y_json/img"]
    assert eval(repr(data), {"MaskFolder": MaskFolder}).id_of(1) == "y_json/img"


@pytest.mark.parametrize(
    ("images", "masks", "split"),
    [
        ("images/train", "masks/train", "train"),
        ("train/images", "train/labels", "train"),
        ("images/training", "annotations/training", "training"),
        ("train", "train_labels", "train"),
        ("images", "masks", None),
        ("imgs", "labels", None),
    ],
)
def test_common_folders_are_found(tmp_path, images, masks, split):
    write(tmp_path, f"{images}/a.jpg", IMAGE)
    write(tmp_path, f"{masks}/a.png", LINE)
    data = MaskFolder(tmp_path, split, classes=["a", "b"])
    assert masks_of(data)[f"{images}/a"].max() == 1


def test_several_folders_of_masks_must_be_chosen(tmp_path):
    for folder in ("images", "masks", "labels"):
        write(tmp_path, f"{folder}/a.png", LINE)
    with pytest.raises(ConfigError, match=r"Several folders[\s\S]*images and labels"):
        MaskFolder(tmp_path, None, classes=["a", "b"])
    data = MaskFolder(tmp_path, None, images="images", masks="masks", classes=["a", "b"])
    assert len(data) == 1
    with pytest.raises(ConfigError, match="named after the split"):
        MaskFolder(tmp_path, None, images="images/{split}", classes=["a", "b"])
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match=r"no folder 'pictures'[\s\S]*other"):
        MaskFolder(tmp_path, None, images="pictures", masks="masks", classes=["a", "b"])


def test_colours(root):
    palette = np.array([[70, 130, 180], [128, 64, 128], [0, 0, 142], [0, 0, 0]], np.uint8)
    indexed = MaskFolder(root, "train", ignore_value=3)
    for name in "ab":
        mask = np.asarray(Image.open(root / f"trainannot/{name}.png"))
        write(root, f"trainannot/{name}.png", palette[mask])
    colors = {"Sky": palette[0].tolist(), "Road": "#804080", "Car": [0, 0, 142]}
    data = MaskFolder(root, "train", colors=colors, ignore_colors=["#000000"])
    assert data.classes == indexed.classes
    np.testing.assert_array_equal(data[0].targets["mask"][0, :4], [0, 1, 2, 255])
    (root / "class_dict.csv").write_text(
        "name,r,g,b\nSky,70,130,180\nRoad,128,64,128\nCar,0,0,142\nVoid,0,0,0\n"
    )
    other = MaskFolder(root, "train", colors="class_dict.csv", ignore_colors=["Void"])
    np.testing.assert_array_equal(other[1].targets["mask"], data[1].targets["mask"])
    np.testing.assert_array_equal(data.mask_of(1), data[1].targets["mask"])
    (root / "classes.txt").rename(root / "names.txt")
    with pytest.raises(DataError, match=r"no names[\s\S]*colors='class_dict\.csv'"):
        MaskFolder(root, "train")
    (root / "names.txt").rename(root / "classes.txt")
    with pytest.raises(DataError, match=r"colours of no class[\s\S]*nearest"):
        MaskFolder(root, "train", colors=colors)[0]
    with pytest.raises(DataError, match=r"not one of class indices[\s\S]*colors={"):
        MaskFolder(root, "train")[0]
    for wrong in ({"values": {0: 0}}, {"ignore_value": 3}):
        with pytest.raises(ConfigError, match="colours or values, not both"):
            MaskFolder(root, "train", colors=colors, **wrong)
    with pytest.raises(ConfigError, match="needs colors"):
        MaskFolder(root, "train", ignore_colors=["#000000"])
    assert "colors=" in repr(data)
    assert "ignore_colors=['#000000']" in repr(data)
    assert repr(indexed) == f"MaskFolder({str(root)!r}, split='train', ignore_value=3)"


def test_masks_of_roboflow_need_no_settings(tmp_path):
    table = "Pixel Value, Class\n0, background\n1, crack\n"
    for folder in ("train", "valid"):
        write(tmp_path, f"{folder}/a.jpg", IMAGE)
        write(tmp_path, f"{folder}/a_mask.png", LINE)
        (tmp_path / folder / "_classes.csv").write_text(table)
    for split, folder in (("train", "train"), ("val", "valid")):
        data = MaskFolder(tmp_path, split)
        assert data.classes == ["background", "crack"]
        (mask,) = masks_of(data).values()
        np.testing.assert_array_equal(mask, LINE)
        assert data.id_of(0) == f"{folder}/a"


def test_masks_that_are_not_there_show_the_way(tmp_path):
    write(tmp_path, "train/a.png", IMAGE)
    with pytest.raises(DataError, match=r"no folder 'trainannot'[\s\S]*train/a.png[\s\S]*put them"):
        MaskFolder(tmp_path)
    write(tmp_path, "train/a_seg.png", LINE)
    hint = r"images='train', masks='train', mask_suffix='_seg'"
    with pytest.raises(DataError, match=rf"no folder 'trainannot'[\s\S]*{hint}"):
        MaskFolder(tmp_path)


def test_an_empty_line_before_a_class_name_is_an_error(root):
    names = (root / "classes.txt").read_text()
    (root / "classes.txt").write_text("\n" + names)
    with pytest.raises(DataError, match=r"empty line[\s\S]*classes.txt, line 1"):
        MaskFolder(root)
    (root / "classes.txt").write_text(names + "\n\n")
    MaskFolder(root)
