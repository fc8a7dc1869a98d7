# For the operator alone, never for a service: who may write policies can give himself every right.
path "sys/policies/acl/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

path "auth/approle/role/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

path "sys/audit" {
  capabilities = ["read", "sudo"]
}

path "sys/mounts" {
  capabilities = ["read"]
}

path "sys/auth" {
  capabilities = ["read"]
}

path "exch/config" {
  capabilities = ["create", "read", "update"]
}

path "sys/seal" {
  capabilities = ["update", "sudo"]
}

path "sys/rotate*" {
  capabilities = ["read", "update", "sudo"]
}
