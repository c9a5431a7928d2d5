import pytest

from densefit.engine.onnx.devices import providers_of, thread_count
from densefit.errors import ConfigError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.mark.parametrize("devices", [None, [], ["cpu"], ["cpu:0"], ["cpu(0)"], [CPU]])
def test_the_cpu_is_the_default(devices):
    assert providers_of(devices, [CUDA, CPU]) == [(CPU, {})]


@pytest.mark.parametrize(
    ("device", "number"), [("cuda", 0), ("cuda:1", 1), ("gpu:2", 2), ("gpu(3)", 3)]
)
def test_a_gpu_is_named_as_in_torch_or_mxnet(device, number):
    assert providers_of([device], [CUDA, CPU]) == [(CUDA, {"device_id": number}), (CPU, {})]


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (["cpu", "cuda:0"], "one device"),
        (["cuda:0"], "the CPU is the default.*onnxruntime-gpu"),
        (["tpu"], "cpu, or one of its providers: CPUExecutionProvider"),
    ],
)
def test_other_devices_are_refused(devices, message):
    with pytest.raises(ConfigError, match=message):
        providers_of(devices, [CPU])


def test_threads_are_those_of_the_other_engines(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert thread_count() >= 1
