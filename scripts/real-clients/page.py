"""The page of the admin address in Chromium, and `penstock top`, over a proxy that has something to show."""

import fcntl
import http.client
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from browser import PROGRAM, Browser
from harness import PENSTOCK, Penstock, Simulator, check, directory, eventually, free_port

# Where the pictures go: kept where somebody wants to see them.
PICTURES = pathlib.Path(os.environ.get("PICTURES") or directory)
NASTY = "<img src=x onerror=alert(1)>\"'&"

POLICY = """
guard: {{max_memory: 512MiB}}
upstreams:
  openai:
    url: http://127.0.0.1:{busy}
    provider: openai
    limits:
      - {{name: account, in_flight: 12, requests: [600/min, 20000/day]}}
      - {{name: tenant, per: tenant, in_flight: 4}}
      - {{name: documents, at_most: 9, distinct: [tenant, job]}}
      - {{name: trial, per: model, requests: 100/min, mode: observe}}
    queue: {{max_requests_per_tenant: 12, timeout: 20s}}
  anthropic:
    url: http://127.0.0.1:{pausing}
    provider: anthropic
    limits: [{{name: account, in_flight: 8}}]
    adaptive: {{min: 2, max: 8}}
    retry: {{max_retry_after: 10m}}
  vllm:
    url: http://127.0.0.1:{failing}
    provider: vllm
    limits: [{{name: gpu, in_flight: 4}}]
    breaker: {{failures: 3, open_for: 60s}}
    queue: {{timeout: 90s}}
    retry: {{attempts: 1}}
"""


