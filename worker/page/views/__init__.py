"""The views of the page: one file each, which asks for values and hands them to a template."""
