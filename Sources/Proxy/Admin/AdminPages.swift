import NIOCore
import NIOHTTP1
import Telemetry

/// What each path of the admin address shows (CONTRACT §4).
struct AdminPages: Sendable {
    let registry: PrometheusRegistry
    let shared: Worker.Shared
    let watchers: Watchers
    let drain: @Sendable () -> Void
    /// `nil` where there is no file to read again.
    let reload: (@Sendable (ReloadRequest) -> Void)?

    func page(for head: HTTPRequestHead, on loop: any EventLoop) -> EventLoopFuture<AdminPage> {
        let path = Self.path(of: head)
        switch path {
        case "/drain", "/reload": return change(path, head, on: loop)
        case "/", "/events", "/healthz", "/livez", "/readyz", "/metrics", "/status", "/config":
            guard head.method == .GET || head.method == .HEAD else {
                return loop.makeSucceededFuture(Self.notAllowed("GET, HEAD"))
            }
            return loop.makeSucceededFuture(read(path, head))
        default:
            let known = "/ /events /healthz /livez /readyz /metrics /status /config, POST /reload and POST /drain"
            return loop.makeSucceededFuture(AdminPage(status: 404, "not here; there are \(known)\n"))
        }
    }

    static func path(of head: HTTPRequestHead) -> String {
        String(head.uri.prefix { $0 != "?" })
    }

    private func read(_ path: String, _ head: HTTPRequestHead) -> AdminPage {
        switch path {
        case "/metrics":
            let face = TextFace(accept: head.headers.first(name: "accept"))
            return AdminPage(contentType: face.contentType, body: registry.render(face))
        case "/status":
            // In short: for who looks again and again, as `penstock top` does.
            let breadth: StatusSnapshot.Breadth = head.uri.hasSuffix("?short") ? .page : .status
            return AdminPage(contentType: "application/json", body: shared.snapshot(breadth).json)
        case "/config":
            // RFC 9512.
            return AdminPage(contentType: "application/yaml", shared.inForce.withLock { $0.policy }.yaml)
        case "/":
            return overview(head.headers.first(name: "accept"))
        case "/events":
            return head.method == .HEAD
                ? AdminPage(contentType: EventText.contentType, body: [])
                : AdminPage(status: 503, "too many watch already, or it is draining; come back later\n")
        case "/livez":
            return AdminPage("ok\n")
        default:
            return shared.isReady ? AdminPage("ok\n") : AdminPage(status: 503, "not ready\n")
        }
    }

    /// For people: as a page, or as plain text for who takes that and no page.
    private func overview(_ accept: String?) -> AdminPage {
        let text = shared.snapshot(.page).text
        if let accept, accept.contains("text/plain"), !accept.contains("text/html") { return AdminPage(text) }
        return .overview(text: text, allowsChanges: shared.inForce.withLock { $0.policy.adminAllowsChanges })
    }

    // MARK: Changes

    private func change(_ path: String, _ head: HTTPRequestHead, on loop: any EventLoop) -> EventLoopFuture<AdminPage> {
        guard head.method == .POST else { return loop.makeSucceededFuture(Self.notAllowed("POST")) }
        let policy = shared.inForce.withLock { $0.policy }
        if let objection = ChangeCheck.objection(
            to: head.headers, own: policy.admin?.address, allowsPages: policy.adminAllowsChanges)
        {
            return loop.makeSucceededFuture(AdminPage(status: 403, "\(objection)\n"))
        }
        if path == "/drain" {
            drain()
            return loop.makeSucceededFuture(AdminPage(status: 202, "draining\n"))
        }
        guard let reload else { return loop.makeSucceededFuture(AdminPage(status: 404, "there is no file to read\n")) }
        let promise = loop.makePromise(of: ReloadRequest.Answer.self)
        reload(ReloadRequest(promise))
        return promise.futureResult.map(Self.page)
    }

    private static func page(for answer: ReloadRequest.Answer) -> AdminPage {
        switch answer {
        case .done(let reloaded):
            let lines = reloaded.changes.isEmpty ? ["nothing has changed"] : ["reloaded"] + reloaded.changes
            let waiting = reloaded.waiting.map { "needs a restart: \($0)" }
            return AdminPage((lines + waiting).joined(separator: "\n") + "\n")
        case .invalid(let mistakes):
            return AdminPage(status: 422, mistakes.joined(separator: "\n") + "\n")
        case .unavailable:
            return AdminPage(status: 503, "the process ends\n")
        }
    }

    private static func notAllowed(_ allow: String) -> AdminPage {
        AdminPage(status: 405, allow: allow, "only \(allow)\n")
    }
}
