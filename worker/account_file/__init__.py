"""The file of one account: its form, its checks, and the way from text to an `Account`."""
