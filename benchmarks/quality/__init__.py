"""How well the engine clusters labelled sets and null data."""
