"""`gengraph sweeps`, and a sweep while it runs."""

import contextlib
import json
import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.guard import guarded, in_options
from gengraph.cli.help import Command, group
from gengraph.cli.options import Address, SweepsDir, duration
from gengraph.cli.output import Format, plain_table, show_json
from gengraph.cli.workers import workers_session
from gengraph.errors import InputError, TrainingFailed
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.tuning.sweep import Sweep, SweepRequest, Trial

sweeps = group(invoke_without_command=True)
SweepBudget = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="TIME", help="Time of the whole sweep: 30m, 2h; by default there is no bound."),
]
BestConfig = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write the best config there.")]


@sweeps.callback()
@guarded
def listing(context: typer.Context, sweeps_dir: SweepsDir = Path("sweeps"), output: Format = "table") -> None:
    """List the sweeps that `gengraph tune` made, the latest first, or go on with one.

    Examples:

      gengraph sweeps

      gengraph sweeps resume grid-mmd
    """
    if context.invoked_subcommand is not None:
        return
    from gengraph.cli.progress import errors, results

    if not sweeps_dir.is_dir() and str(context.get_parameter_source("sweeps_dir")).endswith("COMMANDLINE"):
        msg = f"no folder of sweeps {sweeps_dir}; make a sweep with `gengraph tune`, or name another with --sweeps-dir"
        raise InputError(msg)
    records = sorted(sweeps_dir.glob("*/sweep.json"), key=lambda path: -path.stat().st_mtime)
    found = [_summarize(path.parent) for path in records]
    if output == "json":
        show_json(found)
    elif found:
        results().print(_table(found))
    else:
        errors.print(f"no sweeps in {sweeps_dir}; make one with `gengraph tune --dataset grid --trials 8`")


@sweeps.command("resume", cls=Command)
@guarded
def go_on(
    name: Annotated[str, typer.Argument(metavar="SWEEP", help="The sweep, as `gengraph sweeps` names it.")],
    budget: SweepBudget = None,
    out: BestConfig = None,
    sweeps_dir: SweepsDir = Path("sweeps"),
    address: Address = None,
) -> None:
    """Go on with a sweep, with its own data, settings and number of trials at a time; trials that ended are kept.

    Examples:

      gengraph sweeps resume grid-mmd

      gengraph sweeps resume grid-mmd --budget 1h --out best.toml
    """
    from gengraph.files import check_writable
    from gengraph.tuning.sweep import Sweep

    if out is not None:
        check_writable(out.absolute().parent)
    sweep = Sweep.open(sweeps_dir / name)
    with trials_session(sweep.request, address):
        run_sweep(sweep, budget, out)


@contextlib.contextmanager
def trials_session(request: "SweepRequest", address: str | None) -> Iterator[None]:
    """A Ray that can hold the trials that run at a time; none for a sweep without it.

    Raises:
        InputError: an address is given to one without it.
    """
    if address is not None and request.concurrent == 0:
        msg = "--address is about Ray workers, and this sweep runs without them; leave --address out"
        raise InputError(msg)
    with workers_session(request.concurrent * request.workers_per_trial, dict(request.per_worker), address):
        yield


