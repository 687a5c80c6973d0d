/// Where a provider's requests carry the API key.
package struct CredentialRule: Hashable, Sendable {
    /// The field in which Penstock sets a key of its own.
    package var field: Field
    /// Further fields in which clients of the provider send theirs.
    package var alternatives: [Field]
    /// The parameter of the query in which a client may send it.
    package var queryParameter: String?

    package struct Field: Hashable, Sendable {
        /// Lower case.
        package var name: String
        /// What stands before the key, with its space.
        package var scheme: String

        package init(_ name: String, scheme: String = "") {
            self.name = name
            self.scheme = scheme
        }

        package static let bearer = Field("authorization", scheme: "Bearer ")
    }

    package init(_ field: Field, or alternatives: [Field] = [], queryParameter: String? = nil) {
        self.field = field
        self.alternatives = alternatives
        self.queryParameter = queryParameter
    }

    package static let bearer = CredentialRule(.bearer)

    /// The field to set for a key that Penstock holds. The client's own ones (``clientFields``) have to go first:
    /// providers that accept several look at them in an order of their own.
    package func header(forKey key: String) -> (name: String, value: String) {
        (field.name, field.scheme + key)
    }

    /// Lower-case names of all fields in which a client may have sent a key.
    package var clientFields: [String] {
        ([field] + alternatives).map(\.name)
    }

    /// The client's key, or what stands for it in a signed request; nothing where it sent none.
    ///
    /// - Parameters:
    ///   - target: path and query of the request.
    ///   - header: the value of a field by its lower-case name.
    package func clientKey(target: String = "", header: (String) -> String?) -> String? {
        if let value = header(field.name), let key = Self.key(in: value) { return key }
        for alternative in alternatives {
            if let value = header(alternative.name), let key = Self.key(in: value) { return key }
        }
        guard let queryParameter, let key = RequestTarget(target).parameter(queryParameter), !key.isEmpty else {
            return nil
        }
        return PercentEncoding.decoded(key)
    }

    /// The key without its scheme. Of AWS Signature Version 4 it is the access key's id: the rest of the field differs
    /// with every request.
    private static func key(in value: String) -> String? {
        let value = value.drop { $0 == " " }
        if value.hasPrefix("AWS4-") {
            let place = TextCursor(String(value)).places(behind: "Credential=").first
            let id = place.map { String(decoding: value.utf8.dropFirst($0), as: UTF8.self).prefix { $0 != "/" } } ?? ""
            return id.isEmpty ? nil : String(id)
        }
        let parts = value.split(separator: " ", maxSplits: 1)
        let key = parts.count == 2 ? parts[1].drop { $0 == " " } : parts.first
        return key.flatMap { $0.isEmpty ? nil : String($0) }
    }
}
