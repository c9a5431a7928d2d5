from importlib import metadata

import pytest

from densefit import registry
from densefit.errors import ConfigError
from densefit.registry import Registry, load_plugins, nearest


@pytest.fixture
def shapes(monkeypatch):
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    made = Registry("shape")

    @made.register("square")
    def square(side, scale=1):
        return scale * side * side

    @made.register("circle")
    class Circle:
        def __init__(self, radius):
            self.radius = radius

    return made


def test_functions_and_classes_are_made_by_name(shapes):
    assert shapes.create("square", side=3) == 9
    assert shapes.create("circle", radius=2).radius == 2
    assert shapes.get("square")(2, scale=2) == 8


def test_registering_returns_the_thing_itself():
    made = Registry("shape")

    @made.register("line")
    def line():
        return 1

    assert line() == 1


def test_an_unknown_name_gets_a_hint(shapes):
    with pytest.raises(ConfigError, match="did you mean 'square'") as caught:
        shapes.create("sqare", side=3)
    assert "Unknown shape 'sqare'" in str(caught.value)
    assert "known: circle, square" in str(caught.value)


@pytest.mark.parametrize("arguments", [{}, {"side": 1, "colour": 2}, {"sied": 1}])
def test_wrong_arguments_are_told_with_the_right_ones(shapes, arguments):
    with pytest.raises(ConfigError, match=r"square\(side, scale=1\)"):
        shapes.create("square", **arguments)


def test_an_error_inside_the_factory_is_its_own(shapes):
    with pytest.raises(TypeError, match="multiply"):
        shapes.create("square", side="a")


def test_a_name_is_taken_once(shapes):
    with pytest.raises(ConfigError, match="registered twice"):

        @shapes.register("square")
        def other(side):
            return side


def test_the_same_thing_may_come_again(shapes):
    """A module that is reloaded registers new objects under the same path."""

    def make():
        def thing():
            return 1

        return thing

    shapes.register("thing")(make())
    shapes.register("thing")(make())
    assert shapes.create("thing") == 1


def test_names_match_a_pattern(shapes):
    assert shapes.names() == ["circle", "square"]
    assert shapes.names("s*") == ["square"]
    assert shapes.names("x*") == []


def test_nearest():
    assert nearest("mIU", ["mIoU", "AP"]) == "did you mean 'mIoU'? known: AP, mIoU"
    assert nearest("x", ["mIoU"]) == "known: mIoU"
    assert nearest("x", []) == "known: none"


class EntryPoint:
    loaded = 0

    def load(self):
        EntryPoint.loaded += 1


def test_plugins_are_loaded_once_and_only_ours(monkeypatch):
    known = {"densefit.plugins": [EntryPoint()], "others": [EntryPoint()]}
    monkeypatch.setattr(registry, "_plugins_loaded", False)
    monkeypatch.setattr(metadata, "entry_points", lambda group: known[group])
    monkeypatch.setattr(EntryPoint, "loaded", 0)
    load_plugins()
    load_plugins()
    assert EntryPoint.loaded == 1


def test_an_unknown_name_looks_for_plugins_first(monkeypatch, shapes):
    class Plugin:
        def load(self):
            shapes.register("triangle")(lambda: 3)

    monkeypatch.setattr(registry, "_plugins_loaded", False)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [Plugin()])
    assert shapes.create("triangle") == 3


def test_a_plugin_whose_parts_are_imported_late_registers_all_of_them(monkeypatch, shapes):
    class Package:
        @staticmethod
        def register_all():
            shapes.register("triangle")(lambda: 3)

    class Plugin:
        def load(self):
            return Package

    monkeypatch.setattr(registry, "_plugins_loaded", False)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [Plugin()])
    assert shapes.names("tri*") == ["triangle"]
