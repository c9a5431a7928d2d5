"""Heads learn from teachers what they would learn from labels that the teachers had written."""

import numpy as np
import pytest

import densefit as df

ENGINES = [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"]
VALUES = [0.5, -1.0, 2.0, 0.25, 1.5, -0.5, 0.0, 1.0]


def check_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_samples_without_labels_learn_from_the_teacher_alone(lessons, engine):
    teacher = lessons.network(7)
    said = lessons.predicted(teacher)
    students = lessons.train([None] * 8, distill={"bright": teacher}, engine=engine)
    check_equal(students, lessons.train(said, engine=engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_annealing_goes_from_the_teacher_to_the_labels(lessons, engine):
    """With squares, both losses are that of their mean: BAM's target, Clark et al. 2019."""
    teacher = lessons.network(7)
    said = lessons.predicted(teacher)
    mixed = [
        # 8 samples, 2 a batch: 4 batches
        said[i] if VALUES[i] is None else (1 - p) * said[i] + p * VALUES[i]
        for i, p in enumerate(np.arange(8) // 2 / 4)
    ]
    students = lessons.train(VALUES, distill={"bright": teacher}, engine=engine)
    check_equal(students, lessons.train(mixed, engine=engine))


def test_both_count_throughout_without_annealing(lessons):
    teacher = lessons.network(7)
    said = lessons.predicted(teacher)
    # (s - y)^2 + 3 (s - t)^2 is 4 (s - mean)^2 up to a constant
    mean = [(value + 3 * of_teacher) / 4 for value, of_teacher in zip(VALUES, said)]
    distill = {"bright": {"teacher": teacher, "weight": 3, "annealed": False}}
    students = lessons.train(VALUES, distill=distill, lr=0.02)
    check_equal(students, lessons.train(mean, lr=0.08))


def test_some_samples_have_labels(lessons):
    """In batches of one sample with and one without: each term is a mean over its samples."""
    teacher = lessons.network(7)
    said = lessons.predicted(teacher)
    values = [value if i % 2 else None for i, value in enumerate(VALUES)]
    distill = {"bright": {"teacher": teacher, "annealed": False}}
    students = lessons.train(values, distill=distill)
    # the labelled: (s - y)^2 of 1 sample and (s - t)^2 / 2, which is 3/2 (s - (2 y + t) / 3)^2
    rows = [(2 * v + t) / 3 if i % 2 else t for i, (v, t) in enumerate(zip(VALUES, said))]

    class Weighed(lessons.Head):
        def labels(self, input_size):
            return [*super().labels(input_size), df.Label("factor", ())]

        def encode(self, sample):
            factor = 3.0 if int(sample.id[1:]) % 2 else 1.0
            return {**super().encode(sample), "factor": np.array(factor, np.float32)}

        def train(self, features, labels):
            return {"loss": super().train(features, labels)["loss"] * labels["factor"]}

    check_equal(students, lessons.train(rows, lessons.network(1, head=Weighed)))


def test_the_network_is_as_before_afterwards(lessons):
    network = lessons.network(1)
    lessons.train(VALUES, network, distill={"bright": lessons.network(7)})
    assert not [name for name in network.symbol.list_arguments() if "teacher" in name]
    with pytest.raises(df.errors.DensefitError, match="label_within"):
        lessons.train(VALUES, network, distill={"bright": lessons.network(7)}, label_within=0)
    assert network.adapters["bright"].teaching is None
    lessons.train(VALUES, network)


def test_a_resume_is_exact(lessons, tmp_path):
    """With annealing, whose share is that of the whole training; not with another teacher."""
    teacher = lessons.network(7)
    settings = {"epochs": 2, "distill": {"bright": teacher}, "optimizer_params": {"momentum": 0.9}}
    whole = lessons.train(VALUES, **settings)

    class Stop(df.Callback):
        def update_ended(self, state, control):
            if state.update == 3:
                control.save_now()
                control.stop("enough")

    first = df.Saver(tmp_path, every="1st")
    lessons.train(VALUES, **settings, checkpoint=first, callbacks=[Stop()])
    again = lessons.train(VALUES, **settings, checkpoint=df.Saver(tmp_path), resume="auto")
    for name in whole:
        np.testing.assert_array_equal(whole[name], again[name])


def test_losses_on_validation_data(lessons):
    """A student that is its teacher loses nothing to it."""
    network = lessons.network(7)
    seen = lessons.validated(network, distill={"bright": lessons.network(7)}, lr=1e-30)
    assert seen["bright/teacher"] == pytest.approx(0, abs=1e-10)
    assert seen["bright/loss"] > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_heads_of_the_tasks_lose_nothing_to_themselves(engine):
    """In evaluation mode; and the teacher of two heads computes its backbone once for both."""
    data = df.dataset("shapes", length=4, size=(64, 64), split="train")

    def network():
        heads = [
            df.head("detection", classes=data.classes, strides=(8, 16), channels=8),
            df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=8),
        ]
        return df.Network("resnet18", heads, settings={"width": 8})

    def loader(heads):
        return df.Loader(data, batch_size=4, heads=heads)

    teacher = network()
    df.fit(teacher, loader(teacher.heads), epochs=1, lr=0.01, engine=engine)
    student = network()
    student.set_params(teacher.parameters, teacher.statistics)
    history = df.fit(
        student,
        loader(student.heads),
        validation=loader(student.heads),
        validation_losses=loader(student.heads),
        distill={head.name: teacher for head in teacher.heads},
        epochs=1,
        lr=1e-30,
        freeze=["*_gamma"],  # and statistics
        engine=engine,
    )
    scores = history.last_validation
    assert scores["segmentation/teacher"] == pytest.approx(0, abs=2e-3)
    assert scores["detection/teacher"] == pytest.approx(0, abs=2e-2)
    assert scores["segmentation/loss"] > 1
