import sys

import pytest

from densefit.tools import completion


def test_a_shell_has_its_script(capsys):
    pytest.importorskip("shtab")
    assert completion.main(["bash"]) == 0
    assert "_shtab_densefit" in capsys.readouterr().out


def test_mistakes_are_told(capsys, monkeypatch):
    assert completion.main(["bsh"]) == 2
    assert "did you mean 'bash'?" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert completion.main(["zsh"]) == 1
    assert 'pip install "densefit[completion]"' in capsys.readouterr().err
