"""`python -m gengraph`."""

from gengraph.cli.app import main

if __name__ == "__main__":
    main()
