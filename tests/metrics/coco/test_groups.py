import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.metrics.coco.groups import groups, ranking, spans, stable_order

rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), min_size=0, max_size=60
)


def columns(listed, width):
    """Columns sorted by the first."""
    table = np.array(sorted(listed, key=lambda row: row[0]), np.int64).reshape(-1, width)
    return table.T


@settings(derandomize=True, deadline=None, max_examples=50)
@given(rows, st.integers(1, 4))
def test_ranking_sorts_image_by_image_and_then_together(listed, limit):
    images, labels, scores = columns(listed, 3)
    expected = []
    for label in range(4):
        kept = []
        for image in range(6):
            mine = [i for i in range(len(images)) if images[i] == image and labels[i] == label]
            kept += sorted(mine, key=lambda i: -scores[i])[:limit]
        expected += sorted(kept, key=lambda i: -scores[i])
    assert ranking(images, labels, scores.astype(float), limit).tolist() == expected


@settings(derandomize=True, deadline=None, max_examples=50)
@given(rows, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=30))
def test_groups_are_all_pairs_of_one_image_and_class(found, true):
    images, labels, scores = columns(found, 3)
    order = ranking(images, labels, scores.astype(float), 100)
    images, labels, scores = images[order], labels[order], scores[order]
    true_images, true_labels = columns(true, 2)
    sides = groups(images, labels, true_images, true_labels)
    pairs = {
        (row, truth)
        for row, first, count in zip(sides.rows, sides.first, sides.count)
        for truth in sides.truths[first : first + count]
    }
    assert pairs == {
        (d, t)
        for d in range(len(images))
        for t in range(len(true_images))
        if images[d] == true_images[t] and labels[d] == true_labels[t]
    }
    for row, rank in zip(sides.rows, sides.rank):
        same = (images[:row] == images[row]) & (labels[:row] == labels[row])
        assert rank == np.count_nonzero(same)  # those before it have no lower score
    number = sides.number()
    assert (np.diff(number) >= 0).all()
    for one in np.unique(number):
        inside = sides.rows[number == one]
        assert len(set(zip(images[inside], labels[inside]))) == 1
        assert (np.diff(scores[inside]) <= 0).all()


@pytest.mark.parametrize("top", [10, 1 << 20])
def test_a_stable_order_of_small_and_large_numbers(top):
    keys = np.random.default_rng(0).integers(0, 10, 500)
    keys[0] = top
    expected = sorted(range(500), key=lambda i: keys[i])
    assert stable_order(keys).tolist() == expected


def test_spans_cover_everything_once():
    sizes = np.random.default_rng(0).integers(1, 9, 100)
    found = list(spans(sizes, 10))
    assert [i for first, last in found for i in range(first, last)] == list(range(100))
    assert all(sizes[a:b].sum() <= 10 for a, b in found)
    assert list(spans(np.zeros(0, int), 5)) == []
