import os

import pytest

from densefit.datasets.files.folder_state import folder_state


@pytest.fixture
def root(tmp_path):
    for name in ("a/1.jpg", "a/1.xml", "b/deep/2.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("four")
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    return tmp_path


def test_sizes_and_times_of_annotations_count_and_names_of_all_files(root):
    first = folder_state([root], (".xml",))
    assert (first.bytes, first.newest) == (8, 10**18)
    (root / "a/1.jpg").write_text("another image")
    (root / ".densefit").mkdir()
    assert folder_state([root], (".xml",)) == first
    os.utime(root / "b/deep/2.xml", (1e9, 1e9 + 1))
    later = folder_state([root], (".xml",))
    assert (later.digest != first.digest, later.newest) == (True, 10**18 + 10**9)
    states = {first.digest, later.digest}
    (root / "b/deep/2.xml").write_text("other")
    states.add(folder_state([root], (".xml",)).digest)
    (root / "a/1.jpg").rename(root / "b/1.jpg")
    states.add(folder_state([root], (".xml",)).digest)
    (root / "b/.hidden").write_text("")
    states.add(folder_state([root], (".xml",)).digest)
    assert len(states) == 5


def test_folders_count_once_links_are_followed_and_circles_end(root):
    assert folder_state([root, root / "a"], (".xml",)) == folder_state([root], (".xml",))
    (root / "a/up").symlink_to(root)
    assert folder_state([root], (".xml",)).bytes == 8
    (root / "a/up").unlink()
    (root / "c").symlink_to(root / "b")
    assert folder_state([root], (".xml",)).bytes == 12
    absent = folder_state([root / "gone"], (".xml",))
    assert absent.bytes == 0
    (root / "gone").mkdir()
    assert folder_state([root / "gone"], (".xml",)) != absent


def test_without_endings_only_names_count(root):
    state = folder_state([root])
    (root / "a/1.xml").write_text("longer than before")
    assert (folder_state([root]), state.bytes) == (state, 0)
