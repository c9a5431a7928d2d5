import re

import pytest

from densefit.tools.serving.measurements import Histogram, Measurements


def test_values_are_counted_up_to_each_bound():
    histogram = Histogram((1, 2.5))
    for value in (0.5, 1, 2, 9):
        histogram.add(value)
    assert histogram.lines("x") == [
        'x_bucket{le="1"} 2',
        'x_bucket{le="2.5"} 3',
        'x_bucket{le="+Inf"} 4',
        "x_sum 12.5",
        "x_count 4",
    ]


def test_the_text_is_prometheus():
    measurements = Measurements()
    assert measurements.seconds_per_image == 0
    measurements.request(200, 0.2)
    measurements.request(503, 0.001)
    measurements.batch(3, 4, 0.6)
    assert measurements.seconds_per_image == pytest.approx(0.2)
    lines = measurements.text(waiting=2, in_flight=5).splitlines()
    assert 'densefit_requests_total{status="503"} 1' in lines
    assert "densefit_images_total 3" in lines
    assert 'densefit_batch_rows_bucket{le="4"} 1' in lines
    assert "densefit_waiting_images 2" in lines
    assert "densefit_requests_in_flight 5" in lines
    pattern = r'(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]+"\})? [0-9.e+-]+)'
    assert [line for line in lines if not re.fullmatch(pattern, line)] == []
