"""A folder for PYTHONPATH: with it, a worker's time of day is off by the seconds in the file CLOCK_SHIFT.

Python imports `sitecustomize` before anything else. The program itself has no such switch.
"""
