from pathlib import Path

import pytest

from densefit.datasets.files.color_table import color_table, parse_color
from densefit.errors import ConfigError, DataError

ROAD_SKY = {"road": [(128, 64, 128)], "sky": [(70, 130, 180)]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # as CamVid's archive has it, with tabs, and blanks before the name
        ("label_colors.txt", "128 64 128\troad\n70 130 180\t\tsky\n"),
        # as public copies of CamVid and LandCover on Kaggle have it
        ("class_dict.csv", "name,r,g,b\nroad,128,64,128\nsky,70,130,180\n"),
        ("class_dict.csv", "name, r, g, b\nroad, 128, 64, 128\nsky, 70, 130, 180\n"),
        ("class_dict.csv", 'id,class,R,G,B\n7,"road",128,64,128\n8,"sky",70,130,180\n'),
        ("colors.csv", "road,128,64,128\nsky,70,130,180\n"),
        # as CVAT writes it
        ("labelmap.txt", "# label:color_rgb:parts:actions\nroad:128,64,128::\nsky:70,130,180::\n"),
        ("labels.txt", "road #804080\nsky #4682B4\n"),
        ("colors.json", '{"road": [128, 64, 128], "sky": "#4682b4"}'),
    ],
)
def test_files_of_tools(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    table = color_table(name, tmp_path)
    assert table == ROAD_SKY
    assert list(table) == ["road", "sky"]
    assert color_table(str(tmp_path / name), Path("elsewhere")) == ROAD_SKY


def test_settings():
    colors = {"road": [128, 64, 128], "sky": "4682b4", "car": [[0, 0, 1], "#000002", "0, 0, 3"]}
    cars = [(0, 0, 1), (0, 0, 2), (0, 0, 3)]
    assert color_table(colors, Path()) == {**ROAD_SKY, "car": cars}


def test_names_with_blanks_and_several_lines_of_one_class(tmp_path):
    (tmp_path / "c.txt").write_text("1 2 3 traffic light\n4 5 6 traffic light\n7 8 9 sky\n")
    assert color_table("c.txt", tmp_path) == {
        "traffic light": [(1, 2, 3), (4, 5, 6)],
        "sky": [(7, 8, 9)],
    }


@pytest.mark.parametrize(
    "value", [[0, 0], [0, 0, 256], "red", 7, [0.5, 0, 0], [True, 0, 0], "#fff"]
)
def test_what_is_no_colour(value):
    with pytest.raises(ConfigError, match="no colour"):
        parse_color(value)
    with pytest.raises(ConfigError, match=r"no colour[\s\S]*'soil'"):
        color_table({"soil": value}, Path())


def test_one_colour_of_two_classes(tmp_path):
    with pytest.raises(ConfigError, match=r"\(1, 2, 3\)[\s\S]*'a' and 'b'"):
        color_table({"a": [1, 2, 3], "b": "#010203"}, tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.txt", "1 2 3 road\nnothing\n"),
        ("c.txt", "1 2 300 road\n"),
        ("c.csv", "name,r,g,b\nroad,1,2\n"),
        ("c.csv", "name,r,g,b\n" + "x" * 200_000 + ",1,2,3\n"),
        ("c.csv", "x" * 200_000),
        ("c.txt", "# a comment\n"),
        ("c.json", "[1]"),
        ("c.json", '{"road": 3}'),
        ("c.json", "{"),
    ],
)
def test_broken_files_are_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=rf"{name}"):
        color_table(name, tmp_path)


def test_missing_files_and_other_settings(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt"):
        color_table("none.txt", tmp_path)
    for value in ({}, [[0, 0, 0]], 3):
        with pytest.raises(ConfigError, match="no table"):
            color_table(value, tmp_path)
