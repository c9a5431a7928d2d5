import pytest

from densefit.errors import ConfigError
from densefit.tools.analysis.settings import AnalysisSettings


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"score_threshold": 1.5}, "no score"),
        ({"iou": 1.0}, "no overlap"),
        ({"samples": -1}, "samples"),
    ],
)
def test_settings_out_of_range(settings, text):
    with pytest.raises(ConfigError, match=text):
        AnalysisSettings(**settings)
