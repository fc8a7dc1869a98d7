# A snapshot is encrypted with the seal key, which is not in it.
path "sys/storage/raft/snapshot" {
  capabilities = ["read"]
}
