"""The labelled set of NYU Depth v2 as one file of MATLAB, here a generated one."""

import pickle

import numpy as np
import pytest

from densefit.datasets import NYUDepthMat, NYUv2, Rooms
from densefit.datasets.depth import nyu_mat
from densefit.datasets.depth.label_map import label_table
from densefit.datasets.depth.nyu_splits import split_numbers
from densefit.datasets.files.hdf5_file import HDF5File
from densefit.errors import ConfigError, DataError, MissingPackageError, MissingSplitError
from densefit.tools.conversion.convert import convert

SIZE = (24, 32)
NAMES = ["book", "wall", "unicorn"]


def write_mat(path, count=3):
    """Pictures, depths and labels, with the axes and the texts of MATLAB."""
    h5py = pytest.importorskip("h5py")
    rooms = Rooms(count, SIZE)
    with h5py.File(path, "w") as file:
        samples = [rooms[index] for index in range(count)]
        file["images"] = np.stack([sample.image.transpose(2, 1, 0) for sample in samples])
        file["depths"] = np.stack([sample.targets["depth"].T for sample in samples])
        labels = [(np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 4).T for _ in samples]
        file["labels"] = np.stack(labels).astype(np.uint16)
        names = file.create_dataset("names", (1, len(NAMES)), h5py.ref_dtype)
        for index, name in enumerate(NAMES):
            text = file.create_dataset(f"#refs#/{index}", data=[[ord(x)] for x in name])
            names[0, index] = text.ref
    return rooms


@pytest.fixture
def root(tmp_path):
    write_mat(tmp_path / nyu_mat.FILE)
    (tmp_path / "train.txt").write_text("1\n3\n")
    (tmp_path / "map.csv").write_text("label,class\nbook,books\n2,wall\nunicorn,\n")
    return tmp_path


def test_pictures_depths_and_classes_are_upright(root):
    rooms, data = Rooms(3, SIZE), NYUDepthMat(root, class_map="map.csv")
    assert [data.id_of(index) for index in range(len(data))] == ["0001", "0003"]
    sample = data[1]
    np.testing.assert_array_equal(sample.image, rooms[2].image)
    np.testing.assert_array_equal(sample.targets["depth"], rooms[2].targets["depth"])
    assert sample.targets["mask"][0, :5].tolist() == [255, 1, 11, 255, 255]
    assert set(sample.targets) == set(data.targets_of(1))
    assert NYUDepthMat(root / nyu_mat.FILE, None).id_of(1) == "0002"


def test_without_a_class_map_there_are_no_masks(root):
    data = NYUDepthMat(root, normals=False)
    assert data.targets_of(0) == tuple(data[0].targets) == ("depth",)
    assert data.classes == []


@pytest.mark.parametrize("size", [None, (12, 16), (12, 32)])
def test_normals_of_a_wall_are_its_own_at_any_size(root, monkeypatch, size):
    h5py = pytest.importorskip("h5py")
    focal, centre, normal = (20.0, 22.0), (14.0, 12.0), np.array([0.6, 0.3, -0.7416198])
    monkeypatch.setattr(nyu_mat, "FOCAL", focal)
    monkeypatch.setattr(nyu_mat, "CENTRE", centre)
    x = (np.arange(SIZE[1]) - centre[0]) / focal[0]
    y = (np.arange(SIZE[0])[:, None] - centre[1]) / focal[1]
    depth = -2 / (normal[0] * x + normal[1] * y + normal[2])
    depth[depth < 0] = 0
    with h5py.File(root / nyu_mat.FILE, "a") as file:
        file["depths"][0] = depth.T
    normals = NYUDepthMat(root, size=size)[0].targets["normals"]
    is_known = (normals != 0).any(axis=2)
    assert is_known.mean() > 0.5
    angles = np.degrees(np.arccos(np.clip(normals[is_known] @ normal, -1, 1)))
    assert np.median(angles) < 1.5


