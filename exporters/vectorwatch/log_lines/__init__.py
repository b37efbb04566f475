"""How our log lines look, in our programs and in those that are instrumented."""
