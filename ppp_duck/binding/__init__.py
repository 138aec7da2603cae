"""At bind time: a call becomes the text of one statement."""
