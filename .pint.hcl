# What pint (https://cloudflare.github.io/pint) asks of the rules, without a server: `make lint-rules`.
# Each exception says why.

rule {
  match { name = "Watchdog" }
  disable = ["alerts/comparison"] # it fires always, so that its silence is noticed
}

# Qdrant writes the path of a request into one label; there are no smaller ones.
rule {
  match { name = "qdrant_index_operations_total" }
  disable = ["promql/regexp"]
}

# A level reads names that other groups record, at most one interval old, over windows of five minutes and more.
rule {
  match { path = ".*/service-levels.yml" }
  disable = ["rule/dependency"]
}

# Names of the requirements, which stay the same for all who read them: at most one interval old.
rule {
  match { name = "instance:qdrant_search_duration_seconds:p95_5m" }
  disable = ["rule/dependency"]
}
