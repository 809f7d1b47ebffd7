"""Sampling graphs from a model: attempts are drawn until every graph asked for has one that meets the conditions.

Every random number belongs to (seed, graph index, attempt, row, decision), and the first attempt that meets the conditions is
the graph: it depends neither on the number of lanes or threads nor on who samples it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from gengraph.training.checkpoint import Checkpoint, find_device
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn.kernels.library import one_torch_thread
from gengraph.models.graphrnn.lanes import Attempts, Lanes, Rules
from gengraph.models.graphrnn.context_head import ContextEdges
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.sampling.shards import Samples, Shard, write_shard
from gengraph.storage import Folder

if TYPE_CHECKING:
    from gengraph.metrics import DescribedSet

LANES = 1024
_SIZE_MARGIN = 2  # a sequence is cut at so many times the largest training graph
_JUDGED_TOGETHER = 256
_PATIENCE, _LEAST_RATE = 2000, 0.001  # attempts without success that are borne, and acceptance rate below which we give up


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What is drawn, and which of it is taken.

    Attributes:
        temperature: divides the logits of edges, > 0; below 1 edges are surer than the model is. Stopping is left alone.
        num_nodes: (least, most) nodes of a graph; attempts outside are rejected.
        components: keep all, take the largest, or reject attempts with several.
        stop: model (its own rule), or reference: grow to max_num_node whatever the model says, then delete nodes without
            an edge, as the 2018 code did; for comparison.
        max_num_node: nodes at which a sequence is cut; by default twice the largest training graph, under `reference` once;
            with num_nodes, those bound it.
        constraint: none, or planar: the decoder takes no edge that would cross another, whatever the model says (GraphRNN-C
            only). The law is then no longer that of the likelihood; name it beside every number.
        refused: canonical keys (`gengraph.graphs.isomorphism`) of graphs that are not taken.

    Raises:
        InputError: a value out of range.
    """

    temperature: float = 1.0
    num_nodes: tuple[int, int] | None = None
    components: str = "keep"
    stop: str = "model"
    max_num_node: int | None = None
    constraint: str = "none"
    refused: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            msg = f"temperature must be > 0, got {self.temperature}; 1 leaves the model as it is"
            raise InputError(msg)
        if self.num_nodes and not 1 <= self.num_nodes[0] <= self.num_nodes[1]:
            msg = f"num_nodes must be least..most with 1 <= least <= most, got {self.num_nodes[0]}..{self.num_nodes[1]}"
            raise InputError(msg)
        choices_of = {
            "components": ("keep", "largest", "reject"),
            "stop": ("model", "reference"),
            "constraint": ("none", "planar"),
        }
        for name, choices in choices_of.items():
            if getattr(self, name) not in choices:
                msg = f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                raise InputError(msg)
        if self.max_num_node is not None and self.max_num_node < 1:
            msg = f"max_num_node must be >= 1, got {self.max_num_node}"
            raise InputError(msg)

    @property
    def selective(self) -> bool:
        """Whether an attempt can be rejected."""
        return bool(self.num_nodes or self.refused or self.components == "reject")

    def rules(self, model: GraphRNNModel, seed: int) -> Rules:
        """How attempts at such graphs are drawn from a model.

        Raises:
            InputError: a temperature for a model that stops by an empty row: its edges are its stop decision; a constraint
                for a model without the context head.
        """
        if self.constraint == "planar" and not isinstance(model.head, ContextEdges):
            msg = "constraint = planar needs a model that sees the graph it builds; train with --model graphrnn-c"
            raise InputError(msg)
        if self.temperature != 1 and not model.decides:
            msg = (
                f"temperature must be 1 for a model with stop = zero_row, got {self.temperature}: its edges decide where it "
                "stops; train with --set model.stop=decision"
            )
            raise InputError(msg)
        largest, ends = model.facts.max_num_node, self.stop == "model"
        limit = self.max_num_node or (_SIZE_MARGIN * largest if ends else largest)
        if self.num_nodes and ends:  # what is too large need not be grown to its end
            limit = self.num_nodes[1] if self.components != "largest" else max(limit, self.num_nodes[1])
        return Rules(seed=seed, limit=limit, ends=ends, temperature=self.temperature, planar=self.constraint == "planar")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the refused keys."""
        return {
            "temperature": self.temperature,
            "num_nodes": list(self.num_nodes) if self.num_nodes else None,
            "num_nodes_by": "rejection" if self.num_nodes else None,
            "components": self.components,
            "stop": self.stop,
            "max_num_node": self.max_num_node,
            "constraint": self.constraint,
        }

    def judge(self, attempts: Attempts) -> tuple[npt.NDArray[np.bool_], GraphSet]:
        """Which attempts are taken, and all graphs as they would be."""
        graphs = attempts.graphs
        if self.stop == "reference":
            graphs = graphs.induced(np.diff(graphs.to_csr().indptr) > 0)
        taken = np.ones(len(graphs), np.bool_)
        if self.components == "largest":
            graphs = graphs.largest_components()
        elif self.components == "reject":
            taken &= graphs.num_components() == 1
        if self.num_nodes:
            taken &= (graphs.num_nodes >= self.num_nodes[0]) & (graphs.num_nodes <= self.num_nodes[1])
            if self.components != "largest" and self.stop == "model":
                taken &= ~attempts.cut
        if self.refused and taken.any():
            from gengraph.graphs.isomorphism import canonical_keys

            taken[taken] = [key not in self.refused for key in canonical_keys(graphs[taken])]
        return taken, graphs


def sample_graphs(
    model: GraphRNNModel,
    indices: Int64Array,
    *,
    seed: int,
    conditions: Conditions | None = None,
    lanes: int = LANES,
    report: Callable[[int], None] = lambda _finished: None,
) -> Samples:
    """Sample the graphs with the given indices of the stream of a seed.

    Args:
        model: trained, on the CPU or a GPU.
        indices: int64[G] >= 0; graph k of a seed is the same whichever others are asked for.
        seed: >= 0.
        conditions: on the graphs; none by default.
        lanes: attempts that grow at a time, rounded up (`gengraph.models.graphrnn.lanes`).
        report: called with the number of graphs that have just been finished.

    Raises:
        InputError: fewer than one attempt in a thousand meets the conditions.
    """
    indices = np.asarray(indices, np.int64)
    conditions = conditions or Conditions()
    rules = conditions.rules(model, seed)
    with torch.inference_mode(), one_torch_thread():
        taken = list(_sample(Lanes(model, indices, rules, lanes), conditions, report))
    place, number, cut = (
        np.concatenate([np.zeros(0, kind), *(getattr(attempts, name) for attempts in taken)])
        for name, kind in (("place", np.int64), ("number", np.int64), ("cut", np.bool_))
    )
    order = np.argsort(place)
    graphs = GraphSet.concatenate(attempts.graphs for attempts in taken)[order]
    return Samples(graphs, number[order] + 1, cut[order] & rules.ends)


def mmd_of_samples(
    model: GraphRNNModel,
    reference: "GraphSet | DescribedSet",
    num_graphs: int,
    *,
    seed: int,
    conditions: Conditions | None = None,
) -> dict[str, float]:
    """Squared MMD (protocol emd) of degree, clustering and orbit between samples of a model and other graphs.

    Args:
        model: trained.
        reference: graphs that it is compared with.
        num_graphs: samples to draw.
        seed: of the samples; with the same seed two models differ by what they learned and not by the draw.
        conditions: on the samples; none by default.
    """
    from gengraph.metrics import evaluate

    samples = sample_graphs(model, np.arange(num_graphs), seed=seed, conditions=conditions).graphs
    return {name: metric.mmd2 for name, metric in evaluate(reference, samples, "emd").metrics.items()}


def _sample(lanes: Lanes, conditions: Conditions, report: Callable[[int], None]) -> Iterator[Attempts]:
    """The attempts that are taken; one that is not makes place for the next at the same graph."""
    num_judged = num_taken = 0
    while lanes.busy or lanes.num_ended:
        if lanes.busy:
            lanes.advance()
        can_wait = lanes.busy and (lanes.queue or not conditions.selective)
        if not lanes.num_ended or (lanes.num_ended < _JUDGED_TOGETHER and can_wait):
            continue
        attempts = lanes.take()
        taken, graphs = conditions.judge(attempts)
        num_judged, num_taken = num_judged + len(taken), num_taken + int(taken.sum())
        if num_judged > _PATIENCE + num_taken / _LEAST_RATE:
            _give_up(conditions, num_taken, num_judged)
        lanes.queue.extend(zip(attempts.place[~taken].tolist(), (attempts.number[~taken] + 1).tolist(), strict=True))
        if taken.any():
            yield Attempts(attempts.place[taken], attempts.number[taken], attempts.cut[taken], graphs[taken])
            report(int(taken.sum()))


def _give_up(conditions: Conditions, num_taken: int, num_judged: int) -> None:
    wanted = {
        "{}..{} nodes".format(*(conditions.num_nodes or ("", ""))): conditions.num_nodes,
        "one component": conditions.components == "reject",
        "no graph that is known already": conditions.refused,
    }
    asked = ", ".join(name for name, active in wanted.items() if active)
    msg = (
        f"an attempt in a thousand must meet the conditions ({asked}), but {num_taken} of {num_judged} did; "
        "loosen them, or train on graphs that are like those"
    )
    raise InputError(msg)


def model_on(checkpoint: Checkpoint, device: str) -> GraphRNNModel:
    """The model of a checkpoint on cpu or cuda.

    Raises:
        NotEnoughResources: there is no GPU here that torch can use.
    """
    return checkpoint.build_model().to(find_device(device))


class ShardWriter:
    """Samples shards and writes them; what a shard holds follows from (weights, seed, conditions, shard) alone.

    Args:
        checkpoint: of the model.
        conditions: on the graphs.
        folder: of the sample.
        device: cpu or cuda; the same graphs only on the same kind.
    """

    def __init__(self, checkpoint: Checkpoint, conditions: Conditions, folder: Folder, device: str = "cpu") -> None:
        self._model = model_on(checkpoint, device)
        self._conditions, self._folder = conditions, folder

    def __call__(self, shard: Shard, report: Callable[[int], None] = lambda _finished: None) -> None:
        """Sample and write one shard."""
        samples = sample_graphs(self._model, shard.indices, seed=shard.seed, conditions=self._conditions, report=report)
        write_shard(self._folder, shard, samples)
