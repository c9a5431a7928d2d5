"""Arrays as MTAN and LibMTL have them: <split>/{image,label,depth,normal}/<i>.npy."""

import numpy as np
import pytest

from densefit.datasets import NYUv2
from densefit.errors import ConfigError, DataError, MissingSplitError

SIZE = (6, 8)


def arrays(seed):
    """One sample as it is in the files."""
    rng = np.random.default_rng(seed)
    label = rng.integers(-1, 13, SIZE).astype(np.float64)
    depth = rng.uniform(0.7, 9.0, (*SIZE, 1))
    depth[0] = 0
    normal = rng.standard_normal((*SIZE, 3))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    normal[0] = 0
    return {"image": rng.random((*SIZE, 3)), "label": label, "depth": depth, "normal": normal}


def write(root, split, numbers):
    for number in numbers:
        for folder, array in arrays(number).items():
            (root / split / folder).mkdir(parents=True, exist_ok=True)
            np.save(root / split / folder / f"{number}.npy", array)


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "train", (0, 2, 10))
    write(tmp_path, "val", (0,))
    return tmp_path


def test_samples_are_the_arrays_in_the_order_of_their_numbers(root):
    data = NYUv2(root)
    assert [data.id_of(i) for i in range(len(data))] == ["train/0", "train/2", "train/10"]
    assert data.classes[:3] == ["bed", "books", "ceiling"]
    assert len(data.classes) == 13
    sample, files = data[2], arrays(10)
    np.testing.assert_allclose(sample.image, 255 * files["image"], atol=0.5)
    label = files["label"]
    np.testing.assert_array_equal(sample.targets["mask"], np.where(label < 0, 255, label))
    np.testing.assert_allclose(sample.targets["depth"], files["depth"][..., 0], rtol=1e-6)
    np.testing.assert_allclose(sample.targets["normals"], files["normal"], atol=1e-6)
    assert NYUv2(root, "val").id_of(0) == "val/0"


def test_only_the_chosen_targets_are_read(root):
    (root / "train/normal/2.npy").write_bytes(b"broken")
    data = NYUv2(root, targets=["depth"])
    assert list(data[1].targets) == ["depth"] == list(data.targets_of(1))
    assert repr(data) == f"NYUv2({str(root)!r}, split='train', targets=['depth'])"
    with pytest.raises(ConfigError, match=r"(?s)Unknown targets.*mask, depth, normals.*'edges'"):
        NYUv2(root, targets=["edges"])


def test_images_of_bytes_and_depths_without_a_channel_are_read_too(root):
    image = np.arange(144, dtype=np.uint8).reshape(*SIZE, 3)
    np.save(root / "val/image/0.npy", image)
    np.save(root / "val/depth/0.npy", np.full(SIZE, 2, np.float32))
    sample = NYUv2(root, "val")[0]
    np.testing.assert_array_equal(sample.image, image)
    assert (sample.targets["depth"] == 2).all()


def test_opening_reads_no_array(root):
    for path in root.glob("train/*/*.npy"):
        path.write_bytes(b"")
    data = NYUv2(root)
    with pytest.raises(DataError, match=r"An array cannot be read[\s\S]*train/image/0.npy"):
        data[0]


BROKEN = {
    "image of another order": ("image", np.zeros((3, *SIZE)), r"\(height, width, 3\).*\(3, 6, 8\)"),
    "image beyond 1": ("image", np.full((*SIZE, 3), 200.0), r"0 to 1.*200"),
    "label of another size": ("label", np.zeros((6, 9)), r"\(6, 8\).*\(6, 9\)"),
    "label of no class": ("label", np.full(SIZE, 13.0), r"-1 to 12.*13"),
    "label between classes": ("label", np.full(SIZE, 0.5), r"-1 to 12.*0\.5"),
    "depth of three channels": ("depth", np.zeros((*SIZE, 3)), r"\(6, 8, 1\).*\(6, 8, 3\)"),
    "normals first": ("normal", np.zeros((3, *SIZE)), r"\(6, 8, 3\).*\(3, 6, 8\)"),
    "text": ("depth", np.full((*SIZE, 1), "a"), r"numbers.*<U1"),
    "objects": ("depth", np.full((*SIZE, 1), None), r"not one of numbers"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_errors_name_the_file(root, case):
    folder, array, text = BROKEN[case]
    path = root / f"val/{folder}/0.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=f"(?s){text}.*{path}"):
        NYUv2(root, "val")[0]


def test_a_missing_array_is_an_error_of_its_sample_alone(root):
    (root / "train/depth/2.npy").unlink()
    data = NYUv2(root)
    assert list(data.faults) == [1]
    assert data[0].targets["depth"].shape == SIZE
    with pytest.raises(DataError, match=r"There is no depth of 'train/2'[\s\S]*train/depth/2.npy"):
        data[1]


def test_folders_in_another_layout_show_the_expected_one(root):
    with pytest.raises(
        MissingSplitError, match=r"(?s)split 'test'.*test/image/0.npy.*train/, val/"
    ):
        NYUv2(root, "test")
    (root / "empty/image").mkdir(parents=True)
    with pytest.raises(DataError, match="no images"):
        NYUv2(root, "empty")


def test_it_is_recognised(root):
    assert NYUv2.looks_like(root)
    assert not NYUv2.looks_like(root / "train")


def test_names_of_the_classes_may_be_in_a_file(root):
    (root / "classes.txt").write_text("\n".join("abcdefghijklm"))
    assert NYUv2(root).classes == list("abcdefghijklm")
    with pytest.raises(DataError, match="-1 to 1"):
        NYUv2(root, classes=["a", "b"])[0]
