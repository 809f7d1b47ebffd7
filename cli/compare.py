"""`gengraph compare`."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.data import one_graph
from gengraph.cli.options import DataDir, Seed, takes_policy
from gengraph.cli.output import Format, plain_table, show_json

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy

_FACTS = ("nodes", "edges", "mean_degree", "largest_degree", "mean_clustering")


@takes_policy
def compare(
    first: Annotated[str, typer.Argument(metavar="GRAPH", help="One real graph: a file, a data set, or a folder of edges.")],
    second: Annotated[str, typer.Argument(metavar="LIKE-IT", help="One graph like it, likewise.")],
    policy: "Policy",
    samples: Annotated[
        int, typer.Option(min=2, metavar="INT", help="Sampled paths that graphlets are estimated from.")
    ] = 1_000_000,
    vectors: Annotated[int, typer.Option(min=2, metavar="INT", help="Random vectors that spectra are estimated from.")] = 8,
    output: Format = "table",
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Compare two large graphs by degrees, clustering, orbits and spectra; lower is nearer.

    Degrees and clustering are exact, most graphlets are estimated: the table has their intervals, --format json the numbers
    too. Each distance has a floor, that of two random halves of what was measured of the first
    graph. Sets of graphs are for `gengraph evaluate`; docs/large.md says what the distances are.

    Example:

      gengraph compare friends.edgelist grown/friends
    """
    from gengraph.cli.progress import busy
    from gengraph.large.comparison import distances, measure

    measured = []
    for name in (first, second):
        graph = one_graph(name, data_dir, policy)
        with busy(f"measuring {name}"):
            measured.append(measure(graph, samples=samples, vectors=vectors, seed=seed))
    found = {name: dataclasses.asdict(value) for name, value in distances(measured[0], measured[1], seed=seed).items()}
    result = {"first": measured[0].summary(), "second": measured[1].summary(), "distances": found}
    if output == "json":
        show_json(result)
    else:
        _show(result)


def _show(result: dict[str, Any]) -> None:
    from gengraph.cli.progress import results

    console, pair = results(), (result["first"], result["second"])
    facts = [[name.replace("_", " "), *(f"{graph[name]:.6g}" for graph in pair)] for name in _FACTS]
    graphlets = [[name, *(_interval(graph["graphlets"][name]) for graph in pair)] for name in pair[0]["graphlets"]]
    console.print(plain_table(("", "first", "second"), [*facts, *graphlets[1:]], left=("",)))
    rows = [[name, f"{found['distance']:.3g}", f"{found['floor']:.3g}"] for name, found in result["distances"].items()]
    console.print(plain_table(("statistic", "distance", "floor"), rows, left=("statistic",)))


def _interval(graphlet: dict[str, Any]) -> str:
    """The number, or its interval where it is no exact one."""
    low, high = graphlet["interval"]
    return f"{low:.4g} .. {high:.4g}" if low < high else f"{graphlet['count']:.4g}"
