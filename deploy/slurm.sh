#!/bin/bash
# One Ray over all nodes of a Slurm job, with a gengraph command on it:
#   sbatch deploy/slurm.sh train --dataset grid --workers 32 --budget 1h --runs-dir "$SCRATCH/runs"
# The arguments are those of gengraph; --address is added. GENGRAPH_VENV names a virtual environment that all nodes see.
#SBATCH --job-name=gengraph
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=0
#SBATCH --exclusive
#SBATCH --time=02:00:00
set -euo pipefail

# shellcheck source=/dev/null
source "${GENGRAPH_VENV:?set GENGRAPH_VENV to a virtual environment that all nodes see}/bin/activate"
[ "$#" -gt 0 ] || { echo "usage: sbatch $0 GENGRAPH_COMMAND..." >&2; exit 2; }

# Other users reach these nodes too: without a token anybody could run code as you. It travels in a file of yours alone, not in
# the environment or the arguments, which other users of a node may be able to read.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="$HOME/.ray/gengraph-$SLURM_JOB_ID.token"
mkdir -p "$HOME/.ray"
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT
(umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$RAY_AUTH_TOKEN_PATH")

export RAY_USAGE_STATS_ENABLED=0
export OMP_NUM_THREADS=1
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=$(getent ahostsv4 "${nodes[0]}" | awk 'NR == 1 {print $1}')
port=$((20000 + SLURM_JOB_ID % 20000))

# Starts Ray on every node, runs the command on the first when all have joined, and ends every Ray of yours on the nodes when
# it is done: therefore --exclusive. A job that ran out of time goes on: sbatch deploy/slurm.sh resume RUN
srun --kill-on-bad-exit=1 ray symmetric-run --address "$head:$port" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_PER_TASK" -- gengraph "$@" --address "$head:$port"
