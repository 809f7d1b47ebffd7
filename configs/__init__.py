"""TOML presets, read by `gengraph.training.config.load_config`: MODEL/default, and MODEL/DATASET for some data sets."""
