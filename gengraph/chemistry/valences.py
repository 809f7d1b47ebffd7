"""How many bonds an atom may have: what RDKit's sanitisation accepts, as a table for whole arrays of molecules.

RDKit is asked once for each node label, with an atom that has 0, 1, 2, ... single bonds to carbon. Elements, charges, hydrogens
and unpaired electrons that a label says are thereby in the table as this RDKit has them.

It accepts a little more: before it counts, it rewrites some groups with charges (`CN(=O)=O` is read as `C[N+](=O)[O-]`). A
graph says the charges itself, so a neutral nitrogen has three bonds here.

Legend: G graphs, K kinds of node labels, L kinds of edge labels.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from gengraph.chemistry.labels import AROMATIC, BOND_TYPES, atom_of
from gengraph.chemistry.molecules import problem_of, quiet
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.schema import LabelSchema

ANY = 99
"""The largest valence of an element that RDKit takes with any bonds, a metal say."""

_MOST = 12  # bonds that are tried; no element with a limit has more than eight


@lru_cache(maxsize=4096)
def largest_valence(label: str) -> int:
    """The largest total bond order of an atom with this node label; ANY where there is no limit, -1 of no possible atom.

    Raises:
        InputError: the label says no atom.
    """
    with quiet():
        accepted = next((bonds for bonds in range(_MOST + 1) if problem_of(_star(label, bonds))), _MOST + 2) - 1
    return ANY if accepted > _MOST else accepted


def _star(label: str, bonds: int) -> Chem.RWMol:
    """The atom with single bonds to so many carbons."""
    mol = Chem.RWMol()
    mol.AddAtom(atom_of(label))
    for k in range(bonds):
        mol.AddAtom(atom_of("C"))
        mol.AddBond(0, k + 1, Chem.BondType.SINGLE)
    return mol


def valence_tables(schema: LabelSchema) -> tuple[Int64Array, Int64Array] | None:
    """The largest total bond order int64[K] by node label, and the bond order int64[L] by edge label.

    None of graphs that are no molecules in Kekule form.
    """
    nodes, edges = schema.nodes, schema.edges
    if nodes is None or edges is None or schema.directed or not set(edges.values) <= BOND_TYPES.keys() - {AROMATIC}:
        return None
    try:
        largest = [largest_valence(label) for label in nodes.values]
    except InputError:
        return None
    return np.array(largest, np.int64), np.array([int(label) for label in edges.values], np.int64)


def valences_fit(graphs: GraphSet) -> npt.NDArray[np.bool_]:
    """bool[G], whether no atom has more bonds than it may.

    Raises:
        InputError: the labels are not atoms and bonds in Kekule form.
    """
    tables = valence_tables(graphs.schema)
    if tables is None or graphs.node_labels is None or graphs.edge_labels is None:
        msg = (
            "valences are counted of molecules in Kekule form (node labels are elements, edge labels 1, 2, 3 or 4), got "
            f"{graphs.schema}; read them with bonds = kekule"
        )
        raise InputError(msg)
    ends = graphs.edges + graphs.node_offsets[graphs.graph_of_edge][:, None]
    largest, orders = tables
    weights = np.repeat(orders[graphs.edge_labels], 2)
    total = np.bincount(ends.ravel(), weights, minlength=len(graphs.node_labels))
    graph = graphs.graph_of_node
    too_many = graph[total > largest[graphs.node_labels]]
    fit: npt.NDArray[np.bool_] = np.bincount(too_many, minlength=len(graphs)) == 0
    return fit
