"""`gengraph plot`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.options import DATASET_HELP, DataDir, takes_policy

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy


@takes_policy
def plot(
    graphs: Annotated[str, typer.Argument(help=DATASET_HELP)],
    policy: "Policy",
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture: .png, .svg or .pdf.")] = Path("graphs.png"),
    count: Annotated[int, typer.Option(min=1, max=400, help="Graphs to draw; of more, so many are drawn at random.")] = 16,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Which graphs, and how nodes that stand alike are placed.")
    ] = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw a grid of graphs into a picture; equal seeds give equal pictures.

    Example:

      gengraph plot samples/grid -o grid.png --count 9
    """
    from gengraph.cli.progress import download_bar
    from gengraph.data import load_dataset
    from gengraph.graphs.drawing import choose, draw_graphs
    from gengraph.files import check_writable

    with download_bar() as report:
        loaded = load_dataset(graphs, data_dir=data_dir, report=report, policy=policy)
    check_writable(output.absolute().parent)
    chosen = choose(loaded, count, seed=seed)
    draw_graphs(chosen, output, seed=seed)
    typer.echo(f"{len(chosen)} of {len(loaded)} graphs: {output}")