def test_it_is_converted_to_the_arrays_of_the_protocol(root, tmp_path):
    data = NYUDepthMat(root, class_map="map.csv", size=[12, 16])
    convert({"train": data}, "nyuv2", tmp_path / "out")
    written = NYUv2(tmp_path / "out")
    assert written[0].image.shape == (12, 16, 3)
    assert written.classes == data.classes
    assert len(written) == 2


def test_a_worker_opens_the_file_itself(root):
    data = NYUDepthMat(root)
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy[0].image, data[0].image)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("label,class\nbok,books\n", "(?s)no label 'bok'.*from 1 to 3.*'book'"),
        ("label,class\n4,books\n", "(?s)no label '4'"),
        ("label,class\nbook,boks\n", "(?s)no class 'boks'.*label 'book'.*'books'"),
        ("label,class\nbook,books\n1,wall\n", "label 1, 'book', has two lines"),
        ("a,b\n", "no column 'label'"),
    ],
)
def test_wrong_class_maps_name_the_line(tmp_path, text, error):
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=error):
        label_table(path, NAMES, ["books", "wall"])


def test_labels_without_a_class_are_counted(tmp_path, caplog):
    path = tmp_path / "some.csv"
    path.write_text("label,class\nwall,wall\n")
    assert label_table(path, NAMES, ["books", "wall"]).tolist() == [255, 255, 1, 255]
    assert "2 of 3 labels are of no class: book, unicorn" in caplog.text


def test_the_official_splits(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(
        tmp_path / "splits.mat", {"trainNdxs": [[3], [5]], "testNdxs": [[1], [2], [4]]}
    )
    assert split_numbers(tmp_path, "train", 5) == [3, 5]
    assert split_numbers(tmp_path, "val", 5) == split_numbers(tmp_path, "test", 5) == [1, 2, 4]
    with pytest.raises(DataError, match="(?s)numbers from 1 to 4.*5.*splits.mat"):
        split_numbers(tmp_path, "train", 4)
    (tmp_path / "splits.mat").write_bytes(b"broken")
    with pytest.raises(DataError, match="(?s)cannot be read.*trainNdxs"):
        split_numbers(tmp_path, "train", 4)


def test_wrong_lists_are_errors(tmp_path):
    with pytest.raises(MissingSplitError, match="(?s)split 'mine'.*mine.txt.*split: null"):
        split_numbers(tmp_path, "mine", 4)
    for text, error in (("1\nx\n", "x"), ("1\n1\n", "2 numbers, 1 different"), ("0\n", "0")):
        (tmp_path / "mine.txt").write_text(text)
        with pytest.raises(DataError, match=f"(?s)from 1 to 4.*{error}.*mine.txt"):
            split_numbers(tmp_path, "mine", 4)


def test_other_files_are_refused_by_name(root, tmp_path):
    h5py = pytest.importorskip("h5py")
    with pytest.raises(ConfigError, match="288, 384"):
        NYUDepthMat(root, size=[288])
    other = tmp_path / "other.mat"
    other.write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(DataError, match="(?s)none of HDF5.*other.mat"):
        NYUDepthMat(other)
    with h5py.File(other, "w") as file:
        file["images"] = np.zeros((2, 3, 8, 6), np.uint8)
    with pytest.raises(DataError, match="(?s)no array 'depths'.*images.*other.mat"):
        NYUDepthMat(other)
    with h5py.File(other, "a") as file:
        file["depths"] = np.zeros((2, 6, 8), np.float32)
    with pytest.raises(
        DataError, match=r"(?s)'depths' has another shape.*\(2, 8, 6\).*\(2, 6, 8\)"
    ):
        NYUDepthMat(other)


def test_without_h5py_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "a.mat").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingPackageError, match=r"(?s)h5py.*densefit\[nyu\]"):
        HDF5File(tmp_path / "a.mat").shape("images")
