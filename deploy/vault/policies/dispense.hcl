# Dispense reads credentials to sign with them. It changes nothing.
path "exch/data/users/+/connections/+" {
  capabilities = ["read"]
}

# Whether a newer version exists, or none any more.
path "exch/metadata/users/+/connections/+" {
  capabilities = ["read"]
}
