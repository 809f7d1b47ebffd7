"""One very large graph in, graphs like it out, and how far apart two are: what holds no more than it must."""
