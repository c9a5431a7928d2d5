import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics.core.classes import class_names, mean_defined


def test_names():
    assert class_names(2) == class_names(np.int64(2)) == ["0", "1"]
    assert class_names(("cat", "dog")) == ["cat", "dog"]


@pytest.mark.parametrize("bad", [0, [], "cat", ["cat", "dog", "cat"]])
def test_names_that_do_not_work(bad):
    with pytest.raises(ConfigError):
        class_names(bad)


def test_mean_of_nothing_is_nan():
    assert np.isnan(mean_defined(np.array([np.nan])))
    assert np.isnan(mean_defined(np.array([])))
