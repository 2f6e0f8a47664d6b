"""`python -m territory`: the command line, where the script is not on the path."""

from territory.cli import main

if __name__ == "__main__":
    main()
