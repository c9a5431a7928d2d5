import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.predicting.inputs import inputs_of


def test_words_are_sorted_by_their_kind(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.MP4", "d[1].jpg"):
        (tmp_path / name).touch()
    words = [str(tmp_path / "[ab].jpg"), str(tmp_path / "c.MP4"), "camera:1", str(tmp_path)]
    inputs = inputs_of([*words, str(tmp_path / "d[1].jpg")])
    expected = [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "", "d[1].jpg")]
    assert inputs.pictures == [path.rstrip("/") for path in expected]
    assert inputs.videos == [tmp_path / "c.MP4"]
    assert inputs.cameras == [1]


def test_a_list_may_name_what_is_missing(tmp_path):
    (tmp_path / "a b.jpg").touch()
    lines = [f"{tmp_path}/a b.jpg\n", "\n", "nowhere.jpg\r\n"]
    inputs = inputs_of(["-"], lines)
    assert inputs.pictures == [f"{tmp_path}/a b.jpg"]
    assert list(inputs.missing) == ["nowhere.jpg"]


def test_nothing_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="list files or folders"):
        inputs_of([])
    with pytest.raises(ConfigError, match="No image"):
        inputs_of(["-"], ["\n"])
    with pytest.raises(DataError, match="fits the pattern"):
        inputs_of([str(tmp_path / "*.jpg")])
