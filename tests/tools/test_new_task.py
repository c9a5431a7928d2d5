import ast

import pytest

from densefit.tools import new_task


def test_both_files_are_written(tmp_path, capsys):
    assert new_task.main(["counting", "--out", str(tmp_path / "x")]) == 0
    shown = capsys.readouterr().out
    text = (tmp_path / "x" / "counting.py").read_text()
    ast.parse(text)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("CHANGE") >= 5
    assert "densefit train --config" in shown
    assert "plugins: [counting.py]" in (tmp_path / "x" / "counting.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "has no name"),
        (["Bars"], "small letters"),
        (["a-b"], "small letters"),
        (["class"], "small letters"),
        (["detection"], "has a task detection already"),
        (["a", "b"], "does not take b"),
    ],
)
def test_mistakes_are_told(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert new_task.main(words) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(tmp_path, capsys):
    words = ["counting", "--out", str(tmp_path)]
    assert new_task.main(words) == 0
    (tmp_path / "counting.py").write_text("mine")
    assert new_task.main(words) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "counting.py").read_text() == "mine"
