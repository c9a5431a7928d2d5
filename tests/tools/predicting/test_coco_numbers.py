import json

import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.predicting.coco_numbers import CocoNumbers


@pytest.fixture
def annotations(tmp_path):
    path = tmp_path / "gt.json"
    images = [{"id": 7, "file_name": "a/1.jpg"}, {"id": 8, "file_name": "b/1.jpg"}]
    categories = [{"id": 3, "name": "dog"}, {"id": 5, "name": "cat"}]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    return path


def test_ids_are_those_of_the_annotations(annotations):
    numbers = CocoNumbers(annotations)
    assert numbers.image("data/b/1.jpg", "1-2.jpg") == 8
    assert numbers.image("data/a/1.jpg", "1.jpg") == 7
    assert numbers.categories(["cat", "dog"]) == {0: 5, 1: 3}
    with pytest.raises(DataError, match="no image of this name"):
        numbers.image("data/a/2.jpg", "2.jpg")
    with pytest.raises(ConfigError, match="no category"):
        numbers.categories(["cat", "cow"])


def test_without_annotations_they_are_numbers_in_names_or_counted():
    numbers = CocoNumbers()
    keys = ["000000000139.jpg", "photo.jpg", "139.png", "2.jpg", "photo.jpg"]
    assert [numbers.image(key, key) for key in keys] == [139, 2, 3, 4, 2]
    assert numbers.images["photo.jpg"] == 2
    assert numbers.categories(["cat", "dog"]) == {0: 1, 1: 2}


@pytest.mark.parametrize("content", ["[]", '{"images": [{"id": 1}], "categories": []}'])
def test_another_file_is_an_error(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError):
        CocoNumbers(tmp_path / "x.json")
