"""`python -m worker` is `kit-worker`."""

from worker.cli import main

if __name__ == "__main__":
    main()
