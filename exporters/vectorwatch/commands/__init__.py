"""The commands of `vectorwatch`, a module a group. Each imports its room when it runs."""
