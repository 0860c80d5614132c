"""Reads PowerShell from stdin with a grammar of PowerShell, and prints the lines that it does not understand."""

import sys

import tree_sitter_powershell
from tree_sitter import Language, Parser


def faults(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


text = sys.stdin.buffer.read()
for node in faults(Parser(Language(tree_sitter_powershell.language())).parse(text).root_node):
    print(node.start_point.row + 1, text.splitlines()[node.start_point.row].decode())
