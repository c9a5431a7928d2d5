import cv2
import numpy as np
import pytest
from PIL import Image

import densefit as df
from densefit.data.transforms import Compose, RandomFlip, RandomScaleCrop, Resize
from densefit.datasets import DepthFolder
from densefit.errors import ConfigError, DataError

SIZE = (20, 30)


def write(root, name, array):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def millimetres(seed):
    """(20, 30) uint16, up to 65 m; the first column is unknown."""
    values = np.random.default_rng(seed).integers(1, 65536, SIZE).astype(np.uint16)
    values[:, 0] = 0
    return values


@pytest.fixture
def root(tmp_path):
    """NYUv2's layout: value 0 of the masks is unlabelled."""
    rng = np.random.default_rng(0)
    for seed, name in enumerate("abc"):
        write(tmp_path, f"rgb/{name}.jpg", rng.integers(0, 256, (*SIZE, 3), np.uint8))
        write(tmp_path, f"depth/{name}.png", millimetres(seed))
        write(tmp_path, f"seg/{name}.png", np.arange(600, dtype=np.uint8).reshape(SIZE) % 4)
    (tmp_path / "train.txt").write_text("c\na.jpg\n")
    (tmp_path / "classes.txt").write_text("Unlabelled\nBed\nBooks\nCeiling\n")
    return tmp_path


def test_depths_are_metres(root):
    data = DepthFolder(root)
    assert [data.id_of(i) for i in range(len(data))] == ["a", "b", "c"]
    assert data.classes == []
    sample = data[1]
    assert sample.id == "b"
    assert sample.image.shape == (*SIZE, 3)
    assert list(sample.targets) == ["depth"]
    depth = sample.targets["depth"]
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, millimetres(1) / 1000, rtol=1e-6)
    assert (depth[:, 0] == 0).all()


def test_other_units(root):
    depth = DepthFolder(root, scale=1 / 256)[0].targets["depth"]
    np.testing.assert_allclose(depth, millimetres(0) / 256, rtol=1e-6)
    metres = np.array([[2.5, np.nan], [-1, np.inf]], np.float32)
    (root / "depth/a.png").unlink()
    write(root, "depth/a.tiff", np.tile(metres, (10, 15)))
    depth = DepthFolder(root, scale=1.0)[0].targets["depth"]
    np.testing.assert_array_equal(depth[:2, :2], [[2.5, 0], [0, 0]])


def test_a_list_gives_order(root):
    data = DepthFolder(root, "train")
    assert [data.id_of(i) for i in range(len(data))] == ["c", "a"]
    np.testing.assert_allclose(data[0].targets["depth"], millimetres(2) / 1000, rtol=1e-6)
    with pytest.raises(DataError, match=r"no split 'trian'[\s\S]*did you mean 'train'"):
        DepthFolder(root, "trian")
    (root / "twice.txt").write_text("a\nb\na.jpg\n")
    with pytest.raises(DataError, match=r"'a' is listed twice"):
        DepthFolder(root, "twice")


def test_names_may_have_folders(root):
    for folder in ("rgb", "depth"):
        (root / folder / "kitchen").mkdir()
        for path in (root / folder).glob("b.*"):
            path.rename(root / folder / "kitchen" / path.name)
    (root / "some.txt").write_text("./kitchen/b\nc.jpg\n")
    deep = DepthFolder(root)
    assert [deep.id_of(i) for i in range(len(deep))] == ["a", "c", "kitchen/b"]
    data = DepthFolder(root, "some")
    assert data[0].id == data.id_of(0) == "kitchen/b"
    np.testing.assert_allclose(data[0].targets["depth"], millimetres(1) / 1000, rtol=1e-6)


@pytest.mark.parametrize("name", ["../depth/a", "/etc/secret", "x/../../a"])
def test_listed_names_stay_below_the_folder(root, name):
    (root / "train.txt").write_text(f"a\n{name}\n")
    data = DepthFolder(root, "train")
    assert data[0].id == "a"
    for read in (data.__getitem__, data.picture_file):
        with pytest.raises(DataError, match=r"leads out of the folder[\s\S]*train\.txt"):
            read(1)


