"""The filters of MOSES [1]: no medicinal chemistry or PAINS alert, eight elements, no charge, no ring of eight atoms or more.

The alerts are those of molsets 0.3.1 (MIT licence, moses_filters.LICENSE); 17 of its 480 PAINS patterns are older than RDKit's
own, so that RDKit's FilterCatalog would be another filter.

Reference:
    [1] D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020. It says rings longer than 8; its
        code rejects those of 8 too, as is done here.
"""

import csv
from functools import cache
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import FilterCatalog

_ELEMENTS = {"C", "N", "S", "O", "F", "Cl", "Br", "H"}
_LARGEST_RING = 7


@cache
def _alerts() -> FilterCatalog.FilterCatalog:
    catalogue = FilterCatalog.FilterCatalog()
    with Path(__file__).with_name("moses_filters.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            matcher = FilterCatalog.SmartsMatcher(row["name"], Chem.MolFromSmarts(row["smarts"]))
            catalogue.AddEntry(FilterCatalog.FilterCatalogEntry(row["name"], matcher))
    return catalogue


def passes_filters(mol: Chem.Mol) -> bool:
    """Whether a molecule has nothing that MOSES rejects."""
    if any(len(ring) > _LARGEST_RING for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() or atom.GetSymbol() not in _ELEMENTS for atom in mol.GetAtoms()):
        return False
    return not _alerts().HasMatch(Chem.AddHs(mol))
