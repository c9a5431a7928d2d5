import copy
import pickle

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.interop import as_mxnet_scheduler
from densefit.train.schedules import Cosine, Joined, Linear, Plateau, Resolved, Schedule, Step


def test_mxnet_s_first_update_is_1_and_before_it_is_the_first_too():
    scheduler = as_mxnet_scheduler(Linear(0.1), total=4)
    assert [scheduler(n) for n in (0, 1, 2, 3, 4, 5, 6)] == pytest.approx(
        [0.1, 0.1, 0.075, 0.05, 0.025, 0.0, 0.0]
    )


def test_a_trainer_trains_by_it():
    schedule = Cosine(0.5, warmup=3)
    block = mx.gluon.nn.Dense(1, use_bias=False, in_units=1)
    block.initialize(mx.init.Zero())
    scheduler = as_mxnet_scheduler(schedule, total=10)
    trainer = mx.gluon.Trainer(block.collect_params(), "sgd", {"lr_scheduler": scheduler})
    resolved, expected = schedule.resolve(10), 0.0
    assert trainer.learning_rate == resolved(0)
    for t in range(12):
        with mx.autograd.record():
            loss = block(mx.nd.ones((1, 1)))  # its gradient is 1
        loss.backward()
        trainer.step(1)
        expected -= resolved(t)
        assert trainer.learning_rate == resolved(t)
        assert block.weight.data().asscalar() == pytest.approx(expected, rel=1e-5)


def test_parameters_that_lag_behind_have_the_rate_of_the_furthest():
    schedule = Step(1.0, at=[2, 4], factor=0.5)
    optimizer = mx.optimizer.SGD(lr_scheduler=as_mxnet_scheduler(schedule, total=6))
    updater = mx.optimizer.get_updater(optimizer)
    weights, one = [mx.nd.zeros((1,)), mx.nd.zeros((1,))], mx.nd.ones((1,))
    for t in range(5):
        updater(0, one, weights[0])
        if t in (0, 4):
            updater(1, one, weights[1])
    assert weights[0].asscalar() == -(1 + 1 + 0.5 + 0.5 + 0.25)
    assert weights[1].asscalar() == -(1 + 0.25)


def test_an_optimizer_that_begins_late_begins_at_its_update():
    schedule = Linear(0.1)
    optimizer = mx.optimizer.SGD(lr_scheduler=as_mxnet_scheduler(schedule, 10), begin_num_update=7)
    optimizer._update_count(0)
    assert optimizer.learning_rate == schedule.resolve(10)(7)


@pytest.mark.parametrize(
    "double", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copies_and_pickles_answer_the_same(double):
    schedule = Joined([Step(0.2, at=["50%"]), Cosine(0.1)], at=["2ep"])
    scheduler = as_mxnet_scheduler(schedule, total=50, updates_per_epoch=10)
    twin = double(scheduler)
    assert [twin(n) for n in range(60)] == [scheduler(n) for n in range(60)]
    assert twin.base_lr == scheduler.base_lr == 0.2


def test_a_copy_has_the_standing_and_goes_its_own_way():
    scheduler = as_mxnet_scheduler(
        Plateau(1.0, "a/b", factor=0.5, patience=0, higher_is_better=True)
    )
    for score in (0.5, 0.5):
        scheduler.resolved.observe({"a/b": score})
    twin = pickle.loads(pickle.dumps(scheduler))
    assert twin(1) == scheduler(1) == 0.5
    twin.resolved.observe({"a/b": 0.5})
    assert (scheduler(1), twin(1)) == (0.5, 0.25)


def test_an_optimizer_is_saved_with_it():
    optimizer = mx.optimizer.SGD(lr_scheduler=as_mxnet_scheduler(Linear(0.1), 10), momentum=0.9)
    updater = mx.optimizer.get_updater(optimizer)
    updater(0, mx.nd.ones((2,)), mx.nd.zeros((2,)))
    fresh = mx.optimizer.get_updater(mx.optimizer.SGD())
    fresh.set_states(updater.get_states(dump_optimizer=True))
    assert fresh.optimizer.lr_scheduler(6) == pytest.approx(0.05)
    np.testing.assert_array_equal(fresh.states[0].asnumpy(), updater.states[0].asnumpy())


def test_an_optimizer_with_a_rate_of_its_own_is_refused(capsys):
    scheduler = as_mxnet_scheduler(Cosine(0.3), 10)
    with pytest.raises(ConfigError, match="learning_rate=0.3 too"):
        mx.optimizer.SGD(learning_rate=0.5, lr_scheduler=scheduler)
    with pytest.raises(ConfigError, match="received: +learning_rate=0.001, perhaps the optimizer"):
        mx.optimizer.Adam(lr_scheduler=scheduler)
    assert scheduler(1) == 0.3
    capsys.readouterr()
    optimizer = mx.optimizer.Adam(learning_rate=0.3, lr_scheduler=scheduler)
    assert optimizer.learning_rate == 0.3
    assert "overwritten" not in capsys.readouterr().out


def test_mxnet_s_own_cosine_lets_adam_change_it_and_goes_on_from_another_rate():
    theirs = mx.lr_scheduler.CosineScheduler(10, base_lr=0.3)
    mx.optimizer.Adam(lr_scheduler=theirs)
    assert theirs.base_lr == 0.001
    assert theirs(1) > 0.29  # and its first answer sets it back


def test_a_schedule_of_one_s_own_needs_nothing_for_it():
    class Halves(Schedule):
        lr = 1.0

        def _resolve(self, plan):
            return Resolved(lambda t: 0.5**t, plan.total)

    scheduler = as_mxnet_scheduler(Halves())
    assert [scheduler(n) for n in (1, 2, 3)] == [1.0, 0.5, 0.25]
