"""The page: what a notification looks like to a person. Everything here turns values into HTML; no I/O."""
