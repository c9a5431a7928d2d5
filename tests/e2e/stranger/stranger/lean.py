"""A head that learns classes which no task of densefit has heard of."""

from densefit.model.heads.head import heads
from densefit.tasks.classification import Classification


@heads.register("bar_lean")
class Lean(Classification):
    """Whether a bar stands or lies: the dataset names the classes in `lean_classes`."""

    class_target = "lean"

    def __init__(self, classes, name="bar_lean"):
        super().__init__(classes, name=name, target="lean")
