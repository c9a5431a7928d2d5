import numpy as np
import pytest

from densefit.data.homography import project, rotation_of
from densefit.data.sample import Sample
from densefit.data.transforms.affine import (
    RandomAffine,
    RandomPerspective,
    about_centre,
    linear,
)
from densefit.errors import ConfigError

SIZE = (40, 60)


def drawn(transform, count=300):
    return [transform.ops(SIZE, np.random.default_rng(seed)) for seed in range(count)]


def test_angles_and_scales_fill_their_ranges():
    matrices = [ops[0].matrix for ops in drawn(RandomAffine(30, 0.5, 2.0))]
    turns = [rotation_of(matrix) for matrix in matrices]
    angles = np.degrees([np.arctan2(turn[1, 0], turn[0, 0]) for turn in turns])
    assert -30 <= angles.min() < -27
    assert 27 < angles.max() <= 30
    scales = np.sqrt([np.linalg.det(matrix[:2, :2]) for matrix in matrices])
    assert 0.5 <= scales.min() < 0.56
    assert 1.8 < scales.max() <= 2.0
    assert 0.4 < (scales < 1).mean() < 0.6


def test_the_middle_moves_by_the_shift_alone():
    middle = np.array([[30.0, 20.0]])
    for (op,) in drawn(RandomAffine(180, 0.5, 2.0, shear=30, translate=0.0), 20):
        np.testing.assert_allclose(project(middle, op.matrix), middle)
    shifts = np.array(
        [project(middle, m.matrix)[0] - middle[0] for (m,) in drawn(RandomAffine(translate=0.2))]
    )
    assert (np.abs(shifts).max(axis=0) <= (12, 8)).all()
    assert (np.abs(shifts).max(axis=0) > (11, 7)).all()


def test_a_positive_angle_turns_clockwise_as_seen():
    matrix = about_centre(SIZE, linear(np.radians(90), 1.0, 0.0, 0.0), np.zeros(2))
    right_of_the_middle = np.array([[40.0, 20.0]])
    np.testing.assert_allclose(project(right_of_the_middle, matrix), [[30.0, 30.0]])


def test_corners_move_inwards_by_at_most_their_share():
    corners = np.array([[0, 0], [60, 0], [60, 40], [0, 40]], float)
    steps = []
    for (op,) in drawn(RandomPerspective(0.4, p=1.0)):
        moved = project(corners, op.matrix)
        steps.append((moved - corners) * np.sign([30, 20] - corners))
    steps = np.array(steps)
    assert steps.min() > -1e-4
    assert (steps.max(axis=(0, 1)) <= (12.001, 8.001)).all()
    assert (steps.max(axis=(0, 1)) > (11.5, 7.6)).all()


def test_the_strongest_perspective_never_folds_the_picture():
    y, x = np.mgrid[:41:4, :61:4].astype(float)
    for (op,) in drawn(RandomPerspective(0.6, p=1.0)):
        depth = np.stack([x, y, np.ones_like(x)], axis=-1) @ op.matrix[2]
        assert (depth > 0).all()


@pytest.mark.parametrize("kind", [RandomAffine, RandomPerspective])
def test_how_often(kind):
    count = sum(bool(ops) for ops in drawn(kind(p=0.3)))
    assert 60 < count < 120
    sample = Sample("s", np.zeros((*SIZE, 3), np.uint8), {})
    assert kind(p=0.0)(sample, np.random.default_rng(0)) is sample


def test_settings_out_of_range():
    for settings in ({"degrees": 200}, {"shear": 80}, {"low": 0}, {"low": 2, "high": 1}):
        with pytest.raises(ConfigError, match="RandomAffine"):
            RandomAffine(**settings)
    with pytest.raises(ConfigError, match="distortion"):
        RandomPerspective(0.7)
