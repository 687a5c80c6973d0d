import RawStructuredFieldValues

/// Structured fields (RFC 9651) that Penstock writes: one item with parameters.
enum StructuredField {
    enum Value {
        case string(String)
        case integer(Int)
    }

    static func string(_ value: String, _ parameters: [(String, Value)] = []) -> String {
        item(.string(value), parameters)
    }

    private static func item(_ value: Value, _ parameters: [(String, Value)]) -> String {
        var map = OrderedMap<String, RFC9651BareItem>()
        for (name, value) in parameters { map[name] = bare(value) }
        var serializer = StructuredFieldValueSerializer()
        let item = Item(bareItem: bare(value), parameters: map)
        guard let bytes = try? serializer.writeItemFieldValue(item) else {
            preconditionFailure("values are made to fit before they are written")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Strings hold printable ASCII only (RFC 9651 §3.3.3), integers fifteen digits (§3.3.1); what does not fit is
    /// replaced or cut.
    private static func bare(_ value: Value) -> RFC9651BareItem {
        switch value {
        case .string(let text):
            .string(String(text.unicodeScalars.map { (0x20...0x7E).contains($0.value) ? Character($0) : "?" }))
        case .integer(let number): .integer(Int64(max(-999_999_999_999_999, min(number, 999_999_999_999_999))))
        }
    }
}
