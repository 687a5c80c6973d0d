import NIOHTTP1
import Policy

/// Whether a request at the admin address may change something. Programs may; a page in somebody's browser must not be
/// able to, unless it came from this very address and the policy lets it.
enum ChangeCheck {
    /// Why it may not, in a sentence; `nil` where it may.
    ///
    /// - Parameters:
    ///   - own: the admin address as the policy has it.
    ///   - allowsPages: whether pages that came from here may.
    static func objection(to fields: HTTPHeaders, own: Listener.Address?, allowsPages: Bool) -> String? {
        let host = fields.first(name: "host") ?? ""
        // A page whose name leads here (DNS rebinding) is of the same origin to its browser.
        if !host.isEmpty, !isInner(host, own: own) {
            return "changes are asked for by an address or an inner name, not by `\(host.prefix(100))`"
        }
        let origins = fields["origin"]
        let sites = fields["sec-fetch-site"]
        if origins.isEmpty, sites.isEmpty { return nil }
        // https: what stands in front of a listener without TLS may have it.
        let isOwnOrigin = origins.allSatisfy { $0 == "http://\(host)" || $0 == "https://\(host)" }
        // W3C Fetch Metadata: "none" is a person's own doing, such as a bookmark.
        guard isOwnOrigin, sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }) else {
            return "a page from elsewhere can't change anything here"
        }
        return allowsPages ? nil : "pages can't change anything here; `admin: {allow_changes: true}` lets them"
    }

    /// Whether nobody outside can make the name lead somewhere: an address, this machine, the configured name, a name
    /// without dots or of a cluster (the endings are reserved: RFC 6761, RFC 6762, ICANN's `internal`).
    private static func isInner(_ authority: String, own: Listener.Address?) -> Bool {
        guard let host = RequestTarget.Authority(authority)?.host else { return false }
        if case .tcp(let name, _)? = own, name == host { return true }
        if IPAddressText.isAddress(host) || !host.contains(".") { return true }
        return [".localhost", ".local", ".internal", ".svc", ".cluster.local"].contains { host.hasSuffix($0) }
    }
}
