"""What chemistry says of a noisy graph, computed for the network: the bonds of each atom, the room for more, the weight [1].

Legend: B graphs, n nodes of the largest, K classes of nodes, L classes of pairs.

References:
    [1] C. Vignac et al. DiGress: discrete denoising diffusion for graph generation. ICLR 2023, appendix B.2.
"""

from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor

from gengraph.errors import InputError
from gengraph.formats.molecules import are_molecules
from gengraph.graphs import GraphSet
from gengraph.models.family import Facts

AT_NODE, IN_GRAPH = 2, 1
_USUAL_BONDS, _USUAL_MASS = 4.0, 12.0  # of carbon: they bring the numbers to about 1
_MOST_BONDS = 8  # of an element without a limit


def atoms_of(graphs: GraphSet, wanted: Literal["auto", "yes", "no"]) -> Facts | None:
    """What is known of the atoms and bonds that labels say, JSON-ready: `valences`, `masses` by node label, `orders` of bonds.

    Args:
        graphs: with labels.
        wanted: no gives None; so does auto of graphs that are no molecules with whole bonds, or without RDKit.

    Raises:
        InputError: such graphs and yes; or RDKit is missing.
    """
    if wanted == "no" or (wanted == "auto" and not (are_molecules(graphs) and find_spec("rdkit"))):
        return None
    from gengraph.chemistry.labels import atom_of
    from gengraph.chemistry.valences import valence_tables

    schema = graphs.schema
    tables = valence_tables(schema)
    if tables is None or schema.nodes is None:
        if wanted == "auto":
            return None
        msg = (
            f"model.molecular = yes needs labels that are elements and whole bonds, got {schema}; set model.molecular = auto, "
            "or read molecules with bonds = kekule"
        )
        raise InputError(msg)
    masses = [float(atom_of(label).GetMass()) for label in schema.nodes.values]
    valences, orders = tables
    return {"valences": valences.clip(0, _MOST_BONDS).tolist(), "masses": masses, "orders": orders.tolist()}


def molecular_features(
    atoms: Tensor, pairs: Tensor, known: tuple[Tensor, Tensor, Tensor], largest: int
) -> tuple[Tensor, Tensor]:
    """Bonds of each atom and how many more it may have, and the weight; all of about 1.

    Args:
        atoms: float[B, n, K], 1 for the class of a node, 0 of a node that is not there.
        pairs: int64[B, n, n], classes; 0 is no bond.
        known: valences float[K], masses float[K], and orders float[L] of pairs, that of none 0.
        largest: the most nodes of a graph.

    Returns:
        float[B, n, 2] and float[B, 1]. Sums are over whole numbers, or by class: no rounding hangs on n.
    """
    valences, masses, orders = known
    bonds = orders[pairs].sum(-1)
    room = atoms @ valences - bonds
    weight = atoms.sum(1) @ masses
    return torch.stack([bonds, room], -1) / _USUAL_BONDS, weight[:, None] / (_USUAL_MASS * largest)
