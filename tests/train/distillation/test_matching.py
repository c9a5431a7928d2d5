"""Teachers that do not fit are refused by the head's name, before anything is trained."""

import re

import numpy as np
import pytest

import densefit as df
from densefit.engine.batch_reader import BatchReader
from densefit.errors import CheckpointError, ConfigError
from densefit.train.distillation.distill import Distill, as_distill
from densefit.train.distillation.teachers import Teachers

NAMES = ["sky", "road"]


def network(tiny, *heads):
    made = df.Network(tiny.Backbone(), list(heads))
    symbol = made.graph("train", (64, 64))
    shapes, _, states = symbol.infer_shape_partial(data=(1, 3, 64, 64))
    named = dict(zip(symbol.list_arguments(), shapes))
    inputs = {"data", *(n for a in made.adapters.values() for n in (*a.labels, *a.weights))}
    made.set_params(
        {name: np.zeros(shape, np.float32) for name, shape in named.items() if name not in inputs},
        {
            name: np.zeros(shape, np.float32)
            for name, shape in zip(symbol.list_auxiliary_states(), states)
        },
    )
    return made


def streets(classes=NAMES, name="streets", **settings):
    return df.head("segmentation", classes=classes, name=name, decoder="fcn", **settings)


@pytest.mark.parametrize(
    ("teacher", "settings", "words"),
    [
        (streets(["road", "sky"]), {}, "the same classes in another order"),
        (streets(["road", "car"]), {}, "without sky, with car"),
        (streets(3), {}, "3 classes instead of 2"),
        (streets(name="other"), {}, "has no head 'streets'.*one of other"),
        (df.head("depth", name="streets"), {}, "has another task.*Segmentation.*Depth"),
    ],
)
def test_a_teacher_that_does_not_fit(tiny, teacher, settings, words):
    student = network(tiny, streets())
    distill = {"streets": Distill(network(tiny, teacher), **settings)}
    with pytest.raises(ConfigError, match=f"(?s){words}.*distill, head 'streets'"):
        Teachers(student, distill, "torch")


def test_numbered_classes_of_the_same_number_fit(tiny):
    Teachers(network(tiny, streets()), {"streets": Distill(network(tiny, streets(2)))}, "torch")


def test_a_head_of_another_name_can_teach(tiny):
    teacher = network(tiny, streets(name="roads"))
    teachers = Teachers(network(tiny, streets()), {"streets": Distill(teacher, "roads")}, "torch")
    (line,) = teachers.describe((64, 64))
    assert re.match(r"streets from roads of .*, annealed to the labels; 0\.00 G", line)


def test_heads_that_do_not_learn_from_a_teacher(tiny):
    student = network(tiny, tiny.Brightness())
    with pytest.raises(ConfigError, match=r"(?s)do not learn from a teacher.*leave 'bright' out"):
        Teachers(student, {"bright": Distill(student)}, "torch")
    with pytest.raises(ConfigError, match=r"(?s)no head 'brigth'.*bright"):
        Teachers(student, {"brigth": Distill(student)}, "torch")


def test_outputs_of_another_size(tiny):
    """Such as logits of a decoder of one's own."""
    student = network(tiny, streets())
    teachers = Teachers(student, {"streets": Distill(network(tiny, streets()))}, "torch")
    loader = tiny.loader(student, 4, 2, taught=["streets"])
    teachers.attach()
    reader = BatchReader(loader, list(student.adapters.values()), "train")
    (teacher,) = teachers.teachers.values()
    teacher.shapes = lambda size: {"streets_logits": (2, 9, 9)}
    with pytest.raises(ConfigError, match=r"(?s)another size.*\(2, 8, 8\).*\(2, 9, 9\)"):
        teachers.serve(reader)
    teachers.detach()


def test_a_temperature_is_for_class_scores(tiny):
    depth = network(tiny, df.head("depth"))
    with pytest.raises(ConfigError, match=r"(?s)no class scores.*head 'depth'"):
        Teachers(depth, {"depth": Distill(depth, temperature=2.0)}, "torch")
    with pytest.raises(ConfigError, match="temperature"):
        Distill(depth, temperature=0)


def test_a_folder_without_a_training(tiny, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Teachers(network(tiny, streets()), {"streets": Distill(tmp_path)}, "torch")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("runs/streets", "names a teacher for each head"),
        ({"streets": {"techer": "runs/a", "teacher": "runs/a"}}, "Unknown setting 'techer'"),
        ({"streets": {"weight": 2}}, "There is no teacher"),
        ({"streets": 3}, "A teacher is a trained network"),
        ({"streets": {"teacher": "runs/a", "weight": -1}}, "weight"),
        ({"streets": {"teacher": "runs/a", "annealed": 1}}, "true or false"),
    ],
)
def test_settings_that_are_no_teacher(value, words):
    with pytest.raises(ConfigError, match=words):
        as_distill(value)


def test_a_network_without_values(tiny):
    empty = df.Network(tiny.Backbone(), [streets()])
    with pytest.raises(df.errors.DensefitError, match="parameters"):
        Teachers(network(tiny, streets()), {"streets": Distill(empty)}, "torch")
