"""Wine 8 ends a process that asks for the version of Windows by WMI; without this module Python asks another way."""

import sys

sys.modules["_wmi"] = None
