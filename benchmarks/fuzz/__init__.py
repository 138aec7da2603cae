"""Hostile tables by number, and what must hold of every one of them."""
