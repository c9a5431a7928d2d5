import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import DataError
from densefit.tools.formats.voc_results import by_image, find_files, in_order, read_class

CLASSES = ["traffic_light", "cat"]


@pytest.fixture
def folder(tmp_path):
    for name in ("comp4_det_test_cat.txt", "comp4_det_test_traffic_light.txt", "README.md"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_names_say_the_class(folder):
    found = find_files(folder, CLASSES)
    assert {name: path.name for name, path in found.items()} == {
        "cat": "comp4_det_test_cat.txt",
        "traffic_light": "comp4_det_test_traffic_light.txt",
    }
    assert list(find_files(folder / "comp4_det_test_cat.txt", CLASSES)) == ["cat"]
    (folder / "cat.txt").write_text("")
    assert list(find_files(folder / "cat.txt", CLASSES)) == ["cat"]


def test_what_is_wrong_with_the_files_is_told(folder):
    (folder / "comp3_det_val_cat.txt").write_text("")
    with pytest.raises(DataError, match=r"'cat' has two files[\s\S]*comp3_det_val_cat"):
        find_files(folder, CLASSES)
    with pytest.raises(DataError, match=r"unknown class 'cat'[\s\S]*did you mean 'cats'"):
        find_files(folder / "comp3_det_val_cat.txt", ["cats", "dogs"])
    with pytest.raises(DataError, match="no such file or folder"):
        find_files(folder / "gone.txt", CLASSES)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="no files of results"):
        find_files(folder / "empty", CLASSES)


def test_lines_are_taken_as_they_are(folder):
    path = folder / "cat.txt"
    path.write_text("\ufeffb 0.5 1 2 3 4\n\n a  1e-3  1.5 2 3 4.25 \n", encoding="utf-8")
    one = read_class(path, ["a", "b"], "those")
    assert one.images == ["b", "a"]
    assert one.scores.tolist() == [0.5, 0.001]
    assert one.boxes.tolist() == [[1, 2, 3, 4], [1.5, 2, 3, 4.25]]
    path.write_text("")
    assert read_class(path, ["a"], "those").boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a 0.5 1 2 3", "not a detection"),
        ("a 0.5 1 2 3 4 5", "not a detection"),
        ("a 0.5 1 2 three 4", "not a detection"),
        ("a nan 1 2 3 4", "not a detection"),
        ("a 0.5 1 2 inf 4", "not a detection"),
        ("image7 0.5 1 2 3 4", r"'image7' is not among those[\s\S]*did you mean 'image1'"),
        ("a 0.5 5 2 3 4", "wrong order"),
    ],
)
def test_a_broken_line_is_named(folder, line, said):
    path = folder / "cat.txt"
    path.write_text(f"a 0.5 1 2 3 4\n\n{line}\n")
    with pytest.raises(DataError, match=said) as caught:
        read_class(path, ["a", "image1"], "those")
    assert str(caught.value.where).endswith("cat.txt, line 3")


def test_what_cannot_be_read_is_told(folder):
    (folder / "cat.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("cat.txt", "gone.txt"):
        with pytest.raises(DataError, match=name):
            read_class(folder / name, [], "those")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from([-1.0, -0.0, 0.0, 5e-324, 0.1, 0.25, 0.25 + 2**-54, 1.0, 1e300])
        | st.floats(-5, 5)
    )
)
def test_equal_scores_stay_in_the_order_of_the_file(scores):
    scores = np.array(scores, np.float64)
    raised = in_order(scores)
    order = np.argsort(-scores, kind="stable")
    assert (np.diff(raised[order]) < 0).all()  # no two are equal, and the order is the same
    assert (raised >= scores).all()
    if len(set(scores.tolist())) == len(scores):
        np.testing.assert_array_equal(raised, scores)
    np.testing.assert_allclose(raised, scores, rtol=1e-12, atol=1e-300)


def test_rows_go_to_their_images(folder):
    (folder / "x.txt").write_text("b 0.5 1 2 3 4\na 0.5 1 1 2 2\nb 0.5 0 0 9 9\n")
    (folder / "y.txt").write_text("b 0.25 7 7 8 8\n")
    files = [read_class(folder / name, "abc", "") for name in ("x.txt", "y.txt")]
    rows = by_image(files, [4, 1], ["a", "b", "c"])
    assert rows["b"]["boxes"].tolist() == [[1, 2, 3, 4], [0, 0, 9, 9], [7, 7, 8, 8]]
    assert rows["b"]["classes"].tolist() == [4, 4, 1]
    assert rows["a"]["classes"].tolist() == [4]
    assert rows["c"]["scores"].shape == (0,)
    assert by_image([], [], ["a"])["a"]["boxes"].shape == (0, 4)