def test_unlabelled_pixels_are_ignored_and_the_classes_close_up(root):
    data = DepthFolder(root, masks="seg")
    assert data.classes == ["Bed", "Books", "Ceiling"]
    mask = data[0].targets["mask"]
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask[0, :5], [255, 0, 1, 2, 255])
    data = DepthFolder(root, masks="seg", ignore_value=2)
    assert data.classes == ["Unlabelled", "Bed", "Ceiling"]
    np.testing.assert_array_equal(data[0].targets["mask"][0, :4], [0, 1, 255, 2])
    data = DepthFolder(root, masks="seg", ignore_value=None)
    np.testing.assert_array_equal(data[0].targets["mask"][0, :4], [0, 1, 2, 3])
    data = DepthFolder(root, masks="seg", ignore_value=3, classes=["a", "b", "c"])
    assert data.classes == ["a", "b", "c"]
    np.testing.assert_array_equal(data[0].targets["mask"][0, :4], [0, 1, 2, 255])


def test_a_picture_without_its_map_spoils_its_own_sample_only(root):
    (root / "depth/b.png").unlink()
    data = DepthFolder(root)
    assert len(data) == 3
    assert data[0].id == "a"
    with pytest.raises(DataError, match=r"'b' does not have exactly one depth[\s\S]*none"):
        data[1]
    assert list(data.faults) == [1]
    assert data.label_files(0) == [root / "depth/a.png"]
    (root / "empty").mkdir()
    with pytest.raises(DataError, match="'a' does not have exactly one depth"):
        DepthFolder(root, depths="empty")
    with pytest.raises(DataError, match="cannot be read"):
        DepthFolder(root, depths="nowhere")


def test_maps_of_another_size_and_broken_ones_name_their_file(root):
    write(root, "depth/a.png", millimetres(0)[:, 1:])
    with pytest.raises(DataError, match=r"picture's size[\s\S]*\(20, 30\)[\s\S]*\(20, 29\)"):
        DepthFolder(root)[0]
    write(root, "depth/a.png", np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(DataError, match=r"coloured[\s\S]*a\.png"):
        DepthFolder(root)[0]


def test_settings_are_checked(root):
    with pytest.raises(ConfigError, match="metres a unit"):
        DepthFolder(root, scale=0)
    with pytest.raises(ConfigError, match="leaves no masks"):
        DepthFolder(root, masks="seg", ignore_value=0, classes=["only"])
    with pytest.raises(ConfigError, match="leaves no masks"):
        DepthFolder(root, masks="seg", ignore_value=256)
    (root / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"no names[\s\S]*classes\.txt"):
        DepthFolder(root, masks="seg")


def planes(kind=np.uint8, seed=0):
    """A map of two planes, the upper one unknown in its first row, and its vectors."""
    vectors = np.zeros((*SIZE, 3))
    vectors[:10] = (0.6, 0, 0.8)
    vectors[10:] = (0, -0.8, 0.6)
    values = np.rint((vectors + 1) / 2 * np.iinfo(kind).max).astype(kind)
    values[0] = 0
    vectors[0] = 0
    return values, vectors


def test_normals_beside_depths_or_alone(root):
    values, vectors = planes()
    for name in "abc":
        write(root, f"normal/{name}.png", values)
    data = DepthFolder(root, normals="normal")
    assert set(data[0].targets) == {"depth", "normals"}
    found = data[0].targets["normals"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vectors, atol=0.01)
    alone = DepthFolder(root, depths=None, normals="normal", normals_y="up")
    assert list(alone[0].targets) == ["normals"]
    np.testing.assert_allclose(alone[0].targets["normals"], vectors * [1, -1, 1], atol=0.01)
    (root / "normal/b.png").unlink()
    with pytest.raises(DataError, match="'b' does not have exactly one normals"):
        DepthFolder(root, normals="normal")[1]
    with pytest.raises(ConfigError, match="No maps are wanted"):
        DepthFolder(root, depths=None)
    with pytest.raises(ConfigError, match=r"down or up[\s\S]*'left'"):
        DepthFolder(root, normals="normal", normals_y="left")


def test_a_head_of_normals_learns_from_the_folder(root):
    """Two planes that look different, 90 degrees apart; none faces left or right, where a mirror
    would change what it looks like to be it.
    """
    vectors = np.zeros((*SIZE, 3))
    vectors[:10], vectors[10:] = (0, 0.6, 0.8), (0, -0.8, 0.6)
    values = np.rint((vectors + 1) / 2 * 65535).astype(np.uint16)
    values[:2] = 0
    picture = np.where(vectors > 0.5, 220, 40).astype(np.uint8)
    (root / "normal").mkdir()
    for name in "abc":
        write(root, f"rgb/{name}.jpg", picture)
        assert cv2.imwrite(str(root / f"normal/{name}.png"), values[..., ::-1])
    data = DepthFolder(root, depths=None, normals="normal")
    head = df.head("normals", decoder="fcn", channels=8)
    network = df.Network("resnet18", [head], settings={"width": 8})
    moved = Compose([RandomFlip(), Resize(32, 48)])
    train = df.Loader(data, batch_size=3, heads=[head], transform=moved, workers=0)
    df.fit(network, train, epochs=60, optimizer="adam", schedule=df.Cosine(lr=0.01))
    scores = df.score(network, df.Loader(data, batch_size=3, transform=Resize(32, 48), workers=0))
    assert scores["normals/mean_angle"] < 15


def test_no_depth_is_invented_on_the_way_to_a_batch(root):
    """A head sees depths of the file, or none."""
    head = df.head("depth", max_depth=70.0)
    loader = df.Loader(
        DepthFolder(root), batch_size=3, heads=[head], workers=0,
        transform=RandomScaleCrop(32, 32, 0.6, 2.0), shuffle=True,
    )  # fmt: skip
    for batch in loader:
        depths, weights = batch.labels.values()
        for row, key in enumerate(batch.ids):
            known = np.float32(0.001) * millimetres("abc".index(key)).astype(np.float32)
            assert np.isin(depths[row], known).all()
            assert weights[row].sum() == pytest.approx(1, rel=1e-4)
            assert ((weights[row] > 0) == (depths[row] > 0)).all()


def test_pictures_are_not_their_own_maps(tmp_path):
    (tmp_path / "rgb").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "rgb/0.png")
    with pytest.raises(ConfigError, match="The images and the depths are looked for in one folder"):
        DepthFolder(tmp_path, depths="rgb")


