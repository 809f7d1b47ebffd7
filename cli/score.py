"""`gengraph score`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.goal import listed_rewards, smiles_of_graph
from gengraph.cli.options import DataDir, Seed, takes_policy
from gengraph.cli.output import Format, show_json
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.graphs import GraphSet
    from gengraph.graphs.collection import Policy
    from gengraph.rewards.find import FloatArray


@takes_policy
def score(
    policy: "Policy",
    graphs: Annotated[str, typer.Argument(metavar="NAME|PATH", help="Graphs: a file, a folder of samples, or a data set.")],
    reward: Annotated[
        list[str],
        typer.Option(metavar="NAME[=VALUE]|FILE.py:FUNCTION", help=f"What is computed. {listed_rewards()} Repeatable."),
    ],
    top: Annotated[int, typer.Option(min=0, metavar="INT", help="How many of the best are shown.")] = 3,
    max_graphs: Annotated[
        int, typer.Option(min=0, metavar="INT", help="Of the graphs so many, drawn by the seed; 0: all.")
    ] = 0,
    output: Format = "table",
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Compute the reward of graphs: the mean, and the best with their sizes.

    Examples:

      gengraph score samples/qm9-gcpn-qed --reward qed --reward plogp

      gengraph score qm9 --reward qed --max-graphs 1000

      gengraph score mine.jsonl --reward my_rewards.py:score --top 10
    """
    from gengraph.cli.progress import busy
    from gengraph.rewards.find import find_reward

    rewards = {name: find_reward(name) for name in reward}
    found = _read(graphs, policy, data_dir, max_graphs, seed)
    scored = {}
    for name, compute in rewards.items():
        with busy(f"computing {name} of {counted(len(found), 'graph')}"):
            scored[name] = _scored(found, compute(found), top)
    if output == "json":
        show_json({"graphs": graphs, "num_graphs": len(found), "rewards": scored})
        return
    for name, result in scored.items():
        _show(name, result, len(found))


def _read(name: str, policy: "Policy", data_dir: Path | None, max_graphs: int, seed: int) -> "GraphSet":
    import numpy as np

    from gengraph.cli.progress import download_bar
    from gengraph.data import load_parts
    from gengraph.graphs import GraphSet
    from gengraph.seeded import Stream

    with download_bar() as report:
        found = GraphSet.concatenate(part() for part in load_parts(name, data_dir=data_dir, report=report, policy=policy))
    if 0 < max_graphs < len(found):
        found = found[np.sort(Stream(seed).permutation(len(found))[:max_graphs])]
    return found


def _scored(graphs: "GraphSet", scores: "FloatArray", top: int) -> dict[str, Any]:
    """JSON-ready: how many have a reward, their mean, and the best, each once."""
    import numpy as np

    from gengraph.goals.found import Found

    best, has = Found(), np.isfinite(scores)
    best.add(graphs, scores, 0)
    shown = range(min(top, len(best.graphs)))
    return {
        "rewarded": int(has.sum()),
        "mean": float(scores[has].mean()) if has.any() else None,
        "best": [
            {
                "reward": float(best.scores[place]),
                "nodes": int(best.graphs.num_nodes[place]),
                "edges": int(best.graphs.num_edges[place]),
                "smiles": smiles_of_graph(best.graphs[place : place + 1]),
            }
            for place in shown
        ],
    }


def _show(name: str, result: dict[str, Any], total: int) -> None:
    mean = "-" if result["mean"] is None else f"{result['mean']:.4f}"
    typer.echo(f"{name}: mean {mean} of {result['rewarded']} of {counted(total, 'graph')}")
    for best in result["best"]:
        spelt = f", {best['smiles']}" if best["smiles"] else ""
        typer.echo(f"  {best['reward']:.4f}: {counted(best['nodes'], 'node')}, {counted(best['edges'], 'edge')}{spelt}")
