"""A provider for what the simulated one does not do: it looks at bytes, is slow to end, compresses and signs."""

import contextlib
import gzip
import hashlib
import http.server
import json
import socket
import socketserver
import threading
import time

CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Water"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Water"}], "stop_sequence": None,
    "usage": {"input_tokens": 8, "output_tokens": 1},
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Water"}]}}, "stopReason": "end_turn",
    "usage": {"inputTokens": 8, "outputTokens": 1, "totalTokens": 9}, "metrics": {"latencyMs": 1},
}


class Seen:
    """One request as it came."""

    def __init__(self, handler, digest, body):
        self.path, self.headers, self.digest, self.body = handler.path, dict(handler.headers.items()), digest, body
        self.connection = handler.client_address


class Provider:
    """Answers by the first word of the path; `seen` has all requests, oldest first."""

    def __init__(self):
        self.seen = []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                digest, kept, left = hashlib.sha256(), b"", int(self.headers["Content-Length"])
                while left:
                    part = self.rfile.read(min(left, 64 << 10))
                    left -= len(part)
                    digest.update(part)
                    if len(kept) < 1 << 20: kept += part
                provider.seen.append(Seen(self, digest.hexdigest(), kept))
                {"late": self.late, "file": self.file}.get(self.path.split("/")[1], self.whole)()

            def whole(self):
                answer = CHAT
                if self.path.endswith("/messages"): answer = MESSAGE
                if "/converse" in self.path: answer = CONVERSE
                body, encoding = json.dumps(answer).encode(), []
                if self.path.startswith("/gzip/") and "gzip" in self.headers.get("Accept-Encoding", ""):
                    body, encoding = gzip.compress(body), [("Content-Encoding", "gzip")]
                self.answer(body, encoding)

            def file(self):
                self.answer(json.dumps({
                    "id": "file-1", "object": "file", "bytes": int(self.headers["Content-Length"]), "created_at": 1,
                    "filename": "f", "purpose": "batch", "status": "processed",
                }).encode())

            def late(self):
                """A stream whose end comes a while after its last event."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                chunk = {**CHAT, "object": "chat.completion.chunk"}
                chunk["choices"] = [{"index": 0, "delta": {"content": "Water"}, "finish_reason": "stop"}]
                with contextlib.suppress(ConnectionError):
                    for data in (json.dumps(chunk), "[DONE]"):
                        event = f"data: {data}\n\n".encode()
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                        self.wfile.flush()
                    time.sleep(0.2)
                    self.wfile.write(b"0\r\n\r\n")

            def answer(self, body, fields=()):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields: self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def connections(self):
        return {seen.connection for seen in self.seen}


class Tunnel(socketserver.ThreadingTCPServer):
    """A forward proxy that takes every name for a port of its own choice, so that real names lead to loopback."""

    daemon_threads = True

    def __init__(self, port):
        def serve(request, address, server):
            head = b""
            while b"\r\n\r\n" not in head: head += request.recv(4096)
            assert head.startswith(b"CONNECT "), head
            with socket.create_connection(("127.0.0.1", port)) as far:
                request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=copy, args=(far, request), daemon=True)
                back.start()
                copy(request, far)
                back.join()

        super().__init__(("127.0.0.1", 0), serve)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(64 << 10): target.sendall(data)
    with contextlib.suppress(OSError): target.shutdown(socket.SHUT_WR)
