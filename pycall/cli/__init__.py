"""The `pycall` command."""
