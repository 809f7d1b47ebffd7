"""`gengraph plot`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.options import DATASET_HELP, DataDir, seed_option, takes_policy

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy


@takes_policy
def plot(
    graphs: Annotated[str, typer.Argument(metavar="NAME|PATH", help=DATASET_HELP)],
    policy: "Policy",
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The picture: .png, .svg or .pdf (molecules: no .pdf).")
    ] = Path("graphs.png"),
    count: Annotated[
        int, typer.Option(min=1, max=400, metavar="INT", help="Graphs to draw; of more, so many are drawn at random.")
    ] = 16,
    seed: Annotated[int, seed_option("Which graphs, and how nodes that stand alike are placed.")] = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw a grid of graphs into a picture; equal seeds give equal pictures. Molecules are drawn by RDKit.

    Examples:

      gengraph plot samples/grid --out grid.png --count 9

      gengraph plot molecules.smi --out molecules.svg
    """
    from gengraph.cli.progress import busy, download_bar
    from gengraph.data import load_parts
    from gengraph.files import check_writable
    from gengraph.formats.molecules import are_molecules
    from gengraph.graphs.drawing import choose_from, draw_graphs

    with download_bar() as report:
        parts = load_parts(graphs, data_dir=data_dir, report=report, policy=policy)
    check_writable(out.absolute().parent)
    chosen, total = choose_from(parts, count, seed=seed)
    of_molecules = are_molecules(chosen)
    with busy("drawing"):
        if of_molecules:
            from gengraph.chemistry.drawing import draw_molecules

            draw_molecules(chosen, out)
        else:
            draw_graphs(chosen, out, seed=seed)
    typer.echo(f"{len(chosen)} of {total} {'molecules' if of_molecules else 'graphs'}: {out}")
