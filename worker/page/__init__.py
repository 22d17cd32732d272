"""The page for admins and operators: HTML that a server makes, with the same functions as the commands."""
