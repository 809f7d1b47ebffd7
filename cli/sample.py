"""`gengraph sample`, and `gengraph samples verify`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.options import (
    Address,
    CpusPerWorker,
    DataDir,
    GpusPerWorker,
    RunsDir,
    Seed,
    Workers,
    allow_none_of,
    allow_only,
    duration,
)
from gengraph.cli.workers import resources, workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.sampling.job import Request
    from gengraph.sampling.attempts import ShardWriter
    from gengraph.sampling.shards import Shard
    from gengraph.storage import Folder

_OF_MODEL = {"model", "dataset", "data_dir", "budget", "out", "num_graphs", "seed", "shard_size"}


def sample(
    *,
    context: typer.Context,
    run: Annotated[str | None, typer.Option(help="The run to sample from.")] = None,
    model: Annotated[str | None, typer.Option(help="Or a model to fit first: er, ba, kronecker, ... Needs --dataset.")] = None,
    dataset: Annotated[str | None, typer.Option(help="What --model is fitted to: its training part.")] = None,
    budget: Annotated[float, typer.Option(parser=duration, metavar="TIME", help="Time to fit --model: 60s, 10m.")] = "60s",  # type: ignore[assignment]
    checkpoint: Annotated[str, typer.Option(help="Of --run: last, or best, that of the best evaluation.")] = "last",
    data_dir: DataDir = None,
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
    constraint: Annotated[
        str, typer.Option(help="none, or planar: take no edge that would cross another, whatever the model says (graphrnn-c).")
    ] = "none",
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

      gengraph sample --model kronecker --dataset grid -n 1000 --out samples/kronecker
    """
    from gengraph.cli.progress import counting_bar
    from gengraph.sampling.job import Request, sample_run
    from gengraph.sampling.attempts import Conditions
    from gengraph.sampling.shards import check_format, export_shards, plan_shards
    from gengraph.storage import Folder

    if (run is None) == (model is None) or (model is None) != (dataset is None):
        msg = "give --run NAME, or --model NAME with --dataset"
        raise InputError(msg)
    conditions = Conditions(
        temperature=temperature,
        num_nodes=_range(num_nodes) if num_nodes else None,
        components=components,
        stop=stop,
        max_num_node=max_num_node,
        constraint=constraint,
    )
    request = Request(
        num_graphs=num_graphs,
        seed=seed,
        shard_size=shard_size,
        conditions=conditions,
        unique=unique,
        novel_against=novel_against,
        device="cuda" if gpus_per_worker else "cpu",
        checkpoint=checkpoint,
        data_dir=data_dir,
    )
    check_format(f".{output}")
    folder = Folder(out)
    if model is not None and dataset is not None:
        allow_only(context, _OF_MODEL, "--model takes -n, --seed, --shard-size and --budget; the rest is for trained runs")
        _show(_from_model(model, dataset, data_dir, budget, folder, request), out)
        return
    allow_none_of(context, {"budget"}, "--budget is of --model, which is fitted first; a run is trained already")
    per_worker = resources(cpus_per_worker, gpus_per_worker)
    where: dict[str, Any] = {"write_shards": _on_ray(workers, per_worker)} if workers else {}
    try:
        with workers_session(workers, per_worker, address), counting_bar("sampling", num_graphs, "graphs") as report:
            manifest = sample_run(runs_dir / str(run), folder, request, report=report, **where)
    except KeyboardInterrupt:
        msg = f"Finished shards stay in {out}; the same command writes the others."
        raise KeyboardInterrupt(msg) from None
    if output != "parquet":
        export_shards(folder, plan_shards(num_graphs, shard_size, seed), f".{output}")
    _show(manifest, out)


def _from_model(
    model: str, dataset: str, data_dir: Path | None, budget: float, folder: "Folder", request: "Request"
) -> dict[str, Any]:
    """Fit a model to the training part of a data set, show what was fitted, and sample from it."""
    from gengraph.cli.progress import counting_bar, download_bar, errors
    from gengraph.data import load_collection, split_collection
    from gengraph.models.generator import GENERATORS
    from gengraph.graphs import GraphSet
    from gengraph.sampling.job import sample_generator

    generator = GENERATORS[model]()
    with download_bar() as progress:
        split = split_collection(load_collection(dataset, data_dir=data_dir, report=progress))
    graphs = GraphSet.concatenate([split.train, split.validation])
    errors.print(f"fitting {model} to the {len(graphs)} training graphs of {dataset}")
    generator.fit(graphs, seed=request.seed, budget=budget)
    for name, value in generator.parameters().items():
        errors.print(f"{name}: {value}")
    about = {"model": model, "dataset": dataset, "content_hash": graphs.content_hash(), "budget": budget}
    with counting_bar("sampling", request.num_graphs, "graphs") as report:
        return sample_generator(generator, about, folder, request, report=report)


def verify(folder: Annotated[str, typer.Argument(help="A folder that `gengraph sample` wrote: a path, or s3://...")]) -> None:
    """Read every shard of a sample again and compare its content with the manifest.

    Example:

      gengraph samples verify samples/grid
    """
    from gengraph.sampling.shards import verify_folder
    from gengraph.storage import Folder

    manifest = verify_folder(Folder(folder))
    typer.echo(f"{manifest['num_graphs']} graphs in {len(manifest['shards'])} shards, every hash is right: {folder}")


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.\.(\d+)", text.strip())
    if not match:
        msg = f"--num-nodes must be of the form 50..100, got {text!r}"
        raise InputError(msg)
    return int(match[1]), int(match[2])


def _on_ray(workers: int, per_worker: dict[str, float]) -> Callable[..., None]:
    """What writes shards on workers of the Ray that this process is connected to."""

    def write_shards(make: "Callable[[], ShardWriter]", shards: "Sequence[Shard]", report: Callable[[int], None]) -> None:
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
