"""GraphGen as a `GraphModel`: the likelihood of codes, and graphs from the steps of codes that are drawn.

Legend: B codes, S steps of the longest, Q decisions, C items to choose between, H hidden.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Encoder, Facts, Loss, Sampler, check_decoding
from gengraph.models.graphgen.batches import CodeBatch, encode_codes
from gengraph.models.graphgen.codes import GraphCodes
from gengraph.models.graphgen.config import CAPABILITIES, GraphGenConfig
from gengraph.models.graphgen.network import StepNetwork
from gengraph.models.graphgen.views import NOT, ROOTED, Views
from gengraph.seeded import Stream

if TYPE_CHECKING:
    from gengraph.models.graphgen.growth import Kind

NEVER = -20.0
"""Added to the logits of what no training graph has: graphs that have it still have a likelihood."""


class GraphGenModel(nn.Module):
    """The network with its views.

    Args:
        config: of the model.
        facts: from `GraphGen.prepare`.
    """

    never_source: Tensor
    never_label: Tensor

    def __init__(self, config: GraphGenConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest = config, int(facts["max_num_node"])
        names, degrees = int(facts["largest_component"]), config.labels == "degree"
        kind: Kind = "true degrees" if config.true_degrees else "degrees" if degrees else "none"
        self.views = Views(kind, config.times == "relative", names, int(facts["max_degree"]))
        self.network = StepNetwork(config, names, self.views.num_labels)
        never_source, never_label = torch.zeros(2 + names), torch.zeros(self.views.num_labels)
        if not facts["several_components"]:
            never_source[ROOTED] = NEVER
        if not facts["has_edges"]:
            never_source[2:] = NEVER
            never_label[1:] = NEVER
        self.register_buffer("never_source", never_source, persistent=False)
        self.register_buffer("never_label", never_label, persistent=False)

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of codes: the least ones are searched here, random ones follow from (seed, epoch, index)."""
        config, views = self.config, self.views
        codes = GraphCodes.of(graphs, config.labels, config.most_partial if config.codes == "minimum" else None)

        def encoded(indices: Int64Array, key: tuple[int, int]) -> CodeBatch:
            if config.codes == "minimum":
                chosen = [codes.least[g] for g in indices]
            else:
                chosen = [codes.random(int(g), Stream(*key, int(g))) for g in indices]
            return encode_codes(indices, chosen, views, state=config.state, num_inexact=int((~codes.exact[indices]).sum()))

        return encoded

    def forward(self, batch: CodeBatch, progress: float = 1.0) -> Loss:
        """The negative log-likelihood of a batch."""
        del progress
        units = self.units(batch)
        steps = sum(map(len, batch.codes))
        guess = steps * np.log(2.0 * self.views.names * (self.views.num_labels + 1))
        return Loss(-self.log_prob(batch).sum(), units, guess=guess)

    def log_prob(self, batch: CodeBatch) -> Tensor:
        """float[B], log p of the codes."""
        device = self.network.start.device
        seen = None if batch.seen is None else torch.from_numpy(batch.seen).to(self.network.start)
        first = self.network.begin(None if seen is None else seen[:, :1], len(batch.graph))
        rest = self.network.read(torch.from_numpy(batch.read[:, :-1]).to(device), None if seen is None else seen[:, 1:])
        states = self.network.states(torch.cat([first, rest], dim=1))
        total = torch.from_numpy(batch.beyond).to(states)
        for name, decisions in (("source", batch.sources), ("target", batch.targets), ("label", batch.labels)):
            if len(decisions.code):
                rows = torch.from_numpy(decisions.code).to(device), torch.from_numpy(decisions.step).to(device)
                of_items = self.log_probs(name, states[rows], decisions.classes, decisions.features)
                taken = of_items.gather(1, torch.from_numpy(decisions.taken).to(device)[:, None])[:, 0]
                total = total.index_add(0, rows[0], taken)
        return total

    def log_probs(self, name: str, states: Tensor, classes: Int64Array, features: Any, temperature: float = 1.0) -> Tensor:
        """float[Q, C], log p of the items of a component ("source", "target", "label") given states float[Q, H]."""
        logits: Tensor = self.network.heads[name](states)
        if name != "target":
            logits = logits + (self.never_source if name == "source" else self.never_label)
        items = torch.from_numpy(classes).to(logits.device)
        of_items = logits.gather(1, items.clamp(min=0))
        if features is not None:
            of_items = of_items + self.network.compared(name, states, torch.from_numpy(features).to(states))
        of_items = of_items / temperature
        return torch.log_softmax(of_items.masked_fill(items == NOT, -torch.inf), dim=1)

    def sequences(self, batch: CodeBatch) -> list[bytes]:
        """The codes."""
        return [code.tobytes() for code in batch.codes]

    def units(self, batch: CodeBatch) -> dict[str, int]:
        """Graphs and nodes."""
        return {"graph": len(batch.graph), "node": int(batch.num_nodes.sum())}

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than that of the code, or a constraint.
        """
        check_decoding(decoding, CAPABILITIES, "graphgen")
        from gengraph.models.graphgen.sampler import GraphGenSampler

        return GraphGenSampler(self, decoding)
