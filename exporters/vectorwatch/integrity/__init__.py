"""Compare what stands in vector stores with what a file expects of them; reads only.

```
expectations   the file: what should be there
client         the requests to one Qdrant server
answer         what the server says, as far as it is compared
findings       one thing that is not as expected, and what to do
checks         expectation against answer, without any I/O
sample         payload values against the type of their index
verify         ask all servers and gather the findings
draft          an expectations file from what is there now
terminal       the command: lines, JSON, exit code
```
"""
