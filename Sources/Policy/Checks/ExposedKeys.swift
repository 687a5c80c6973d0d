import Admission
import Providers

/// Finds ways on which API keys would be seen by others.
struct ExposedKeys {
    /// Fields in which callers send keys and tokens.
    private static let secretFields: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
    ]

    /// A key that goes to another network without TLS.
    static func check(_ read: ReadUpstream) {
        let upstream = read.upstream
        guard !upstream.url.isTLS, !upstream.isPrivate, !HostName.isInner(upstream.url.host), upstream.proxy == nil,
            let field = read.section["url"]
        else { return }
        if upstream.credential != nil {
            field.warning("the key of `credential` goes over http, which anybody on the way can read; write https")
        } else if !upstream.credentials.isEmpty {
            field.warning("the keys of `credentials` go over http, which anybody on the way can read; write https")
        } else if Provider(host: upstream.url.host) != .generic {
            field.warning("callers' keys go over http, which anybody on the way can read; write https")
        }
    }

    /// What names a tenant or a job stands in logs, metrics and on the status page.
    static func check(identity: Field) {
        for name in identity.entries() ?? [] {
            for item in name.items() ?? [] where item.isMapping {
                guard let header = item.entries()?.first(where: { $0.key == "header" }), let text = header.string(),
                    secretFields.contains(text.lowercased())
                else { continue }
                let instead = text.lowercased() == "proxy-authorization" ? "proxy_user" : "credential"
                header.warning(
                    "a key in `\(text)` would stand in logs and metrics as the \(name.key); `\(instead)` names it safely"
                )
            }
        }
    }
}

extension HostName {
    /// Whether a host is an address or a name that says of itself that it leads to an inner one.
    static func isInner(_ host: String) -> Bool {
        if !host.contains(".") || isIPv4(host[...]) { return true }
        return [".localhost", ".local", ".internal", ".svc", ".cluster.local"].contains { host.hasSuffix($0) }
            || host.contains(".svc.")
    }
}
