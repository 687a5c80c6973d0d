import NIOHTTP1
import Telemetry

/// What each path of the admin address shows (CONTRACT §4).
struct AdminPages: Sendable {
    let registry: PrometheusRegistry
    let shared: Worker.Shared
    let drain: @Sendable () -> Void

    func page(for head: HTTPRequestHead) -> AdminPage {
        let path = String(head.uri.prefix { $0 != "?" })
        switch path {
        case "/drain":
            guard head.method == .POST else { return Self.notAllowed("POST") }
            drain()
            return AdminPage(status: 202, "draining\n")
        case "/", "/healthz", "/livez", "/readyz", "/metrics", "/status":
            guard head.method == .GET || head.method == .HEAD else { return Self.notAllowed("GET, HEAD") }
            return read(path, head.headers)
        default:
            return AdminPage(
                status: 404, "not here; there are /healthz /livez /readyz /metrics /status and POST /drain\n")
        }
    }

    private func read(_ path: String, _ headers: HTTPHeaders) -> AdminPage {
        switch path {
        case "/metrics":
            let face = TextFace(accept: headers.first(name: "accept"))
            return AdminPage(contentType: face.contentType, body: registry.render(face))
        case "/status":
            return AdminPage(contentType: "application/json", body: shared.snapshot().json)
        case "/":
            return AdminPage(shared.snapshot().text)
        case "/livez":
            return AdminPage("ok\n")
        default:
            return shared.isReady ? AdminPage("ok\n") : AdminPage(status: 503, "not ready\n")
        }
    }

    private static func notAllowed(_ allow: String) -> AdminPage {
        AdminPage(status: 405, allow: allow, "only \(allow)\n")
    }
}
