import pytest

from densefit.data.sample import datasets
from tests.tools.data_check.listed import Listed, write_split


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Folder of the dataset `listed`: six training and two validation images, all sound."""
    monkeypatch.setattr(datasets, "_factories", {**datasets._factories, "listed": Listed})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "data"
    write_split(root, "train", 6)
    write_split(root, "val", 2)
    return root