def test_patterns_and_folders_of_splits(tmp_path):
    for scene in ("a", "b"):
        write(tmp_path, f"train/{scene}/1_rgb.png", np.zeros((*SIZE, 3), np.uint8))
        write(tmp_path, f"train/{scene}/1_depth.png", millimetres(1))
    data = DepthFolder(
        tmp_path, "train", "{split}/{scene}/{name}_rgb", "{split}/{scene}/{name}_depth"
    )
    assert [data.id_of(i) for i in range(len(data))] == ["a/1", "b/1"]
    np.testing.assert_allclose(data[1].targets["depth"], millimetres(1) / 1000, rtol=1e-6)
    assert list(data.targets_of(0)) == ["depth"]


def test_a_list_of_images_and_maps(root, caplog):
    (root / "pairs.txt").write_text("/c.jpg,b.png\na.jpg,None\n")
    data = DepthFolder(root, "pairs")
    assert [data.id_of(i) for i in range(len(data))] == ["c"]
    np.testing.assert_allclose(data[0].targets["depth"], millimetres(1) / 1000, rtol=1e-6)
    assert "1 of 2 images have no map" in caplog.text
    (root / "all.txt").write_text("rgb/c.jpg depth/b.png 518.8\n../x.jpg depth/a.png 518.8\n")
    data = DepthFolder(root, "all", images=".", depths=".")
    assert data[0].targets["depth"].max() > 0
    with pytest.raises(DataError, match=r"leads out[\s\S]*all\.txt"):
        data[1]
    (root / "twice.txt").write_text("c.jpg b.png\nc.jpg a.png\n")
    with pytest.raises(DataError, match="listed twice"):
        DepthFolder(root, "twice")


def test_images_without_a_map_may_be_left_out(root, caplog):
    (root / "depth/b.png").unlink()
    data = DepthFolder(root, missing_maps="skip")
    assert [data.id_of(i) for i in range(len(data))] == ["a", "c"]
    assert "1 images without a map" in caplog.text
    with pytest.raises(ConfigError, match="missing_maps"):
        DepthFolder(root, missing_maps="ignore")
    (root / "depth/a.png").rename(root / "depth/a_depth.png")
    with pytest.raises(DataError, match=r"depths='depth/\{name\}_depth'"):
        DepthFolder(root)[0]
