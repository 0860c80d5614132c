// Nothing: what Node itself needs to run a program.
