"""The core against a real daemon, which `test/python/` starts: an app with a secret, one without."""

import asyncio
import copy
import math
import os
import pickle
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

import evo_token
from evo_token import (
    AsyncTokenClient,
    DaemonNotRunning,
    EvoTokenError,
    LoginRequired,
    Refused,
    TokenClient,
    get_token,
)

URL = os.environ["EVO_TEST_URL"]
KEY_FILE = os.environ["EVO_TEST_KEY_FILE"]


class Tokens(unittest.TestCase):
    def test_comes_with_its_end_and_its_scope(self):
        token = get_token("pipeline")
        self.assertEqual(token.authorization, f"Bearer {token.value}")
        self.assertEqual(token.token_type, "Bearer")
        self.assertIn("evo.discovery", token.scope)
        self.assertGreater(token.remaining_s, 0)
        self.assertIsNotNone(token.expires_at.tzinfo)

    def test_does_not_show_itself(self):
        token = get_token("pipeline")
        for shown in (repr(token), str(token), f"{token}", "%s" % token, repr([token]), repr(vars(TokenClient()))):
            self.assertNotIn(token.value, shown)
        self.assertIn(token.fingerprint, repr(token))
        for copying in (pickle.dumps, copy.copy):
            with self.assertRaises(TypeError):
                copying(token)

    def test_is_kept_while_it_is_good_and_never_longer(self):
        client = TokenClient()
        first = client.get_token("pipeline")
        self.assertIs(client.get_token("pipeline"), first)
        while first.is_fresh:
            time.sleep(0.05)
        self.assertIsNot(client.get_token("pipeline"), first)

    def test_one_without_an_end_lives_for_ever_and_is_asked_for_again_within_the_hour(self):
        client = TokenClient()
        really_ask = client.ask
        client.ask = lambda *args: {**really_ask(*args), "expires_in": None, "expires_at": None}
        first = client.get_token("pipeline", min_ttl=3600)
        self.assertIsNone(first.expires_at)
        self.assertEqual(first.remaining_s, math.inf)
        self.assertIn("without an end", repr(first))
        self.assertIs(client.get_token("pipeline", min_ttl=1e9), first)
        first._received_mono -= 3600
        self.assertFalse(first.is_fresh)
        self.assertEqual(first.remaining_s, math.inf)

    def test_one_that_no_header_can_take_is_none(self):
        client = TokenClient()
        really_ask = client.ask
        for value in ("a\r\nX-Evil: b", "a\x7f", "\u00e4", "", None):
            client.ask = lambda *args, value=value: {**really_ask(*args), "access_token": value}
            with self.assertRaises(EvoTokenError) as caught:
                client.get_token("pipeline")
            self.assertIn("without a token", str(caught.exception))

    def test_one_that_lives_long_enough_is_asked_for(self):
        client = TokenClient()
        first = client.get_token("pipeline")
        self.assertIsNot(client.get_token("pipeline", min_ttl=3600), first)

    def test_the_app_can_come_from_the_environment(self):
        os.environ["EVO_TOKEN_APP"] = "pipeline"
        self.addCleanup(os.environ.pop, "EVO_TOKEN_APP")
        self.assertEqual(get_token().app, "pipeline")

    def test_the_app_that_is_meant_is_the_one_that_there_is(self):
        client = TokenClient()
        with self.assertRaises(EvoTokenError) as caught:
            client.default_app()
        self.assertIn("me, pipeline", caught.exception.hint.replace("pipeline, me", "me, pipeline"))
        client.status = lambda: [{"app": "pipeline"}]
        self.assertEqual(client.default_app(), "pipeline")
        client.status = lambda: []
        with self.assertRaises(EvoTokenError) as caught:
            client.default_app()
        self.assertIn("evo-token init", caught.exception.hint)

    def test_the_app_is_asked_for_again_each_time_that_none_is_named(self):
        client = TokenClient()
        client.status = lambda: [{"app": "pipeline"}]
        first = client.get_token()
        self.assertEqual(first.app, "pipeline")
        self.assertEqual(asyncio.run(AsyncTokenClient(client).get_token()).app, "pipeline")
        del client.status
        for ask_again in (client.get_token, lambda: asyncio.run(AsyncTokenClient(client).get_token())):
            with self.assertRaises(EvoTokenError) as caught:
                ask_again()
            self.assertIn("No app is named.", str(caught.exception))
            self.assertRegex(caught.exception.hint, "me, pipeline|pipeline, me")
        client.status = lambda: [{"app": "me"}]
        with self.assertRaises(LoginRequired):
            client.get_token()

    def test_the_one_that_is_kept_is_good_without_a_daemon_and_without_a_name(self):
        client = TokenClient()

        def unreachable():
            raise DaemonNotRunning("not_running", "The daemon cannot be reached.")

        client.status = unreachable
        with self.assertRaises(DaemonNotRunning):
            client.get_token()
        client.status = lambda: [{"app": "pipeline"}]
        first = client.get_token()
        client.status = unreachable
        self.assertEqual(client.get_token().app, first.app)

    def test_a_rejected_one_is_replaced(self):
        client = TokenClient()
        first = client.get_token("pipeline")
        second = client.report_rejected(first)
        # A caller that comes late with the same one gets what has been fetched meanwhile.
        self.assertEqual(client.report_rejected(first), second)


