"""Chromium without a window, driven over its own pipes by the DevTools protocol."""

import base64
import contextlib
import fcntl
import json
import os
import queue
import shutil
import threading
import time

from harness import Process, directory, eventually

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Nothing of its own goes out, and no name leads anywhere.
ARGUMENTS = [
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


class Browser(Process):
    """One page of one browser; keeps what it asked for and what it complained of."""

    def __init__(self, javascript=True):
        commands, self.commands = high(*os.pipe())
        self.answers, answers = high(*os.pipe())
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        profile = directory / f"chromium-{commands}-{time.monotonic_ns()}"
        # The protocol is spoken on descriptors 3 and 4.
        redirected = f'exec "$0" "$@" 3<&{commands} 4>&{answers} {commands}<&- {answers}>&-'
        super().__init__(
            "chromium", ["bash", "-c", redirected, PROGRAM, *ARGUMENTS, *sandbox, f"--user-data-dir={profile}",
                         "about:blank"], passed=(commands, answers))
        os.close(commands)
        os.close(answers)
        self.number = 0
        self.results = {}
        self.arrived = threading.Condition()
        self.requests = []
        self.complaints = []
        threading.Thread(target=self.read, daemon=True).start()
        targets = eventually(
            lambda: [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"], "a page")
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=targets[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"): self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)

    session = None

    def read(self):
        """Takes every message until the browser ends: each is JSON, ended by a zero byte."""
        rest = b""
        with contextlib.suppress(OSError):
            while part := os.read(self.answers, 1 << 16):
                *whole, rest = (rest + part).split(b"\0")
                for message in whole: self.take(json.loads(message))

    def take(self, message):
        with self.arrived:
            if "id" in message:
                self.results[message["id"]] = message
                self.arrived.notify_all()
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent": self.requests.append(parameters["request"]["url"])
            case "Log.entryAdded" if parameters["entry"]["level"] in ("warning", "error"):
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.exceptionThrown": self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("warning", "error", "assert"):
                self.complaints.append(json.dumps(parameters["args"]))
            case "Page.javascriptDialogOpening": self.complaints.append(f"dialogue: {parameters['message']}")

    def call(self, method, **parameters):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if self.session: message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        with self.arrived:
            assert self.arrived.wait_for(lambda: number in self.results, 20), f"no answer to {method}"
            answer = self.results.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url):
        self.call("Page.navigate", url=url)

    def look(self, width, height, scheme="light"):
        """Has the page be so wide and high, in these colours."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression):
        """What an expression is in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector="body"):
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def picture(self, path):
        """The whole page as a PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def stop(self):
        super().stop()
        for end in (self.commands, self.answers):
            with contextlib.suppress(OSError): os.close(end)


def high(*ends):
    """The same descriptors with numbers that no redirection of a shell is in the way of."""
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]
    for end in ends: os.close(end)
    return moved
