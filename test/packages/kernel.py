"""Types into a Jupyter kernel, as JupyterLab does: kernel.py PYTHON LINE...

Prints what the kernel prints. Where it asks something, prints "ASKED: " and the question, and answers with a
line of standard input.
"""

import sys

from jupyter_client.manager import KernelManager


def main() -> None:
    python, *lines = sys.argv[1:]
    manager = KernelManager()
    manager.kernel_spec.argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def show(message: dict) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            print(content["text"], end="", flush=True)
        elif message["msg_type"] in ("execute_result", "display_data"):
            print(content["data"]["text/plain"], flush=True)
        elif message["msg_type"] == "error":
            print("\n".join(content["traceback"]), flush=True)

    def answer(message: dict) -> None:
        print(f"ASKED: {message['content']['prompt']}", flush=True)
        client.input(sys.stdin.readline().rstrip("\n"))

    for line in lines:
        reply = client.execute_interactive(
            line, allow_stdin=True, stdin_hook=answer, output_hook=show, timeout=300
        )
        if reply["content"]["status"] != "ok":
            sys.exit(1)
    print("DONE", flush=True)
    sys.stdin.readline()
    manager.shutdown_kernel()


main()
