"""GraphRNN as a family: what it takes from the data, its network, and what sweeps vary."""

from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST, ROOTED
from gengraph.models.family import Capability, Facts, Family
from gengraph.models.graphrnn.config import GraphRNNConfig, RNNHead, capabilities, upgrade_0_1
from gengraph.models.space import Choice, Range, Space
from gengraph.rewards.conditions import condition_facts, describe_conditions

if TYPE_CHECKING:
    from gengraph.models.graphrnn.network import GraphRNNModel


class GraphRNNFamily(Family):
    """A node-level network over adjacency rows, and an edge-level head: rnn, mlp or context."""

    name = "graphrnn"
    config = GraphRNNConfig
    loss = "negative log-likelihood, nats a graph"
    widths = ("max_prev_node",)

    def model_name(self, config: GraphRNNConfig) -> str:
        """graphrnn, graphrnn-s or graphrnn-c, by the head."""
        return config.model_name

    def capabilities(self, config: GraphRNNConfig) -> frozenset[Capability]:
        """What models of a config can do."""
        return capabilities(config)

    def select(self, graphs: GraphSet, config: GraphRNNConfig) -> GraphSet:
        """Checked, and cut to the largest components if the config says so.

        Raises:
            InputError: graphs without nodes, or disconnected graphs under a stop rule that cannot express them.
        """
        graphs = super().select(graphs, config)
        if config.sequence.components == "largest":
            graphs = graphs.largest_components()
        disconnected = int((graphs.num_components() > 1).sum())
        if disconnected and config.stop == "zero_row":
            msg = (
                f"stop = zero_row cannot express disconnected graphs, {disconnected} of {len(graphs)} are; set "
                "model.stop = decision, or set model.sequence.components = largest to train on the largest components"
            )
            raise InputError(msg)
        return graphs

    def prepare(self, graphs: GraphSet, config: GraphRNNConfig, *, seed: int) -> Facts:
        """The widest window that rows need, the largest graph, and what training graphs never do."""
        from gengraph.models.graphrnn.bandwidth import choose_max_prev_node
        from gengraph.models.graphrnn.network import DataFacts
        from gengraph.models.graphrnn.totals import graph_totals
        from gengraph.models.sizes import spread_counts

        bandwidth = choose_max_prev_node(graphs, config.sequence, seed=seed)
        connected = bool((graphs.num_components() == 1).all())
        return DataFacts(
            max_prev_node=bandwidth.max_prev_node,
            max_num_node=int(graphs.num_nodes.max()),
            several_components=not connected or bandwidth.share_cut > 0 or config.sequence.ordering not in ROOTED,
            has_edges=len(graphs.edges) > 0,
            share_cut=bandwidth.share_cut,
            conditions=condition_facts(graphs, config.conditions, config.model_name),
            sizes=[list(map(float, part)) for part in spread_counts(graphs.num_nodes)] if config.stop == "size" else None,
            totals=graph_totals(graphs) if config.totals else None,
        ).to_dict()

    def computed_by(self, device: str) -> str:
        """The back-end with its instruction set."""
        from gengraph.models.graphrnn.kernels import backend

        return backend(device).label

    def describe(self, config: GraphRNNConfig, facts: Facts) -> dict[str, str]:
        """Ordering, window and end of a graph."""
        sequence = config.sequence
        return {
            "ordering": f"{sequence.ordering}, {sequence.window} window, {sequence.scan}",
            "M (max_prev_node)": f"{facts['max_prev_node']}, cuts {facts.get('share_cut', 0.0):.2%} of the edges",
            "end of a graph": config.stop + ", drawn with the numbers of edges, triangles and paths" * config.totals,
            **describe_conditions(facts.get("conditions", [])),
        }

    def suits(self, config: GraphRNNConfig, facts: Facts) -> str:
        """With the context head any graphs."""
        return "takes any graphs" if config.head.kind == "context" else ""

    def build(self, config: GraphRNNConfig, facts: Facts) -> "GraphRNNModel":
        """The network."""
        from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel

        return GraphRNNModel(config, DataFacts(**facts))

    def space(self, config: GraphRNNConfig) -> Space:
        """Sizes, layers and, where the window allows it, the ordering."""
        orderings = BREADTH_FIRST if config.sequence.window == "adaptive" else ("cm", "bfs", "dfs")
        sizes = tuple(size for size in (64, 128, 256) if config.node != "transformer" or size % config.attention_heads == 0)
        space: dict[str, Choice | Range] = {
            "model.hidden_size": Choice(sizes),
            "model.num_layers": Choice((1, 2)),
            "model.sequence.ordering": Choice(tuple(orderings)),
        }
        if isinstance(config.head, RNNHead):
            edge_level = {"model.head.hidden_size": Choice((16, 32)), "model.head.num_layers": Choice((1, 2, 4))}
            return {**space, **edge_level}
        return {**space, "model.head.hidden_size": Choice((32, 64, 128))}

    def upgrade(self, tables: dict[str, Any]) -> dict[str, Any]:
        """From the form of gengraph 0.1.0."""
        return upgrade_0_1(tables)
