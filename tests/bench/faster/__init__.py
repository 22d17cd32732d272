"""A folder for PYTHONPATH: it makes the minute by which a worker counts Kit's limit shorter, FASTER times.

Python imports `sitecustomize` before anything else. The program itself has no such switch.
"""
