"""How calls to Kit are signed: with an API key, or with the tokens of OAuth."""
