"""The PPP engine: numpy in, numpy out. It knows no database."""
