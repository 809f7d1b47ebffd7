"""TOML presets, read by `gengraph.config.load_config`."""
