"""The versions of what computes, as records have them."""

from importlib.metadata import PackageNotFoundError, version

_MISSING = {"gengraph": "0+unknown"}  # it runs from a source tree, too


def installed_version(package: str) -> str:
    """The version of a package; "not installed" where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return _MISSING.get(package, "not installed")


def versions(*packages: str) -> dict[str, str]:
    """The versions of packages by name."""
    return {name: installed_version(name) for name in packages}


OWN = installed_version("gengraph")
