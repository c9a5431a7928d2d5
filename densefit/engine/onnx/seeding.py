"""Seeds of an engine that draws nothing at random."""


def seed(number: int) -> None:
    """Return: an exported model draws nothing."""


def draw_seed() -> int:
    """Return 0: there is no random generator to draw from."""
    return 0
