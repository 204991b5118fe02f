"""Background removers behind one protocol: none, or any model an operator installs."""
