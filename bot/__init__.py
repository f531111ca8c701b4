"""The program: settings, wiring, command line, and the doors to the outside."""
