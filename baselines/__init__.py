"""Classical graph generators: the rows that a learned model has to beat."""
