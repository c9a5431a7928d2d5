"""Files of PyTorch are read as PyTorch reads them, without it."""

import io
import pickle
import random
import zipfile

import numpy as np
import pytest
import torch

from densefit.checkpoint.weights.files import torch_file
from densefit.checkpoint.weights.files.pickle_values import RefusedPickleError

FORMS = {"zip": True, "older": False}


def saved(value, form, **settings):
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=FORMS[form], **settings)
    return stream.getvalue()


def same(arrays, state):
    assert list(arrays) == list(state)
    for name, tensor in state.items():
        array = arrays[name]
        if tensor.dtype == torch.bfloat16:
            np.testing.assert_array_equal(
                array["bfloat16"], tensor.contiguous().view(torch.int16).numpy().view(np.uint16)
            )
            continue
        assert array.dtype == tensor.detach().numpy().dtype
        np.testing.assert_array_equal(array, tensor.detach().numpy())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_dtypes_strides_and_shared_storages(form, protocol):
    torch.manual_seed(0)
    whole = torch.randn(6, 5)
    state = {
        "whole": whole,
        "transposed": whole.t(),
        "part": whole[2:4, 1:4],
        "every_second": whole[::2, 1],
        "scalar": torch.tensor(3),
        "empty": torch.zeros(0, 4),
        "last": whole.to(memory_format=torch.contiguous_format)[-1:],
        **{
            str(dtype): (torch.randn(2, 3) * 9).to(dtype)
            for dtype in (
                *(torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32),
                *(torch.int16, torch.int8, torch.uint8, torch.bool),
            )
        },
    }
    same(torch_file.load(saved(state, form, pickle_protocol=protocol)), state)


@pytest.mark.parametrize("form", FORMS)
def test_the_state_dict_of_a_module_with_parameters(form):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    same(torch_file.load(saved(module.state_dict(), form)), module.state_dict())
    parameters = dict(module.named_parameters())
    same(torch_file.load(saved(parameters, form)), parameters)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", ["state_dict", "model", "model_state"])
def test_the_state_dict_inside_a_trainings_checkpoint(form, key):
    module = torch.nn.Linear(2, 3)
    optimizer = {
        "state": {0: {"momentum_buffer": torch.ones(3, 2)}},
        "param_groups": [{"lr": 0.1, "nesterov": False, "dampening": None, "params": [0, 1]}],
    }
    content = {"epoch": 3, key: module.state_dict(), "optimizer": optimizer}
    same(torch_file.load(saved(content, form)), module.state_dict())


@pytest.mark.parametrize("form", FORMS)
def test_a_pickled_module_is_refused_by_name(form):
    with pytest.raises(RefusedPickleError, match=r"torch\.nn\.modules\.linear\.Linear|module"):
        torch_file.load(saved(torch.nn.Linear(2, 3), form))


@pytest.mark.parametrize("form", FORMS)
def test_files_without_tensors(form):
    for value in ([1, 2], {"epoch": 3}, {"state_dict": {"a": 1}}):
        with pytest.raises(ValueError, match="holds no state dict"):
            torch_file.load(saved(value, form))


@pytest.mark.parametrize("form", FORMS)
def test_truncated_and_changed_files(form):
    state = torch.nn.Conv2d(3, 4, 3).state_dict()
    data, draw = saved(state, form), random.Random(0)
    for length in range(len(torch_file.OLDER), len(data) - 1, 131):
        with pytest.raises(ValueError, match=r"."):
            torch_file.load(data[:length])
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(3):
            changed[draw.randrange(4, len(changed))] = draw.randrange(256)
        try:
            torch_file.load(changed)
        except ValueError:
            pass


def rebuilt(shape, strides, offset=0, count=4):
    """An older file with one tensor, whose description is free."""

    class Kind:
        pass

    def text(value):
        return pickle.dumps(value, 2)[2:-1]

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")
    storage += text(count) + b"NtQ"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + text(offset) + text(shape)
    call += text(strides) + b"\x89)tR"
    value = b"\x80\x02}" + text("w") + call + b"s."
    rest = [pickle.dumps(entry, 2) for entry in (1001, {"little_endian": True})]
    numbers = np.arange(count, dtype="<f4").tobytes()
    keys = pickle.dumps(["0"], 2) + count.to_bytes(8, "little")
    return torch_file.OLDER + b"." + rest[0] + rest[1] + value + keys + numbers


def test_a_tensor_lies_inside_its_storage():
    np.testing.assert_array_equal(torch_file.load(rebuilt((2, 2), (1, 2)))["w"], [[0, 2], [1, 3]])
    for shape, strides, offset in [
        ((5,), (1,), 0),
        ((2,), (4,), 0),
        ((2, 2), (2, 1), 1),
        ((2**40,), (0,), 0),  # an expanded tensor takes memory that the file does not have
        ((2, 2), (-1, 1), 2),
        ((2, 2), (1,), 0),
    ]:
        with pytest.raises(ValueError, match="a tensor"):
            torch_file.load(rebuilt(shape, strides, offset))


def test_a_compressed_zip_file_and_a_zip_file_of_something_else():
    data = saved({"w": torch.zeros(1000)}, "zip")
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="compressed"):
        torch_file.load(stream.getvalue())
    stream = io.BytesIO()
    np.savez(stream, w=np.ones(3))
    with pytest.raises(ValueError, match=r"data\.pkl is missing"):
        torch_file.load(stream.getvalue())