# The least contrast of any text with what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = 21;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
})()"""


class Load:
    """Callers that call again and again, each on a connection of its own, until it ends."""

    def __init__(self, penstock):
        self.penstock = penstock
        self.ended = threading.Event()
        self.threads = []

    def callers(self, count, upstream, tenant, **fields):
        for number in range(count):
            headers = {"X-Tenant-Id": tenant, "X-Job-Id": f"pdf-{number % 3}", "Content-Type": "application/json"}
            thread = threading.Thread(
                target=self.call, args=[f"/{upstream}/v1/chat/completions", headers | fields], daemon=True)
            self.threads.append(thread)
            thread.start()

    def call(self, path, headers):
        body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]})
        deadline = time.monotonic() + 150
        while not self.ended.is_set() and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.penstock.port, timeout=120)
            try:
                connection.request("POST", path, body, headers)
                response = connection.getresponse()
                response.read()
                if response.status != 200: self.ended.wait(1)
            except OSError:
                self.ended.wait(1)
            finally:
                connection.close()

    def end(self):
        self.ended.set()


def scene():
    """Three upstreams: one is busy, one has been paused by its provider, one fails."""
    busy = Simulator("--limit", "in_flight=12", "--latency", "300ms..1500ms")
    pausing = Simulator("--latency", "200ms..400ms")
    failing = Simulator()
    failing.faults("status=500")
    return Penstock(POLICY.format(busy=busy.port, pausing=pausing.port, failing=failing.port)), pausing



def busy_penstock():
    """The scene with callers at work: a full account, tenants at their limits, refusals, a pause, an open breaker."""
    penstock, pausing = scene()
    load = Load(penstock)
    load.callers(14, "openai", "acme")
    load.callers(6, "openai", "globex")
    load.callers(2, "openai", "initech")
    load.callers(2, "openai", NASTY)
    load.callers(3, "openai", "hasty", Prefer="wait=1")
    load.callers(4, "anthropic", "acme")
    load.callers(3, "vllm", "acme")
    eventually(lambda: penstock.upstream("openai")["refusals"], "a refusal", 30)
    eventually(lambda: penstock.upstream("anthropic")["last_seconds"]["requests"], "a second", 30)
    pausing.faults("status=429;retry-after=60")
    eventually(lambda: penstock.upstream("anthropic")["paused_ms"], "the pause", 30)
    return penstock, load


class Terminal:
    """`penstock top` on a terminal of its own."""

    def __init__(self, penstock, columns, rows, environment=None):
        self.child, self.end = pty.fork()
        if self.child == 0:
            os.environ.update({"TERM": "xterm-256color", **(environment or {})})
            command = [PENSTOCK, "top", "--admin", f"127.0.0.1:{penstock.admin_port}", "--interval", "200ms"]
            time.sleep(0.2)
            os.execv(PENSTOCK, command)
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.settings = termios.tcgetattr(self.end)
        self.output = b""

    def read(self, pictures, seconds=20):
        """Everything up to so many pictures."""
        deadline = time.monotonic() + seconds
        while self.output.count(b"\x1b[H") < pictures and self.more(deadline): pass
        assert self.output.count(b"\x1b[H") >= pictures, self.output[-2000:]
        return self.output.decode(errors="replace")

    def more(self, deadline):
        assert time.monotonic() < deadline, f"top says nothing more after {self.output[-400:]}"
        if not select.select([self.end], [], [], 0.1)[0]: return True
        try:
            part = os.read(self.end, 1 << 16)
        except OSError:
            return False
        self.output += part
        return bool(part)

    def ended(self):
        """The exit code, and whether the terminal is as it was."""
        deadline = time.monotonic() + 10
        while self.more(deadline): pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        os.close(self.end)
        return code, self.output.endswith(b"\x1b[?25h\x1b[?1049l")


def top(*arguments, code=0):
    """What `penstock top` prints where there is no terminal."""
    result = subprocess.run(
        [PENSTOCK, "top", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result.stdout if code == 0 else result.stderr


def is_seen(browser, *texts):
    page = browser.text()
    return all(text in page for text in texts)


penstock, load = busy_penstock()
address = f"127.0.0.1:{penstock.admin_port}"
url = f"http://{address}/"

# --- checks
with check("the page is small, and its policy forbids all that is not its own"):
    page = penstock.admin("/")
    assert len(page.text.encode()) < 40_000, len(page.text)
    policy = page.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, policy
    assert "<img src" not in page.text and "&lt;img src" in page.text

if PROGRAM:
    browser = Browser()
    browser.look(1280, 900)

    with check("the page shows limits, who waits and why, refusals, pauses and the breaker"):
        browser.open(url)
        eventually(lambda: is_seen(
            browser, "of 12 in flight", "4 of 4 in flight full", "held back by limit \"tenant\" (4 requests in flight)",
            "no turn came within", "Paused: the provider said when to come back", "Left alone because it failed",
            "Ready; anthropic paused, vllm left alone", NASTY), "the page to show all", 20)

    with check("it moves by itself, without asking for anything more than its stream"):
        before = browser.text("#now")
        eventually(lambda: browser.text("#now") != before, "another sentence")
        assert browser.requests == [url, f"{url}events"], browser.requests
        assert browser.value("document.querySelectorAll('img').length") == 0

    with check("what a person has selected stays selected while it moves"):
        browser.value("getSelection().selectAllChildren(document.querySelector('article h2'))")
        path = browser.value("document.querySelector('.curve').getAttribute('d')")
        eventually(lambda: browser.value("document.querySelector('.curve').getAttribute('d')") != path, "another curve")
        assert browser.value("getSelection().toString()") == "openai"

    with check("it fits a phone and a large screen, dark and light, with contrast"):
        for width, height, scheme in ((360, 740, "light"), (360, 740, "dark"), (1280, 900, "light"),
                                      (1280, 900, "dark"), (1920, 1080, "dark")):
            browser.look(width, height, scheme)
            eventually(lambda: browser.value("innerWidth") == width, "the width")
            assert browser.value("document.documentElement.scrollWidth") <= width, f"it is wider than {width}"
            assert (ratio := browser.value(CONTRAST)) >= 4.5, f"contrast of {ratio} in {scheme}"
            browser.picture(PICTURES / f"page-{width}-{scheme}.png")

    with check("a screen reader finds its way: one main, a heading for each part, heads for each column"):
        tree = browser.call("Accessibility.getFullAXTree")["nodes"]
        roles = [node.get("role", {}).get("value") for node in tree if not node.get("ignored")]
        for role, least in (("banner", 1), ("main", 1), ("contentinfo", 1), ("status", 1), ("article", 3), ("table", 6),
                            ("columnheader", 18), ("heading", 8), ("image", 12)):
            assert roles.count(role) >= least, (role, roles.count(role))
        unnamed = [node for node in tree if node.get("role", {}).get("value") in ("article", "table", "image")
                   and not node.get("ignored") and not node.get("name", {}).get("value")]
        assert not unnamed, unnamed

    with check("who does not look is not told, and whoever comes back is"):
        hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
        hide += "document.dispatchEvent(new Event('visibilitychange'))"
        browser.value(hide % "true")
        before = browser.text("#now")
        assert browser.value("new Promise(done => setTimeout(() => done(source === null), 1500))")
        assert browser.text("#now") == before
        browser.value(hide % "false")
        eventually(lambda: browser.text("#now") != before, "news")

    with check("without script it is a text of the moment"):
        with Browser(javascript=False) as plain:
            plain.look(1280, 900)
            plain.open(url)
            eventually(lambda: "held back by limit" in plain.text("noscript"), "the text")
            assert NASTY in plain.text("noscript") and "Load it again" in plain.text()
            assert plain.requests == [url] and not plain.complaints, (plain.requests, plain.complaints)

    with check("nothing was asked for elsewhere, and the browser had nothing to complain of"):
        assert all(one.startswith(url) for one in browser.requests), browser.requests
        assert not browser.complaints, browser.complaints

    with check("its buttons reload and drain where the policy lets pages, after a question; else there are none"):
        assert browser.value("document.querySelectorAll('button').length") == 0
        config = directory / "changes.yaml"
        text = f'admin: {{allow_changes: true}}\nupstreams: {{calm: {{url: "http://127.0.0.1:{free_port()}"}}}}\n'
        config.write_text(text)
        with Penstock(None, config=config) as changing, Browser() as visitor:
            visitor.open(f"http://127.0.0.1:{changing.admin_port}/")
            eventually(lambda: visitor.value("document.querySelectorAll('button').length") == 2, "the buttons")
            # The watch may have read it before the button asks.
            config.write_text(text + "guard: {max_connections: 77}\n")
            visitor.value("document.querySelector('[data-path=reload]').click()")
            eventually(lambda: re.match("reloaded|nothing has changed", visitor.text("#said")), "the answer")
            assert "max_connections: 77" in changing.admin("/config").text
            visitor.value("window.confirm = question => { window.asked = question; return false; }")
            visitor.value("document.querySelector('[data-path=drain]').click()")
            assert "Drain?" in visitor.value("window.asked") and changing.admin("/readyz").status == 200
            visitor.value("window.confirm = () => true")
            visitor.value("document.querySelector('[data-path=drain]').click()")
            assert changing.wait() == 0, changing.output
            assert not [one for one in visitor.complaints if "Security Policy" in one], visitor.complaints
else:
    print("skipped - chromium is not installed (scripts/install-test-tools.sh)")

with check("`penstock top` prints a picture where there is no terminal"):
    parts = ("of 12 in flight", "4 of 4 in flight", "held back by", "no turn came within", "paused, because",
             "left alone", "600 requests/min", NASTY[:12])
    # What is full one moment may not be the next.
    text = eventually(lambda: next((text for text in [top("--admin", address)] if all(part in text for part in parts)),
                                   None), parts)
    assert "\x1b" not in text and text == re.sub(r"[\x00-\x09\x0b-\x1f]", "", text)

with check("on a terminal it draws over itself, and leaves the terminal as it was when told to end"):
    for size, end, code in (((80, 24), lambda one: os.write(one.end, b"q"), 0),
                            ((120, 40), lambda one: os.write(one.end, b"\x03"), 0),
                            ((100, 30), lambda one: os.kill(one.child, signal.SIGINT), 0),
                            ((100, 30), lambda one: os.kill(one.child, signal.SIGTERM), 128 + signal.SIGTERM)):
        terminal = Terminal(penstock, *size)
        text = terminal.read(pictures=3)
        assert text.startswith("\x1b[?1049h") and "held back by" in text and "\x1b[1m" in text
        for picture in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\x1b[H")[1:-1]:
            lines = picture.replace("\x1b[K", "").replace("\x1b[J", "").split("\r\n")
            assert len(lines) <= size[1] and max(map(len, lines)) <= size[0], lines
        settings = terminal.settings
        end(terminal)
        assert terminal.ended() == (code, True)

with check("Ctrl-Z gives the terminal back for a while"):
    terminal = Terminal(penstock, 100, 30)
    terminal.read(pictures=2)
    os.write(terminal.end, b"\x1a")
    eventually(lambda: os.WIFSTOPPED(os.waitpid(terminal.child, os.WNOHANG | os.WUNTRACED)[1]), "it to stop")
    while select.select([terminal.end], [], [], 0)[0]: terminal.output += os.read(terminal.end, 1 << 16)
    assert terminal.output.endswith(b"\x1b[?25h\x1b[?1049l"), terminal.output[-200:]
    os.kill(terminal.child, signal.SIGCONT)
    terminal.read(terminal.output.count(b"\x1b[H") + 2)
    assert terminal.output.count(b"\x1b[?1049h") == 2
    os.write(terminal.end, b"q")
    assert terminal.ended() == (0, True)

with check("it keeps to a terminal that changes its size, and uses no colours where nobody wants any"):
    terminal = Terminal(penstock, 120, 40, {"NO_COLOR": "1"})
    terminal.read(pictures=2)
    fcntl.ioctl(terminal.end, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
    seen = len(terminal.output)
    terminal.read(pictures=terminal.output.count(b"\x1b[H") + 3)
    picture = terminal.output[seen:].decode().split("\x1b[H")[-2]
    assert picture.count("\r\n") <= 11, picture
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.output.decode())
    os.write(terminal.end, b"q")
    assert terminal.ended() == (0, True)

with check("where nothing listens, and where it is not Penstock's admin address, it says so in a line and ends with 2"):
    nobody = top("--admin", f"127.0.0.1:{free_port()}", code=2)
    assert "nothing answers" in nobody and nobody.count("\n") == 1, nobody
    foreign = top("--admin", f"127.0.0.1:{penstock.port}", code=2)
    assert "not as Penstock's admin address" in foreign and foreign.count("\n") == 1, foreign

with check("a drain ends the stream, and both the page and `penstock top` say that it drains, then that it is gone"):
    load.end()
    terminal = Terminal(penstock, 100, 30)
    terminal.read(pictures=2)
    penstock.terminate()
    if PROGRAM: eventually(lambda: "No connection" in browser.text("#state"), "the page to notice", 40)
    assert penstock.wait(40) == 0, penstock.output
    eventually(lambda: "nothing answers" in terminal.read(terminal.output.count(b"\x1b[H") + 1), "top to notice")
    os.write(terminal.end, b"q")
    assert terminal.ended() == (0, True)
