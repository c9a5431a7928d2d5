import pytest

from densefit.interop.module.locals import ModuleLocals


def test_parameters_are_read_once_and_when_asked_for():
    calls = []

    def params():
        calls.append(1)
        return {"weight": 1}, {"mean": 2}

    values = ModuleLocals(params, {"epoch": 3})
    assert "aux_params" in values
    assert values["epoch"] == values.get("epoch") == 3
    assert "nbatch" not in values
    assert values.get("nbatch", 7) == 7
    assert not calls
    assert values["aux_params"] == {"mean": 2}
    assert values.get("arg_params") == {"weight": 1}
    assert len(calls) == 1
    with pytest.raises(KeyError):
        values["nbatch"]
