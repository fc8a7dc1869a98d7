"""Holds exchange credentials in Vault or OpenBao and signs with them."""
