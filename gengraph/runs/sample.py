"""Samples of a run: the checkpoint that is asked for, as the origin of a sampling job."""

from pathlib import Path
from typing import Any

from gengraph.data import load_dataset
from gengraph.files import hash_file
from gengraph.runs.folders import find_checkpoint, read_run
from gengraph.sampling.job import CheckpointOrigin, SampleRequest, ShardsWriter, sample_into
from gengraph.sampling.writing import CountReport, write_here
from gengraph.storage import Folder
from gengraph.training.checkpoint import load_checkpoint


def sample_run(
    run: Path,
    folder: Folder,
    request: SampleRequest,
    *,
    checkpoint: str | None = None,
    device: str = "cpu",
    write_shards: ShardsWriter = write_here,
    report: CountReport = lambda _done: None,
) -> dict[str, Any]:
    """Sample from a checkpoint of a run into a folder, or finish the sample that is there; returns the manifest.

    Args:
        run: folder of the run.
        folder: of the sample, new or begun by the same request.
        request: what is asked.
        checkpoint: last or best; by default the best, or the last where none was evaluated.
        device: cpu or cuda.
        write_shards: where the shards are written.
        report: called with the number of graphs that are done, those of an earlier try first.

    Raises:
        InputError: no such run or checkpoint; and what `gengraph.sampling.job.sample_into` raises.
    """
    path = find_checkpoint(run, checkpoint)
    record = {"run": run.name, "reading": read_run(run).get("reading"), "weights_sha256": hash_file(path / "model.safetensors")}
    return sample_into(
        folder,
        CheckpointOrigin(load_checkpoint(path), record, device),
        request,
        train=lambda: load_dataset(str(run / "data" / "train.parquet")),
        write_shards=write_shards,
        report=report,
    )
