"""Values and ranges that fields of a config are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values, each as likely; a value may be a table, which is laid over that section of a config."""

    values: tuple[Any, ...]

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are valid if all are."""
        return self.values

    def at(self, uniform: float) -> Any:
        """The value that a number in [0, 1) stands for."""
        return self.values[int(uniform * len(self.values))]


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, uniform or with a uniform logarithm; with whole bounds a whole number, both included."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it gives whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are valid if all are."""
        return self.low, self.high

    def at(self, uniform: float) -> Any:
        """The value that a number in [0, 1) stands for; fractions have four digits."""
        low, high = self.low, self.high + self.whole
        value = low * (high / low) ** uniform if self.log else low + uniform * (high - low)
        return min(int(value), int(self.high)) if self.whole else min(max(float(f"{value:.4g}"), self.low), self.high)


Space = Mapping[str, Choice | Range]
"""By field, `model.hidden_size` say."""
