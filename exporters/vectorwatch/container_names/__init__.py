"""Names of the containers of this machine, read from Docker's files, so that no socket is needed for them."""
