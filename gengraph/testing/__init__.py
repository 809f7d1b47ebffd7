"""Conformance suites: what every generator and every family must do, for gengraph's own and for those of other packages.

A suite is a class of pytest tests; a subclass names its case:

    from gengraph.testing.generators import GeneratorCase, GeneratorSuite

    class TestGeometric(GeneratorSuite):
        @pytest.fixture()
        def case(self) -> GeneratorCase:
            return GeneratorCase(make=Geometric)
"""
