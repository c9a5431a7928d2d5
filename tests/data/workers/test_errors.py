from densefit.data.workers.errors import LostWorkerError, TooSlowError, too_slow
from densefit.errors import DataError


def test_a_sample_that_is_too_slow_is_a_lost_worker_and_a_data_error():
    error = too_slow("cat", 1.5)
    assert isinstance(error, (TooSlowError, LostWorkerError, DataError))
    assert issubclass(TooSlowError, LostWorkerError)
    assert issubclass(LostWorkerError, DataError)
    assert (error.expected, error.where) == ("at most 1.5 s", "sample 'cat'")
