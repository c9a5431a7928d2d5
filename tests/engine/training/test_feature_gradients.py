import numpy as np

from densefit.engine.training.feature_gradients import combined_rows


def test_rows_are_all_features_of_a_head_and_the_result_has_their_shapes():
    first = {0: np.array([[1.0, 2.0]]), 2: np.array([[3.0, 4.0]])}
    last = {1: np.array([5.0])}
    seen = []

    def combine(rows):
        seen.append(rows)
        return rows.sum(axis=0)

    parts = combined_rows([first, {}, last], 3, combine)
    assert seen[0].tolist() == [[1, 2, 0], [0, 0, 5], [3, 4, 0]]
    assert parts[0].tolist() == [[4, 6]]
    assert parts[1] is None
    assert parts[2].tolist() == [5]
