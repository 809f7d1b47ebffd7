"""The versions of what computes, as records have them."""

from importlib.metadata import PackageNotFoundError, version

MISSING = "not installed"


def installed_version(package: str, missing: str = MISSING) -> str:
    """The version of a package, or what is said where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return missing


def versions(*packages: str) -> dict[str, str]:
    """The versions of packages by name."""
    return {name: installed_version(name) for name in packages}


OWN = installed_version("gengraph", "0+unknown")
"""Of gengraph; unknown in a source tree that is not installed."""
