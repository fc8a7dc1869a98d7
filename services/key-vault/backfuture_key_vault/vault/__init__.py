"""The server behind: OpenBao or HashiCorp Vault, spoken to over one small client."""
