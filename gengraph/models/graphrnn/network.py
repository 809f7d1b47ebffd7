"""GraphRNN and GraphRNN-S: a node-level recurrent network over adjacency rows, and a head that decides a row's edges.

Before row t the node level has read rows 0..t-1 (ones at the start). With `stop = decision` its state chooses between
continue, new component and stop; with `stop = edge_eos` the edge level's first step does; with `stop = zero_row` the row itself
says it, by being empty. With `stop = size` the number of nodes comes first, and each row is read with how many are to come.
With conditions each row is read with a code of what is told of the graph; with totals edges, triangles and paths come with the
size, and both levels are told how many are to come.

Legend: B graphs, R rows of the batch in time-major order, M max_prev_node, H hidden size.

Reference:
    J. You, R. Ying, X. Ren, W. Hamilton, J. Leskovec. GraphRNN: Generating Realistic Graphs with Deep Auto-regressive
    Models. ICML 2018.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.conditioning import CODE_SIZE, condition_code
from gengraph.models.family import Decoding, Encoder, Loss, Sampler, check_decoding
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.config import GraphRNNConfig, MLPHead, RNNHead, capabilities
from gengraph.models.graphrnn.context_head import ContextEdges
from gengraph.models.graphrnn.device_context import DeviceContext
from gengraph.models.graphrnn.kernels import rowwise
from gengraph.models.graphrnn.lanes import LanesSampler
from gengraph.models.graphrnn.mlp_head import IndependentEdges
from gengraph.models.graphrnn.node import COUNTDOWN, NodeRNN, NodeSampler, countdown, node_network
from gengraph.models.graphrnn.rnn_head import EdgeRNN, EdgeSampler
from gengraph.models.graphrnn.row_samplers import Decide, DrawBlock, RowSampler, in_blocks
from gengraph.models.graphrnn.rows import CONTINUE, NEW_COMPONENT, STOP, RowBatch, decode_rows, encode_as_numbered, encode_rows
from gengraph.models.graphrnn.step_inputs import StepInputs, step_inputs
from gengraph.models.graphrnn.totals import NUM_TOLD, Tally, draw_totals
from gengraph.models.graphrnn.window import Window
from gengraph.models.moving import Packed, on
from gengraph.models.sizes import SizeLaw
from gengraph.models.totals import TotalsLaw
from gengraph.rewards.conditions import ConditionFacts, Given, num_columns, telling, told_values
from gengraph.streams import key_of

_NEVER = -30.0  # what the training graphs never do: about e^-30, so that a graph that does it still has a likelihood
_SIZE_SMOOTHING = 0.01  # weight, in training graphs, of sizes that none of them has
_RARE = -5.0  # at the start, stops and new components have about e^-5 of the probability


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFacts:
    """What a model takes from its training graphs.

    Attributes:
        max_prev_node: M, previous nodes that a row keeps.
        max_num_node: nodes of the largest training graph.
        several_components: whether a node may have no earlier neighbour: a training graph is disconnected, or the ordering or a
            small max_prev_node leaves one without; if not, new components have about e^-30.
        has_edges: whether a training graph has an edge; if none has, rows with edges have about e^-30.
        share_cut: share of the edges that do not fit into a window, in [0, 1], as far as it was measured.
        sizes: under stop = size the sizes and counts of training graphs, spread (`gengraph.models.sizes`); else None.
        totals: with model.totals what `graph_totals` says of the training graphs; else None.
        conditions: of each of the config's conditions what `condition_facts` says.
    """

    max_prev_node: int
    max_num_node: int
    several_components: bool
    has_edges: bool = True
    share_cut: float = 0.0
    sizes: list[list[float]] | None = None
    totals: list[list[int]] | None = None
    conditions: ConditionFacts = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class GraphRNNModel(nn.Module):
    """The network; `log_prob` is the exact log-likelihood of row sequences, with totals that of rows and totals together.

    Args:
        config: sizes, head, stop rule, window and scan.
        facts: what is taken from the training graphs.
    """

    def __init__(self, config: GraphRNNConfig, facts: DataFacts) -> None:
        super().__init__()
        self.config, self.facts, self.largest = config, facts, facts.max_num_node
        self.adaptive = config.sequence.window == "adaptive"
        self.decides = config.stop != "zero_row"
        self.edge_decides = config.stop == "edge_eos"
        self.reads_edge_state = config.feeds_edge_state
        self.totals = None if facts.totals is None else TotalsLaw.of(facts.totals)
        deciding = state_size = config.hidden_size + NUM_TOLD * bool(self.totals)
        self.oldest_first = config.sequence.scan == "oldest_first"
        scan = {"oldest_first": self.oldest_first, "never_empty": self.decides}
        head, row_size = config.head, facts.max_prev_node
        if isinstance(head, RNNHead):
            row_size = head.hidden_size if self.reads_edge_state else row_size
            deciding = head.hidden_size if self.edge_decides else deciding
        self.sizes: SizeLaw | None = None if facts.sizes is None else size_law(facts.sizes)
        told = len(COUNTDOWN) * bool(self.sizes) + NUM_TOLD * bool(self.totals) + CODE_SIZE * bool(config.conditions)
        self.embed = nn.Linear(row_size + told, config.embedding_size)
        self.node = node_network(config)
        self.head: EdgeRNN | IndependentEdges | ContextEdges
        if isinstance(head, RNNHead):
            sizes = state_size, head.hidden_size, head.num_layers
            self.head = EdgeRNN(*sizes, every_layer=head.start == "state", **scan)
        elif isinstance(head, MLPHead):
            components = max(1, head.mixture)
            self.head = IndependentEdges(state_size, head.hidden_size, facts.max_prev_node, components, **scan)
        else:
            self.head = ContextEdges(state_size, head.hidden_size, facts.max_prev_node, head.features)
        if self.decides:
            self.decision = nn.Linear(deciding, 3)
            with torch.no_grad():
                self.decision.bias.copy_(torch.tensor([0.0, _RARE, _RARE]))
        self.code = condition_code(num_columns(facts.conditions))

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes rows of graphs under orderings that belong to (seed, graph, epoch)."""
        encode = partial(
            encode_rows,
            Adjacency.of(graphs),
            ordering=self.config.sequence.ordering,
            max_prev_node=self.facts.max_prev_node,
            adaptive=self.adaptive,
        )
        return telling(encode, graphs, self.facts.conditions, self.config.condition_dropout)

    def ready(self, batch: RowBatch) -> Packed[StepInputs]:
        """A batch with all that its likelihood reads, in memory from which a step can move it to the device of the weights."""
        inputs = replace(step_inputs(self, batch), units=self.units(batch))
        return Packed.of(inputs, pinned=self.embed.weight.is_cuda)

    def forward(self, batch: RowBatch | Packed[StepInputs], progress: float) -> Loss:
        """The negative log-likelihood of a batch, given what is told of its graphs; the batch may have been made ready."""
        inputs = self._inputs(batch)
        units = inputs.units or self.units(inputs.batch)
        guess = units["edge_bit"] * math.log(2) + units["node"] * math.log(3)  # log 2 a bit, log 3 a decision of a row
        return Loss(-self._log_prob(inputs, alike=True).sum(), units, guess=guess)

    def units(self, batch: RowBatch) -> dict[str, int]:
        """Graphs, nodes, and the decisions of the edge level that are free: whether a node connects to one candidate.

        Under `stop = zero_row` all rows have such decisions, the empty one at the end included. Otherwise only rows that
        continue have them, and the last one of a row is not free where nothing was chosen before.
        """
        if self.decides:
            rows = np.flatnonzero(batch.decisions == CONTINUE)
            last = 0 if self.oldest_first else batch.widths[rows] - 1
            certain = (batch.bits[rows, last] == 1) & (batch.bits[rows].sum(1) == 1)
            bits = int(batch.widths[rows].sum() - certain.sum())
        else:
            bits = int(batch.widths.sum())
        return {"graph": len(batch.graph), "node": len(batch.widths), "edge_bit": bits}

    def sequences(self, batch: RowBatch) -> list[bytes]:
        """The row sequence of each graph as a name: the numbered graph that it stands for, nothing else is in it."""
        decoded = decode_rows(batch)
        return [edges.tobytes() for edges in np.split(decoded.edges, decoded.edge_offsets[1:-1])]

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs in lanes that grow side by side.

        Raises:
            InputError: a temperature under stop = zero_row, whose edges are its stop decision; a constraint for another head
                than context, which alone sees the graph it builds; values of conditions that it does not know.
        """
        check_decoding(decoding, capabilities(self.config), self.config.model_name)
        told_values(decoding.given, self.facts.conditions, self.config.model_name)
        return LanesSampler(self, decoding)

    def log_prob(self, batch: RowBatch) -> Tensor:
        """The log-likelihood float[B] of each graph's rows under its ordering, in nats, no condition being given."""
        return self._log_prob(self._inputs(replace(batch, told=None)))

    def _inputs(self, batch: RowBatch | Packed[StepInputs]) -> StepInputs:
        """What the likelihood reads of a batch: arrays on the CPU, elsewhere tensors."""
        device = self.embed.weight.device
        if device.type == "cpu":
            return step_inputs(self, batch) if isinstance(batch, RowBatch) else batch.record
        return (self.ready(batch) if isinstance(batch, RowBatch) else batch).moved(device)

    def _log_prob(self, inputs: StepInputs, *, alike: bool = False) -> Tensor:
        """The same given what is told; order of `batch.graph`. `alike` says that all graphs will weigh alike in the loss."""
        device = self.embed.weight.device
        rank = on(inputs.rank, device)
        states, log_prob = self._row_by_row(inputs.batch) if self.reads_edge_state else self._all_rows(inputs, alike)
        if self.decides:
            decisions = on(inputs.decisions, device).long().unsqueeze(1)
            decided = self.decision_log_probs(states).gather(1, decisions).squeeze(1)
            if inputs.law is not None:  # the end is no decision: what it costs is the size
                law = on(inputs.law, device).to(decided).index_select(0, rank)
                decided = torch.where(decisions.squeeze(1) == STOP, law, decided)
            log_prob = log_prob + decided
        return log_prob.new_zeros(len(inputs.batch.graph)).index_add(0, rank, log_prob)

    def rollout(
        self, drawn: GraphSet, indices: Int64Array, attempts: Int64Array, *, seed: int, start: GraphSet | None = None
    ) -> RowBatch:
        """The rows by which graphs were drawn, in the order of the nodes; with totals these were drawn besides."""
        del start
        batch = encode_as_numbered(drawn, max_prev_node=self.facts.max_prev_node, adaptive=self.adaptive)
        if not self.totals:
            return batch
        attempt_of = zip(batch.num_nodes.tolist(), indices[batch.graph], attempts[batch.graph], strict=True)
        totals = [draw_totals(self.totals, n, np.uint64(key_of(seed, index, attempt))) for n, index, attempt in attempt_of]
        return replace(batch, totals=np.array(totals))

    def decisions(self, batch: RowBatch) -> tuple[Tensor, Tensor]:
        """All of a graph's decisions as one: log p float[B] of its rows, and its place int64[B] in the rollout."""
        log_prob = self.log_prob(batch)
        return log_prob, torch.from_numpy(batch.graph).to(log_prob.device)

    def _all_rows(self, inputs: StepInputs, alike: bool) -> tuple[Tensor, Tensor]:
        """The node-level states float[R, H] and the log-probabilities float[R] of the rows' bits, all rows at once."""
        states = self._states(inputs)
        return states, self.head.log_prob(states, inputs.of_head, alike=alike)

    def _row_by_row(self, batch: RowBatch) -> tuple[Tensor, Tensor]:
        """As `_all_rows`, where the node level reads what the edge level made of the row before: one step after the other."""
        assert isinstance(self.head, EdgeRNN)
        assert isinstance(self.node, NodeRNN)
        weight, sizes, code = self.embed.weight, batch.batch_sizes.tolist(), self._codes(batch.told, len(batch.graph))
        inputs = weight.new_ones(sizes[0], self.embed.in_features - code.shape[1])
        hidden = [weight.new_zeros(sizes[0], self.node.hidden_size) for _ in self.node.layers]
        states, log_probs = [], []
        for count, start in zip(sizes, batch.step_offsets.tolist(), strict=False):
            rows = slice(start, start + count)
            embedded = functional.relu(self.embed(torch.cat([inputs[:count], code[:count]], 1)))
            state, hidden = self.node.advance(embedded, [layer[:count] for layer in hidden])
            step = replace(batch, bits=batch.bits[rows], widths=batch.widths[rows], decisions=batch.decisions[rows])
            log_prob, inputs = self.head.read(state, step)
            states.append(state)
            log_probs.append(log_prob)
        return torch.cat(states), torch.cat(log_probs)

    def node_states(self, batch: RowBatch) -> Tensor:
        """The node-level state float[R, H] before each row, where the node level reads the rows themselves.

        With totals what is told of them stands at its end, so that the heads see it, too.
        """
        return self._states(self._inputs(batch))

    def _states(self, inputs: StepInputs) -> Tensor:
        weight, sizes = self.embed.weight, inputs.batch.batch_sizes.tolist()
        bits = on(inputs.bits, weight.device)
        before = bits.index_select(0, on(inputs.before, weight.device))
        rows = torch.cat([bits.new_ones(sizes[0], self.facts.max_prev_node), before]).to(weight.dtype)
        told = on(inputs.of_totals, weight.device).to(rows)
        if inputs.to_come is not None:
            rows = torch.cat([rows, countdown(on(inputs.to_come, weight.device)).to(rows), told], dim=1)
        if self.code:
            codes = self._codes(inputs.told, len(inputs.batch.graph))
            rows = torch.cat([rows, codes.index_select(0, on(inputs.rank, weight.device))], dim=1)
        states: Tensor = self.node(functional.relu(self.embed(rows)), sizes)
        return torch.cat([states, told], dim=1)

    def _codes(self, told: npt.NDArray[np.float64] | Tensor | None, count: int) -> Tensor:
        """float[B, D] of what is told of each graph; float[B, 0] of a model without conditions."""
        return self.code(told, count) if self.code else self.embed.weight.new_zeros(count, 0)

    def decision_log_probs(self, states: Tensor) -> Tensor:
        """Log-probabilities float[R, 3] of CONTINUE, NEW_COMPONENT and STOP; what training graphs never do has e^-30."""
        logits = self.decision(self._deciding(states))
        for decision in self._never.tolist():
            logits = logits.select_scatter(logits.new_full((len(logits),), _NEVER), 1, decision)
        return functional.log_softmax(logits, dim=1)

    @property
    def _never(self) -> Int64Array:
        never = [CONTINUE] * (not self.facts.has_edges) + [NEW_COMPONENT] * (not self.facts.several_components)
        never += [STOP] * (self.sizes is not None)
        return np.array(never, np.int64)

    def _deciding(self, states: Tensor) -> Tensor:
        """What decides whether a graph goes on: node-level states float[R, H], or the edge level's first step from them."""
        if not self.edge_decides:
            return states
        assert isinstance(self.head, EdgeRNN)
        return self.head.first_step(states)

    @property
    def rowwise(self) -> bool:
        """Whether a sampler can take each lane by itself, without blocks: the native library knows all that it computes."""
        return self.node.rowwise and not self.reads_edge_state and not self.edge_decides

    @property
    def recordable(self) -> bool:
        """Whether a sampler's step is the same operations each time, so that a device can record it and grow whole graphs."""
        return isinstance(self.node, NodeRNN)

    @property
    def sees_window(self) -> bool:
        """Whether the head reads the graph that was built so far."""
        return isinstance(self.head, ContextEdges)

    @property
    def max_prev_node(self) -> int:
        """M."""
        return self.facts.max_prev_node

    def bytes_per_lane(self, limit: int) -> int:
        """What is remembered of one lane when its graph has `limit` nodes."""
        of_totals = Tally.bytes_per_lane(self.max_prev_node, limit) if self.totals else 0
        return self.node.bytes_per_lane(limit) + of_totals

    def bytes_on_device(self) -> int:
        """What is remembered of one lane that grows on a device, its rows not counted."""
        bound = self.max_prev_node
        of_window = Window.bytes_per_lane(bound) if self.sees_window or self.totals else 0
        of_head = DeviceContext.bytes_per_lane(bound, len(self.head.now.bias)) if isinstance(self.head, ContextEdges) else 0
        return self.node.bytes_per_lane(0) + of_window + of_head

    def row_sampler(self, lanes: int, block: int | None, limit: int, *, planar: bool) -> RowSampler:
        """The edge level of so many lanes, in blocks or each by itself, of graphs with at most `limit` nodes."""
        if not planar:
            return self.head.sampler(lanes, block, limit)
        assert isinstance(self.head, ContextEdges)  # as `capabilities` has it
        return self.head.sampler(lanes, block, limit, planar=True)

    def decider(self, block: int | None) -> Decide:
        """What draws decisions, in blocks of so many lanes, or None for each by itself."""
        if not self.decides:
            return lambda states, _uniforms: states.new_full((len(states),), CONTINUE, dtype=torch.int64)
        linear = rowwise.Linear(self.decision) if block is None else self.decision
        logits = in_blocks(lambda states: linear(self._deciding(states)), block)
        never = torch.from_numpy(self._never).to(self.decision.weight.device)
        return lambda states, uniforms: _draw_decisions(logits(states), never, uniforms)

    def row_drawer(self, lanes: int, window: Window | None) -> DrawBlock:
        """What draws rows of so many lanes at once, on the device of the weights; a window for a head that sees it."""
        if isinstance(self.head, ContextEdges):
            assert window
            programs = kernels.triton_context_level(self.head.table, self.max_prev_node)
            return DeviceContext(self.head, lanes, window, programs)
        return self.head.row_drawer(lanes)

    def node_sampler(self, lanes: int, block: int | None, limit: int, given: Given | None = None) -> NodeSampler:
        """The node level of so many lanes, in blocks or each by itself, of graphs with at most `limit` nodes."""
        told, read_rows = told_values(given or {}, self.facts.conditions, self.config.model_name), None
        if self.reads_edge_state:
            assert block
            assert isinstance(self.head, EdgeRNN)
            read_rows = EdgeSampler(self.head, block).read
        code = self.code(told, 1)[0] if self.code else None
        return NodeSampler(self.embed, self.node, lanes, block, limit, read_rows, code)


def size_law(sizes: list[list[float]]) -> SizeLaw:
    """The law of the sizes in `DataFacts`."""
    return SizeLaw(np.array(sizes[0], np.int64), np.array(sizes[1]), _SIZE_SMOOTHING)


def _draw_decisions(logits: Tensor, never: Tensor, uniforms: Tensor) -> Tensor:
    probabilities = logits.double().index_fill(1, never, _NEVER).softmax(1)
    stop, new = probabilities[:, STOP], probabilities[:, NEW_COMPONENT]
    return (uniforms < stop).long() + (uniforms < stop + new)  # 2, 1 or 0: STOP, NEW_COMPONENT or CONTINUE
