"""What tools keep and lose of graphs in the formats that they write (docs/interchange.md)."""
