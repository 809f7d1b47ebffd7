"""What a training or a sample costs at a size that was not run: `python -m gengraph.benchmarks.scale`."""
