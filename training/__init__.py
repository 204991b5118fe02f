"""How the shipped compact network was made, from our own generated pictures only. See README.md."""
