"""What a bot may do now: each rule checks everything and returns one ruling with every failing reason."""
