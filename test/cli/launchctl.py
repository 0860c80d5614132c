#!/usr/bin/env python3
"""Stands in for launchctl(1) on machines that are no Macs: it loads one agent and runs what that says."""
import json, os, plistlib, signal, subprocess, sys

home = os.environ["HOME"]
state_file = os.path.join(home, "launchd.json")
target = f"gui/{os.getuid()}/evo-token"
verb, *rest = sys.argv[1:]
with open(os.path.join(home, "launchctl.log"), "a") as log:
    print(verb, *rest, file=log)


def fail(code, words):
    print(words, file=sys.stderr)
    sys.exit(code)


def exited(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "Z"


loaded = json.load(open(state_file)) if os.path.exists(state_file) else None
if verb == "bootstrap":
    if loaded:
        fail(5, "Bootstrap failed: 5: Input/output error")
    agent = plistlib.load(open(rest[1], "rb"))
    out = open(agent["StandardOutPath"], "a")
    # launchd gives an agent hardly anything of the person's environment.
    env = {"HOME": home, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    child = subprocess.Popen(agent["ProgramArguments"], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, start_new_session=True)
    json.dump({"pid": child.pid}, open(state_file, "w"))
elif verb == "bootout":
    if not loaded or rest != [target]:
        fail(3, "Boot-out failed: 3: No such process")
    if not exited(loaded["pid"]):
        os.kill(loaded["pid"], signal.SIGTERM)
    json.dump({**loaded, "ending": True}, open(state_file, "w"))
elif verb == "print":
    gone = loaded and exited(loaded["pid"])
    if gone and loaded.get("ending"):
        os.remove(state_file)
        loaded = None
    if not loaded or rest != [target]:
        fail(113, 'Could not find service "evo-token" in domain for user gui')
    print(f"{target} = {{\n\tactive count = 1\n\tstate = {'not running' if gone else 'running'}\n")
    print(f"\tlast exit code = {'1' if gone else '(never exited)'}\n\tpid = {loaded['pid']}\n\tendpoints = {{\n\t\tstate = none\n\t}}\n}}")
elif verb != "enable":
    fail(64, f"Unrecognized subcommand: {verb}")
