"""At run time: what the ppp__ functions of a statement do, Arrow in, Arrow out."""
