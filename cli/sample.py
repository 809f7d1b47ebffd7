"""`gengraph sample`."""

from pathlib import Path
from typing import Annotated

import typer

from gengraph.cli.options import Address, CpusPerWorker, RunsDir, Seed, Workers


def sample(
    run: Annotated[str, typer.Option(help="The run to sample from.")],
    out: Annotated[Path, typer.Option(help="A new folder for the Parquet shards, or one to finish.")],
    num_graphs: Annotated[int, typer.Option("-n", "--num-graphs", min=1, help="Graphs to sample.")] = 1000,
    workers: Workers = 0,
    seed: Seed = 0,
    shard_size: Annotated[int, typer.Option(min=1, help="Graphs in a shard.")] = 1000,
    runs_dir: RunsDir = Path("runs"),
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Sample graphs from a run into a folder of Parquet shards.

    Run again after an interruption, it writes only what is missing. The same seed gives the same graphs with any number of
    workers. All components of a sampled graph are kept.

    Example:

      gengraph sample --run grid-graphrnn -n 10000 --workers 2 --out samples/grid
    """
    from gengraph.checkpoint import load_checkpoint
    from gengraph.cli.progress import counting_bar, errors
    from gengraph.files import hash_file
    from gengraph.runs import newest_checkpoint, read_run
    from gengraph.shards import close_folder, missing_shards, open_folder, plan_shards

    path = newest_checkpoint(runs_dir / run)
    checkpoint = load_checkpoint(path)
    shards = plan_shards(num_graphs, shard_size, seed)
    open_folder(
        out,
        {
            "run": run,
            "reading": read_run(runs_dir / run).get("reading"),
            "step": checkpoint.step,
            "weights_sha256": hash_file(path / "model.safetensors"),
            "config": checkpoint.config.to_dict(),
            "facts": checkpoint.facts.to_dict(),
            "seed": seed,
            "num_graphs": num_graphs,
            "shard_size": shard_size,
            "components": "keep",
        },
    )
    todo = missing_shards(out, shards)
    done = num_graphs - sum(shard.count for shard in todo)
    try:
        with counting_bar("sampling", num_graphs, "graphs") as report:
            report(done)
            if workers == 0:
                from gengraph.sampling import ShardWriter

                write = ShardWriter(checkpoint, out)
                for shard in todo:
                    write(shard, report)
            elif todo:
                from gengraph.cli.guard import Debug
                from gengraph.distributed.cluster import fit_workers, session

                with session(address, debug=Debug.on):
                    fit_workers(workers, {"CPU": cpus_per_worker})
                    from gengraph.distributed.sample import sample_shards

                    sample_shards(checkpoint, out, todo, workers=workers, cpus=cpus_per_worker, report=report)
    except KeyboardInterrupt:
        msg = f"Finished shards stay in {out}; the same command writes the others."
        raise KeyboardInterrupt(msg) from None
    manifest = close_folder(out, shards)
    if manifest["num_cut"]:
        errors.print(
            f"{manifest['num_cut']} sequences did not end by themselves and were cut at twice the largest training graph"
        )
    typer.echo(f"{num_graphs} graphs in {len(shards)} shards: {out}")
