"""A model that is drawn from in a given number of lanes."""

from dataclasses import dataclass

from gengraph.models.family import Decoding
from gengraph.models.graphrnn.lanes import LanesSampler
from gengraph.models.graphrnn.network import GraphRNNModel


@dataclass(frozen=True)
class InLanes:
    """A source of `gengraph.sampling.attempts.sample_graphs`."""

    model: GraphRNNModel
    lanes: int

    @property
    def largest(self) -> int:
        """As the model has it."""
        return self.model.largest

    def sampler(self, decoding: Decoding) -> LanesSampler:
        """The model's own, with so many lanes."""
        self.model.sampler(decoding)  # refuses what the model cannot do
        return LanesSampler(self.model, decoding, self.lanes)