def run_sweep(sweep: "Sweep", budget: float | None, out: Path | None) -> None:
    """Run what is missing of a sweep, show its trials, and write the winner.

    Args:
        sweep: with its folder.
        budget: seconds for it.
        out: also write the best config there.

    Raises:
        KeyboardInterrupt: names the command that goes on.
        TrainingFailed: every trial failed, or none was evaluated in time.
    """
    from gengraph.cli.progress import counting_bar, errors
    from gengraph.files import write_text
    from gengraph.tuning.sweep import PICTURE, ranked, sweep_here, write_results

    where = "" if sweep.folder.parent == Path("sweeps") else f" --sweeps-dir {shlex.quote(str(sweep.folder.parent))}"
    command = f"gengraph sweeps resume {shlex.quote(sweep.folder.name)}{where}"
    try:
        with counting_bar(sweep.folder.name, sweep.request.trials, "trials", before="the first is not done") as report:
            if sweep.request.concurrent == 0:
                trials = sweep_here(sweep, budget=budget, report=report)
            else:
                from gengraph.distributed.tune import sweep_on_ray

                trials = sweep_on_ray(sweep, budget=budget, report=report)
    except KeyboardInterrupt:
        msg = f"Trials that ended stay in {sweep.folder}; go on with `{command}`."
        raise KeyboardInterrupt(msg) from None
    missing, cut = sweep.request.trials - len(trials), sum(trial.cut for trial in trials)
    if missing or cut:
        errors.print(
            f"the time was out: {counted(missing, 'trial')} did not begin, {counted(cut, 'trial')} did not end; "
            f"`{command} --budget TIME` goes on with them"
        )
    winner = write_results(sweep, trials)
    _show(sweep, ranked(trials))
    if winner is None:
        reasons = "\n".join(f"  trial {trial.number}: {in_options(str(trial.error))}" for trial in trials)
        none = f"the time was out before any trial was evaluated; go on with `{command} --budget TIME`"
        msg = f"every trial failed:\n{reasons}" if trials else none
        raise TrainingFailed(msg)
    if out is not None:
        write_text(out, winner.read_text(encoding="utf-8"))
    picture = sweep.folder / PICTURE
    shown = picture if picture.is_file() else "and a picture of them with plotly: pip install 'gengraph[tune]'"
    typer.echo(f"all trials: {sweep.folder / 'trials.parquet'}, {shown}")
    typer.echo(f"best config: {out or winner}")


def _show(sweep: "Sweep", trials: "Sequence[Trial]") -> None:
    """The table of all trials, best first, and why some failed."""
    from gengraph.cli.progress import errors, results

    metric = {"loss": "validation loss", "mmd": "mmd"}[sweep.request.metric]
    columns = ("trial", metric, "steps", "state", *(name.partition(".")[2] for name in sweep.space))
    rows = []
    for trial in trials:
        score = "-" if trial.score is None else f"{trial.score:.4g}"
        values = trial.setting.values(sweep.space).values()
        chosen = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in values)
        rows.append((str(trial.number), score, str(trial.step), trial.state, *chosen))
    results().print(plain_table(columns, rows))
    for trial in trials:
        if trial.error is not None:
            errors.print(f"trial {trial.number} failed: {in_options(trial.error)}")


def _summarize(folder: Path) -> dict[str, Any]:
    """A sweep in a line, JSON-ready; of a damaged one the name alone."""
    from gengraph.tuning.sweep import Sweep

    try:
        sweep = Sweep.open(folder)
        dataset = json.loads((folder / "sweep.json").read_text(encoding="utf-8")).get("dataset", "")
    except InputError:
        return {"name": folder.name, "dataset": "damaged"}
    ended, best = _ended(folder)
    return {
        "name": folder.name,
        "dataset": dataset,
        "model": sweep.config.model_name,
        "trials": sweep.request.trials,
        "ended": ended,
        "metric": sweep.request.metric,
        "best": best,
    }


def _ended(folder: Path) -> tuple[int, float | None]:
    """How many trials are known to have ended, and the best score of them."""
    import pyarrow.parquet as pq

    table, lines = folder / "trials.parquet", folder / "trials.jsonl"
    if lines.is_file():  # of a sweep without Ray, which may be newer than its table
        records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines() if line]
        scores = [record["metrics"].get("score") for record in records if not record.get("error")]
    elif table.is_file():
        scores = pq.read_table(table, columns=["score"])["score"].to_pylist()
        records = scores
    else:
        return 0, None
    return len(records), min((score for score in scores if score is not None and math.isfinite(score)), default=None)


def _table(found: list[dict[str, Any]]) -> Any:
    columns = ("name", "data set", "model", "trials", "metric", "best")
    rows = []
    for sweep in found:
        best, trials = sweep.get("best"), f"{sweep['ended']} of {sweep['trials']}" if "trials" in sweep else ""
        score = "" if best is None else f"{best:.4g}"
        rows.append((sweep["name"], sweep["dataset"], sweep.get("model", ""), trials, sweep.get("metric", ""), score))
    return plain_table(columns, rows, left=("name", "data set", "model", "metric"))
