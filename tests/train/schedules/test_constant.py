from densefit.train.schedules import Constant


def test_it_needs_no_length():
    assert Constant(0.1, warmup=2).resolve(None)(10**9) == 0.1


def test_a_whole_number_is_a_rate_too():
    rate = Constant(1).resolve(10)(5)
    assert rate == 1.0
    assert isinstance(rate, float)
