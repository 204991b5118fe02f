"""The imaging library as a program: one module per command, loaded only when its command is called."""
