"""Runs its arguments as the cells of a notebook in a Jupyter kernel, with a person's input from stdin."""

import queue
import sys

from jupyter_client.manager import start_new_kernel


def show(message):
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        print(content["text"], end="", flush=True)
    elif kind in ("execute_result", "display_data"):
        for shown in sorted(content["data"].items()):
            print(*shown, flush=True)
    elif kind == "error":
        print("error", content["ename"], content["evalue"], flush=True)


def answer(message):
    # What was printed before the question takes a way of its own.
    try:
        while True:
            show(client.get_iopub_msg(timeout=1))
    except queue.Empty:
        pass
    print("asks", message["content"]["prompt"], flush=True)
    client.input(sys.stdin.readline().strip())


manager, client = start_new_kernel(kernel_name="python3")
try:
    for cell in sys.argv[1:]:
        client.execute_interactive(cell, allow_stdin=True, output_hook=show, stdin_hook=answer, timeout=120)
        print("done", flush=True)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
