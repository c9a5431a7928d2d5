"""What comes off the device against plain loops over the maps."""

import numpy as np

from densefit.symbol import sym
from densefit.tasks.keypoints.select import joint_peaks, objects, peaks
from tests.executor import compute

B, C, K, H, W = 2, 2, 3, 6, 9


def maps(seed=0, heat=True):
    rng = np.random.default_rng(seed)
    made = {
        "centre": rng.normal(size=(B, C, H, W)),
        "box": rng.normal(1, 1, (B, 4, H, W)),
        "place": rng.normal(0, 3, (B, 2 * K, H, W)),
    }
    if heat:
        made["joint"] = rng.normal(size=(B, K, H, W))
        made["rest"] = rng.random((B, 2 * K, H, W))
    return {name: array.astype(np.float32) for name, array in made.items()}


def run(function, made):
    symbol = function({name: sym.Variable(name) for name in made})
    return compute(symbol, made)[0]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def highest(heat):
    """(score, row, column) of each cell that none around exceeds, by falling score."""
    found = []
    for row, column in np.ndindex(heat.shape):
        around = heat[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        if heat[row, column] >= around.max():
            found.append((heat[row, column], row, column))
    return sorted(found, reverse=True)


def test_peaks_are_what_no_neighbour_exceeds():
    made = maps()
    found = run(lambda named: peaks(named["centre"]), {"centre": made["centre"]})
    for heat, left in zip(sigmoid(made["centre"]).reshape(-1, H, W), found.reshape(-1, H, W)):
        expected = np.zeros((H, W))
        for score, row, column in highest(heat):
            expected[row, column] = score
        np.testing.assert_allclose(left, expected, rtol=1e-5)


def check_objects(made, limit, sure):
    found = run(lambda named: objects(named, (H, W), K, limit), made)
    assert found.shape == (B, limit, 6 + 3 * K)
    for picture, rows in enumerate(found):
        expected = sorted(
            (
                (*peak, label)
                for label in range(C)
                for peak in highest(sigmoid(made["centre"][picture, label]))
            ),
            reverse=True,
        )
        for (score, row, column, label), result in zip(expected[:limit], rows):
            np.testing.assert_allclose(result[:2], (label, score), rtol=1e-5)
            dx, dy, width, height = made["box"][picture, :, row, column]
            centre = np.array([column + dx, row + dy])
            half = np.maximum([width, height], 0) / 2
            box = np.concatenate([centre - half, centre + half]) * 4
            np.testing.assert_allclose(result[2:6], box, atol=1e-4)
            for joint in range(K):
                away = made["place"][picture, 2 * joint : 2 * joint + 2, row, column]
                x, y = (column + away[0], row + away[1])
                cell = (int(np.clip(np.floor(y), 0, H - 1)), int(np.clip(np.floor(x), 0, W - 1)))
                expected_point = (4 * x, 4 * y, sure(picture, joint, cell))
                given = result[6 + 3 * joint : 9 + 3 * joint]
                np.testing.assert_allclose(given, expected_point, atol=1e-4)


def test_objects_are_read_at_the_best_peaks():
    made = maps()
    heat = sigmoid(made["joint"])
    check_objects(made, 5, lambda picture, joint, cell: heat[(picture, joint, *cell)])


def test_objects_without_heat_maps():
    made = maps(1, heat=False)
    check_objects(made, 3, lambda picture, joint, cell: 1.0)


def test_each_keypoint_has_its_own_peaks():
    made, limit = maps(2), 4
    given = {name: made[name] for name in ("joint", "rest")}
    found = run(lambda named: joint_peaks(named, (H, W), K, limit), given)
    assert found.shape == (B, K, limit, 3)
    for picture in range(B):
        for joint in range(K):
            best = highest(sigmoid(made["joint"][picture, joint]))[:limit]
            for (score, row, column), result in zip(best, found[picture, joint]):
                dx = made["rest"][picture, joint, row, column]
                dy = made["rest"][picture, K + joint, row, column]
                expected = (4 * (column + dx), 4 * (row + dy), score)
                np.testing.assert_allclose(result, expected, rtol=1e-4)


def test_many_cells_are_counted_exactly():
    """Indices of cells and classes stay whole far from the first image's corner."""
    size = (130, 170)
    made = {
        "centre": np.full((1, 3, *size), -9.0),
        "box": np.zeros((1, 4, *size)),
        "place": np.zeros((1, 2, *size)),
    }
    spots = [(2, 129, 169), (2, 129, 0), (1, 0, 169), (0, 77, 131)]
    for number, spot in enumerate(spots):
        made["centre"][(0, *spot)] = 4 - number
    (rows,) = run(lambda named: objects(named, size, 1, 4), made)
    expected = [(label, 4 * column, 4 * row) for label, row, column in spots]
    np.testing.assert_array_equal(rows[:, [0, 2, 3]], expected)
