"""A parser of options whose errors are densefit's."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from densefit.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """A parser that raises ConfigError, as all tools do.

    Args:
        fix: what an error advises.
        settings: of argparse's parser.
    """

    def __init__(self, fix: str = "--help lists all settings", **settings: Any) -> None:
        super().__init__(**settings)
        self._fix = fix

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError for an invalid option."""
        raise ConfigError(message, fix=self._fix)
