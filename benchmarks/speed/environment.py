"""How fast molecules grow without a network: `python -m gengraph.benchmarks.speed.environment`.

Each of many molecules side by side takes one of the actions that valency leaves open to it, at random, until all have so many
bonds: what is open, and taking it, is the code of GCPN's sampler. Steps a CPU second of one thread.
"""

import argparse
import json
import time

import numpy as np
import numpy.typing as npt

from gengraph.chemistry.valences import largest_valence
from gengraph.models.gcpn.states import ALONE, EDGE_KIND, END, Rules, States

_ATOMS = ("C", "N", "O", "S", "P", "F", "I", "Cl", "Br")  # of the published environment


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, default=1024)
    parser.add_argument("--bonds", type=int, default=25)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    rules = Rules(np.array([largest_valence(atom) for atom in _ATOMS]), np.array([1, 2, 3]), components=False)
    rates = [rate(rules, options.molecules, options.bonds) for _ in range(options.turns)]
    print(json.dumps({"steps_per_s": rates, "molecules": options.molecules, "bonds": options.bonds}))


def rate(rules: Rules, molecules: int, bonds: int) -> float:
    """Bonds a CPU second."""
    before = time.process_time()
    states = grown(rules, molecules, bonds)
    return int((states.bonds > 0).sum()) / 2 / (time.process_time() - before)


def grown(rules: Rules, molecules: int, bonds: int) -> States:
    """Molecules after so many random actions, or as many as were open."""
    rng = np.random.default_rng(0)
    states = States.empty(rules, molecules, bonds + 1)
    states.take(np.tile([ALONE, -1, 0], (molecules, 1)))
    for _ in range(bonds):
        states.take(_random(states, rng))
    return states


def _random(states: States, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """int64[B, 3], one of the actions that are open to each."""
    free = states.free()
    firsts = states.open_firsts(free)
    kinds = states.open_kinds(firsts)
    first = _one_of(firsts, rng)
    place = _one_of(states.open_targets(free, first), rng)
    target = np.where(place < states.room, place, states.room - 1 - place)
    bond = _one_of(states.open_bonds(free, first, target), rng)
    actions = np.column_stack([first, target, bond])
    actions[~kinds[:, EDGE_KIND]] = (END, 0, 0)
    return actions


def _one_of(which: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    ranks = np.cumsum(which, 1)
    chosen: npt.NDArray[np.int64] = (ranks > (rng.random(len(which)) * ranks[:, -1])[:, None]).argmax(1)
    return chosen


if __name__ == "__main__":
    main()
