"""How many bonds atoms may have, for families that draw labels themselves; labels that are no atoms and bonds need no RDKit."""

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelSchema


def valence_lists(schema: LabelSchema) -> list[list[int]] | None:
    """The largest total bond order by node label, and the bond order by edge label, JSON-ready.

    None where labels are not atoms and bonds in Kekule form, and without RDKit, where nobody has molecules.
    """
    if schema.nodes is None or schema.edges is None:
        return None
    try:
        from gengraph.chemistry.valences import valence_tables
    except InputError:
        return None
    tables = valence_tables(schema)
    return None if tables is None else [table.tolist() for table in tables]


def check_valences(graphs: GraphSet) -> None:
    """Whether graphs are molecules in which no atom has more bonds than it may, for model.valences = masked.

    Raises:
        InputError: labels are not atoms and bonds in Kekule form, an atom has more bonds, or RDKit is missing.
    """
    from gengraph.chemistry.valences import valence_tables, valences_fit

    if valence_tables(graphs.schema) is None:
        msg = (
            f"valences are those of atoms and bonds in Kekule form, got {graphs.schema}; set model.valences = none, or read "
            "molecules with bonds = kekule"
        )
        raise InputError(msg)
    over = int((~valences_fit(graphs)).sum())
    if over:
        msg = (
            f"atoms must have no more bonds than they may, {over} of {len(graphs)} graphs have one with more; set "
            "model.valences = none"
        )
        raise InputError(msg)
