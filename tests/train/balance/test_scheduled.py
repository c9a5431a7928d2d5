import pytest

from densefit.errors import ConfigError
from densefit.train.balance import Scheduled
from densefit.train.schedules import Constant, Cosine, Plateau


def test_each_weight_is_its_schedule():
    fade_in, out = Constant(1.0, warmup="10%"), Cosine(2.0, final=0.5)
    balancer = Scheduled({"a": fade_in, "b": out, "c": 0.3})
    balancer.begin(["d", "c", "b", "a"], total=50, updates_per_epoch=10)
    for t in range(60):
        expected = {"d": 1.0, "c": 0.3, "b": out.resolve(50)(t), "a": fade_in.resolve(50)(t)}
        assert balancer.weights(t) == expected
    assert balancer.weights(0)["a"] == 0.2
    assert balancer.weights(50)["b"] == 0.5


def test_a_recipe_writes_names_and_settings():
    balancer = Scheduled({"a": {"name": "linear", "lr": 1.0, "final": 0.5}})
    balancer.begin(["a"], total=4)
    assert [balancer.weights(t)["a"] for t in range(5)] == [1.0, 0.875, 0.75, 0.625, 0.5]


def test_epochs_need_the_epochs_length():
    balancer = Scheduled({"a": Constant(1.0, warmup="2ep")})
    balancer.begin(["a"], updates_per_epoch=2)
    assert [balancer.weights(t)["a"] for t in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    with pytest.raises(ConfigError, match="head a"):
        balancer.begin(["a"])


@pytest.mark.parametrize(
    ("course", "said"),
    [
        (Plateau(1.0, "a/loss"), "validation scores"),
        ("linear", "is not a schedule"),
        ({"lr": 1.0}, "is not a schedule"),
        ({"name": "lineer", "lr": 1.0}, "did you mean 'linear'"),
        (-1.0, "0 or more"),
    ],
)
def test_wrong_courses_are_refused_when_made(course, said):
    with pytest.raises(ConfigError, match=said) as caught:
        Scheduled({"a": course})
    assert "head a" in str(caught.value)


def test_an_unknown_head_is_told():
    with pytest.raises(ConfigError, match="no head 'b'"):
        Scheduled({"b": 1.0}).begin(["a"])
