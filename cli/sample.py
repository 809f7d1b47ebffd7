"""`gengraph sample`, and `gengraph samples verify`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.options import Address, CpusPerWorker, GpusPerWorker, RunsDir, Seed, Workers
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.sampling import ShardWriter
    from gengraph.shards import Shard


def sample(
    run: Annotated[str, typer.Option(help="The run to sample from.")],
    out: Annotated[str, typer.Option(help="A new folder for the Parquet shards, or one to finish: a path, or s3://...")],
    num_graphs: Annotated[int, typer.Option("-n", "--num-graphs", min=1, help="Graphs to sample.")] = 1000,
    temperature: Annotated[
        float, typer.Option(help="Divides the logits of edges: below 1 surer, above 1 more varied. Stopping is left alone.")
    ] = 1.0,
    num_nodes: Annotated[str | None, typer.Option(help="50..100, say: graphs of other sizes are rejected.")] = None,
    components: Annotated[str, typer.Option(help="keep all, take the largest, or reject graphs with several.")] = "keep",
    unique: Annotated[bool, typer.Option("--unique", help="No two graphs are isomorphic.")] = False,
    novel_against: Annotated[
        str | None, typer.Option(help="No graph is isomorphic to one of these: train (the run's), a data set or a file.")
    ] = None,
    stop: Annotated[
        str, typer.Option(help="model, or reference: run on, then delete nodes without an edge, as the 2018 code did.")
    ] = "model",
    max_num_node: Annotated[
        int | None, typer.Option(help="Cut sequences at so many nodes; by default twice the largest training graph.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="Also write every shard as g6, s6, jsonl, ...")] = "parquet",
    workers: Workers = 0,
    seed: Seed = 0,
    shard_size: Annotated[int, typer.Option(min=1, help="Graphs in a shard.")] = 10_000,
    runs_dir: RunsDir = Path("runs"),
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: GpusPerWorker = 0.0,
    address: Address = None,
) -> None:
    """Sample graphs from a run into a folder of Parquet shards.

    Run again after an interruption, it writes only what is missing. The same seed gives the same graphs with any number of
    workers and any shard size. docs/sampling.md says what is in the folder and how to open it.

    Examples:

      gengraph sample --run grid-graphrnn -n 10000 --workers 2 --out samples/grid

      gengraph sample --run grid-graphrnn -n 500 --num-nodes 100..200 --components reject --out samples/large
    """
    from gengraph.cli.progress import counting_bar
    from gengraph.samples import Request, sample_run
    from gengraph.sampling import Conditions
    from gengraph.shards import check_format, export_shards, plan_shards
    from gengraph.storage import Folder

    conditions = Conditions(
        temperature=temperature,
        num_nodes=_range(num_nodes) if num_nodes else None,
        components=components,
        stop=stop,
        max_num_node=max_num_node,
    )
    request = Request(
        num_graphs=num_graphs,
        seed=seed,
        shard_size=shard_size,
        conditions=conditions,
        unique=unique,
        novel_against=novel_against,
        device="cuda" if gpus_per_worker else "cpu",
    )
    check_format(f".{output}")
    folder = Folder(out).absolute()
    per_worker = {"CPU": cpus_per_worker, **({"GPU": gpus_per_worker} if gpus_per_worker else {})}
    where: dict[str, Any] = {"write_shards": _on_ray(workers, per_worker, address)} if workers else {}
    try:
        with counting_bar("sampling", num_graphs, "graphs") as report:
            manifest = sample_run(runs_dir / run, folder, request, report=report, **where)
    except KeyboardInterrupt:
        msg = f"Finished shards stay in {out}; the same command writes the others."
        raise KeyboardInterrupt(msg) from None
    if output != "parquet":
        export_shards(folder, plan_shards(num_graphs, shard_size, seed), f".{output}")
    _show(manifest, out)


def verify(folder: Annotated[str, typer.Argument(help="A folder that `gengraph sample` wrote: a path, or s3://...")]) -> None:
    """Read every shard of a sample again and compare its content with the manifest.

    Example:

      gengraph samples verify samples/grid
    """
    from gengraph.shards import verify_folder
    from gengraph.storage import Folder

    manifest = verify_folder(Folder(folder).absolute())
    typer.echo(f"{manifest['num_graphs']} graphs in {len(manifest['shards'])} shards, every hash is right: {folder}")


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.\.(\d+)", text.strip())
    if not match:
        msg = f"--num-nodes must be of the form 50..100, got {text!r}"
        raise InputError(msg)
    return int(match[1]), int(match[2])


def _on_ray(workers: int, per_worker: dict[str, float], address: str | None) -> Callable[..., None]:
    """What writes shards on Ray workers."""

    def write_shards(make: "Callable[[], ShardWriter]", shards: "Sequence[Shard]", report: Callable[[int], None]) -> None:
        from gengraph.cli.guard import Debug
        from gengraph.distributed.cluster import fit_workers, session

        if not shards:
            return
        with session(address, debug=Debug.on):
            fit_workers(workers, per_worker)
            from gengraph.distributed.sample import sample_shards

            sample_shards(make, shards, workers=workers, per_worker=per_worker, report=report)

    return write_shards


def _show(manifest: dict[str, Any], out: str) -> None:
    from gengraph.cli.progress import errors

    num_graphs = manifest["num_graphs"]
    if manifest["num_attempts"] > num_graphs:
        errors.print(f"{num_graphs} of {manifest['num_attempts']} attempts were taken: {manifest['acceptance_rate']:.1%}")
    if manifest["num_cut"]:
        errors.print(f"{manifest['num_cut']} graphs did not end by themselves and were cut")
    typer.echo(f"{num_graphs} graphs in {len(manifest['shards'])} shards: {out}")
