"""How people come in: connections of other libraries, cursors that nobody registered, tables of other libraries."""
