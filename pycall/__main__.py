"""`python -m pycall`: the same as the command `pycall`."""

from pycall.cli.start import main

if __name__ == "__main__":
    main()
