"""The frozen result of a fit: as rows of a table and back, and what it says of itself."""
