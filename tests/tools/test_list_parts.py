import pytest

from densefit.tools import list_parts
from densefit.tools.console.names import builtin_names

PLUGIN = """
from densefit.model.heads.head import heads
from densefit.tasks.classification import Classification

@heads.register("listed_by_a_file")
class Listed(Classification):
    pass
"""


def test_all_kinds_are_listed(capsys):
    assert list_parts.main([]) == 0
    shown = capsys.readouterr().out
    for heading, names in builtin_names().items():
        assert f"\n{heading} " in f"\n{shown}"
        assert all(name in shown for name in names)


@pytest.mark.parametrize("word", ["backbones", "backbone"])
def test_one_kind_is_a_name_a_line(capsys, word):
    assert list_parts.main([word, "resnet18*"]) == 0
    assert capsys.readouterr().out.split() == ["resnet18", "resnet18_v2", "resnet18d"]


def test_heads_are_tasks_and_losses_have_their_plural(capsys):
    for word, name in (("heads", "detection"), ("loss", "dice"), ("recipes", "ssd_resnet18_bccd")):
        assert list_parts.main([word]) == 0
        assert name in capsys.readouterr().out.split()


def test_a_pattern_alone_looks_in_all_kinds(capsys):
    assert list_parts.main(["*segformer*"]) == 0
    assert capsys.readouterr().out == "decoders    segformer\n"


@pytest.mark.parametrize("words", [["backbonez"], ["--all"], ["a", "b", "c"]])
def test_mistakes_are_told(capsys, words):
    assert list_parts.main(words) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_plugin_file_is_listed_behind_densefits_own(own_plugins, tmp_path, capsys):
    path = tmp_path / "listed_plugin.py"
    path.write_text(PLUGIN)
    assert list_parts.main(["--plugins", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.index("from plugins") < shown.index("listed_by_a_file", shown.index("from plu"))
