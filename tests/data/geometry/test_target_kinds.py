import numpy as np
import pytest

from densefit.data.geometry import target_kinds
from densefit.data.geometry.target_kinds import Kind, declare_target, kind_of
from densefit.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def own_kinds(monkeypatch):
    monkeypatch.setattr(target_kinds, "KINDS", dict(target_kinds.KINDS))


def test_the_built_in_targets_are_declared():
    assert kind_of("boxes", np.zeros((2, 4))).name == "boxes"
    assert kind_of("difficult", np.zeros(2)).name == "per_box"
    assert kind_of("mask", np.zeros((2, 2))) == Kind("map", 255)
    assert kind_of("depth", np.zeros((2, 2))) == Kind("map", 0)
    assert kind_of("normals", np.zeros((2, 2, 3))) == Kind("vectors", 0)
    assert kind_of("labels", np.zeros(3)).name == "plain"


def test_a_lone_number_needs_no_declaration():
    assert kind_of("age", np.array(3.0)).name == "plain"


@pytest.mark.parametrize("shape", [(5,), (4, 4), (3, 17, 3)])
def test_an_undeclared_array_is_an_error_with_the_fix(shape):
    with pytest.raises(DataError, match=r"declare_target\('heat', kind\)"):
        kind_of("heat", np.zeros(shape))


def test_declare_again_the_same_way_only():
    declare_target("heat", "map_linear", fill=-1.0)
    declare_target("heat", "map_linear", fill=-1.0)
    assert kind_of("heat", np.zeros((2, 2))) == Kind("map_linear", -1.0)
    with pytest.raises(ConfigError, match="already declared"):
        declare_target("heat", "map")


def test_unknown_kind():
    with pytest.raises(ConfigError, match="Unknown kind"):
        declare_target("heat", "picture")
