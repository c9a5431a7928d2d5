import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from densefit.data.geometry.instance_map import UNKNOWN
from densefit.data.geometry.rle import (
    as_text,
    covered_pixels,
    decode,
    decode_runs,
    encode,
    encode_instances,
    encode_patch,
    encode_polygons,
    encode_runs,
    encode_stack,
)


def instance_maps():
    rng = np.random.default_rng(0)
    yield rng.integers(0, 4, (7, 9)).astype(np.uint16)  # objects of many parts
    yield np.where(rng.random((6, 5)) < 0.4, UNKNOWN, 3).astype(np.uint16)
    yield np.full((4, 3), 400, np.uint16)
    yield np.zeros((4, 3), np.uint16)
    yield np.ascontiguousarray(rng.integers(0, 3, (5, 8)).astype(np.uint16).T)[:, ::-1]


@pytest.mark.parametrize("instances", instance_maps())
def test_objects_of_a_map_are_encoded_as_by_pycocotools(instances):
    ids = np.array([3, 1, 7, 2, 400])
    for number, mask in zip(ids, encode_instances(instances, ids)):
        assert mask == coco.encode(np.asfortranarray(instances == number, np.uint8))


def test_no_ids_give_no_masks():
    assert encode_instances(np.zeros((3, 4), np.uint16), np.zeros(0, np.int64)) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2), elements=st.sampled_from([0, 1, 255]))
)
def test_masks_come_back_and_their_runs_fill_them(mask):
    encoded = encode(mask)
    np.testing.assert_array_equal(decode(encoded), mask != 0)
    runs = decode_runs(encoded["counts"])
    assert runs.sum() == mask.size
    assert runs[1::2].sum() == np.count_nonzero(mask)
    assert encode_runs(runs.tolist(), mask.shape) == encoded
    assert encode_stack(np.stack([mask, mask])) == [encoded, encoded]
    text = as_text(encoded)
    assert json.loads(json.dumps(text)) == text
    np.testing.assert_array_equal(decode_runs(text["counts"]), runs)


def test_polygons_are_joined():
    as_3x3, triangle = [1, 1, 4, 1, 4, 4, 1, 4], [5.5, 0, 8.2, 0.3, 7, 5.9]
    expected = coco.merge(coco.frPyObjects([as_3x3, triangle], 6, 8))
    assert encode_polygons([as_3x3, triangle], (6, 8)) == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))))
def test_all_pixels_are_counted(masks):
    strings = [coco.encode(np.asfortranarray(mask))["counts"] for mask in masks]
    assert covered_pixels(strings).tolist() == [mask.size for mask in masks]


@pytest.mark.parametrize("runs", [[0, 5], [2, 1, 40_000, 7, 3_000_000_000], [10**9]])
def test_long_runs_are_counted(runs):
    height = sum(runs)
    string = coco.frPyObjects({"size": [height, 1], "counts": runs}, height, 1)["counts"]
    assert covered_pixels([b"523", string]).tolist() == [10, height]


def test_broken_strings_are_none_and_spoil_no_others():
    broken = [b"", b"5\x7f", b"5 3", b"5o", b"oooooooo0", b"5\xff"]
    mixed = [string for bad in broken for string in (bad, b"523")]
    assert covered_pixels(mixed).tolist() == [-1, 10] * len(broken)
    assert covered_pixels([]).shape == (0,)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=5)),
    *[st.integers(0, 3)] * 4,
)
def test_a_patch_is_its_whole_mask(patch, top, left, bottom, right):
    whole = np.pad(patch, ((top, bottom), (left, right)))
    assert encode_patch(patch, (top, left), whole.shape) == encode(whole)
