import hashlib
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gengraph.data import download
from gengraph.data.download import obtain
from gengraph.errors import DatasetUnavailable
from gengraph.files import file_lock


class Server:
    """A local web server that answers every path with `body`, or with what `misbehave` says."""

    def __init__(self, body: bytes, misbehave: str = "") -> None:
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                if misbehave == "missing":
                    self.send_error(404)
                    return
                if misbehave == "slow":
                    time.sleep(0.5)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body) + (100 if misbehave == "short" else 0)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/DD.zip"

    def __enter__(self) -> "Server":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GENGRAPH_DATA", raising=False)
    monkeypatch.setattr(download.platformdirs, "user_cache_dir", lambda _name: str(tmp_path / "cache"))
    monkeypatch.setattr(download.time, "sleep", lambda _seconds: None)
    return tmp_path / "cache"


def left_in(folder: Path) -> list[str]:
    """What is in a folder but the lock of the file: another process may wait for that, so it stays."""
    return sorted(path.name for path in folder.glob("*") if path.name != ".DD.zip.lock")


def test_download_lands_in_the_cache_and_is_not_repeated(empty_cache: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    with Server(b"x" * 600_000) as server:
        path = obtain("DD.zip", server.url, report=lambda *facts: seen.append(facts))
        assert obtain("DD.zip", server.url) == path
        assert server.requests == 1
    assert path == empty_cache / "DD.zip"
    assert path.read_bytes() == b"x" * 600_000
    assert seen[-1] == ("DD.zip", 600_000, 600_000)
    assert len(seen) > 1


@pytest.mark.parametrize(("misbehave", "requests"), [("short", 3), ("missing", 1)])
def test_failed_downloads_leave_nothing(empty_cache: Path, misbehave: str, requests: int) -> None:
    with (
        Server(b"x" * 1000, misbehave) as server,
        pytest.raises(DatasetUnavailable, match="put it into a folder and name that"),
    ):
        obtain("DD.zip", server.url)
    assert server.requests == requests
    assert not left_in(empty_cache)


def test_files_are_looked_for_in_order(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "given", tmp_path / "environment", empty_cache]
    for folder in folders:
        folder.mkdir()
        (folder / "DD.zip").touch()
    monkeypatch.setenv("GENGRAPH_DATA", str(folders[1]))
    for folder in folders:
        assert obtain("DD.zip", "http://127.0.0.1:1/", data_dir=folders[0]) == folder / "DD.zip"
        (folder / "DD.zip").unlink()


def test_a_wrong_hash_is_refused_before_the_file_has_its_name(empty_cache: Path) -> None:
    right = hashlib.sha256(b"right").hexdigest()
    with Server(b"wrong") as server, pytest.raises(DatasetUnavailable, match=f"its sha256 must be {right}"):
        obtain("DD.zip", server.url, sha256=right)
    assert not left_in(empty_cache)
    with Server(b"right") as server:
        path = obtain("DD.zip", server.url, sha256=right)
    path.write_bytes(b"damaged")
    with pytest.raises(DatasetUnavailable, match=r"is another file than expected.*delete it"):
        obtain("DD.zip", "http://127.0.0.1:1/", sha256=right)


def test_an_endless_answer_ends(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 10_000)
    with Server(b"x" * 600_000) as server, pytest.raises(DatasetUnavailable, match="it goes on after 10000 bytes"):
        obtain("DD.zip", server.url)
    assert not left_in(empty_cache)


def test_a_redirection_away_from_https_is_refused(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        url = "http://elsewhere/DD.zip"

        def __enter__(self) -> "Answer":
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(download.urllib.request, "urlopen", lambda *_args, **_kwargs: Answer())
    with pytest.raises(DatasetUnavailable, match=r"redirected to http://elsewhere/DD\.zip, which is not https"):
        obtain("DD.zip", "https://here/DD.zip")


def test_two_threads_of_the_same_file_download_it_once(empty_cache: Path) -> None:
    with Server(b"x" * 1000, "slow") as server:
        threads = [threading.Thread(target=obtain, args=("DD.zip", server.url)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.requests == 1
    assert left_in(empty_cache) == ["DD.zip"]


def test_a_lock_keeps_another_process_out_and_ends_with_it(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no flock on this system")
    script = """
        import sys, time
        from pathlib import Path
        from gengraph.files import file_lock
        with file_lock(Path(sys.argv[1])):
            print("held", flush=True)
            time.sleep(60)
    """
    target = tmp_path / "DD.zip"
    command = [sys.executable, "-c", textwrap.dedent(script), str(target)]
    entered = threading.Event()

    def wait_for_it() -> None:
        with file_lock(target):
            entered.set()

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiter = threading.Thread(target=wait_for_it)
        waiter.start()
        assert not entered.wait(0.3)
        holder.kill()
        waiter.join(timeout=20)
    assert entered.is_set()
    assert not left_in(tmp_path)
