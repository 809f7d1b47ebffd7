"""The one list of models: learned ones, each of a family, and closed forms; and what installed packages offer.

A new family of gengraph is its folder in gengraph/models/ and a line in LEARNED. Other packages offer a family as an entry
point of the group `gengraph.families`, any other generator in the group `gengraph.generators` (docs/add-a-generator.md).

Reference:
    https://packaging.python.org/en/latest/specifications/entry-points/: what an installed package says of itself.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from gengraph.errors import InputError

if TYPE_CHECKING:  # the list itself costs nothing: `import gengraph` reads it
    from importlib.metadata import EntryPoint

    from gengraph.models.family import Family

FAMILY_POINTS, GENERATOR_POINTS = "gengraph.families", "gengraph.generators"


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of gengraph.

    Attributes:
        place: of a learned one the module of its family, which has it as FAMILY; of another "module:class".
        class_name: of its GraphGenerator, as `gengraph` exports it.
        summary: a line about it.
    """

    place: str
    class_name: str
    summary: str


LEARNED: dict[str, Listed] = {
    "graphrnn": Listed("gengraph.models.graphrnn", "GraphRNN", "two recurrent levels, nodes and the edges of each (You 2018)"),
    "graphrnn-s": Listed("gengraph.models.graphrnn", "GraphRNNS", "GraphRNN whose edges of a node are independent (You 2018)"),
    "graphrnn-c": Listed("gengraph.models.graphrnn", "GraphRNNC", "GraphRNN whose edge decisions see the graph built so far"),
    "gran": Listed("gengraph.models.gran", "GRAN", "blocks of rows by an attentive graph network (Liao 2019)"),
    "trees": Listed("gengraph.models.trees", "Trees", "trees from their centres outwards, the nodes of a vertex shared out"),
    "maps": Listed("gengraph.models.maps", "PlanarMaps", "planar graphs as triangulations, a letter a triangle"),
    "digress": Listed("gengraph.models.digress", "DiGress", "all edges at once, by denoising step after step (Vignac 2023)"),
    "gnf": Listed("gengraph.models.gnf", "GNF", "points by an invertible network, edges between near ones (Liu 2019)"),
    "graphgan": Listed("gengraph.models.graphgan", "GraphGAN", "a fit to each training graph: walks on its trees (Wang 2018)"),
    "vgae": Listed("gengraph.models.vgae", "VGAE", "edges by inner products of latents of nodes (Kipf and Welling 2016)"),
    "deepgmg": Listed("gengraph.models.deepgmg", "DeepGMG", "nodes and edges one by one, by a graph network (Li 2018)"),
    "graphgen": Listed("gengraph.models.graphgen", "GraphGen", "DFS codes, step by step, by a recurrent network (Goyal 2020)"),
    "molrnn": Listed("gengraph.models.molrnn", "MolRNN", "append, connect or end, by a recurrent graph network (Li 2018)"),
    "molmp": Listed("gengraph.models.molrnn", "MolMP", "MolRNN without a recurrent state: the partial graph alone (Li 2018)"),
    "graphvae": Listed("gengraph.models.graphvae", "GraphVAE", "all edges at once from one latent (Simonovsky 2018)"),
    "molgan": Listed("gengraph.models.molgan", "MolGAN", "labelled graphs at once, by a game with a critic (De Cao 2018)"),
    "gcpn": Listed("gengraph.models.gcpn", "GCPN", "a policy that adds bond after bond by graph convolutions (You 2018)"),
    "jtvae": Listed("gengraph.models.jtvae", "JTVAE", "junction trees of rings and bonds, from two latents (Jin 2018)"),
    "blocks": Listed("gengraph.models.blocks", "Blocks", "communities one after the other: events, gates and edges"),
    "attachment": Listed("gengraph.models.attachment", "Attachment", "nodes that join older ones: how many, then which"),
}
CLOSED_FORMS: dict[str, Listed] = {
    "er": Listed("gengraph.baselines.erdos_renyi:ErdosRenyi", "ErdosRenyi", "Erdos-Renyi: all edges alike"),
    "ba": Listed("gengraph.baselines.barabasi_albert:BarabasiAlbert", "BarabasiAlbert", "Barabasi-Albert: the rich get richer"),
    "kronecker": Listed("gengraph.baselines.kronecker:Kronecker", "Kronecker", "powers of a small matrix (Leskovec 2010)"),
    "mmsb": Listed("gengraph.baselines.mmsb:MMSB", "MMSB", "mixed-membership stochastic blocks (Airoldi 2008)"),
    "configuration": Listed("gengraph.baselines.configuration:Configuration", "Configuration", "the degrees, nothing else"),
    "empirical": Listed("gengraph.baselines.empirical:Empirical", "Empirical", "the training graphs again: a memoriser"),
}
LISTED: dict[str, Listed] = {**LEARNED, **CLOSED_FORMS}


def find_family(name: str) -> "Family":
    """The family of a name, as config files and checkpoints say it.

    Raises:
        InputError: there is none, several packages offer it, or it cannot be imported.
    """
    places = {listed.place.rpartition(".")[2]: listed.place for listed in LEARNED.values()}
    if name in places:
        return cast("Family", import_module(places[name]).FAMILY)
    entry = find_entry(FAMILY_POINTS, name)
    if entry is None:
        known = ", ".join([*places, *(found.name for found in _offered(FAMILY_POINTS))])
        msg = f"unknown family {name!r}; choose from {known}, or install the package that offers it"
        raise InputError(msg)
    family = load_entry(entry)
    missing = [part for part in ("name", "config", "loss", "prepare", "build") if not hasattr(family, part)]
    if missing:
        msg = f"family {name!r} of package {package_of(entry)} must have {', '.join(missing)}, see docs/add-a-family.md"
        raise InputError(msg)
    return cast("Family", family)


def family_of(model: str) -> "Family | None":
    """The family that a model's name belongs to; None for what is not learned by one.

    Raises:
        InputError: an installed package offers it, and it cannot be imported.
    """
    if model in LEARNED:
        return find_family(LEARNED[model].place.rpartition(".")[2])
    return find_family(model) if model not in LISTED and _offered(FAMILY_POINTS, model) else None


def offered_models() -> list[str]:
    """The names that installed packages offer, sorted."""
    return sorted({entry.name for group in (FAMILY_POINTS, GENERATOR_POINTS) for entry in _offered(group)})


def unknown_model(name: str) -> InputError:
    """What to say of a name that no model has."""
    return InputError(f"unknown model {name!r}; choose from {', '.join([*LISTED, *offered_models()])}")


def find_entry(group: str, name: str) -> "EntryPoint | None":
    """The entry point of a name; None if no package has one.

    Raises:
        InputError: several packages do.
    """
    found = _offered(group, name)
    if len(found) > 1:
        packages = " and ".join(map(package_of, found))
        msg = f"a name must be offered by one package, got {name!r} of {packages}; uninstall the others"
        raise InputError(msg)
    return found[0] if found else None


def load_entry(entry: "EntryPoint") -> Any:
    """What an entry point names.

    Raises:
        InputError: it cannot be imported.
    """
    try:
        return entry.load()
    except Exception as error:
        msg = (
            f"{entry.name!r} cannot be imported from package {package_of(entry)} ({type(error).__name__}: {error}); "
            "install what that package needs, or a version of it that works here"
        )
        raise InputError(msg) from error


def package_of(entry: "EntryPoint") -> str:
    """The package that an entry point comes from, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _offered(group: str, name: str | None = None) -> "list[EntryPoint]":
    from importlib.metadata import entry_points

    return [*(entry_points(group=group) if name is None else entry_points(group=group, name=name))]
