from densefit.callbacks.clock import Clock
from densefit.tools.scoring.pass_time import PassTime


def test_a_pass_has_parts_that_are_charged_once():
    times = iter([0, 0, 1, 3, 6, 6, 10])
    clock = Clock(lambda: next(times))
    with clock("forward"):  # from 0
        with clock("data"):  # from 1 to 3
            pass
    with clock("metric"):  # from 6 to 10
        pass
    spent = PassTime.of(20, 10.0, clock)
    assert spent.parts == {"data": 2, "network": 4, "metrics": 4}
    assert str(spent) == "20 images in 10.0 s, 2.0 images/s: data 20 %, network 40 %, metrics 40 %"
    assert spent.values() == {"seconds": 10, "images_per_second": 2, "parts": spent.parts}
