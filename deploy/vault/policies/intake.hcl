# Intake stores credentials and destroys them. It cannot read one: no "read" on data, no subkeys, no undelete, no list.
path "exch/data/users/+/connections/+" {
  capabilities = ["create", "update"]
}

# Version numbers, for check-and-set, and the hint users recognise a key by. Not the rules of the store.
path "exch/metadata/users/+/connections/+" {
  capabilities       = ["create", "update", "read"]
  allowed_parameters = { "custom_metadata" = [] }
}

path "exch/destroy/users/+/connections/+" {
  capabilities = ["update"]
}
