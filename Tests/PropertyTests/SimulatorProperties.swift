@testable import ProviderSimulator

extension Property {
    /// The simulator takes for JSON what a slow reader takes for it, and reads back what it writes.
    static let simulatorJSON = Property("simulator-json") { bytes in
        let value = JSONValue(bytes)
        // The slow reader is choosier about names only.
        if SlowJSON(bytes) != nil { try require(value != nil, "JSON is refused") }
        if let value, SlowJSON(bytes) == nil {
            try require(hasNames(value), "no JSON is taken for \(value)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let read = JSONValue(quoted(text).utf8)?.text
        try require(read?.utf8.elementsEqual(text.utf8) == true, "what is quoted reads as \(read ?? "nothing")")
    }

    private static func hasNames(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let members): !members.isEmpty
        case .array(let items): items.contains(where: hasNames)
        case .null, .bool, .number, .string: false
        }
    }

    /// Settings in words read back as they are written.
    static let simulatorTexts = Property("simulator-texts") { bytes in
        for line in bytes.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            if let rule = try? LimitRule(text) { try requireEqual(try? LimitRule("\(rule)"), rule, text) }
            if let rule = try? FaultRule(text) { try requireEqual(try? FaultRule("\(rule)"), rule, text) }
            if let latency = try? Latency(text) { try requireEqual(try? Latency("\(latency)"), latency, text) }
        }
    }
}
