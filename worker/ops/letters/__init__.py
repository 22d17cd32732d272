"""Dead letters for the page: the index kept true, and what is done to letters in the background."""
