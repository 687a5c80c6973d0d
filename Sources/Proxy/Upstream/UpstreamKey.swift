import NIOHTTP1
import Policy
import Providers

/// One of several API keys, as the field that carries it. Every description of it is `***`.
struct UpstreamKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// Shown in the access log; not the key.
    let name: String
    private let field: (name: String, value: String)

    /// `nil` where the key's value could not be found.
    init?(_ credential: NamedCredential, _ rule: CredentialRule) {
        guard let key = credential.key.value else { return nil }
        name = credential.name
        field = rule.header(forKey: key)
    }

    func add(to headers: inout HTTPHeaders) {
        headers.add(name: field.name, value: field.value)
    }

    var description: String { "***" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
