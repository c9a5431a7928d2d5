import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics import CalibrationError
from densefit.metrics.detection.score_calibration import score_calibration


def test_equals_the_calibration_of_a_classifier_with_these_confidences():
    r = np.random.default_rng(0)
    scores = 0.5 + 0.5 * r.random(500)  # of two classes, the likelier one
    is_right = r.random(500) < scores**2
    classifier = CalibrationError(bins=15)
    chances = np.stack([scores, 1 - scores], axis=1)
    classifier.update(chances, np.where(is_right, 0, 1), [str(row) for row in range(500)])
    result = score_calibration(scores, is_right, bins=15)
    numbers = classifier.compute()
    np.testing.assert_allclose([result.ECE, result.MCE], [numbers["ECE"], numbers["MCE"]])
    assert result.ECE > 0.05
    assert result.counts.sum() == 500


def test_no_detections_have_no_error():
    assert np.isnan(score_calibration(np.zeros(0), np.zeros(0, bool)).ECE)


def test_no_bins():
    with pytest.raises(ConfigError, match="needs bins"):
        score_calibration(np.zeros(0), np.zeros(0, bool), bins=0)