class Doors(unittest.TestCase):
    def test_over_tcp_with_a_key(self):
        client = TokenClient(url=URL, key_file=KEY_FILE)
        self.assertEqual(client.get_token("pipeline").app, "pipeline")

    def test_a_proxy_is_not_asked(self):
        os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://127.0.0.1:9"
        self.addCleanup(os.environ.pop, "HTTP_PROXY")
        self.addCleanup(os.environ.pop, "http_proxy")
        self.assertEqual(TokenClient(url=URL, key_file=KEY_FILE).get_token("pipeline").app, "pipeline")

    def test_a_wrong_caller_shows_no_key(self):
        with self.assertRaises(Refused) as caught:
            TokenClient(url=URL, key_file=KEY_FILE, caller="somebody").get_token("pipeline")
        self.assertEqual(caught.exception.code, "invalid_key")

    def test_another_machine_gets_no_key(self):
        for url in ("http://192.0.2.1:13860", "https://127.0.0.1:13860", "http://user:pass@127.0.0.1:1", "nonsense"):
            with self.assertRaises(EvoTokenError) as caught:
                TokenClient(url=url, key_file=KEY_FILE).get_token("pipeline")
            self.assertEqual(caught.exception.code, "config")
            self.assertNotIn("pass", str(caught.exception))

    def test_a_key_that_others_may_read_is_not_used(self):
        path = f"{KEY_FILE}.open"
        with open(KEY_FILE, "rb") as key, open(path, "wb") as file:
            file.write(key.read())
        os.chmod(path, 0o644)
        self.addCleanup(os.unlink, path)
        with self.assertRaises(EvoTokenError) as caught:
            TokenClient(url=URL, key_file=path).get_token("pipeline")
        self.assertIn("chmod 600", str(caught.exception))

    def test_a_key_is_read_from_whatever_an_editor_makes_of_it(self):
        path = f"{KEY_FILE}.edited"
        with open(KEY_FILE) as file:
            key = file.read()
        self.addCleanup(os.unlink, path)
        for edited in (
            f"\ufeff{key}\r\n".encode(),
            f" {key}\u00a0".encode(),
            f"\ufeff{key}\r\n".encode("utf-16-le"),
            f"\ufeff{key}\r\n".encode("utf-16-be"),
            f"{key}\r\n".encode("utf-16-le"),
            f"{key}\r\n".encode("utf-16-be"),
        ):
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(edited)
            self.assertEqual(TokenClient(url=URL, key_file=path).get_token("pipeline").app, "pipeline")

    def test_what_is_no_file_is_not_waited_for(self):
        for path in ("/dev/zero", "/dev/tty"):
            with self.assertRaises(EvoTokenError) as caught:
                TokenClient(url=URL, key_file=path).get_token("pipeline")
            self.assertIn("it is no file", str(caught.exception))

    def test_nobody_there(self):
        with self.assertRaises(DaemonNotRunning) as caught:
            TokenClient(socket="/nonexistent/owner.sock").get_token("pipeline")
        self.assertIn("evo-token serve", caught.exception.hint)


class Errors(unittest.TestCase):
    def test_have_the_daemons_code_and_hint_and_one_line(self):
        with self.assertRaises(LoginRequired) as caught:
            get_token("me")
        error = caught.exception
        self.assertEqual(error.code, "login_required")
        self.assertIn("evo-token login me", error.hint)
        (line,) = error._render_traceback_()
        self.assertTrue(line.startswith("LoginRequired: "))
        self.assertNotIn("\n", line)
        self.assertEqual(str(pickle.loads(pickle.dumps(error))), str(error))

    def test_an_unknown_app(self):
        with self.assertRaises(Refused):
            get_token("nobody")

    def test_no_app(self):
        with self.assertRaises(EvoTokenError):
            get_token()


class AtOnce(unittest.TestCase):
    def test_threads_share_one_request(self):
        client = TokenClient()
        asked = []
        really_ask = client.ask
        # As if it came new: the daemon's own may be too near its end to be kept.
        client.ask = lambda *args: asked.append(args) or {**really_ask(*args), "expires_in": 3600}
        start = threading.Barrier(20)
        got = []

        def work():
            start.wait()
            got.append(client.get_token("pipeline"))

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(got), 20)
        self.assertEqual(len(asked), 1)

    def test_tasks_share_one_request(self):
        async def main():
            client = AsyncTokenClient()
            return await asyncio.gather(*(client.get_token("pipeline") for _ in range(20)))

        self.assertLessEqual(len(set(asyncio.run(main()))), 2)

    def test_a_child_does_not_wait_for_a_lock_that_nobody_holds(self):
        client = TokenClient()
        with client._lock_of("pipeline"):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                client.get_token("pipeline")
                os._exit(0)
            _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0)


class Setup(unittest.TestCase):
    def test_the_reason_of_a_failed_start_is_found_in_the_log(self):
        from evo_token import _setup

        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "daemon.log"
            log.write_text('{"level":"info"}\nevo-token: Port 1 is taken.\nName another one.\n{"level":"info"}\n')
            self.assertEqual(_setup._said_in(log), "evo-token: Port 1 is taken.\nName another one.\n")


class Package(unittest.TestCase):
    def test_the_core_imports_nothing_but_the_standard_library(self):
        import sys

        loaded = {name.split(".")[0] for name in sys.modules}
        self.assertFalse(loaded & {"requests", "httpx", "evo", "IPython"})
        self.assertTrue(evo_token.__all__)


if __name__ == "__main__":
    unittest.main()
