from importlib import metadata

from densefit.tools.console import names


class Point:
    def __init__(self, name, value):
        self.name, self.value = name, value


def test_the_file_has_the_registered_names():
    assert names.FILE.read_text() == names.text(), "python -m densefit.tools.console.names"


def test_recipes_are_listed():
    assert "ssd_resnet18_shapes" in names.builtin_names()["recipes"]


def test_packages_of_others_are_named_without_an_import(monkeypatch):
    points = [Point("tasks", "densefit.tasks"), Point("bars", "bars_that_cannot_be_imported")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    assert names.plugin_packages() == ["bars"]


def test_names_of_plugins_are_those_that_the_file_lacks(monkeypatch):
    builtin = names.builtin_names()
    registered = {**builtin, "tasks": [*builtin["tasks"], "bars"]}
    monkeypatch.setattr(names, "_registered", lambda: registered)
    assert names.plugin_names(builtin) == {"tasks": ["bars"]}
